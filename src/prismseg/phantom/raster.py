"""Curves and noise made into pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Field = NDArray[np.float32]
Curve = NDArray[np.float64]

SUPERSAMPLING = 4
NOISE_REACH = 48  # correlation lengths


def paint(curves: Sequence[Curve], values: Sequence[float], size: tuple[int, int]) -> Field:
    """Fill closed curves one after the other, each with its value, and average to pixels.

    Parameters
    ----------
    curves : sequence of (N, 2) arrays
        Points (row, column) in pixels; a pixel's centre has whole coordinates.
    values : sequence of float
        One for each curve; a later curve covers an earlier one, the ground is 0.
    size : (int, int)
        Height and width, pixels.

    Returns
    -------
    (H, W) float32
        With the value 1 for every curve: the share of each pixel that they cover, to about 0.1 pixel of the outline
        (Pillow fills every fine pixel that a curve touches).
    """
    height, width = size
    fine = Image.new("F", (width * SUPERSAMPLING, height * SUPERSAMPLING))
    draw = ImageDraw.Draw(fine)
    for curve, value in zip(curves, values, strict=True):
        points = (curve[:, ::-1] + 0.5) * SUPERSAMPLING
        draw.polygon(points.ravel().tolist(), fill=float(value))
    return np.array(fine.reduce(SUPERSAMPLING), dtype=np.float32)


def smooth_noise(rng: np.random.Generator, rows: Field, columns: Field) -> Field:
    """Gaussian noise of about unit standard deviation, correlated over a distance of about 1, at (row, column).

    The same seed gives the same noise at a place whatever the picture's size and shift. Beyond `NOISE_REACH` from the
    origin the noise stays what it is there.
    """
    nodes = rng.standard_normal((2 * NOISE_REACH + 1,) * 2, dtype=np.float32)
    # White noise smoothed by a Gaussian of standard deviation s keeps 1 / (4 pi s^2) of its variance.
    nodes = ndimage.gaussian_filter(nodes, 1.0, mode="wrap") * np.float32(2 * np.sqrt(np.pi))
    return bilinear(nodes, rows + NOISE_REACH, columns + NOISE_REACH)


def bilinear(table: Field, rows: Field, columns: Field) -> Field:
    """Values of `table` between its nodes; `rows` and `columns` are broadcast and clipped to the table."""
    rows = np.clip(rows, 0, table.shape[0] - 1.001)
    columns = np.clip(columns, 0, table.shape[1] - 1.001)
    row, column = rows.astype(np.intp), columns.astype(np.intp)
    down, right = rows - row, columns - column
    top = table[row, column] * (1 - right) + table[row, column + 1] * right
    bottom = table[row + 1, column] * (1 - right) + table[row + 1, column + 1] * right
    value: Field = top * (1 - down) + bottom * down
    return value
