"""What lies behind the soles, in tiles: how much of a change the camera or the room made, and not the feet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.soles.pieces import Mask

# A picture is cut into so many tiles down and across: large enough that a slight movement leaves each on what it showed,
# small enough that bed, wall and sheet have tiles of their own.
_GRID = (12, 16)
_LEAST_SIDE = 2  # pixels of a tile
_EDGE = 0.025  # of the picture's height around the soles, where a slight movement changes everything
_LEAST_FREE = 0.6  # of a tile's pixels that belong to no sole
_EVEN = 1.0  # °C between the quartiles of a tile; more is an edge
_BODY = 2.0  # °C between cold and warm tiles from which the warm ones are taken for the body
_LEAST_TILES = 8
# Tiles must agree on a change within this, °C, or within this share of it; else things moved, and no number is given.
_AGREE, _AGREE_SHARE = 0.4, 0.35
# The camera's offset drifted unevenly where a plane leaves less than this share of the spread.
_TILTED = 0.6
# Neighbouring tiles err together: so many tell as much as one.
_TOGETHER = 6.0
# The background tells the change of the offset at the soles no better than this, °C (vignetting, slow non-uniformity).
_LEAST_ERROR = 0.03


@dataclass(frozen=True)
class BackgroundShift:
    """By how much a background differs from an earlier one.

    Attributes
    ----------
    value, error : float
        Change at the picture's middle in °C, and its standard error.
    down, across : float
        How much more it is at the lower border than at the upper one, and at the right than at the left one, °C.
    tiles : int
        Tiles that were compared.
    """

    value: float
    error: float
    down: float
    across: float
    tiles: int

    def at(self, row: float, column: float) -> float:
        """Change in °C at a place, in shares of the picture's height and width."""
        return self.value + self.down * (row - 0.5) + self.across * (column - 0.5)


@dataclass(frozen=True, eq=False)
class Background:
    """Median temperature of each tile that shows neither a sole nor an edge; NaN elsewhere.

    Attributes
    ----------
    tiles : (R, C) float64
        °C.
    """

    tiles: NDArray[np.float64]
    _shifts: WeakKeyDictionary[Background, BackgroundShift | None] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    @classmethod
    def from_frame(cls, celsius: NDArray[np.floating], soles: Mask) -> Background:
        """Tile a frame (H, W) in °C outside the soles (H, W)."""
        height, width = celsius.shape
        rows, columns = (min(most, side // _LEAST_SIDE) for most, side in zip(_GRID, celsius.shape, strict=True))
        edge = max(2, round(_EDGE * height))
        free = np.isfinite(celsius) & ~ndimage.binary_dilation(soles, iterations=edge)
        cut = (slice(0, height // rows * rows), slice(0, width // columns * columns))
        values = np.where(free, celsius, np.nan)[cut].astype(np.float64)
        values = values.reshape(rows, height // rows, columns, width // columns).swapaxes(1, 2)
        values = np.sort(values.reshape(rows * columns, -1), axis=1)  # NaN last
        count = np.isfinite(values).sum(axis=1)
        low, middle, high = (
            values[np.arange(len(values)), np.maximum((share * (count - 1)).astype(int), 0)]
            for share in (0.25, 0.5, 0.75)
        )
        known = (count >= _LEAST_FREE * values.shape[1]) & (high - low <= _EVEN)
        return cls(np.where(known, middle, np.nan).reshape(rows, columns))

    @cached_property
    def cold(self) -> Mask:
        """Tiles that show no warm body: the colder half of the span, or all where the span is small.

        Legs, hands and a covered body belong to the patient, whose temperature may change with the block. They are warmer
        than bed, sheet and wall; the rule needs no absolute temperature, so that a drift of the camera does not move it.
        """
        known = np.isfinite(self.tiles)
        if not known.any():
            return known
        low, high = np.percentile(self.tiles[known], (10, 90))
        limit = math.inf if high - low < _BODY else (low + high) / 2
        return known & (np.where(known, self.tiles, np.inf) <= limit)

    def shift_from(self, earlier: Background) -> BackgroundShift | None:
        """Compare with an earlier frame of the same scene.

        Returns
        -------
        BackgroundShift or None
            None where the background cannot tell: too little of it is seen in both frames, or its parts changed unlike
            each other, as when the camera or the sheet was moved.
        """
        if earlier not in self._shifts:  # every region of every curve asks for the same
            self._shifts[earlier] = self._compare(earlier)
        return self._shifts[earlier]

    def _compare(self, earlier: Background) -> BackgroundShift | None:
        if self.tiles.shape != earlier.tiles.shape:
            return None
        both = self.cold & earlier.cold
        count = int(both.sum())
        if count < _LEAST_TILES:
            return None
        changes = self.tiles[both] - earlier.tiles[both]
        middle, spread = _middle(changes)
        plane = _plane(changes, both)
        rest, level = _middle(changes - plane[1])
        if level < _TILTED * spread:
            middle, spread = rest, level
        else:
            plane = (0.0, 0.0), plane[1]
        if spread > max(_AGREE, _AGREE_SHARE * abs(middle)):
            return None
        error = math.hypot(spread * math.sqrt(_TOGETHER / count), _LEAST_ERROR)
        return BackgroundShift(middle, error, *plane[0], count)


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    """Median, and the standard deviation as the median distance from it tells."""
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle)))


def _plane(changes: NDArray[np.float64], both: Mask) -> tuple[tuple[float, float], NDArray[np.float64]]:
    """Slopes down and across the whole picture, without the tiles that stand out, and what they give at each tile."""
    places = (np.argwhere(both) + 0.5) / both.shape - 0.5
    columns = np.column_stack([np.ones(len(places)), places])
    kept = np.ones(len(places), bool)
    for _ in range(3):
        level, down, across = np.linalg.lstsq(columns[kept], changes[kept], rcond=None)[0]
        rest = changes - columns @ (level, down, across)
        kept = np.abs(rest) <= 3 * max(_middle(rest)[1], 0.03)
    return (float(down), float(across)), places @ (down, across)
