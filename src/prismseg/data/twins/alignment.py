"""Laying one image exactly on another, and how well they agree there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from prismseg.data.twins.candidates import Candidate, Window
from prismseg.data.twins.thumbnail import SIDE, SIDES, Floats, turned, window_matrix

# Chosen with benchmarks/twins.py, but for those that only guard against degenerate images.
ROUNDS = {32: 10, 64: 4, 128: 4}  # Gauss-Newton steps on each level of the pyramid
START = 0.2  # correlation before the first step below which none is made
EARLY = 0.5  # correlation at 32 pixels below which a pair is given up
BLOCKS = 8  # a side, in which agreement is measured
LOCAL = 6.0  # pixels of a thumbnail within which contrast is evened out
QUIET = 0.02  # contrast (of 1) below which a block says nothing
DAMPING = 1.01  # factor on the diagonal of the normal equations (Levenberg)
LARGEST_STEP = 0.06  # of the window in one step, as a fraction of the whole
SIDES_ALLOWED = (0.5, 2.0)  # height and width of the window, as fractions of the whole
CONVERGED = 1e-4  # largest change of the window after which no step follows
FLAT = 1e-4  # standard deviation (of 1) below which an overlap shows nothing to align
LEAST_OVERLAP = 0.25  # share of the part that must lie on the whole for a score
BLOCK_COVERED = 0.9  # share of a block that must lie on the whole for the block to count
FEWEST_BLOCKS = 4  # with contrast, below which agreement cannot be judged


@dataclass(frozen=True)
class Agreement:
    """How well a part agrees with the whole.

    Attributes
    ----------
    overall : float
        Correlation of the overlap.
    local : float
        Correlation of blocks of the overlap, median.
    strong : float
        The same, mean weighted by the squares of the blocks' contrasts: what compression and noise leave.
    overlap : float
        Share of the part that lies on the whole.
    window : (top, left, height, width)
        Where the part lies on the whole.
    """

    overall: float
    local: float
    strong: float
    overlap: float
    window: Window


def even_level(thumbnails: NDArray[np.uint8], side: int) -> Floats:
    """Thumbnails (..., SIDE, SIDE) at `side` pixels, without what changes slowly over the image."""
    fold = SIDE // side
    shape = (*thumbnails.shape[:-2], side, fold, side, fold)
    small = (thumbnails.astype(np.float32) / 255).reshape(shape).mean(axis=(-3, -1))
    blur = LOCAL * side / SIDE
    sigma = (*(0.0 for _ in thumbnails.shape[:-2]), blur, blur)
    even: Floats = small - gaussian_filter(small, sigma, mode="nearest")
    return even


def align_roughly(whole: Floats, part: Floats, candidate: Candidate) -> tuple[Window, float]:
    """Align two even images of 32 pixels; the window of the part and the correlation there."""
    turned_part = np.ascontiguousarray(turned(part, candidate.turn))
    window, score = _align(whole, turned_part, np.array(candidate.window), ROUNDS[SIDES[0]])
    return _as_window(window), score


def measure_agreement(whole: NDArray[np.uint8], part: NDArray[np.uint8], turn: int, window: Window) -> Agreement:
    """Align the part finely with the whole, from `window` on, and measure how well they agree."""
    part = np.ascontiguousarray(turned(part, turn))
    place = np.array(window)
    for side in SIDES[1:]:
        wide, narrow = even_level(whole, side), even_level(part, side)
        place, _ = _align(wide, narrow, place, ROUNDS[side])
    return _compare(wide, narrow, place)


def _align(
    whole: Floats, part: Floats, window: NDArray[np.float64], rounds: int
) -> tuple[NDArray[np.float64], float]:
    """Gauss-Newton on top, left, height and width for the least squared difference of standardised images."""
    side = len(whole)
    slope_y, slope_x = np.gradient(whole)
    place = (np.arange(side) + 0.5) / side
    best, best_score = window, _score(whole, part, window)
    current = window
    if best_score < START:
        return best, best_score
    for _ in range(rounds):
        rows, columns = _matrices(current, side)
        inside = _inside(current, side)
        if inside.sum() < side:
            break
        resampled = rows @ whole @ columns.T
        down, across = (rows @ slope @ columns.T for slope in (slope_y, slope_x))
        reference = part[inside]
        sampled = resampled[inside]
        deviation = sampled.std()
        if deviation < FLAT or reference.std() < FLAT:
            break
        gain = reference.std() / deviation
        error = (reference - reference.mean()) - gain * (sampled - sampled.mean())
        basis = (
            side
            * gain
            * np.stack([down, down * place[:, None], across, across * place[None, :]], axis=-1)[inside].astype(
                np.float64
            )
        )
        basis -= basis.mean(axis=0)
        normal = basis.T @ basis
        normal[np.diag_indices(4)] *= DAMPING
        try:
            top, height, left, width = np.linalg.solve(normal, basis.T @ error)
        except np.linalg.LinAlgError:
            break
        step = np.clip([top, left, height, width], -LARGEST_STEP, LARGEST_STEP)
        current = current + step
        current[2:] = np.clip(current[2:], *SIDES_ALLOWED)
        score = _score(whole, part, current)
        if score > best_score:
            best, best_score = current.copy(), score
        if np.abs(step).max() < CONVERGED:
            break
    return best, best_score


def _matrices(window: NDArray[np.float64], side: int) -> tuple[Floats, Floats]:
    top, left, height, width = window.tolist()
    return window_matrix(top, height, side, side), window_matrix(left, width, side, side)


def _inside(window: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Pixels of the part that lie on the whole."""
    place = (np.arange(side) + 0.5) / side
    top, left, height, width = window.tolist()
    edge = 0.5 / side
    rows = (top + place * height > edge) & (top + place * height < 1 - edge)
    columns = (left + place * width > edge) & (left + place * width < 1 - edge)
    both: NDArray[np.bool_] = rows[:, None] & columns[None, :]
    return both


def _score(whole: Floats, part: Floats, window: NDArray[np.float64]) -> float:
    side = len(whole)
    inside = _inside(window, side)
    if inside.sum() < side * side * LEAST_OVERLAP:
        return -1.0
    rows, columns = _matrices(window, side)
    return _correlation((rows @ whole @ columns.T)[inside], part[inside])


def _correlation(first: Floats, second: Floats) -> float:
    first, second = first - first.mean(), second - second.mean()
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float((first * second).sum()) / length if length > 1e-6 else 0.0


def _compare(whole: Floats, part: Floats, window: NDArray[np.float64]) -> Agreement:
    rows, columns = _matrices(window, SIDE)
    first, second = rows @ whole @ columns.T, part
    inside = _inside(window, SIDE)
    overall = _correlation(first[inside], second[inside])
    size = SIDE // BLOCKS
    values, weights = [], []
    for top in range(0, SIDE, size):
        for left in range(0, SIDE, size):
            block = (slice(top, top + size), slice(left, left + size))
            if inside[block].mean() < BLOCK_COVERED:
                continue
            a, b = first[block][inside[block]], second[block][inside[block]]
            contrast = min(float(a.std()), float(b.std()))
            if contrast > QUIET:
                values.append(_correlation(a, b))
                weights.append(contrast)
    if len(values) < FEWEST_BLOCKS:
        return Agreement(overall, 0.0, 0.0, float(inside.mean()), _as_window(window))
    strong = float(np.average(values, weights=np.square(weights)))
    return Agreement(overall, float(np.median(values)), strong, float(inside.mean()), _as_window(window))


def _as_window(window: Sequence[float] | NDArray[np.float64]) -> Window:
    top, left, height, width = (float(value) for value in window)
    return top, left, height, width
