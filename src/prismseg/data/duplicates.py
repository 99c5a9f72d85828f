"""Images that are equal, or nearly so, and would leak from training into the test."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL = (32, 32)
NEAR_DUPLICATE = 0.995  # correlation of thumbnails
BLOCK = 1024

Pair = tuple[int, int]


def digest(pixels: NDArray[np.generic]) -> str:
    """Hash of decoded pixels, so that a copy in another lossless format is found too."""
    return hashlib.sha256(repr((pixels.shape, pixels.dtype.str)).encode() + pixels.tobytes()).hexdigest()


def thumbnail(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Small grey picture of an image (H, W, C), of mean 0 and length 1: a product of two is their correlation."""
    grey = pixels.mean(axis=2, dtype=np.float32)
    small = np.asarray(Image.fromarray(grey).resize(THUMBNAIL, Image.Resampling.BOX), dtype=np.float32).ravel()
    centred = small - small.mean()
    length = float(np.linalg.norm(centred))
    unit: NDArray[np.float32] = centred / length if length > 0 else centred
    return unit


def equal_pairs(digests: Mapping[int, str]) -> list[Pair]:
    """Pair the first of equal images with each of the others."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, value in digests.items():
        members[value].append(index)
    return [(same[0], other) for same in members.values() for other in same[1:]]


def near_pairs(thumbnails: Mapping[int, NDArray[np.float32]]) -> Iterator[Pair]:
    """Pairs whose thumbnails correlate above `NEAR_DUPLICATE`; equal images are among them."""
    order = sorted(thumbnails)
    if not order:
        return
    matrix = np.stack([thumbnails[index] for index in order])
    # In blocks of rows: the whole table of correlations of 50,000 images would not fit in memory.
    for start in range(0, len(order), BLOCK):
        similar = matrix[start : start + BLOCK] @ matrix[start:].T > NEAR_DUPLICATE
        for left, right in np.argwhere(np.triu(similar, k=1)).tolist():
            yield order[start + left], order[start + right]
