"""Where training runs lie."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import ConfigError, ModelError
from prismseg.nets.storage.lookup import is_shipped
from prismseg.train.config import TrainConfig, read_config
from prismseg.train.runs.folder import RunFolder, fold_folders


def open_run(root: str | Path) -> tuple[RunFolder, TrainConfig]:
    """Folder and settings of a finished or running training run.

    Raises
    ------
    ModelError
        When `root` holds no run.
    """
    folder = RunFolder(Path(root))
    if not folder.config.is_file() and (folder.root / "config.json").is_file():
        raise ModelError(
            f"{root} is a network without its run, so it has no data of its own; name some: "
            f"prismseg evaluate {root} DATA."
        )
    if not folder.config.is_file():
        raise ModelError(f"There is no training run in {root} (no {folder.config.name}); name the folder of one.")
    return folder, read_config(folder.config)


def run_config(root: str | Path) -> Path:
    """File with the settings of the run in `root`, or of the first fold that was begun of a cross-validation.

    Raises
    ------
    ModelError
        When there is nothing to resume.
    """
    folds = fold_folders(root)
    folder = RunFolder(Path(root)) if RunFolder(Path(root)).config.exists() or not folds else folds[0]
    folder.read_config()
    return folder.config


def find_initial(config: TrainConfig) -> str | Path | None:
    """Network that a run goes on from; of a cross-validation the fold of the run's own number.

    Raises
    ------
    ConfigError
        When the run is no fold of as many.
    """
    folds = initial_folds(config)
    if not folds:
        return config.initial
    if config.split.folds != len(folds):
        raise ConfigError(
            f"{config.initial} is a cross-validation of {len(folds)} folds, from which only a cross-validation with as "
            f"many goes on: --folds {len(folds)}. Or name one of its folds."
        )
    return folds[config.split.fold or 0].root


def initial_folds(config: TrainConfig) -> list[RunFolder]:
    """Folds of the cross-validation that a run goes on from; empty where it is none."""
    return [] if config.initial is None or is_shipped(config.initial) else fold_folders(config.initial)


def find_runs(model: str | Path) -> list[RunFolder]:
    """List the runs of `model`: the run or the folds of a cross-validation in it, or the run that it lies in."""
    path = Path(model)
    if RunFolder(path).config.is_file():
        return [RunFolder(path)]
    if (path / "config.json").is_file() and RunFolder(path.parent).model == path:
        return [folder for folder in (RunFolder(path.parent),) if folder.config.is_file()]
    return fold_folders(path)
