"""Whether what lies around the soles is as at t0, or as at t0 mirrored: pictures are flipped by programs and by hand."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.sessions.entry import Entry

Floats = NDArray[np.float64]

# Rows to which pictures are reduced: legs, pillows and folds of the sheet remain, noise and small movements do not.
_ROWS = 48
# Margin around the soles, cells; where they end is another matter.
_MARGIN = 1
# Cells that both pictures must show.
_LEAST = 150


def compare_scenes(entry: Entry, reference: Entry) -> tuple[float, float]:
    """Compare what lies around the soles with t0's, as it is and mirrored left to right.

    Parameters
    ----------
    entry, reference : Entry
        Measured frames.

    Returns
    -------
    (float, float)
        Both correlations, which mirroring the picture exchanges; NaN where the pictures differ in size or too little is
        seen.
    """
    now, before = _around(entry), _around(reference)
    if now is None or before is None or now[0].shape != before[0].shape:
        return math.nan, math.nan
    (seen, centre), (seen_before, centre_before) = now, before
    mirrored = centre[0], seen.shape[1] - 1 - centre[1]
    return (
        _likeness(seen, centre, seen_before, centre_before),
        _likeness(seen[:, ::-1], mirrored, seen_before, centre_before),
    )


def _around(entry: Entry) -> tuple[Floats, tuple[float, float]] | None:
    """Temperatures beside the soles in cells, NaN on them, and the centre of the soles in cells."""
    soles, frame = entry.soles, entry.frame
    if soles is None or soles.masks is None or frame is None:
        return None
    cell = max(frame.size[0] // _ROWS, 1)
    rows, columns = (side // cell for side in frame.size)
    height, width = rows * cell, columns * cell
    on = np.logical_or.reduce([soles.cleaned, *soles.masks.values()])[:height, :width]
    celsius = frame.celsius[:height, :width].astype(np.float64)
    free = ~on & np.isfinite(celsius)
    counts = _sums(free.astype(np.float64), cell)
    covered = ndimage.binary_dilation(_sums(on.astype(np.float64), cell) > 0, iterations=_MARGIN)
    means = _sums(np.where(free, celsius, 0.0), cell) / np.maximum(counts, 1)
    centres = [np.argwhere(sole).mean(axis=0) for sole in soles.masks.values()]
    row, column = (np.mean(centres, axis=0) + 0.5) / cell - 0.5
    return np.where(covered | (counts == 0), np.nan, means), (float(row), float(column))


def _sums(values: Floats, cell: int) -> Floats:
    rows, columns = (side // cell for side in values.shape)
    summed: Floats = values.reshape(rows, cell, columns, cell).sum(axis=(1, 3))
    return summed


def _likeness(
    now: Floats, centre: tuple[float, float], before: Floats, centre_before: tuple[float, float]
) -> float:
    """Correlation of both scenes, laid on each other as they are or by the soles: the camera or the feet have moved."""
    down, across = (round(after - first) for first, after in zip(centre, centre_before, strict=True))
    found = [_correlation(_moved(now, *by), before) for by in {(0, 0), (down, across)}]
    known = [value for value in found if math.isfinite(value)]
    return max(known, default=math.nan)


def _moved(cells: Floats, down: int, across: int) -> Floats:
    rows, columns = (np.arange(size) - by for size, by in zip(cells.shape, (down, across), strict=True))
    inside = np.ix_((rows >= 0) & (rows < cells.shape[0]), (columns >= 0) & (columns < cells.shape[1]))
    moved = np.full(cells.shape, np.nan)
    moved[inside] = cells[np.ix_(rows[inside[0].ravel()], columns[inside[1].ravel()])]
    return moved


def _correlation(one: Floats, other: Floats) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < _LEAST:
        return math.nan
    first, second = one[both] - one[both].mean(), other[both] - other[both].mean()
    size = math.sqrt(float((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / size if size > 0 else math.nan
