"""Closed outlines in sole coordinates as a raster of labels, in which places are looked up."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import polygon2mask

Points = NDArray[np.float64]

# 0.004 foot lengths are 1 mm of a foot 25 cm long.
STEP = 0.004
_LOW = np.array([-0.3, -0.39])  # of the first node
_SHAPE = (400, 195)


def rasterize(outlines: Iterable[tuple[int, Points]], *, fill: bool) -> NDArray[np.uint8]:
    """Draw outlines into a raster of sole coordinates, of which the first that holds a node has it.

    Parameters
    ----------
    outlines : iterable of (int, (N, 2) float)
        Labels and closed curves as rows of (u, v), foot lengths.
    fill : bool
        Whether a node in no outline belongs to the nearest one; else it is 0.

    Returns
    -------
    uint8 array, read-only
        For `look_up`.
    """
    table = np.zeros(_SHAPE, np.uint8)
    for label, outline in outlines:
        inside = polygon2mask(_SHAPE, (outline - _LOW) / STEP)
        table[inside & (table == 0)] = label
    if fill:
        nearest = ndimage.distance_transform_edt(table == 0, return_distances=False, return_indices=True)
        table = table[tuple(nearest)]
    table.setflags(write=False)
    return table


def look_up(table: NDArray[np.uint8], u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Give the labels of places (u, v), of any shape, in a raster of `rasterize`; rounded to 0.004 foot lengths."""
    row = np.clip(np.rint((u - _LOW[0]) / STEP), 0, _SHAPE[0] - 1).astype(np.intp)
    column = np.clip(np.rint((v - _LOW[1]) / STEP), 0, _SHAPE[1] - 1).astype(np.intp)
    found: NDArray[np.uint8] = table[row, column]
    return found


def round_corners(outline: Points, times: int = 3) -> Points:
    """Cut corners (Chaikin 1974), which turns a polygon into a smooth closed curve within it."""
    for _ in range(times):
        after = np.roll(outline, -1, axis=0)
        outline = np.stack([0.75 * outline + 0.25 * after, 0.25 * outline + 0.75 * after], axis=1).reshape(-1, 2)
    return outline
