"""How images are prepared and augmented: what a run's settings choose from; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prismseg.base import ConfigError
from prismseg.base.registry import Registry

Intensity = Literal["zscore", "unit"]
Fit = Literal["stretch", "area", "native"]

# Side of the grid of random displacements that an elastic change is interpolated from, and the largest displacement: up
# to it neighbouring nodes (a quarter of the side apart) never change places, so that nothing is folded over.
ELASTIC_NODES = 5
MAX_ELASTIC = 0.1


@dataclass(frozen=True)
class AugmentationConfig:
    """Ranges of the random changes; each image of a batch draws its own values, uniformly.

    Attributes
    ----------
    flip, flip_vertical : float
        Probability of mirroring left and right, and up and down.
    rotation : float
        Largest turn, degrees, either way.
    translation : float
        Largest shift, as a share of height and of width.
    zoom : float
        Largest change of size; 0.15 draws one factor from 0.85 to 1.15 for both axes.
    log_zoom : float
        Largest logarithm of a further factor; 0.336 draws one from 1/1.4 to 1.4, shrinking as often as enlarging.
    elastic : float
        Largest displacement by a smooth random field, as a share of the shorter side; each image draws its own strength.
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
    low_resolution : float
        Largest factor by which an image is reduced and enlarged again; 1 is none.
    colour : float
        Of images of three channels: largest change of each channel's mean (in standard deviations of the image) and
        contrast, and of the distance of colours from grey, all as shares.

    Raises
    ------
    ConfigError
        When a range is negative, or so large that an image could vanish.
    """

    flip: float = 0.0
    flip_vertical: float = 0.0
    rotation: float = 0.0
    translation: float = 0.0
    zoom: float = 0.0
    log_zoom: float = 0.0
    elastic: float = 0.0
    photometric: float = 0.0
    brightness: float = 0.2
    contrast: float = 0.25
    gamma: float = 0.35
    noise: float = 0.1
    blur: float = 1.0
    low_resolution: float = 1.0
    colour: float = 0.0

    def __post_init__(self) -> None:
        limits = {"flip": 1, "flip_vertical": 1, "rotation": 180, "translation": 1, "zoom": 0.9, "log_zoom": 2}
        limits |= {
            "elastic": MAX_ELASTIC,
            "photometric": 1,
            "brightness": 10,
            "contrast": 1,
            "gamma": 3,
            "noise": 10,
        }
        limits |= {"blur": 1, "low_resolution": 16, "colour": 1}
        for name, limit in limits.items():
            value, least = getattr(self, name), 1 if name == "low_resolution" else 0
            if not least <= value <= limit:
                raise ConfigError(f"The augmentation's {name} must be from {least} to {limit}, not {value}.")

    @property
    def moves(self) -> bool:
        """Whether anything changes where things are."""
        return any(
            (
                self.flip,
                self.flip_vertical,
                self.rotation,
                self.translation,
                self.zoom,
                self.log_zoom,
                self.elastic,
            )
        )


@dataclass(frozen=True)
class CropConfig:
    """Windows that are cut out of prepared images for training.

    Attributes
    ----------
    size : tuple of int
        Height and width, pixels of the prepared image.
    foreground : float
        Share of the windows that are centred on a random pixel of a class other than the background (each class that
        the image shows is as likely as the others); the rest lie anywhere in the image, uniformly. nnU-Net has a third
        (Isensee et al. 2021).

    Raises
    ------
    ConfigError
        When a value is out of range.
    """

    size: tuple[int, int]
    foreground: float = 1 / 3

    def __post_init__(self) -> None:
        if len(self.size) != 2 or not all(isinstance(side, int) and side >= 1 for side in self.size):
            raise ConfigError(f"A crop must be two whole numbers, height and width, not {self.size}.")
        if not 0 <= self.foreground <= 1:
            raise ConfigError(f"The share of crops on the foreground must be from 0 to 1, not {self.foreground}.")


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

_STRONG = {
    "flip": 0.5,
    "rotation": 30.0,
    "translation": 0.1,
    "log_zoom": 0.336,
    "elastic": 0.05,
    "photometric": 0.3,
}
_STRONG |= {"brightness": 0.3, "contrast": 0.35, "gamma": 0.4, "noise": 0.15, "low_resolution": 2.0, "colour": 0.2}
AUGMENTATIONS.register(
    "strong",
    AugmentationConfig(**_STRONG),
    summary="Wider: turns to ±30°, sizes from 0.71 to 1.4, elastic; also lower resolution and colours; for few images.",
)
AUGMENTATIONS.register(
    "unoriented",
    AugmentationConfig(**_STRONG | {"flip_vertical": 0.5, "rotation": 180.0}),
    summary="As strong, for images without an up and down, such as micrographs: mirrored both ways, turned any way.",
)
