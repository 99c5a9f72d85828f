"""Several frames in one text file, one below the other, which would make one tall picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, Message
from prismseg.thermal.frames.frame import MIN_SIDE

# Correlation of each part with the one above it: frames of one session show one scene.
_ALIKE = 0.7
# Times the median step from row to row that the step from one frame's last row to the next one's first has.
_SEAM = 2.0


def refuse_stacked(path: Path, first: int, last: int, parts: Sequence[int]) -> None:
    """Refuse matrices of one height with blank lines between them.

    Parameters
    ----------
    path : Path
        The file, for messages.
    first, last : int
        First line of the numbers, and the one behind the last.
    parts : sequence of int
        Lines that follow a blank one.
    """
    inner = [part for part in parts if first < part < last]
    heights = {after - before for before, after in pairwise([first, *inner, last])}
    if inner and len(heights) == 1 and min(heights) >= MIN_SIDE:
        raise DataError(
            Message(
                "{path} holds {count} frames, with blank lines between them; export one frame a file.",
                path=path,
                count=len(inner) + 1,
            )
        )


def refuse_unparted(path: Path, values: NDArray[np.float64]) -> None:
    """Refuse matrices that follow each other without a blank line: alike, with a seam between each two.

    Parameters
    ----------
    path : Path
        The file, for messages.
    values : (H, W) float64
        All rows, with numbers of rows where there are any.
    """
    count = _count_parts(np.nan_to_num(values))
    if count > 1:
        raise DataError(
            Message(
                "{path} seems to hold {count} frames, one below the other; export one frame a file.",
                path=path,
                count=count,
            )
        )


def _count_parts(values: NDArray[np.float64]) -> int:
    steps = np.abs(np.diff(values, axis=0)).mean(axis=1)
    usual = float(np.median(steps)) if steps.size else 0.0
    height = len(values)
    for rows in range(MIN_SIDE, height // 2 + 1):
        if height % rows or (steps[rows - 1 :: rows] <= _SEAM * usual).any():
            continue
        if all(_alike(before, after) for before, after in pairwise(np.split(values, height // rows))):
            return height // rows
    return 1


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    first, second = one - one.mean(), other - other.mean()
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return size > 0 and float((first * second).sum()) >= _ALIKE * size
