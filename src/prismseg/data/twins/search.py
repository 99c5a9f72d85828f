"""Copies of one image under different names: cut, scaled, shifted, mirrored, brightened, compressed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import PrismsegError, progress_bar, read_json, write_json
from prismseg.base.deprecation import renamed
from prismseg.data.twins.alignment import EARLY, align_roughly, even_level, measure_agreement
from prismseg.data.twins.candidates import Candidate, Window, find_candidates
from prismseg.data.twins.thumbnail import SIDE, SIDES, TURN_NAMES, Floats

# Chosen with benchmarks/twins.py, which states how many copies are missed and how many pairs are named wrongly.
OVERALL = 0.70
STRONG = 0.80
LOCAL = 0.60
FORMAT = 1  # of the stored answer; another number finds twins anew


@dataclass(frozen=True)
class Twin:
    """Two images that show the same.

    Attributes
    ----------
    first, second : int
        Positions of the images; `first` is the smaller.
    correlation : float
        Of blocks of the images where they overlap, mean weighted by contrast.
    turn : int
        How one is mirrored or turned towards the other, see `prismseg.data.twins.thumbnail.turned`.
    window : (top, left, height, width)
        Where the one lies on the other, as fractions: (0, 0, 1, 1) for the whole.
    """

    first: int
    second: int
    correlation: float
    turn: int
    window: Window

    @property
    def relation(self) -> str:
        """How the images differ, in words."""
        top, left, height, width = self.window
        whole = max(abs(top), abs(left), abs(height - 1), abs(width - 1)) < 0.01
        crop = "" if whole else f", {height:.0%} x {width:.0%} of it"
        return f"{TURN_NAMES[self.turn]}{crop}"


@renamed(portraits="thumbnails")
def find_twins(
    thumbnails: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], *, show_progress: bool = False
) -> list[Twin]:
    """Find images that are copies of one another.

    Each image is compared with windows of every other, in eight turns; of each the likeliest partners are laid exactly
    on it, and those whose fine detail agrees are twins. Copies that show 90 % of the height or width (any side), are
    shifted by up to 10 %, scaled, mirrored or turned by right angles, and changed in gamma (.6 to 1.6), contrast,
    brightness or by JPEG are found; ``benchmarks/twins.py`` measures how many are missed and how many pairs are named
    wrongly.

    Parameters
    ----------
    thumbnails : (N, 128, 128) uint8 or sequence of (128, 128)
        Made by `prismseg.data.twins.thumbnail.thumbnail`.
    show_progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    list of Twin
        Sorted by `first` and `second`; the same thumbnails give the same list.
    """
    stack = np.asarray(thumbnails, np.uint8)
    if len(stack) < 2:
        return []
    if stack.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"thumbnails have shape (N, {SIDE}, {SIDE}), not {stack.shape}")
    with progress_bar("comparing images", len(stack), visible=show_progress) as advance:
        candidates = find_candidates(stack, lambda done: advance(done, ""))
    even = even_level(stack, SIDES[0])
    twins = []
    with progress_bar("aligning pairs", max(len(candidates), 1), visible=show_progress) as advance:
        for done, candidate in enumerate(candidates, start=1):
            twin = check_candidate(stack, even, candidate)
            if twin is not None:
                twins.append(twin)
            advance(done, "")
    return sorted(twins, key=lambda twin: (twin.first, twin.second))


def check_candidate(thumbnails: NDArray[np.uint8], even: Floats, candidate: Candidate) -> Twin | None:
    """Lay the two images of a candidate on each other; None where they are no twins.

    `even` are the thumbnails at 32 pixels (`prismseg.data.twins.alignment.even_level`).
    """
    whole, part = candidate.whole, candidate.part
    window, score = align_roughly(even[whole], even[part], candidate)
    if score < EARLY:
        return None
    agreement = measure_agreement(thumbnails[whole], thumbnails[part], candidate.turn, window)
    if agreement.overall < OVERALL or agreement.strong < STRONG or agreement.local < LOCAL:
        return None
    return Twin(min(whole, part), max(whole, part), round(agreement.strong, 4), candidate.turn, agreement.window)


def find_twins_cached(
    identities: Sequence[str], thumbnails: Iterable[NDArray[np.uint8]], *, show_progress: bool = False
) -> list[Twin]:
    """Find twins among images of known identity, or take the answer from the user's cache.

    Parameters
    ----------
    identities : sequence of str
        Identity of each image (`prismseg.data.images.identity.identity`). Images of one identity are not compared: that
        they are equal is known.
    thumbnails : iterable of (128, 128) arrays
        In the same order; only taken where there is no stored answer.
    show_progress : bool
        Show progress bars.
    """
    if not identities:
        return []
    positions = {identity: index for index, identity in reversed(list(enumerate(identities)))}
    order = sorted(positions)
    stored = _cache_file(order)
    pairs = _read_cache(stored)
    if pairs is None:
        identity_of = {index: identity for identity, index in positions.items()}
        chosen = {identity_of[index]: made for index, made in enumerate(thumbnails) if index in identity_of}
        # In the order of identities, so that the answer does not depend on file names.
        twins = find_twins(np.stack([chosen[identity] for identity in order]), show_progress=show_progress)
        pairs = [asdict(twin) | {"first": order[twin.first], "second": order[twin.second]} for twin in twins]
        _write_cache(stored, pairs)
    twins = []
    for pair in pairs:
        first, second = sorted((positions[pair["first"]], positions[pair["second"]]))
        twins.append(Twin(first, second, pair["correlation"], pair["turn"], tuple(pair["window"])))
    return sorted(twins, key=lambda twin: (twin.first, twin.second))


def _cache_file(identities: Sequence[str]) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    key = hashlib.sha256(repr((FORMAT, list(identities))).encode()).hexdigest()[:32]
    return Path(root) / "prismseg" / "twins" / f"{key}.json"


def _read_cache(path: Path) -> list[dict[str, Any]] | None:
    if not path.is_file():
        return None
    try:
        pairs: list[dict[str, Any]] = read_json(path)
        [(pair["first"], pair["second"], pair["correlation"], pair["turn"], pair["window"]) for pair in pairs]
    except (PrismsegError, KeyError, TypeError):
        return None  # damaged: it is made anew
    return pairs


def _write_cache(path: Path, pairs: list[dict[str, Any]]) -> None:
    try:
        write_json(path, pairs)
    except PrismsegError:
        # A home that cannot be written costs time the next time, not the answer.
        return
