"""How alike two pictures of soles are: outline and temperature pattern, to tell whether each is the same foot's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.soles.pieces import Mask

Floats = NDArray[np.float64]

# A sole is drawn upright with an area of 900 units squared on a canvas that holds it.
_CANVAS = (64, 40)
_SIDE = 30.0
# Standard deviation of the smoothing of patterns, units: noise and vessels go, toes, ball, arch and heel stay.
_SMOOTH = 2.0


@dataclass(frozen=True, eq=False)
class Portrait:
    """A sole drawn upright along its principal axis, at its own size.

    Attributes
    ----------
    shape : (64, 40) bool
        Its pixels.
    pattern : (64, 40) float64
        Temperatures, smoothed, less their mean on the sole; 0 elsewhere.
    mean : float
        Mean temperature, °C.
    """

    shape: Mask
    pattern: Floats
    mean: float

    @classmethod
    def draw(cls, sole: Mask, celsius: NDArray[np.floating] | None = None) -> Portrait:
        """Draw a sole.

        Parameters
        ----------
        sole : (H, W) bool
            Its pixels.
        celsius : (H, W) float, optional
            Temperatures.

        Examples
        --------
        >>> mask = np.zeros((60, 60), bool)
        >>> mask[10:50, 20:35] = True
        >>> portrait = Portrait.draw(mask)
        >>> 850 < int(portrait.shape.sum()) < 950
        True
        """
        at, within = _places(sole)
        shape = np.zeros(_CANVAS, bool)
        shape[within] = sole[tuple(at[within].T)]
        if celsius is None:
            return cls(shape, np.zeros(_CANVAS), math.nan)
        values = celsius[sole].astype(np.float64)
        mean = float(np.nanmean(values))
        drawn = np.zeros(_CANVAS)
        drawn[within] = np.nan_to_num(celsius[tuple(at[within].T)].astype(np.float64) - mean)
        weight = ndimage.gaussian_filter(shape.astype(np.float64), _SMOOTH)
        smooth = ndimage.gaussian_filter(np.where(shape, drawn, 0.0), _SMOOTH) / np.maximum(weight, 1e-6)
        return cls(shape, np.where(shape, smooth, 0.0), mean)

    def mirrored(self) -> Portrait:
        """Return it as of the other foot."""
        return Portrait(self.shape[:, ::-1], self.pattern[:, ::-1], self.mean)

    def turned(self) -> Portrait:
        """Return it upside down."""
        return Portrait(self.shape[::-1, ::-1], self.pattern[::-1, ::-1], self.mean)

    def overlap(self, other: Portrait) -> float:
        """Intersection over union of both outlines."""
        return float((self.shape & other.shape).sum() / max((self.shape | other.shape).sum(), 1))

    def correlation(self, other: Portrait) -> float:
        """Correlation of both patterns where both have pixels; 0 without a pattern."""
        both = self.shape & other.shape
        if both.sum() < 2:
            return 0.0
        one, two = self.pattern[both], other.pattern[both]
        one, two = one - one.mean(), two - two.mean()
        size = math.sqrt(float((one**2).sum() * (two**2).sum()))
        return float((one * two).sum()) / size if size > 0 else 0.0


def _places(sole: Mask) -> tuple[NDArray[np.intp], Mask]:
    """Pixels (64, 40, 2) under the canvas, and which of them lie in the picture."""
    points = np.argwhere(sole).astype(np.float64)
    centre = points.mean(axis=0)
    along = np.linalg.eigh(np.cov(points.T))[1][:, 1] if len(points) > 2 else np.array([-1.0, 0.0])
    along = -along if along[0] > 0 else along
    across = np.array([along[1], -along[0]])
    scale = math.sqrt(len(points)) / _SIDE
    rows, columns = _CANVAS
    up, right = np.meshgrid(
        rows / 2 - 0.5 - np.arange(rows), np.arange(columns) - columns / 2 + 0.5, indexing="ij"
    )
    at = np.rint(centre + scale * (up[..., None] * along + right[..., None] * across)).astype(np.intp)
    return at, ((at >= 0) & (at < sole.shape)).all(axis=-1)
