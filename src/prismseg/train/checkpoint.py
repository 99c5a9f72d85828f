"""A training state in one safetensors file: weights, averaged weights, optimiser tensors, and progress as JSON.

Nothing is pickled, so a checkpoint from a stranger can be opened without running the stranger's code.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from prismseg.base import ModelError, write_bytes
from prismseg.train.config import TrainConfig, make_config, refused_changes

FORMAT = "prismseg-checkpoint-1"


@dataclass
class Progress:
    """How far a run has come; everything the loop needs beside the tensors."""

    step: int = 0
    best_score: float | None = None
    best_step: int = 0
    stale: int = 0
    finished: bool = False
    # Step at which the run was lengthened, and its new length; once for each time.
    lengthened: list[list[int]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(
    path: str | Path,
    *,
    model: nn.Module,
    average: nn.Module | None,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    config: TrainConfig,
    fingerprint: str,
) -> None:
    """Write the whole training state to `path`, atomically.

    Raises
    ------
    OutputError
        When the file cannot be written; the checkpoint that was there stays.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {
            f"optimizer.{index}.{key}": torch.as_tensor(value) for key, value in state.items() if value is not None
        }
    metadata = {
        "format": FORMAT,
        "progress": json.dumps(asdict(progress)),
        "config": config.model_dump_json(),
        "fingerprint": fingerprint,
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, save(plain, metadata))


def load_checkpoint(
    path: str | Path,
    *,
    model: nn.Module,
    average: nn.Module | None,
    optimizer: torch.optim.Optimizer,
    config: TrainConfig,
    fingerprint: str,
) -> Progress:
    """Put the state in `path` into the given objects and return how far the run had come.

    Raises
    ------
    ModelError
        When there is no such file, it is damaged, or it belongs to another configuration, data set or
        architecture; the message names the difference.
    """
    path = Path(path)
    tensors, metadata = _read(path)
    started = make_config(json.loads(metadata["config"]))
    _refuse_other_run(path, started, metadata["fingerprint"], config, fingerprint)
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    _load_weights(path, model, parts["model"])
    if average is not None:
        _load_weights(path, average, parts["average"])
    _load_optimizer(optimizer, parts["optimizer"])
    progress = Progress(**json.loads(metadata["progress"]))
    if config.optim.steps != started.optim.steps:
        progress.lengthened.append([progress.step, config.optim.steps])
    return progress


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.is_file():
        raise ModelError(
            f"There is no checkpoint {path}: nothing to resume. Start the run without --resume, or name the "
            "folder of the run that was cut."
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"The checkpoint {path} is damaged ({error}); start the run anew.") from error
    if metadata.get("format") != FORMAT:
        raise ModelError(f"{path} is no checkpoint of a prismseg training run (it lacks the mark {FORMAT!r}).")
    return tensors, metadata


def _refuse_other_run(
    path: Path, started: TrainConfig, stored_fingerprint: str, config: TrainConfig, fingerprint: str
) -> None:
    changed = refused_changes(started, config)
    if changed:
        raise ModelError(
            f"The checkpoint {path} was made with other settings ({'; '.join(changed)}). Resume with the "
            "settings it was started with, or start a new run in another folder."
        )
    if stored_fingerprint != fingerprint:
        raise ModelError(
            f"The data set has changed since the checkpoint {path} was made (other files or sizes). Restore it, "
            "or start a new run in another folder."
        )


def _load_weights(path: Path, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(
            f"The checkpoint {path} belongs to another architecture: {str(error).splitlines()[1].strip()}"
        ) from error


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        parameter = parameters[int(index)]
        if tensor.shape == parameter.shape:
            # Moments must lie in memory as their parameter does (channels_last), or kernels that walk both
            # in storage order would pair the wrong elements.
            tensor = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
