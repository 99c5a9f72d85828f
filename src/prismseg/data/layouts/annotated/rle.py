"""COCO's masks, bit for bit: polygons on its grid, and run lengths as numbers and as text.

What `pycocotools` 2.0 computes in C (``rleFrPoly``, ``rleFrString``, ``rleToString``), written for arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FINE = 5.0  # points of a border per pixel
_DIGIT, _MORE, _SIGN, _FIRST = 0x1F, 0x20, 0x10, 48  # of a number in text: five bits a character, from "0" on


def polygon_mask(points: NDArray[np.float64], height: int, width: int) -> tuple[int, NDArray[np.bool_]]:
    """Pixels inside a polygon, as COCO counts them.

    Parameters
    ----------
    points : (N, 2) float
        x and y of the corners, in pixels from the image's upper left corner.
    height, width : int
        Of the image.

    Returns
    -------
    tuple of int and (height, W) bool
        First column of the polygon, and its columns.

    Examples
    --------
    >>> left, inside = polygon_mask(np.array([[1, 1], [4, 1], [4, 3], [1, 3]], float), 4, 6)
    >>> left, inside.astype(int).tolist()
    (1, [[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]])
    """
    corners = np.trunc(_FINE * points + 0.5).astype(np.int64)
    pieces = [_border(start, end) for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    u, v = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    # Where the border passes from one column of the fine grid to the next, it may pass a centre of pixels.
    steps = np.flatnonzero(u[1:] != u[:-1])
    column = (np.where(u[steps + 1] < u[steps], u[steps + 1], u[steps + 1] - 1) + 0.5) / _FINE - 0.5
    row = (np.minimum(v[steps + 1], v[steps]) + 0.5) / _FINE - 0.5
    crossing = (np.floor(column) == column) & (column >= 0) & (column <= width - 1)
    columns = column[crossing].astype(np.int64)
    rows = np.ceil(np.clip(row[crossing], 0, height)).astype(np.int64)
    if columns.size == 0:
        return 0, np.zeros((height, 0), bool)
    left, right = int(columns.min()), int(columns.max()) + 1
    # Inside is what an odd number of crossings precedes, column by column; one at the lowest row opens the next column.
    turns = np.bincount((columns - left) * height + rows, minlength=(right - left) * height + 1)
    inside = np.cumsum(turns[: (right - left) * height]) % 2 == 1
    return left, inside.reshape(right - left, height).T


def _border(start: NDArray[np.int64], end: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Points of the fine grid from one corner to the next, both included."""
    across, down = abs(int(end[0] - start[0])), abs(int(end[1] - start[1]))
    lies = across >= down
    length = max(across, down)
    flipped = bool(start[0] > end[0]) if lies else bool(start[1] > end[1])
    first, last = (end, start) if flipped else (start, end)
    place = np.arange(length + 1)[:: -1 if flipped else 1]
    axis = 0 if lies else 1
    slope = float(last[1 - axis] - first[1 - axis]) / length if length else 0.0
    along = place + first[axis]
    beside = np.trunc(first[1 - axis] + slope * place + 0.5).astype(np.int64)
    return (along, beside) if lies else (beside, along)


def decode_runs(counts: Sequence[int] | str | bytes, height: int, width: int) -> NDArray[np.bool_]:
    """Mask (height, width) of COCO's run lengths: columns one after the other, the first run outside.

    Raises
    ------
    ValueError
        When the runs do not fill the image, or the text is none of COCO's.
    """
    numbers = text_runs(counts) if isinstance(counts, str | bytes) else list(counts)
    runs = np.asarray(numbers, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"run lengths of {runs.sum()} pixels for an image of {height} x {width}")
    inside = np.repeat(np.arange(runs.size) % 2 == 1, runs)
    return inside.reshape(width, height).T


def text_runs(text: str | bytes) -> list[int]:
    """Run lengths that COCO has compressed to text."""
    codes = text.encode() if isinstance(text, str) else text
    runs: list[int] = []
    value = shift = 0
    for code in codes:
        digit = code - _FIRST
        if not 0 <= digit < 64:
            raise ValueError(f"the character {chr(code)!r} in run lengths")
        value |= (digit & _DIGIT) << shift
        shift += 5
        if digit & _MORE:
            continue
        if digit & _SIGN:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("run lengths that end within a number")
    return runs


def encode_runs(mask: NDArray[np.bool_]) -> str:
    """Run lengths of a mask (height, width), compressed to text as COCO does it."""
    flat = mask.T.ravel()
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    places = np.concatenate([[0], turns, [flat.size]])
    runs = np.diff(places).tolist()
    if flat[0]:
        runs.insert(0, 0)
    text = []
    for number, run in enumerate(runs):
        value = run - runs[number - 2] if number > 2 else run
        while True:
            digit = value & _DIGIT
            value >>= 5
            more = value != -1 if digit & _SIGN else value != 0
            text.append(chr((digit | _MORE if more else digit) + _FIRST))
            if not more:
                break
    return "".join(text)
