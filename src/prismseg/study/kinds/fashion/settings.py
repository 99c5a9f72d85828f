"""Settings of the Fashion-MNIST study."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from prismseg.base.settings import Settings
from prismseg.data.images.idx import FASHION_MNIST
from prismseg.nets.choices import ClassifierKind, Preset

# In the column measure: what was chosen on held-out images.
LEARNING_RATE, WEIGHT_RATE = "lr", "weight_rate"


class FrozenSettings(Settings):
    """Form of the frozen features.

    Attributes
    ----------
    patch : int
        Odd side of the patches.
    filters : int
        Features of a patch, half of them cosines and half sines.
    scale : float
        sigma in units of the median distance between patches.
    grid : int
        Features are averaged over the cells of a grid of this many rows and columns.
    dense : int
        Features of a second layer, of the whole pooled image; 0 for none.
    dense_scale : float
        Its sigma in units of the median distance between images.
    """

    patch: int = Field(default=5, ge=1)
    filters: int = Field(default=128, ge=2, multiple_of=2)
    scale: float = Field(default=0.5, gt=0)
    grid: int = Field(default=6, ge=1)
    dense: int = Field(default=0, ge=0, multiple_of=2)
    dense_scale: float = Field(default=1.0, gt=0)

    @field_validator("patch")
    @classmethod
    def _check_patch(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("must be odd, so that a patch has a centre")
        return value


class FashionSettings(Settings):
    """One classifier, trained once and tested once.

    Attributes
    ----------
    method : {"cnn", "crffg", "cnn+rff", "frozen"}
        The thesis's three networks (`prismseg.nets.create_classifier`), or frozen features with a closed-form head.
    preset : {"default", "thesis"}
        Form of the networks; the frozen features have one form.
    images : int
        Size of the training set. Sets are balanced over classes, and for one seed a smaller one is part of a larger.
    seed : int
        Of the choice of images, initial weights and order of batches.
    inputs : {"plain", "contrast"}, optional
        Grey values brought to mean 0 and SD 1, or the local contrast of `normalize_contrast`. By default plain for the
        networks, as in the thesis, and contrast for the frozen features.
    mirror : bool
        Also learn from mirrored images.
    epochs, fewest_steps, most_steps : int
        A network is trained for so many epochs, but not for fewer or more optimiser steps than these.
    batch_size, lr, weight_decay
        Of AdamW, with a one-cycle schedule.
    rates, weight_rates : tuple of float
        Learning rates, and those of the frequencies and phases of random Fourier layers in units of them. The run takes
        the pair with the most held-out images right (of equals, the lowest cross-entropy) and then trains on all its
        images. Without `rates` it takes `lr`.
    held_out : float
        Share of the run's training images that is kept back to choose the rates; the test images take no part.
    part : {"test", "validation"}
        What is measured: the test images, or, to compare designs, the last sixth of the training images, which
        nothing is then trained on.
    test_images : int, optional
        Only the first so many of that part.
    folder : Path
        Of the four IDX files.
    frozen : FrozenSettings
        Form of the frozen features.
    """

    method: Literal[ClassifierKind, "frozen"] = "cnn"
    preset: Preset = "default"
    images: int = Field(default=1000, ge=2)
    seed: int = Field(default=0, ge=0)
    inputs: Literal["plain", "contrast"] | None = None
    mirror: bool = False
    epochs: int = Field(default=30, ge=1)
    fewest_steps: int = Field(default=300, ge=1)
    most_steps: int = Field(default=20000, ge=1)
    batch_size: int = Field(default=64, ge=1)
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    rates: tuple[Annotated[float, Field(gt=0)], ...] = ()
    weight_rates: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(1.0,), min_length=1)
    held_out: float = Field(default=1 / 3, gt=0, lt=1)
    part: Literal["test", "validation"] = "test"
    test_images: int | None = Field(default=None, ge=1)
    folder: Path = FASHION_MNIST
    frozen: FrozenSettings = FrozenSettings()

    @model_validator(mode="after")
    def _check_method(self) -> FashionSettings:
        if self.method == "frozen" and self.preset != "default":
            raise ValueError("frozen features have no preset 'thesis'")
        if self.method == "frozen" and self.rates:
            raise ValueError("frozen features have no learning rate; leave out `rates`")
        if self.weight_rates != (1.0,) and (not self.rates or self.method == "cnn"):
            raise ValueError(
                "`weight_rates` are tried with each of `rates`, by networks with random Fourier layers"
            )
        if self.fewest_steps > self.most_steps:
            raise ValueError(f"fewest_steps is {self.fewest_steps}, more than most_steps, {self.most_steps}")
        return self

    @property
    def label(self) -> str:
        """Name of the method in tables and figures."""
        return f"{self.method} (thesis)" if self.preset == "thesis" else self.method

    def row_labels(self) -> dict[str, Any]:
        """Columns of the rows that repeat settings."""
        return {"method": self.label, "images": self.images, "seed": self.seed}

    @property
    def steps(self) -> int:
        """Optimiser steps of a network."""
        steps = self.epochs * math.ceil(self.images / self.batch_size)
        return min(max(steps, self.fewest_steps), self.most_steps)


def hashed_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Leave out how a rate is chosen where none is: runs that were finished before it could be keep their hash."""
    if settings["rates"]:
        return settings
    return {name: value for name, value in settings.items() if name not in ("rates", "weight_rates", "held_out")}


def data_files(settings: FashionSettings) -> list[Path]:
    """List the files of the data set."""
    return sorted(path for path in settings.folder.glob("*-ubyte*") if path.is_file())
