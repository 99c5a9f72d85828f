"""Settings of the segmentation study."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from prismseg.base.settings import Settings
from prismseg.inference.postprocess import POSTPROCESSORS
from prismseg.study.definition.nested import set_nested
from prismseg.train.config import TrainConfig, flat_settings

_CASES = {"kind": "cases"}
_LATER = ("tune", "inner")  # settings that came later; None says that they are not used
_TABLES = (".csv", ".json", ".txt", ".yaml", ".yml")  # of cases, groups, splits, labels


class SimulatedData(Settings):
    """Sessions of phantom feet, simulated once for all runs of a study."""

    sessions: int = Field(default=30, ge=1)
    size: tuple[int, int] = (240, 320)
    framings: tuple[str, ...] = ("soles",)
    seed: int = Field(default=0, ge=0)


class Tuning(Settings):
    """A setting of the training that is chosen for each network and fold of a study, by trials on inner folds.

    The labelled cases of a run (never its test cases) are parted by group into `folds`; each value is tried on each of
    them, trained on the others and measured on that one; the value of the highest mean is taken.

    Attributes
    ----------
    setting : str
        Of the training, such as ``optim.lr``.
    values : tuple of float
        That are tried; of equally good ones the first is taken.
    folds : int
        Number of inner folds.
    measure : str
        By whose mean over cases; more of it must be better.
    seed : int, optional
        Seed of the trials. With a number all seeds of a study share them, and differ in the training alone; with None
        it is each run's own, so that seeds differ in the choice too, at the cost of as many trials.
    """

    setting: str = "optim.lr"
    values: tuple[float, ...] = Field(min_length=2)
    folds: int = Field(default=3, ge=2)
    measure: Literal["dice", "jaccard", "sensitivity", "precision"] = "dice"
    seed: int | None = Field(default=0, ge=0)


class InnerFold(Settings):
    """Fold `fold` of `folds` of the labelled cases of a run, tested in place of its test cases."""

    folds: int = Field(ge=2)
    fold: int = Field(ge=0)


class SegmentationSettings(TrainConfig):
    """A training run and what is measured of it.

    Attributes
    ----------
    tune : Tuning, optional
        Choose a setting by trials first.
    inner : InnerFold, optional
        Be such a trial.
    simulate : SimulatedData, optional
        Simulate phantom feet as the data; ``data.path`` then names the folder that they are written to.
    explain : bool
        Also measure where the relevance lies.
    method, region : str
        Of the maps, see `prismseg.explain.Atlas`.
    """

    tune: Tuning | None = None
    inner: InnerFold | None = None
    simulate: SimulatedData | None = None
    explain: bool = False
    method: str = "layercam"
    region: str = "prediction"

    @model_validator(mode="after")
    def _check_maps(self) -> SegmentationSettings:
        if self.explain:
            if self.data.multilabel:
                raise ValueError(
                    "classes that overlap (data.multilabel) are not explained in a study; leave out explain"
                )
            from prismseg.explain.registries import METHODS, REGIONS

            for value, known in ((self.method, METHODS), (self.region, REGIONS)):
                if value not in known:
                    raise ValueError(f"{value!r} is none of {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _check_tuning(self) -> SegmentationSettings:
        if self.tune is None and self.inner is None:
            return self
        if self.tune is not None and self.inner is not None:
            raise ValueError("a trial on an inner fold (inner) cannot have trials itself (tune)")
        if self.split.folds is not None and self.split.fold is None:
            raise ValueError(
                "a run with trials tests one fold; name it in split.fold, as an axis of the grid does"
            )
        if self.tune is not None and self.tune.setting not in flat_settings(self.training().model_dump()):
            raise ValueError(f"tune.setting {self.tune.setting!r} is no setting of the training")
        return self

    def trials(self) -> dict[str, dict[str, Any]]:
        """List settings of the trials by which `tune` chooses, each value on each inner fold; none without it."""
        if self.tune is None:
            return {}
        tune, found = self.tune, {}
        for value in tune.values:
            for fold in range(tune.folds):
                settings = self.with_value(value).model_dump(mode="json")
                settings |= {"inner": {"folds": tune.folds, "fold": fold}, "explain": False}
                settings["seed"] = self.seed if tune.seed is None else tune.seed
                found[f"{tune.setting} {value:g}, inner fold {fold}"] = settings
        return found

    def with_value(self, value: float) -> SegmentationSettings:
        """Give the setting that was to be chosen a value."""
        assert self.tune is not None
        settings = self.model_dump(mode="json") | {"tune": None}
        set_nested(settings, self.tune.setting, value)
        return SegmentationSettings.model_validate(settings)

    def training(self) -> TrainConfig:
        """Take the settings of the training alone."""
        own = set(SegmentationSettings.model_fields) - set(TrainConfig.model_fields)
        return TrainConfig.model_validate(self.model_dump(exclude=own))


def hashed_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Write settings as runs had them that were finished before there were `source`, `tune` and `inner`."""
    settings = {name: value for name, value in settings.items() if name not in _LATER or value is not None}
    if settings["source"] != _CASES:
        return settings
    return {name: value for name, value in settings.items() if name != "source"} | {"phantoms": None}


def data_files(settings: SegmentationSettings) -> list[Path]:
    """List the images, masks and tables that a run reads; none where they are simulated.

    Raises
    ------
    PrismsegError
        When there is no data set.
    """
    from prismseg.data.images.source import files_of
    from prismseg.data.layouts import list_cases

    if settings.simulate is not None:
        return []
    root = Path(settings.data.path)
    listing = list_cases(root, layout=settings.data.layout, mask_suffix=settings.data.mask_suffix)
    sources = [source for case in listing.cases for source in (*case.images, *([case.mask] if case.mask else []))]
    files = [path for source in sources for path in files_of(source)]
    beside = root.iterdir() if root.is_dir() else [root]
    files += [path for path in beside if path.suffix.lower() in _TABLES and path.is_file()]
    return sorted(set(files))


def unused_packages(settings: SegmentationSettings) -> tuple[str, ...]:
    """List the packages of prismseg that a run does not use."""
    used = (type(settings.source).__module__, POSTPROCESSORS[settings.postprocess].__module__)
    thermal = settings.simulate is not None or any(name.startswith("prismseg.thermal.") for name in used)
    return (*(() if thermal else ("thermal",)), *(() if settings.explain else ("explain",)))
