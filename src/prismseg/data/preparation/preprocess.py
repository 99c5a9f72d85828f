"""From an image of any size and depth to what a network eats; the same for training and prediction."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import ConfigError, DataError
from prismseg.data.preparation.settings import Fit, Intensity

# ITU-R BT.601 luma, as Pillow converts RGB to grey.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_STEP = 16  # networks pad to a multiple of it
_LONGEST = 4.0
ROBUST_RANGE = (0.5, 99.5)  # percentiles that "unit" maps to 0 and 1 where the depth is not 8 bits
CONSTANT = 1e-6  # deviation over mean, up to which a channel has one value


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes a tensor.

    Attributes
    ----------
    size : tuple of int
        Height and width of the network's input.
    channels : int
        Channels of the network's input. Grey is repeated to RGB, RGB reduced to its luma, an alpha channel
        dropped.
    intensity : {"zscore", "unit"}
        ``zscore``: each image and channel to mean 0 and standard deviation 1, at the network's size.
        ``unit``: 8-bit images by 1/255; others from their own 0.5 and 99.5 % percentiles to 0 and 1, clipped.
    fit : {"stretch", "area", "native"}
        ``stretch``: every image gets `size`, whatever its shape. ``area``: each keeps its shape and gets about as many
        pixels as `size` has, so that an upright image is not squeezed into a lying one. ``native``: each keeps its own
        pixels, whatever its size, and `size` only says what a network was trained on; large images are predicted piece by
        piece.
    shrink : int
        With ``fit="native"``: pixels a side that are averaged into one; what is left over at the right and lower border
        is averaged too.

    Raises
    ------
    ConfigError
        When a value is out of range.

    Examples
    --------
    >>> preprocess = Preprocess((32, 48), channels=1)
    >>> preprocess.image_tensor(np.zeros((10, 20, 3), np.uint8)).shape
    torch.Size([1, 32, 48])
    >>> Preprocess((32, 32), 1, fit="area").size_for(60, 15)
    (64, 16)
    >>> Preprocess((32, 32), 1, fit="native", shrink=2).image_tensor(np.zeros((61, 80), np.uint8)).shape
    torch.Size([1, 31, 40])
    """

    size: tuple[int, int]
    channels: int
    intensity: Intensity = "zscore"
    fit: Fit = "stretch"
    shrink: int = 1

    def __post_init__(self) -> None:
        if len(self.size) != 2 or not all(isinstance(side, int) and side >= 1 for side in self.size):
            raise ConfigError(f"The input size must be two whole numbers, height and width, not {self.size}.")
        if not isinstance(self.channels, int) or self.channels < 1:
            raise ConfigError(f"The number of input channels must be a whole number above 0, not {self.channels}.")
        if self.intensity not in get_args(Intensity):
            raise ConfigError(f"The intensity must be 'zscore' or 'unit', not {self.intensity!r}.")
        if self.fit not in get_args(Fit):
            raise ConfigError(f"The fit must be 'stretch', 'area' or 'native', not {self.fit!r}.")
        if not isinstance(self.shrink, int) or self.shrink < 1:
            raise ConfigError(f"Images are shrunk by a whole number from 1 on, not {self.shrink}.")
        if self.shrink > 1 and self.fit != "native":
            raise ConfigError(
                f"Only images that keep their pixels (fit native) can be shrunk, not with fit {self.fit}."
            )

    @property
    def keeps_shape(self) -> bool:
        """Whether images that differ in shape still do when they are prepared."""
        return self.fit != "stretch"

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image of this height and width gets.

        With ``fit="area"`` both are multiples of 16 (or of what `size` is made of, where that is finer): the nearest
        to the image's shape at the pixels of `size`. Images more than four times longer than wide are squeezed to that.
        """
        if self.fit == "stretch":
            return self.size
        if self.fit == "native":
            return -(-height // self.shrink), -(-width // self.shrink)
        step = math.gcd(*self.size, _STEP)
        area, shape = self.size[0] * self.size[1], min(max(height / width, 1 / _LONGEST), _LONGEST)
        tall, wide = math.sqrt(area * shape), math.sqrt(area / shape)
        return max(round(tall / step), 1) * step, max(round(wide / step), 1) * step

    def covered(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what the prepared image stands for: of a shrunk image up to `shrink` - 1 pixels more."""
        if self.fit != "native":
            return height, width
        tall, wide = self.size_for(height, width)
        return tall * self.shrink, wide * self.shrink

    def image_tensor(self, image: NDArray[np.generic]) -> Tensor:
        """Prepare an image for the network.

        Parameters
        ----------
        image : (H, W) or (H, W, C) array of uint8, uint16 or float

        Returns
        -------
        Tensor
            (channels, height, width) float32, contiguous.

        Raises
        ------
        DataError
            When the channels do not fit, or a value is NaN or infinite.
        """
        pixels = self.match_channels(image)
        scale = _unit_scale(pixels, image.dtype) if self.intensity == "unit" else None
        planes = self.resample(pixels, scale).expand(self.channels, -1, -1).contiguous()
        return _standardize(planes) if self.intensity == "zscore" else planes.clamp(0, 1)

    def resample(self, pixels: NDArray[np.generic], scale: tuple[float, float] | None) -> Tensor:
        """Bring channels (H, W, C) to the network's size: (C, height, width) float32.

        With a `scale` (low, spread) values become shares of the spread above low, cut to 0 and 1, before.

        Raises
        ------
        DataError
            When a value is NaN or infinite.
        """
        size = self.size_for(*pixels.shape[:2])
        # One channel after another: a photograph of 100 megapixels would take gigabytes in floats.
        return torch.cat(
            [_plane(pixels[..., channel], size, scale, self.shrink) for channel in range(pixels.shape[2])]
        )

    def mask_tensor(self, mask: NDArray[np.uint8]) -> Tensor:
        """Bring a mask (H, W) of class indices to the network's size: (height, width) int64.

        The nearest pixel is meant by pixel centres, as the image's bilinear interpolation means them, so that
        both stay aligned.
        """
        labels = torch.from_numpy(np.ascontiguousarray(mask))
        size = self.size_for(*mask.shape)
        if self.shrink > 1:
            rows, columns = (
                (torch.arange(count) * self.shrink + self.shrink // 2).clamp(max=side - 1)
                for count, side in zip(size, mask.shape, strict=True)
            )
            return labels[rows[:, None], columns].long()
        if labels.shape != size:
            labels = F.interpolate(labels[None, None].float(), size=size, mode="nearest-exact")[0, 0]
        return labels.long()

    def to_dict(self) -> dict[str, Any]:
        """Turn the settings into JSON values, as they travel with a model."""
        values = asdict(self) | {"size": list(self.size)}
        if self.shrink == 1:
            del values["shrink"]  # as earlier versions wrote it
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocess:
        """Read what `to_dict` wrote.

        Raises
        ------
        ConfigError
            When a setting is missing, unknown or out of range.
        """
        try:
            return cls(**{**values, "size": tuple(values["size"])})
        except (KeyError, TypeError) as error:
            raise ConfigError(
                f"The preprocessing settings {values} are not complete or not known (size, channels and "
                "intensity are needed); restore the model's config.json."
            ) from error

    def match_channels(self, pixels: NDArray[np.generic]) -> NDArray[np.generic]:
        """Channels (H, W, C) of the network's input; a single one may stand for all of them.

        Raises
        ------
        DataError
            When the channels do not fit.
        """
        planes = pixels if pixels.ndim == 3 else pixels[..., None]
        if planes.ndim != 3 or 0 in planes.shape:
            raise DataError(f"An image has height, width and perhaps channels; this one has shape {pixels.shape}.")
        have = planes.shape[2]
        if have == self.channels:
            return planes
        if have in (2, 4) and self.channels in (1, 3):
            planes, have = planes[..., : have - 1], have - 1
        if have == self.channels:
            return planes
        if have == 1 and self.channels == 3:
            return planes
        if have == 3 and self.channels == 1:
            return (planes.astype(np.float32) @ LUMA)[..., None]
        stored = pixels.shape[-1] if pixels.ndim == 3 else 1
        raise DataError(
            f"The image has {stored} channel{'s' * (stored != 1)}, the network takes {self.channels}, and there is no "
            "conversion. Give images like those it was trained on."
        )


def _plane(
    values: NDArray[np.generic], size: tuple[int, int], scale: tuple[float, float] | None, shrink: int = 1
) -> Tensor:
    """One channel (H, W) as (1, height, width) of `size`, each value minus and then over the two of `scale`."""
    pixels = values.astype(np.float32)
    if not np.isfinite(pixels).all():
        raise DataError(
            "The image holds NaN or infinite values. Replace them (dead pixels of a camera, say, by their "
            "neighbours), or leave the image out."
        )
    if scale is not None:
        low, spread = (np.float32(value) for value in scale)
        pixels = np.clip((pixels - low) / spread, 0, 1)
    plane = torch.from_numpy(np.ascontiguousarray(pixels))[None]
    if plane.shape[1:] == size:
        return plane
    if shrink > 1:
        return F.avg_pool2d(plane, shrink, ceil_mode=True, count_include_pad=False)
    return F.interpolate(plane[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]


def _unit_scale(pixels: NDArray[np.generic], dtype: np.dtype[Any]) -> tuple[float, float]:
    """Find what "unit" takes off and divides by."""
    if dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.percentile(pixels.astype(np.float32), ROBUST_RANGE).astype(np.float32)
    return float(low), float(max(high - low, np.finfo(np.float32).tiny))


def _standardize(planes: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 for each channel; a constant one becomes 0."""
    # Statistics in float64: the sum over a million 16-bit values leaves float32 no digits.
    wide = planes.double()
    mean = wide.mean(dim=(1, 2), keepdim=True)
    deviation = wide.std(dim=(1, 2), keepdim=True, correction=0)
    constant = deviation <= CONSTANT * mean.abs()
    return torch.where(constant, 0.0, (wide - mean) / torch.where(constant, 1.0, deviation)).float()
