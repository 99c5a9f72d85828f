"""How images are prepared and augmented: what a run's settings choose from; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prismseg.base import ConfigError
from prismseg.base.registry import Registry

Intensity = Literal["zscore", "unit"]
Fit = Literal["stretch", "area"]


@dataclass(frozen=True)
class AugmentationConfig:
    """Ranges of the random changes; each image of a batch draws its own values, uniformly.

    Attributes
    ----------
    flip : float
        Probability of mirroring left and right.
    rotation : float
        Largest turn, degrees, either way.
    translation : float
        Largest shift, as a share of height and of width.
    zoom : float
        Largest change of size; 0.15 draws one factor from 0.85 to 1.15 for both axes.
    photometric : float
        Probability of each of the following changes.
    brightness : float
        Largest shift of intensity, in standard deviations of the image.
    contrast : float
        Largest change of the deviation from the image's mean, as a share.
    gamma : float
        Largest change of the exponent's logarithm; the image's range is mapped to [0, 1] and back.
    noise : float
        Largest standard deviation of white noise, in standard deviations of the image.
    blur : float
        Largest standard deviation of a Gaussian blur, pixels, drawn from the upper half of its range.

    Raises
    ------
    ConfigError
        When a range is negative, or so large that an image could vanish.
    """

    flip: float = 0.0
    rotation: float = 0.0
    translation: float = 0.0
    zoom: float = 0.0
    photometric: float = 0.0
    brightness: float = 0.2
    contrast: float = 0.25
    gamma: float = 0.35
    noise: float = 0.1
    blur: float = 1.0

    def __post_init__(self) -> None:
        limits = {"flip": 1, "rotation": 180, "translation": 1, "zoom": 0.9, "photometric": 1}
        limits |= {"brightness": 10, "contrast": 1, "gamma": 3, "noise": 10, "blur": 1}
        for name, limit in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= limit:
                raise ConfigError(f"The augmentation's {name} must be from 0 to {limit}, not {value}.")


_THESIS = {"flip": 0.5, "rotation": 15.0, "translation": 0.1, "zoom": 0.15}

AUGMENTATIONS: Registry[AugmentationConfig] = Registry("augmentation")
AUGMENTATIONS.register("none", AugmentationConfig(), summary="Batches pass unchanged.")
AUGMENTATIONS.register(
    "thesis", AugmentationConfig(**_THESIS), summary="Mirroring, turns to ±15°, shifts to ±10 %, zoom to ±15 %."
)
AUGMENTATIONS.register(
    "default",
    AugmentationConfig(**_THESIS, photometric=0.25),
    summary="As thesis, and each change of brightness, contrast, gamma, noise and blur with probability 0.25.",
)
