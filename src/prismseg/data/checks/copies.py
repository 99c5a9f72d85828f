"""Copies of an image within a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.data.checks.findings import Finding, Severity
from prismseg.data.images.source import place_of
from prismseg.data.layouts import Listing
from prismseg.data.twins import find_twins_cached


def check_copies(
    listing: Listing,
    groups: Sequence[str],
    identities: Mapping[int, str],
    thumbnails: Mapping[int, NDArray[np.uint8]],
    *,
    given_splits: bool,
    show_progress: bool,
) -> Iterator[Finding]:
    """Find pairs of images, by position, that are equal or show the same in another cut, size or light."""
    order = sorted(identities)
    in_order = [identities[index] for index in order]
    members: dict[str, list[int]] = {}
    for index in order:
        members.setdefault(identities[index], []).append(index)
    equal = [(same[0], other, "It equals {} pixel for pixel") for same in members.values() for other in same[1:]]
    small = (thumbnails[index] for index in order)
    twins = [
        (order[twin.first], order[twin.second], f"It shows the same image as {{}} ({twin.relation})")
        for twin in find_twins_cached(in_order, small, show_progress=show_progress)
    ]
    names = [case.id for case in listing.cases]
    for kind, pairs in (("duplicate", equal), ("twin", twins)):
        for first, other, words in pairs:
            files = place_of(listing.cases[first].images[0]), place_of(listing.cases[other].images[0])
            parted = _parted(listing.splits, names[first], names[other]) if given_splits else None
            yield _copy_finding(kind, files, words.format(files[0]), (groups[first], groups[other]), parted)


def _parted(splits: Sequence[Mapping[str, Sequence[str]]], first: str, other: str) -> str | None:
    """Name the parts that a split of the data set puts two cases in, where they are two."""
    for number, split in enumerate(splits):
        place = {name: part for part, members in split.items() for name in members if name in (first, other)}
        if len(set(place.values())) > 1:
            return f"split {number} of the data set puts them in {place[first]} and {place[other]}"
    return None


def _copy_finding(
    kind: str, files: tuple[Path, Path], sentence: str, groups: tuple[str, str], parted: str | None
) -> Finding:
    severity: Severity = "warning"
    if parted is not None:
        severity, kind = "error", f"{kind} across parts"
        message = f"{sentence}, and {parted}, so the test would flatter the network. Remove one, or move it."
    elif groups[0] != groups[1]:
        kind = f"{kind} across groups"
        message = (
            f"{sentence}, but they are in different groups ({groups[0]}, {groups[1]}). A split that is drawn joins these "
            "groups; remove one, or name the groups with --group."
        )
    elif kind == "duplicate":
        message = f"{sentence}; remove one."
    else:
        severity = "info"
        message = f"{sentence}, in one group; it adds little to learn from."
    return Finding(severity, kind, files[1], message, files[0])
