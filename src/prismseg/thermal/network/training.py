"""Training of a network for thermal feet on simulated frames alone, validated on frames that it never learns from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from prismseg.base import ConfigError, atomic_path, make_folder, progress_bar, write_text
from prismseg.data import Split
from prismseg.thermal.network.settings import PhantomSettings
from prismseg.thermal.phantom import DOMAINS, FRAMINGS, frame_at
from prismseg.train.config import TrainConfig, make_config
from prismseg.train.loop import Trainer
from prismseg.train.runs.data import open_configured
from prismseg.train.runs.folder import RunFolder

# Seed of the validation frames: far from any that people choose, so that they are never those of another run's training.
_LEFT_OUT_SEED = 987_654_321
ALL = "none"  # in place of the domain that is left out
_COMMON: dict[str, Any] = {"fit": "area", "postprocess": "two-feet", "evaluate_every": 200, "checkpoint_every": 50}
# As the shipped networks were trained: thermal-feet and thermal-feet-small.
RECIPES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "pretrained": {
            "model": {
                "arch": "unet", "skip": "none", "encoder": "efficientnet_lite0", "decoder": "slim", "weights": "imagenet"
            },
            "optim": {
                "loss": "dice_ce", "steps": 1000, "batch_size": 12, "lr": 1.5e-3, "encoder_lr_factor": 1 / 3, "ema": 0.99
            },
        },
        "small": {
            "model": {"arch": "unet", "skip": "crffg", "multiplier": 1},
            "optim": {"loss": "dice_ce", "steps": 4000, "batch_size": 16, "lr": 3e-3, "ema": 0.998},
        },
    }
)  # fmt: skip


def phantom_config(
    out: str | Path,
    *,
    recipe: str = "pretrained",
    left_out: str | None = "ellipse",
    steps: int | None = None,
    batch_size: int | None = None,
    size: tuple[int, int] = (192, 256),
    skip: str | None = None,
    multiplier: int = 1,
    initial: str | Path | None = None,
    seed: int = 0,
) -> TrainConfig:
    """Make the settings of a run on simulated frames.

    Parameters
    ----------
    out : str or Path
        Folder of the run.
    recipe : str
        ``"pretrained"``, a U-Net on EfficientNet-lite0 with ImageNet weights, or ``"small"``, one of 0.5 million weights.
    left_out : str, optional
        The domain that is not trained on, a name in `prismseg.thermal.phantom.DOMAINS`, on which the best network is
        chosen. None trains on all domains; then the best is chosen on other frames of all.
    steps, batch_size : int, optional
        Optimiser steps, and frames of each; by default the recipe's.
    size : (int, int)
        Height and width of the network's input, pixels.
    skip : str, optional
        Layer on the skip connections, by default the recipe's.
    multiplier : int
        Of the skip connections' channels.
    initial : str or Path, optional
        Trained network or run of the same recipe to go on from, in place of the pretrained weights.
    seed : int
        Of frames and weights.

    Raises
    ------
    ConfigError
        When there is no such recipe or domain, or a setting is out of range.

    Examples
    --------
    >>> config = phantom_config("runs/feet", left_out="spline", steps=100)
    >>> config.optim.steps, "spline" in config.source.domains
    (100, False)
    """
    if left_out is not None and left_out not in DOMAINS:
        raise ConfigError(
            f"There is no phantom domain {left_out!r}; choose one of {', '.join(DOMAINS)}, or {ALL} to train on all."
        )
    if recipe not in RECIPES:
        raise ConfigError(f"There is no recipe {recipe!r}; choose one of {', '.join(RECIPES)}.")
    chosen = RECIPES[recipe]
    model = chosen["model"] | {"multiplier": multiplier} | ({} if skip is None else {"skip": skip})
    optim = {"steps": steps, "batch_size": batch_size}
    values = _COMMON | {
        "data": {"path": str(Path(out) / "left-out"), "channels": 1, "classes": ("background", "foot")},
        "source": PhantomSettings(
            domains=tuple(name for name in DOMAINS if name != left_out), framings=FRAMINGS, seed=seed
        ).model_dump(),
        "model": model if initial is None else {key: model[key] for key in model if key != "weights"},
        "optim": chosen["optim"] | {name: value for name, value in optim.items() if value is not None},
        "initial": None if initial is None else str(initial),
        "size": size,
        "seed": seed,
    }
    return make_config(values)


def resumed_phantom_config(out: str | Path, **changes: Any) -> TrainConfig:
    """Make the settings with which the run in `out` is resumed.

    Parameters
    ----------
    out : str or Path
        Folder of the run.
    **changes
        Arguments of `phantom_config` that differ from those the run was started with.

    Raises
    ------
    ModelError
        When there is nothing to resume.
    ConfigError
        When a setting is out of range.
    """
    started = RunFolder(Path(out)).read_config()
    source = started.source
    left_out = [name for name in DOMAINS if isinstance(source, PhantomSettings) and name not in source.domains]
    if not isinstance(source, PhantomSettings) or len(left_out) > 1:
        raise ConfigError(f"The run in {out} was not trained on phantoms; resume it with prismseg train --resume.")
    given: dict[str, Any] = {
        "recipe": "small" if started.model.encoder is None else "pretrained",
        "left_out": left_out[0] if left_out else None,
        "steps": started.optim.steps,
        "batch_size": started.optim.batch_size,
        "size": started.size,
        "skip": started.model.skip,
        "multiplier": started.model.multiplier,
        "initial": started.initial,
        "seed": started.seed,
    }
    chosen = phantom_config(Path(out), **(given | changes)).model_dump()
    # All other settings stay as they were at the start, also where a later version would choose otherwise.
    values = started.model_dump()
    changeable = {
        "data": ("path",),
        "source": ("domains", "seed"),
        "model": ("skip", "multiplier"),
        "optim": ("steps", "batch_size"),
    }
    for section, names in changeable.items():
        values[section] |= {name: chosen[section][name] for name in names}
    return make_config(values | {name: chosen[name] for name in ("size", "seed", "initial")})


def train_on_phantoms(
    config: TrainConfig,
    out: str | Path,
    *,
    left_out_frames: int = 128,
    resume: bool = False,
    show_progress: bool = True,
) -> RunFolder:
    """Train what `phantom_config` describes into folder `out`.

    Frames of the left-out domain, or others of all domains where none is left out, are written to ``out/left-out``, as
    grey pictures with masks.

    Parameters
    ----------
    config : TrainConfig
        With a source of phantoms.
    out : str or Path
        Folder of the run, made if need be.
    left_out_frames : int
        Number of validation frames, half of either framing.
    resume : bool
        Resume from the folder's last checkpoint.
    show_progress : bool
        Whether progress bars are drawn.

    Raises
    ------
    PrismsegError
        For settings, folders or checkpoints that cannot be used; `TrainingInterrupted` after Ctrl-C.
    """
    if not isinstance(config.source, PhantomSettings):
        raise ConfigError("These settings name no phantoms; make them with `phantom_config`.")
    folder = RunFolder(Path(out))
    if resume:
        folder.refuse_changes(config)
    else:
        folder.refuse_existing()
    _write_left_out(Path(config.data.path), config.source, left_out_frames, visible=show_progress)
    dataset = open_configured(config)
    everything = Split(train=(), validation=tuple(range(len(dataset.ids))), test=())
    Trainer(config, out, resume=resume, dataset=dataset, split=everything).fit(show_progress=show_progress)
    return folder


def _write_left_out(folder: Path, config: PhantomSettings, count: int, *, visible: bool) -> None:
    table = folder / "dataset.csv"
    if table.exists():
        return
    others = tuple(name for name in DOMAINS if name not in config.domains) or config.domains
    for part in ("images", "masks"):
        make_folder(folder / part)
    lines = ["image,mask,group"]
    with progress_bar("simulating validation frames", count, visible=visible) as advance:
        for number in range(count):
            framing = FRAMINGS[number % len(FRAMINGS)]
            frame = frame_at(_LEFT_OUT_SEED, number, others, (framing,), size=config.size)
            name = f"{number:04d}_{framing}.png"
            for part, picture in (("images", frame.grey), ("masks", frame.mask)):
                with atomic_path(folder / part / name) as temporary:
                    Image.fromarray(np.ascontiguousarray(picture)).save(temporary, "PNG")
            lines.append(f"images/{name},masks/{name},{number}")
            advance(number + 1, "")
    # Written last: a folder without its table is made again.
    write_text(table, "\n".join(lines) + "\n")
