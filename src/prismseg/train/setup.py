"""What the loop runs on: accelerator, device, compilation, stop requests."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import cast

import torch
from accelerate import Accelerator

from prismseg.base import ConfigError
from prismseg.inference.predictor import usable_device
from prismseg.train.config import TrainConfig
from prismseg.train.registries import TRACKERS

# Compiling takes about half a minute; below this many steps it costs more time than it saves.
COMPILE_FROM_STEPS = 300


def make_accelerator(config: TrainConfig, out: str | Path) -> Accelerator:
    """Devices and processes as `accelerate launch` set them up, with the trackers that `config` names.

    The trackers write nothing before they are started.

    Mixed precision is left to the loop: bfloat16 needs no loss scaling, and the process-wide precision of
    `accelerate` could not differ between two runs of one session.

    Raises
    ------
    ConfigError
        When a tracker is asked for that is not installed.
    """
    missing = [name for name in config.tracking if find_spec(TRACKERS[name].package) is None]
    if missing:
        raise ConfigError(
            f"Tracking with {', '.join(missing)} is not installed; "
            "install it with: pip install 'prismseg[tracking]'."
        )
    folder = Path(out) / "tracking"
    makers = {name: TRACKERS[name].make for name in config.tracking}
    trackers = [name if make is None else make(folder) for name, make in makers.items()]
    return Accelerator(log_with=trackers or None, project_dir=str(folder))


def start_trackers(accelerator: Accelerator, config: TrainConfig) -> None:
    """Begin to write what `config.tracking` names."""
    if config.tracking:
        folder = str(accelerator.project_dir)
        if "wandb" in config.tracking:
            Path(folder).mkdir(parents=True, exist_ok=True)  # it writes elsewhere where there is no such folder
        accelerator.init_trackers(
            "prismseg",
            config={"seed": config.seed, "dataset": Path(config.data.path).name},
            init_kwargs={"wandb": {"dir": folder, "save_code": False}},
        )


def choose_device(config: TrainConfig, accelerator: Accelerator) -> torch.device:
    """Device of this process: the one that `config` names, or ("auto") the one that accelerate has chosen.

    Raises
    ------
    ConfigError
        When this machine has no such device, or several processes would share it.
    """
    if config.device == "auto":
        return cast(torch.device, accelerator.device)
    if accelerator.num_processes > 1:
        raise ConfigError(
            f"{accelerator.num_processes} processes cannot all compute on {config.device}; leave out --device, and "
            "accelerate gives each its own."
        )
    return usable_device(config.device)


def should_compile(config: TrainConfig, device: torch.device) -> bool:
    """Whether to compile the network: as asked, or by `auto` when the run is long enough to repay it."""
    if config.compile != "auto":
        return config.compile == "yes"
    has_compiler = device.type != "cpu" or any(shutil.which(name) for name in ("g++", "clang++", "c++"))
    return has_compiler and config.optim.steps >= COMPILE_FROM_STEPS


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a request that the loop asks about after each step.

    A second one acts at once. Outside the main thread, where signals cannot be handled, the answer is always no.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    requested = threading.Event()
    watched = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.getsignal(number) for number in watched}

    def remember(number: int, frame: FrameType | None) -> None:
        requested.set()
        signal.signal(number, previous[signal.Signals(number)])

    for number in watched:
        signal.signal(number, remember)
    try:
        yield requested.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
