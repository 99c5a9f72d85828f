"""Thumbnails of images: small, grey and evenly exposed, so that copies of an image look alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 128  # of a thumbnail, pixels
SIDES = (32, 64, 128)  # of the pyramid on which two thumbnails are aligned

# Chosen with benchmarks/twins.py.
BINS = 64
STRETCH = 3.0

Floats = NDArray[np.floating[Any]]


def thumbnail(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey image (128, 128) of an image (H, W) or (H, W, C), with its intensities spread evenly.

    Spreading undoes most of gamma, contrast and brightness (as far as nothing was clipped); the square undoes a change
    of size.
    """
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    grey = planes.mean(axis=2, dtype=np.float32)
    finite = np.isfinite(grey)
    if not finite.all():
        grey = np.where(finite, grey, grey[finite].min() if finite.any() else 0)
    filtering = Image.Resampling.BOX if min(grey.shape) >= SIDE else Image.Resampling.BILINEAR
    small = np.asarray(Image.fromarray(grey).resize((SIDE, SIDE), filtering), dtype=np.float32)
    return _spread(small)


def _spread(values: Floats) -> NDArray[np.uint8]:
    """Equalise the histogram, but stretch no range of intensities more than `STRETCH` times.

    Else the noise of a dark ground would fill half of the scale.
    """
    low, high = np.percentile(values, (0.5, 99.5))
    if high <= low:
        low, high = values.min(), values.max()
    if high <= low:
        return np.full(values.shape, 128, np.uint8)
    unit = np.clip((values - low) / (high - low), 0, 1)
    counts, edges = np.histogram(unit, BINS, (0, 1))
    clipped = np.minimum(counts, STRETCH * values.size / BINS)
    levels = np.concatenate([[0], np.cumsum(clipped)])
    spread: NDArray[np.uint8] = np.round(np.interp(unit, edges, 255 * levels / levels[-1])).astype(np.uint8)
    return spread


def turned(image: NDArray[np.generic], turn: int) -> NDArray[np.generic]:
    """One of the eight ways to mirror a square and turn it by right angles; 0 leaves it as it is.

    Bit 0 mirrors left and right, bit 1 up and down, bit 2 first exchanges rows and columns.
    """
    if turn & 4:
        image = np.swapaxes(image, -1, -2)
    if turn & 2:
        image = image[..., ::-1, :]
    if turn & 1:
        image = image[..., ::-1]
    return image


TURNS = 8
TURN_NAMES = (
    "as it is",
    "mirrored",
    "upside down",
    "turned by 180°",
    "mirrored and turned by 90°",
    "turned by 90°",
    "turned by 270°",
    "mirrored and turned by 270°",
)


def window_matrix(start: float, length: float, side: int, size: int) -> Floats:
    """Matrix (size, side) that resamples a row of `side` pixels between the fractions `start` and `start + length`.

    Bilinear by pixel centres, averaged where the window has more pixels than `size`; places outside the row repeat its
    ends.
    """
    fine = max(1, int(np.ceil(length * side / size)))
    places = (start + (np.arange(size * fine) + 0.5) / (size * fine) * length) * side - 0.5
    clamped = np.clip(places, 0, side - 1)
    left = np.minimum(clamped.astype(np.int64), side - 2)
    share = (clamped - left).astype(np.float32)
    matrix = np.zeros((size * fine, side), np.float32)
    rows = np.arange(size * fine)
    matrix[rows, left] = 1 - share
    matrix[rows, left + 1] += share
    averaged: Floats = matrix.reshape(size, fine, side).mean(axis=1)
    return averaged
