"""Labels that scaling with interpolation leaves between two others."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def count_between(labels: NDArray[np.int64], candidates: Iterable[int]) -> dict[int, int]:
    """Count, for each of the labels `candidates`, the pixels that touch both a lower and a higher label.

    Parameters
    ----------
    labels : (H, W) int64
    candidates : iterable of int

    Examples
    --------
    >>> count_between(np.array([[0, 1, 2], [0, 1, 2]]), [1])
    {1: 2}
    """
    candidates = list(candidates)
    if not candidates:
        return {}
    lowest, highest = ndimage.minimum_filter(labels, 3), ndimage.maximum_filter(labels, 3)
    within = (lowest < labels) & (labels < highest)
    return {label: int((within & (labels == label)).sum()) for label in candidates}
