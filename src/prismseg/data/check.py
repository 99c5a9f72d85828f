"""What is wrong with a data set: every fault is found and named, not only the first."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import DataError, PrismsegError
from prismseg.data.images import read_image, read_mask
from prismseg.data.labels import decode, find_coding
from prismseg.data.layouts import Case, Listing, group_of, list_cases

Severity = Literal["error", "warning", "info"]

TINY_GROUP_SHARE = 0.25  # of the median group
THUMBNAIL = (32, 32)
NEAR_DUPLICATE = 0.995
SHOWN = 8


@dataclass(frozen=True)
class Finding:
    """One thing to know about a data set.

    Attributes
    ----------
    severity : {"error", "warning", "info"}
        An error must be mended before training.
    kind : str
        Short name, such as "size mismatch".
    file : Path
        File (or folder) it is about.
    message : str
        What is wrong and what to do.
    """

    severity: Severity
    kind: str
    file: Path
    message: str


def check_dataset(
    path: str | Path,
    *,
    layout: str = "auto",
    group: str = "auto",
    classes: Sequence[str] | None = None,
    binary: bool = False,
    mask_suffix: str | None = None,
    channels: int | None = None,
) -> list[Finding]:
    """Look for faults in the data set at `path`; the options are those of `open_dataset`.

    Finds unreadable files, images of another depth, NaN, missing pairs, masks of another size, unexpected mask
    values, empty masks, equal and nearly equal images across groups, tiny groups and cases that each are their
    own group.

    Returns
    -------
    list of Finding
        Empty for a data set without fault. A folder that is no data set at all gives one error.
    """
    root = Path(path)
    try:
        listing = list_cases(root, layout=layout, mask_suffix=mask_suffix)
        groups = [group_of(case, group) for case in listing.cases]
    except PrismsegError as error:
        return [Finding("error", "layout", root, str(error))]
    findings = list(_check_pairs(listing, root))
    images = _Images()
    masks: dict[int, NDArray[np.int64]] = {}
    for index, case in enumerate(listing.cases):
        findings += images.read(index, case)
        if case.mask is not None and case.mask.is_file():
            try:
                masks[index] = read_mask(case.mask)
            except DataError as error:
                findings.append(Finding("error", "unreadable mask", case.mask, str(error)))
    findings += _check_sizes(listing.cases, images.sizes, masks)
    findings += _check_labels(listing, masks, binary=binary, classes=classes)
    findings += _check_kinds(images, listing.cases, channels)
    findings += _check_duplicates(listing.cases, groups, images)
    findings += _check_groups(root, listing.cases, groups)
    return findings


class _Images:
    """What is kept of each image while the next is read."""

    def __init__(self) -> None:
        self.sizes: dict[int, tuple[int, int]] = {}
        self.kinds: dict[int, str] = {}
        self.digests: dict[int, str] = {}
        self.thumbnails: dict[int, NDArray[np.float32]] = {}

    def read(self, index: int, case: Case) -> Iterator[Finding]:
        for path in case.images:
            try:
                pixels = read_image(path)
            except DataError as error:
                yield Finding("error", "unreadable image", path, str(error))
                return
            if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
                count = int((~np.isfinite(pixels)).sum())
                yield Finding(
                    "error",
                    "NaN",
                    path,
                    f"{path} holds {count} values that are NaN or infinite; replace dead pixels by their neighbours, "
                    "or leave the image out.",
                )
                return
        self.sizes[index] = (pixels.shape[0], pixels.shape[1])
        self.kinds[index] = str(pixels.dtype)
        self.digests[index] = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        self.thumbnails[index] = _thumbnail(pixels)
        if np.ptp(pixels) == 0:
            yield Finding("warning", "constant image", path, f"All pixels of {path} are equal; is it a blank?")


def _check_pairs(listing: Listing, root: Path) -> Iterator[Finding]:
    for case in listing.cases:
        for path in case.images:
            if not path.is_file():
                yield Finding("error", "missing image", path, f"{path} is listed but does not exist.")
        if case.mask is None:
            yield Finding(
                "error",
                "missing mask",
                case.images[0],
                f"{case.images[0]} has no mask; add it or leave the image out.",
            )
        elif not case.mask.is_file():
            yield Finding("error", "missing mask", case.mask, f"{case.mask} is listed but does not exist.")
    for path in listing.orphans:
        yield Finding("warning", "missing image", path, f"The mask {path} belongs to no image.")


def _check_sizes(
    cases: Sequence[Case], sizes: dict[int, tuple[int, int]], masks: dict[int, NDArray[np.int64]]
) -> Iterator[Finding]:
    for index, labels in masks.items():
        mask = cases[index].mask
        if index in sizes and labels.shape != sizes[index] and mask is not None:
            yield Finding(
                "error",
                "size mismatch",
                mask,
                f"The mask has {labels.shape[0]} x {labels.shape[1]} pixels, its image {sizes[index][0]} x "
                f"{sizes[index][1]}; export it at the image's size.",
            )


def _check_labels(
    listing: Listing, masks: dict[int, NDArray[np.int64]], *, binary: bool, classes: Sequence[str] | None
) -> Iterator[Finding]:
    values: dict[int, Path] = {}
    counts: Counter[int] = Counter()
    paths = {index: path for index in masks if (path := listing.cases[index].mask) is not None}
    for index, labels in masks.items():
        for label in np.unique(labels).tolist():
            values.setdefault(label, paths[index])
            counts[label] += 1
    if not values:
        return
    try:
        coding = listing.coding or find_coding(values, binary=binary)
    except DataError as error:
        yield Finding("error", "unexpected labels", values[max(values)], str(error))
        return
    if classes is not None and not binary:
        coding = {label: index for label, index in coding.items() if index < len(classes) or index == 255}
    for index, labels in masks.items():
        try:
            decoded = decode(labels, coding, paths[index], binary=binary)
        except DataError as error:
            yield Finding("error", "unexpected labels", paths[index], str(error))
            continue
        if not ((decoded > 0) & (decoded != 255)).any():
            yield Finding(
                "info",
                "empty mask",
                paths[index],
                "The mask holds background only; that is kept as a negative case.",
            )
    if listing.coding is None and not binary:
        yield from _rare_labels(coding, counts, values)


def _rare_labels(coding: dict[int, int], counts: Counter[int], values: dict[int, Path]) -> Iterator[Finding]:
    if set(counts) - {0} == {255}:
        yield Finding("info", "labels 0 and 255", values[255], "255 is read as the foreground of two classes.")
    elif coding.get(255) == 255:
        yield Finding(
            "info", "label 255", values[255], f"255 marks pixels that count nowhere, in {counts[255]} masks."
        )
    gaps = [
        index for index in range(1, max(index for index in coding.values() if index != 255)) if index not in counts
    ]
    if gaps:
        yield Finding(
            "warning",
            "unused labels",
            values[max(label for label in values if label != 255)],
            f"The labels {gaps} occur in no mask though higher ones do; each becomes a class that is never seen. "
            "Renumber the classes if that is not meant.",
        )


def _check_kinds(images: _Images, cases: Sequence[Case], channels: int | None) -> Iterator[Finding]:
    kinds = Counter(images.kinds.values())
    if len(kinds) > 1:
        usual = kinds.most_common(1)[0][0]
        for index, kind in images.kinds.items():
            if kind != usual:
                yield Finding(
                    "error",
                    "bit depth",
                    cases[index].images[0],
                    f"Its pixels are {kind}, those of most images {usual}; convert it, or the network meets two scales.",
                )


def _check_duplicates(cases: Sequence[Case], groups: Sequence[str], images: _Images) -> Iterator[Finding]:
    by_digest: dict[str, list[int]] = defaultdict(list)
    for index, digest in images.digests.items():
        by_digest[digest].append(index)
    exact: set[tuple[int, int]] = set()
    for members in by_digest.values():
        for other in members[1:]:
            first = members[0]
            exact.add((first, other))
            across = groups[first] != groups[other]
            yield Finding(
                "error" if across else "warning",
                "duplicate across groups" if across else "duplicate",
                cases[other].images[0],
                f"It equals {cases[first].images[0]} pixel for pixel"
                + (
                    f", but they are in different groups ({groups[first]}, {groups[other]}): a split would leak."
                    if across
                    else "; remove one."
                ),
            )
    near = [
        pair for pair in _near_pairs(images.thumbnails) if pair not in exact and groups[pair[0]] != groups[pair[1]]
    ]
    for left, right in near[:SHOWN]:
        yield Finding(
            "warning",
            "near duplicate across groups",
            cases[right].images[0],
            f"It looks almost the same as {cases[left].images[0]}, which is in another group ({groups[left]}, "
            f"{groups[right]}); if both show one patient, name the groups with --group.",
        )
    if len(near) > SHOWN:
        yield Finding(
            "warning",
            "near duplicate across groups",
            cases[near[SHOWN][1]].images[0],
            f"{len(near) - SHOWN} more pairs look almost the same across groups.",
        )


def _near_pairs(thumbnails: dict[int, NDArray[np.float32]]) -> list[tuple[int, int]]:
    if len(thumbnails) < 2:
        return []
    order = sorted(thumbnails)
    matrix = np.stack([thumbnails[index].ravel() for index in order])
    similar = np.triu(matrix @ matrix.T > NEAR_DUPLICATE, k=1)
    return [(order[left], order[right]) for left, right in np.argwhere(similar).tolist()]


def _thumbnail(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Small grey picture of mean 0 and length 1, so that a product of two is their correlation."""
    grey = pixels.astype(np.float32).mean(axis=2)
    small = np.asarray(Image.fromarray(grey).resize(THUMBNAIL, Image.Resampling.BOX), dtype=np.float32)
    centred = small - small.mean()
    length = float(np.linalg.norm(centred))
    unit: NDArray[np.float32] = centred / length if length > 0 else centred
    return unit


def _check_groups(root: Path, cases: Sequence[Case], groups: Sequence[str]) -> Iterator[Finding]:
    sizes = Counter(groups)
    if len(sizes) == len(cases) and len(cases) > 1:
        yield Finding(
            "info",
            "one case a group",
            root,
            "Each image is its own group. If patients have several images, say how they are grouped (--group), or "
            "splits will leak.",
        )
        return
    if len(sizes) == 1:
        yield Finding(
            "error",
            "one group",
            root,
            "All images are in one group, so they cannot be split; say how to group them.",
        )
        return
    usual = float(np.median(list(sizes.values())))
    for name, size in sizes.items():
        if size < TINY_GROUP_SHARE * usual:
            yield Finding(
                "warning",
                "tiny group",
                root,
                f"The group {name} has {size} images, the usual group {usual:g}; is it the same patient as another?",
            )
