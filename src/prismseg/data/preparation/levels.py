"""What a large image is standardised by, found and applied piece by piece: the same as for the image as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import DataError
from prismseg.data.preparation.preprocess import CONSTANT, ROBUST_RANGE, Preprocess

# Pieces (h, w, C) of an image, which cover it once; called for each pass over it.
Pieces = Callable[[], Iterable[NDArray[np.generic]]]
_BINS = 2**16


@dataclass(frozen=True, eq=False)
class Levels:
    """What prepares each piece of an image as `Preprocess.image_tensor` prepares the whole.

    Attributes
    ----------
    preprocess : Preprocess
        With fit "native".
    mean, deviation : (C, 1, 1) float64 Tensor or None
        Of the channels at the network's size, for "zscore".
    scale : (float, float) or None
        What is taken off and divided by before resampling, for "unit".

    Examples
    --------
    >>> preprocess = Preprocess((8, 8), 1, fit="native", shrink=2)
    >>> image = np.arange(96, dtype=np.uint16).reshape(8, 12, 1)
    >>> levels = find_levels(preprocess, image.dtype, lambda: (image[:4], image[4:]))
    >>> bool(torch.allclose(levels.tensor(image[4:]), preprocess.image_tensor(image)[:, 2:], atol=1e-6))
    True
    """

    preprocess: Preprocess
    mean: Tensor | None = None
    deviation: Tensor | None = None
    scale: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the levels as JSON values."""
        return {
            "mean": None if self.mean is None else self.mean.flatten().tolist(),
            "deviation": None if self.deviation is None else self.deviation.flatten().tolist(),
            "scale": self.scale,
        }

    @classmethod
    def from_json(cls, preprocess: Preprocess, values: dict[str, Any]) -> Levels:
        """Read what `to_json` gave."""
        mean, deviation = (
            None if values[name] is None else torch.tensor(values[name], dtype=torch.float64)[:, None, None]
            for name in ("mean", "deviation")
        )
        scale = None if values["scale"] is None else (values["scale"][0], values["scale"][1])
        return cls(preprocess, mean, deviation, scale)

    def tensor(self, piece: NDArray[np.generic]) -> Tensor:
        """Prepare a piece (h, w, C) that begins at multiples of `Preprocess.shrink`: (channels, h', w') float32."""
        planes = self.preprocess.resample(self.preprocess.match_channels(piece), self.scale)
        if self.mean is not None and self.deviation is not None:
            constant = self.deviation <= CONSTANT * self.mean.abs()
            planes = torch.where(
                constant, 0.0, (planes.double() - self.mean) / torch.where(constant, 1.0, self.deviation)
            ).float()
        else:
            planes = planes.clamp(0, 1)
        return planes.expand(self.preprocess.channels, -1, -1).contiguous()


def find_levels(preprocess: Preprocess, dtype: np.dtype[np.generic], pieces: Pieces) -> Levels:
    """Find the levels of an image in one pass over its pieces (of real numbers with "unit" in two).

    Parameters
    ----------
    preprocess : Preprocess
        With fit "native".
    dtype : numpy.dtype
        As the image is stored.
    pieces : callable
        Gives the pieces (h, w, C), which begin at multiples of `Preprocess.shrink`.

    Raises
    ------
    DataError
        When the channels do not fit, or a value is NaN or infinite.
    """
    if preprocess.intensity == "zscore":
        mean, deviation = _moments(preprocess, pieces)
        return Levels(preprocess, mean, deviation)
    if dtype == np.uint8:
        return Levels(preprocess, scale=(0.0, 255.0))
    low, high = _percentiles(preprocess, pieces)
    return Levels(preprocess, scale=(low, max(high - low, float(np.finfo(np.float32).tiny))))


def _moments(preprocess: Preprocess, pieces: Pieces) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, merged as in Chan, Golub & LeVeque 1983."""
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for piece in pieces():
        values = preprocess.resample(preprocess.match_channels(piece), None).double()
        part = values[0].numel()
        centre = values.mean((1, 2), keepdim=True)
        spread = (values - centre).square().sum((1, 2), keepdim=True)
        gap, total = centre - mean, count + part
        mean = mean + gap * (part / total)
        squares = squares + spread + gap.square() * (count * part / total)
        count = total
    return mean, (squares / count).sqrt()


def _percentiles(preprocess: Preprocess, pieces: Pieces) -> tuple[float, float]:
    """Percentiles `ROBUST_RANGE` of all values, interpolated between the two nearest as NumPy does, by counting."""
    upper, total = np.zeros(_BINS, np.int64), 0
    for piece in pieces():
        keys = _keys(preprocess.match_channels(piece))
        upper += np.bincount(keys >> 16, minlength=_BINS)
        total += keys.size
    places = [(total - 1) * percent / 100 for percent in ROBUST_RANGE]
    ranks = sorted({rank for place in places for rank in (int(place), min(int(place) + 1, total - 1))})
    ends = upper.cumsum()
    bins = {rank: int(np.searchsorted(ends, rank, side="right")) for rank in ranks}
    lower = {each: np.zeros(_BINS, np.int64) for each in bins.values()}
    for piece in pieces():
        keys = _keys(preprocess.match_channels(piece))
        high = keys >> 16
        for each, counts in lower.items():
            counts += np.bincount(keys[high == each] & (_BINS - 1), minlength=_BINS)
    found = {}
    for rank, each in bins.items():
        within = rank - (ends[each] - upper[each])
        low = int(np.searchsorted(lower[each].cumsum(), within, side="right"))
        found[rank] = _value((each << 16) | low)
    first, second = (
        found[int(place)] + (place - int(place)) * (found[min(int(place) + 1, total - 1)] - found[int(place)])
        for place in places
    )
    return float(np.float32(first)), float(np.float32(second))


def _keys(values: NDArray[np.generic]) -> NDArray[np.int64]:
    """Whole numbers from 0 to 2^32 - 1 in the order of the values as float32."""
    real = values.astype(np.float32).ravel()
    if not np.isfinite(real).all():
        raise DataError("The image holds NaN or infinite values. Replace them, or leave the image out.")
    bits = real.view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.int64)


def _value(key: int) -> float:
    bits = key ^ (1 << 31) if key >> 31 else ~key & (2**32 - 1)
    return float(np.array(bits, np.uint32).view(np.float32))
