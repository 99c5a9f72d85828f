"""Curves made into pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field = NDArray[np.float32]
Curve = NDArray[np.float64]
Window = tuple[slice, slice]
"""Rows and columns of a part of an image."""

SUPERSAMPLING = 4  # fine pixels for each pixel, along each side
BLUR_REACH = (
    2.5  # standard deviations after which Gaussian blurs are cut off; SciPy's 4 take longer and look the same
)


def bounding_window(curves: Sequence[Curve], size: tuple[int, int], margin: int = 2) -> Window:
    """Part of an image of `size` that holds all `curves` (row, column in pixels); may be empty.

    Examples
    --------
    >>> bounding_window([np.array([[3.0, 4.0], [5.0, 9.0]])], size=(8, 20), margin=1)
    (slice(2, 7, None), slice(3, 11, None))
    """
    low = np.min([curve.min(axis=0) for curve in curves], axis=0)
    high = np.max([curve.max(axis=0) for curve in curves], axis=0)
    start = np.clip(np.floor(low) - margin, 0, size).astype(int)
    stop = np.maximum(np.clip(np.ceil(high) + margin + 1, 0, size).astype(int), start)
    return slice(int(start[0]), int(stop[0])), slice(int(start[1]), int(stop[1]))


def rasterize(curves: Sequence[Curve], values: Sequence[float], window: Window) -> Field:
    """Fill closed curves one after the other, each with its value, and average to pixels.

    Parameters
    ----------
    curves : sequence of (N, 2) arrays
        Points (row, column) in pixels of the whole image; a pixel's centre has whole coordinates.
    values : sequence of float
        One for each curve; a later curve covers an earlier one, the ground is 0.
    window : (slice, slice)
        The part of the image to paint.

    Returns
    -------
    (h, w) float32
        With the value 1 for every curve: the share of each pixel that they cover, to about 0.1 pixel of the outline
        (Pillow fills every fine pixel that a curve touches).
    """
    return _fill("F", curves, [float(value) for value in values], window)


def coverage(curves: Sequence[Curve], window: Window) -> Field:
    """Share of each pixel of `window` (h, w) that the union of closed curves covers; see `rasterize`."""
    return _fill("L", curves, [255] * len(curves), window) / np.float32(255)


def _fill(mode: str, curves: Sequence[Curve], values: Sequence[float], window: Window) -> Field:
    height, width = (part.stop - part.start for part in window)
    if height == 0 or width == 0:
        return np.zeros((height, width), np.float32)
    fine = Image.new(mode, (width * SUPERSAMPLING, height * SUPERSAMPLING))
    draw = ImageDraw.Draw(fine)
    corner = np.array([window[1].start, window[0].start])
    for curve, value in zip(curves, values, strict=True):
        # Pillow's own coordinates are those of the middles of its pixels.
        points = (curve[:, ::-1] - corner + 0.5) * SUPERSAMPLING - 0.5
        draw.polygon(points.ravel().tolist(), fill=value)
    return np.asarray(fine.reduce(SUPERSAMPLING), dtype=np.float32)
