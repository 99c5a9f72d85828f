"""Training runs: where they and their networks lie, how their data and network come about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prismseg.base import DataError, ModelError
from prismseg.base.version import VERSION
from prismseg.data import Preprocess, SegmentationDataset, Split
from prismseg.data.dataset import open_with
from prismseg.nets import SegmentationModel, create_model
from prismseg.nets.initial import WEIGHT_STREAMS
from prismseg.train.config import TrainConfig, read_config
from prismseg.train.runs.folder import RunFolder, fold_folders
from prismseg.train.runs.seen import SeenCases


def open_configured(config: TrainConfig, path: str | Path | None = None) -> SegmentationDataset:
    """Open the data set that `config` names, or the one at `path`, with the options it names."""
    return open_with(config.data.path if path is None else path, config.data)


def find_data(folder: RunFolder, config: TrainConfig) -> Path:
    """Where the data of a run are: where they were, or where they lie from the run's folder as they did.

    Raises
    ------
    DataError
        When they are in neither place.
    """
    places = [Path(config.data.path)]
    if folder.cases.exists():
        places.append(folder.root / str(folder.read_cases()["relative"]))
    for place in places:
        if place.exists():
            return place
    raise DataError(
        f"The data of the run {folder.root} are no longer in {places[0]}. Bring them back, or say where they are: "
        f"prismseg evaluate {folder.root} DATA, or prismseg train DATA --resume --out {folder.root}."
    )


def make_preprocess(config: TrainConfig, dataset: SegmentationDataset) -> Preprocess:
    """Preprocessing that training and prediction share."""
    return Preprocess(size=config.size, channels=dataset.channels, intensity=config.intensity, fit=config.fit)


def make_network(config: TrainConfig, dataset: SegmentationDataset) -> SegmentationModel:
    """Untrained network for `dataset`: one logit for two classes, K logits for K > 2 classes."""
    classes = len(dataset.classes)
    return create_model(
        config.model.arch,
        skip=config.model.skip,
        multiplier=config.model.multiplier,
        in_channels=dataset.channels,
        classes=1 if classes == 2 else classes,
        preset=config.model.preset,
        width=config.model.width,
        norm=config.model.norm,
        seed=config.seed,
    )


def describe(config: TrainConfig, dataset: SegmentationDataset, split: Split, seen: SeenCases) -> dict[str, Any]:
    """Facts that travel with the model: how to feed it, what its classes are, what it was trained on."""
    return {
        "preprocess": make_preprocess(config, dataset).to_dict(),
        "classes": list(dataset.classes),
        "mirror": config.augmentation != "none",
        "postprocess": config.postprocess,
        "training": {
            "software": f"prismseg {VERSION}",
            "dataset": Path(config.data.path).name,
            "cases": {
                "train": len(split.train),
                "validation": len(split.validation),
                "labelled": len(split.train) + len(split.validation),
            },
            "source": config.source.model_dump(mode="json"),
            "optim": config.optim.model_dump(mode="json"),
            "augmentation": config.augmentation,
            "initial": None if config.initial is None else _short(config.initial),
            "seed": config.seed,
            "weight_streams": WEIGHT_STREAMS,
        },
        "seen": seen.to_metadata(),
    }


def _short(path: str) -> str:
    """Name of a run or network, without the folders it lies in: those may say whose it is."""
    parts = Path(path).parts
    return "/".join(parts[-2:]) if parts[-1] == "model" else parts[-1]


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
    folder.started()
    return folder.config


def run_of(model: str | Path) -> list[RunFolder]:
    """List the runs of `model`: the run or the folds of a cross-validation in it, or the run that it lies in."""
    path = Path(model)
    if RunFolder(path).config.is_file():
        return [RunFolder(path)]
    if (path / "config.json").is_file() and RunFolder(path.parent).model == path:
        return [folder for folder in (RunFolder(path.parent),) if folder.config.is_file()]
    return fold_folders(path)
