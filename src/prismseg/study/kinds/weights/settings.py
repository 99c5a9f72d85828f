"""Settings of the weights study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from prismseg.base.settings import Settings
from prismseg.nets import find_model
from prismseg.study.kinds.segmentation.settings import SegmentationSettings, data_files
from prismseg.study.kinds.segmentation.settings import hashed_settings as hashed_training


class WeightsSettings(Settings):
    """A network whose weights are measured: a trained one, or one that is trained first.

    Attributes
    ----------
    source : str, optional
        Folder of a finished training run, or of a network.
    training : SegmentationSettings, optional
        What to train where no source is given; without data, on a few sessions of phantom feet. Its measures on the test
        cases are rows as well.
    """

    source: str | None = None
    training: SegmentationSettings | None = Field(default=None, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _add_phantoms(cls, values: Any) -> Any:
        """Add the phantoms, so that the settings that are hashed and stored are complete."""
        if not isinstance(values, dict) or values.get("source") is not None:
            return values
        training = values.get("training") or {}
        if isinstance(training, dict) and "data" not in training:
            data = {"path": "runs/data", "channels": 1, "classes": ["background", "foot"]}
            training = {"data": data, "simulate": {"sessions": 12}, **training}
        return {**values, "training": training}

    @model_validator(mode="after")
    def _check_source(self) -> WeightsSettings:
        if self.source is not None and self.training is not None:
            raise ValueError("give either a source or a training, not both")
        if self.training is not None and (self.training.tune is not None or self.training.inner is not None):
            raise ValueError("training: a study of weights has no trials; name the learning rate instead of tune")
        return self


def hashed_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Hash a training as the segmentation study does."""
    training = settings["training"]
    return settings | {"training": None if training is None else hashed_training(training)}


def source_files(settings: WeightsSettings) -> list[Path]:
    """List the files that a run reads: those of the trained network, or the data that one is trained on.

    Raises
    ------
    PrismsegError
        When they are not there.
    """
    if settings.training is not None:
        return data_files(settings.training)
    model = find_model(Path(str(settings.source)))
    beside = model.parent / "config.yaml"
    return sorted([*(path for path in model.iterdir() if path.is_file()), *([beside] if beside.is_file() else [])])
