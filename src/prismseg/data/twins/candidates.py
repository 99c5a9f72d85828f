"""Pairs of images that may be copies of one another, found by comparing all with all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from prismseg.data.twins.thumbnail import SIDE, TURNS, Floats, turned, window_matrix

# Chosen with benchmarks/twins.py.
GRID = 16  # side of a descriptor, pixels
BLUR = 2.0  # what is slower than this many pixels of a descriptor is taken off
CROPS = (1.0, 0.95, 0.9)  # height and width of the windows that a crop may have left
STEP = 0.05  # between windows
SMALL = ((0.85, 0.075), (0.8, 0.2 / 3))  # sides of smaller windows, cut on all sides alike, and their steps
INNER = 0.8  # side of the middle part, by which shifted images are compared
NEIGHBOURS = 8  # of each image, that are looked at closely
LEAST = 0.3  # correlation of descriptors
BLOCK = 8  # images compared with all at a time

Window = tuple[float, float, float, float]  # top, left, height, width as fractions


@dataclass(frozen=True)
class Candidate:
    """Two images that may be copies.

    Attributes
    ----------
    whole, part : int
        Positions of the images.
    turn : int
        How the part is to be turned.
    window : (top, left, height, width)
        Where in the whole the turned part seems to lie, as fractions.
    score : float
        Correlation of the descriptors.
    """

    whole: int
    part: int
    turn: int
    window: Window
    score: float


def crop_windows() -> list[Window]:
    """Windows of an image that a copy may show."""
    offsets = {side: np.arange(0, 1 - side + 1e-6, STEP).tolist() for side in CROPS}
    windows = [
        (top, left, height, width)
        for height, width in product(CROPS, CROPS)
        for top, left in product(offsets[height], offsets[width])
    ]
    for side, step in SMALL:
        places = np.arange(0, 1 - side + 1e-6, step).tolist()
        windows += [(top, left, side, side) for top, left in product(places, places)]
    return windows


def inner_windows() -> list[Window]:
    """Windows where the middle part of a shifted copy may lie."""
    offsets = np.arange(0, 1 - INNER + 1e-6, STEP).tolist()
    return [(top, left, INNER, INNER) for top, left in product(offsets, offsets)]


MIDDLE: Window = ((1 - INNER) / 2, (1 - INNER) / 2, INNER, INNER)


def describe(images: Floats, windows: Sequence[Window]) -> Floats:
    """Descriptors (N, windows, GRID²) of images (N, SIDE, SIDE), each of mean 0 and length 1."""
    described = np.empty((len(images), len(windows), GRID * GRID), np.float32)
    for place, (top, left, height, width) in enumerate(windows):
        rows = window_matrix(top, height, SIDE, GRID)
        columns = window_matrix(left, width, SIDE, GRID)
        small = rows @ images @ columns.T
        small = small - gaussian_filter(small, (0, BLUR, BLUR), mode="nearest")
        flat = small.reshape(len(images), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        length = np.linalg.norm(flat, axis=1, keepdims=True)
        described[:, place] = np.where(length > 1e-3, flat / np.maximum(length, 1e-3), 0)
    return described


def find_candidates(thumbnails: NDArray[np.uint8], advance: Callable[[int], None]) -> list[Candidate]:
    """Find the `NEIGHBOURS` likeliest copies of each of the thumbnails (N, SIDE, SIDE), best first."""
    images = thumbnails.astype(np.float32) / 255
    sets = []
    for windows, single in ((crop_windows(), (0.0, 0.0, 1.0, 1.0)), (inner_windows(), MIDDLE)):
        turns = [describe(np.ascontiguousarray(turned(images, turn)), [single])[:, 0] for turn in range(TURNS)]
        sets.append((windows, np.concatenate(turns)))
    count = len(images)
    best: dict[tuple[int, int], Candidate] = {}
    done = 0
    starts = range(0, count, BLOCK)
    # Products of matrices let other threads run; the answer does not depend on which is first.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for partners in pool.map(
            lambda start: _partners(images[start : start + BLOCK], start, sets, count), starts
        ):
            for candidate in partners:
                key = (min(candidate.whole, candidate.part), max(candidate.whole, candidate.part))
                if key not in best or candidate.score > best[key].score:
                    best[key] = candidate
            done = min(done + BLOCK, count)
            advance(done)
    return sorted(best.values(), key=lambda candidate: (-candidate.score, candidate.whole, candidate.part))


def _partners(
    block: Floats, start: int, sets: Sequence[tuple[list[Window], Floats]], count: int
) -> list[Candidate]:
    """Likeliest copies of the images of a block, the first of which is number `start`."""
    scores = np.full((len(block), count), -1, np.float32)
    choice = np.zeros((len(block), count, 3), np.int16)
    for number, (windows, parts) in enumerate(sets):
        table = describe(block, windows).reshape(-1, GRID * GRID) @ parts.T
        flat = table.reshape(len(block), len(windows) * TURNS, count)
        place = flat.argmax(axis=1)
        value = np.take_along_axis(flat, place[:, None], axis=1)[:, 0]
        better = value > scores
        scores = np.where(better, value, scores)
        window, turn = np.divmod(place, TURNS)
        choice[better] = np.stack([np.full_like(window, number), window, turn], axis=2)[better]
    candidates = []
    for row in range(len(block)):
        whole = start + row
        scores[row, whole] = -1
        near = np.argsort(-scores[row], kind="stable")[:NEIGHBOURS]
        for part in near.tolist():
            if scores[row, part] < LEAST:
                break
            number, window, turn = choice[row, part].tolist()
            place = _window(sets[number][0][window], number)
            candidates.append(Candidate(whole, part, turn, place, float(scores[row, part])))
    return candidates


def _window(window: Window, number: int) -> Window:
    """Where the whole part lies, from where its middle lies."""
    if number == 0:
        return window
    top, left, height, width = window
    return (
        top - MIDDLE[0] * height / MIDDLE[2],
        left - MIDDLE[1] * width / MIDDLE[3],
        height / MIDDLE[2],
        width / MIDDLE[3],
    )
