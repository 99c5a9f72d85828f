"""The background of the soles in tiles: how much of a change the camera or the room made, and not the feet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.soles.pieces import Mask


@dataclass(frozen=True)
class BackgroundSettings:
    """How backgrounds are tiled and compared.

    Chosen on simulated sessions with drifting cameras (`benchmarks/thermal.py`).

    Attributes
    ----------
    grid : (int, int)
        Tiles down and across: large enough that a slight movement leaves each on what it showed, small enough that bed,
        wall and sheet have tiles of their own.
    min_side : int
        Of a tile, pixels.
    edge : float
        Margin around the soles where a slight movement changes everything, picture heights.
    min_free : float
        Share of a tile's pixels that belong to no sole.
    even : float
        Difference of a tile's quartiles from which it shows an edge, °C.
    body : float
        Difference of cold and warm tiles from which the warm ones are taken for the body, °C.
    min_tiles : int
        Tiles that must be seen in both frames.
    agree, agree_share : float
        How far tiles may differ in their change: °C, or a share of the change. Else things moved, and no number is given.
    tilted : float
        Share of the tiles' scatter below which a plane must bring it for the camera's offset to have drifted unevenly.
    correlated : float
        Tiles that tell as much as one, since neighbours err together.
    min_error : float
        The background tells the change of the offset at the soles no better than this, °C (vignetting, slow
        non-uniformity).
    outlier, outlier_floor : float
        Scatters from a plane beyond which a tile is left out of its fit, and the smallest scatter reckoned with, °C.
    """

    grid: tuple[int, int] = (12, 16)
    min_side: int = 2
    edge: float = 0.025
    min_free: float = 0.6
    even: float = 1.0
    body: float = 2.0
    min_tiles: int = 8
    agree: float = 0.4
    agree_share: float = 0.35
    tilted: float = 0.6
    correlated: float = 6.0
    min_error: float = 0.03
    outlier: float = 3.0
    outlier_floor: float = 0.03


_BACKGROUND = BackgroundSettings()
# Standard deviation of a normal distribution in units of its median absolute deviation.
_MAD_TO_SD = 1.4826


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
        """Give the change in °C at a place, in shares of the picture's height and width.

        Examples
        --------
        >>> BackgroundShift(0.5, 0.03, down=0.2, across=0.0, tiles=40).at(row=1.0, column=0.5)
        0.6
        """
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
        """Tile the background of a frame.

        Parameters
        ----------
        celsius : (H, W) float
            Temperatures.
        soles : (H, W) bool
            Pixels of the soles.

        Examples
        --------
        >>> celsius = np.full((120, 160), 22.0)
        >>> soles = np.zeros((120, 160), bool)
        >>> soles[30:90, 40:120] = True
        >>> before, after = (Background.from_frame(celsius + drift, soles) for drift in (0.0, 0.4))
        >>> round(after.shift_from(before).value, 2)
        0.4
        """
        height, width = celsius.shape
        rows, columns = (
            min(most, side // _BACKGROUND.min_side)
            for most, side in zip(_BACKGROUND.grid, celsius.shape, strict=True)
        )
        edge = max(2, round(_BACKGROUND.edge * height))
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
        known = (count >= _BACKGROUND.min_free * values.shape[1]) & (high - low <= _BACKGROUND.even)
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
        limit = math.inf if high - low < _BACKGROUND.body else (low + high) / 2
        return known & (np.where(known, self.tiles, np.inf) <= limit)

    def shift_from(self, earlier: Background) -> BackgroundShift | None:
        """Compare with an earlier frame of the same scene.

        Returns
        -------
        BackgroundShift or None
            None where the background cannot tell: too little of it is seen in both frames, or its parts changed unlike
            each other, as when the camera or the sheet was moved.
        """
        if earlier not in self._shifts:  # every region of every curve asks for it
            self._shifts[earlier] = self._compare(earlier)
        return self._shifts[earlier]

    def _compare(self, earlier: Background) -> BackgroundShift | None:
        if self.tiles.shape != earlier.tiles.shape:
            return None
        both = self.cold & earlier.cold
        count = int(both.sum())
        if count < _BACKGROUND.min_tiles:
            return None
        changes = self.tiles[both] - earlier.tiles[both]
        middle, scatter = _median_and_sd(changes)
        plane = _plane(changes, both)
        rest, level = _median_and_sd(changes - plane[1])
        if level < _BACKGROUND.tilted * scatter:
            middle, scatter = rest, level
        else:
            plane = (0.0, 0.0), plane[1]
        if scatter > max(_BACKGROUND.agree, _BACKGROUND.agree_share * abs(middle)):
            return None
        error = math.hypot(scatter * math.sqrt(_BACKGROUND.correlated / count), _BACKGROUND.min_error)
        return BackgroundShift(middle, error, *plane[0], count)


def _median_and_sd(values: NDArray[np.float64]) -> tuple[float, float]:
    """Median, and the standard deviation estimated from the median absolute deviation (Rousseeuw & Croux 1993)."""
    middle = float(np.median(values))
    return middle, _MAD_TO_SD * float(np.median(np.abs(values - middle)))


def _plane(changes: NDArray[np.float64], both: Mask) -> tuple[tuple[float, float], NDArray[np.float64]]:
    """Slopes down and across the whole picture, without the tiles that stand out, and what they give at each tile."""
    places = (np.argwhere(both) + 0.5) / both.shape - 0.5
    columns = np.column_stack([np.ones(len(places)), places])
    kept = np.ones(len(places), bool)
    for _ in range(3):
        level, down, across = np.linalg.lstsq(columns[kept], changes[kept], rcond=None)[0]
        rest = changes - columns @ (level, down, across)
        kept = np.abs(rest) <= _BACKGROUND.outlier * max(_median_and_sd(rest)[1], _BACKGROUND.outlier_floor)
    return (float(down), float(across)), places @ (down, across)
