"""The folder of one training run: what is in it, and how its data, split and network come about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prismseg.base import DataError, ModelError, OutputError, make_folder, read_json, write_json
from prismseg.base.version import VERSION
from prismseg.data import (
    Preprocess,
    SegmentationDataset,
    Split,
    check_split,
    holdout,
    kfold,
    open_dataset,
    scarce,
)
from prismseg.nets import SegmentationModel, create_model
from prismseg.train.config import TrainConfig, read_config, write_config


@dataclass(frozen=True)
class RunFolder:
    """Paths inside the folder of one run."""

    root: Path

    @property
    def config(self) -> Path:
        """Settings the run was started with (YAML)."""
        return self.root / "config.yaml"

    @property
    def split(self) -> Path:
        """Case names of the training, validation and test parts (JSON)."""
        return self.root / "split.json"

    @property
    def history(self) -> Path:
        """Loss and validation score over the steps (CSV)."""
        return self.root / "history.csv"

    @property
    def checkpoint(self) -> Path:
        """Last training state, from which a run resumes."""
        return self.root / "checkpoints" / "last.safetensors"

    @property
    def model(self) -> Path:
        """Folder of the best network, as `load_model` reads it."""
        return self.root / "model"

    @property
    def evaluation(self) -> Path:
        """Folder that `evaluate` fills."""
        return self.root / "evaluation"

    def start(self, config: TrainConfig, *, resume: bool) -> None:
        """Make the folder and store the settings; refuse to mix two runs in one folder.

        A run that was cut before its first checkpoint is started over by `resume`.

        Raises
        ------
        OutputError
            When the folder holds a run already and `resume` is false, or cannot be written.
        ModelError
            When there is nothing to resume.
        """
        if resume and not self.config.exists():
            raise ModelError(
                f"There is no run to resume in {self.root}. Start it without --resume, or name the folder of the "
                "run that was cut."
            )
        if not resume and self.config.exists():
            raise OutputError(
                f"{self.root} holds a training run already. Add --resume to go on with it, or choose another "
                "--out folder."
            )
        make_folder(self.root)
        if not self.checkpoint.exists():
            write_config(self.config, config)


def open_configured(config: TrainConfig) -> SegmentationDataset:
    """Open the data set that `config` names, with the options it names."""
    data = config.data
    return open_dataset(
        data.path,
        layout=data.layout,
        group=data.group,
        binary=data.binary,
        classes=list(data.classes) if data.classes else None,
        mask_suffix=data.mask_suffix,
        channels=data.channels,
        colours=data.colours,
    )


def make_split(config: TrainConfig, dataset: SegmentationDataset) -> Split:
    """Part the cases by group as `config.split` says.

    Raises
    ------
    DataError
        When there are too few groups, the parts share one, or the data set brings no such split along.
    """
    plan = config.split
    if plan.predefined:
        split = _predefined(dataset, plan.fold)
    elif plan.folds is not None:
        split = kfold(dataset.groups, plan.folds, seed=plan.seed)[plan.fold]
    else:
        split = holdout(dataset.groups, fractions=plan.fractions, seed=plan.seed)
    if plan.limit is not None or plan.fraction is not None:
        kept = scarce(split.train, dataset.groups, limit=plan.limit, fraction=plan.fraction, seed=plan.seed)
        split = Split(train=tuple(kept), validation=split.validation, test=split.test)
    check_split(split, dataset.groups)
    return split


def _predefined(dataset: SegmentationDataset, number: int) -> Split:
    splits = dataset.predefined_splits
    if number >= len(splits):
        raise DataError(
            f"{dataset.root} brings {len(splits)} splits along, so there is none with number {number} (counted from "
            "0); leave out --predefined-split, or choose another --fold."
        )
    position = {name: index for index, name in enumerate(dataset.ids)}
    parts = splits[number]
    unknown = sorted({name for names in parts.values() for name in names} - set(position))
    if unknown:
        raise DataError(f"A split of {dataset.root} names cases that are not there, such as {unknown[0]!r}.")
    train, validation, test = (
        tuple(position[name] for name in parts[part]) for part in ("train", "validation", "test")
    )
    return Split(train=train, validation=validation, test=test)


def write_split(folder: RunFolder, dataset: SegmentationDataset, split: Split) -> None:
    """Store the case names of each part, by which `evaluate` finds the test cases again."""
    ids = dataset.ids
    parts = {part: [ids[i] for i in getattr(split, part)] for part in ("train", "validation", "test")}
    write_json(folder.split, parts)


def read_part(folder: RunFolder, dataset: SegmentationDataset, part: str) -> list[int]:
    """Positions in `dataset` of the cases that `split.json` lists under `part`.

    Raises
    ------
    DataError
        When a listed case is not in the data set any more.
    """
    position = {name: index for index, name in enumerate(dataset.ids)}
    names = read_json(folder.split)[part]
    missing = [name for name in names if name not in position]
    if missing:
        raise DataError(
            f"{len(missing)} cases of {folder.split} are not in {dataset.root} (the first is {missing[0]!r}); "
            "restore the data set as it was when the run was trained."
        )
    return [position[name] for name in names]


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
    )


def describe(config: TrainConfig, dataset: SegmentationDataset, split: Split) -> dict[str, Any]:
    """Facts that travel with the model: how to feed it, what its classes are, what it was trained on."""
    return {
        "preprocess": make_preprocess(config, dataset).to_dict(),
        "classes": list(dataset.classes),
        "mirror": config.augmentation != "none",
        "postprocess": config.postprocess,
        "training": {
            "software": f"prismseg {VERSION}",
            "dataset": Path(config.data.path).name,
            "cases": {"train": len(split.train), "validation": len(split.validation)},
            "phantoms": None if config.phantoms is None else config.phantoms.model_dump(mode="json"),
            "optim": config.optim.model_dump(mode="json"),
            "augmentation": config.augmentation,
            "initial": config.initial,
            "seed": config.seed,
        },
    }


def fold_folders(root: Path) -> list[RunFolder]:
    """Folders of the folds of a cross-validation below `root`, in order; empty where there are none."""
    return [RunFolder(path) for path in sorted(root.glob("fold-*")) if (path / "config.yaml").is_file()]


def open_run(root: Path) -> tuple[RunFolder, TrainConfig]:
    """Folder and settings of a finished or running training run.

    Raises
    ------
    ConfigError
        When `root` holds no run.
    """
    folder = RunFolder(root)
    return folder, read_config(folder.config)


def find_model(path: Path) -> Path:
    """Folder of the network that `path` means: itself, the best one of a run, or that of a run's only fold.

    Raises
    ------
    ModelError
        When there is none, or a cross-validation leaves the choice open.
    """
    if (path / "config.json").is_file():
        return path
    if RunFolder(path).model.is_dir():
        return RunFolder(path).model
    folds = fold_folders(path)
    if folds:
        raise ModelError(
            f"{path} is a cross-validation of {len(folds)} networks; name one of them, such as {folds[0].model}."
        )
    raise ModelError(
        f"There is no trained network in {path}; name the folder of a run (it holds model/) or of a network "
        "(it holds config.json and model.safetensors)."
    )
