"""Settings of the segmentation study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from prismseg.base.settings import Settings
from prismseg.inference.postprocess import POSTPROCESSORS
from prismseg.train.config import TrainConfig

_CASES = {"kind": "cases"}
_TABLES = (".csv", ".json", ".txt", ".yaml", ".yml")  # of cases, groups, splits, labels


class SimulatedData(Settings):
    """Sessions of phantom feet, simulated once for all runs of a study."""

    sessions: int = Field(default=30, ge=1)
    size: tuple[int, int] = (240, 320)
    framings: tuple[str, ...] = ("soles",)
    seed: int = Field(default=0, ge=0)


class SegmentationSettings(TrainConfig):
    """A training run and what is measured of it.

    Attributes
    ----------
    simulate : SimulatedData, optional
        Simulate phantom feet as the data; ``data.path`` then names the folder that they are written to.
    explain : bool
        Also measure where the relevance lies.
    method, region : str
        Of the maps, see `prismseg.explain.Atlas`.
    """

    simulate: SimulatedData | None = None
    explain: bool = False
    method: str = "layercam"
    region: str = "prediction"

    @model_validator(mode="after")
    def _check_maps(self) -> SegmentationSettings:
        if self.explain:
            from prismseg.explain.registries import METHODS, REGIONS

            for value, known in ((self.method, METHODS), (self.region, REGIONS)):
                if value not in known:
                    raise ValueError(f"{value!r} is none of {', '.join(known)}")
        return self

    def training(self) -> TrainConfig:
        """Take the settings of the training alone."""
        own = set(SegmentationSettings.model_fields) - set(TrainConfig.model_fields)
        return TrainConfig.model_validate(self.model_dump(exclude=own))


def hashed_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Write the usual source of batches as runs had it that were finished before there was a setting `source`."""
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
    from prismseg.data.layouts import list_cases

    if settings.simulate is not None:
        return []
    root = Path(settings.data.path)
    listing = list_cases(root, layout=settings.data.layout, mask_suffix=settings.data.mask_suffix)
    files = [path for case in listing.cases for path in (*case.images, *([case.mask] if case.mask else []))]
    beside = root.iterdir() if root.is_dir() else [root]
    files += [path for path in beside if path.suffix.lower() in _TABLES and path.is_file()]
    return sorted(set(files))


def unused_packages(settings: SegmentationSettings) -> tuple[str, ...]:
    """List the packages of prismseg that a run does not use."""
    used = (type(settings.source).__module__, POSTPROCESSORS[settings.postprocess].__module__)
    thermal = settings.simulate is not None or any(name.startswith("prismseg.thermal.") for name in used)
    return (*(() if thermal else ("thermal",)), *(() if settings.explain else ("explain",)))
