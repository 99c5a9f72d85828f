"""What is wrong with a data set: every fault is found and named, not only the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, PrismsegError
from prismseg.data.dataset import read_case
from prismseg.data.duplicates import Pair, digest, equal_pairs, near_pairs, thumbnail
from prismseg.data.images import read_mask
from prismseg.data.labels import decode, find_coding, listed_coding, name_classes, stored_labels, with_absent
from prismseg.data.layouts import Case, Listing, group_of, list_cases
from prismseg.data.sample import IGNORE

Severity = Literal["error", "warning", "info"]

TINY_GROUP_SHARE = 0.25  # of the median group
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

    Finds unreadable files (empty, truncated, huge, animated), NaN, mixed bit depths and channels, missing pairs,
    masks of another size, unexpected mask values, empty masks, equal and nearly equal images within and across
    groups, splits that divide a group, tiny groups and cases that each are their own group.

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
    findings = list(_check_pairs(listing))
    images, masks = _Images(), _Masks()
    for index, case in enumerate(listing.cases):
        findings += images.read(index, case)
        findings += masks.read(index, case)
    findings += _check_sizes(listing.cases, images.shapes, masks.shapes)
    findings += _check_labels(listing, masks, root, binary=binary, classes=classes)
    findings += _check_kinds(images, listing.cases, channels)
    findings += _check_duplicates(listing.cases, groups, images)
    findings += _check_groups(root, listing.cases, groups)
    findings += _check_splits(root, listing, groups)
    return findings


@dataclass
class _Images:
    """What is kept of each image while the next is read."""

    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    depths: dict[int, str] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    thumbnails: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def read(self, index: int, case: Case) -> Iterator[Finding]:
        if not all(path.is_file() for path in case.images):
            return
        file = case.images[0]
        try:
            pixels = read_case(case)
        except DataError as error:
            yield Finding("error", "unreadable image", file, str(error))
            return
        self.shapes[index] = pixels.shape
        self.depths[index] = str(pixels.dtype)
        if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
            count = int((~np.isfinite(pixels)).sum())
            yield Finding(
                "error",
                "NaN",
                file,
                f"{file} holds {count} values that are NaN or infinite; replace dead pixels by their neighbours, or "
                "leave the image out.",
            )
            return
        self.digests[index] = digest(pixels)
        self.thumbnails[index] = thumbnail(pixels)
        if np.ptp(pixels) == 0:
            yield Finding("warning", "constant image", file, f"All pixels of {file} are equal; is it a blank?")


@dataclass
class _Masks:
    """What is kept of each mask while the next is read."""

    paths: dict[int, Path] = field(default_factory=dict)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    labels: dict[int, list[int]] = field(default_factory=dict)

    def read(self, index: int, case: Case) -> Iterator[Finding]:
        if case.mask is None or not case.mask.is_file():
            return
        try:
            stored = read_mask(case.mask)
        except DataError as error:
            yield Finding("error", "unreadable mask", case.mask, str(error))
            return
        self.paths[index] = case.mask
        self.shapes[index] = stored.shape
        self.labels[index] = stored_labels(stored)


def _check_pairs(listing: Listing) -> Iterator[Finding]:
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
    cases: Sequence[Case], images: Mapping[int, tuple[int, ...]], masks: Mapping[int, tuple[int, ...]]
) -> Iterator[Finding]:
    for index, shape in masks.items():
        mask = cases[index].mask
        if index in images and shape != images[index][:2] and mask is not None:
            yield Finding(
                "error",
                "size mismatch",
                mask,
                f"The mask has {shape[0]} x {shape[1]} pixels, its image {images[index][0]} x {images[index][1]}; export "
                "it at the image's size.",
            )


def _check_labels(
    listing: Listing, masks: _Masks, root: Path, *, binary: bool, classes: Sequence[str] | None
) -> Iterator[Finding]:
    values = {label: masks.paths[index] for index, labels in masks.labels.items() for label in labels}
    if not values:
        return
    try:
        found = listing.coding is None
        coding = (
            find_coding(values, binary=binary) if found else listed_coding(listing.coding or {}, binary=binary)
        )
    except DataError as error:
        yield Finding("error", "unexpected labels", values[max(values)], str(error))
        return
    if classes is not None and found and not binary:
        # Labels beyond the named classes are then found file by file.
        coding = {label: index for label, index in coding.items() if index < len(classes) or index == IGNORE}
        coding = with_absent(coding, classes)
    try:
        name_classes(coding if not (found and binary) else {0: 0, 1: 1}, classes, listing.classes)
    except PrismsegError as error:
        yield Finding("error", "class names", root, str(error))
    foreground = False
    for index, labels in masks.labels.items():
        path = masks.paths[index]
        try:
            decoded = decode(np.array(labels), coding, path, binary=binary and found)
        except DataError as error:
            yield Finding("error", "unexpected labels", path, str(error))
            foreground = True
            continue
        if ((decoded > 0) & (decoded != IGNORE)).any():
            foreground = True
        else:
            yield Finding("info", "empty mask", path, "It holds background only; that is kept as a negative case.")
    if not foreground:
        yield Finding(
            "error", "no foreground", root, "No mask holds anything but background, so there is nothing to learn."
        )
    if found and not binary:
        yield from _explain_labels(coding, masks, values, named=classes is not None)


def _explain_labels(
    coding: Mapping[int, int], masks: _Masks, values: Mapping[int, Path], *, named: bool
) -> Iterator[Finding]:
    if set(values) - {0} == {IGNORE}:
        yield Finding("info", "labels 0 and 255", values[IGNORE], "255 is read as the foreground of two classes.")
    elif IGNORE in values:
        holders = [set(labels) - {0, IGNORE} for labels in masks.labels.values() if IGNORE in labels]
        yield Finding(
            "info",
            "label 255",
            values[IGNORE],
            f"255 marks pixels that count nowhere, in {len(holders)} masks.",
        )
        if set(values) <= {0, 1, IGNORE} and not any(holders):
            yield Finding(
                "warning",
                "mixed foreground",
                values[IGNORE],
                f"{len(holders)} masks hold no label but 0 and 255, the others 0 and 1. If both 1 and 255 mean "
                "foreground, --binary takes every label above 0; else 255 counts nowhere.",
            )
    highest = max((index for index in coding.values() if index != IGNORE), default=0)
    known = {coding[label] for label in values if label in coding}
    gaps = [index for index in range(1, highest + 1) if index not in known]
    if gaps and known - {0, IGNORE}:
        yield Finding(
            "warning",
            "unused labels",
            values[max((label for label in values if label != IGNORE), default=IGNORE)],
            f"The labels {', '.join(map(str, gaps))} occur in no mask, so their classes are never seen. "
            + ("Leave their names out" if named else "Renumber the classes")
            + " if that is not meant.",
        )


def _check_kinds(images: _Images, cases: Sequence[Case], channels: int | None) -> Iterator[Finding]:
    depths = Counter(images.depths.values())
    for index, depth in images.depths.items():
        usual = depths.most_common(1)[0][0]
        if depth != usual:
            yield Finding(
                "error",
                "bit depth",
                cases[index].images[0],
                f"Its pixels are {depth}, those of most images {usual}; convert it, or the network meets two scales.",
            )
    counts = Counter(shape[2] for shape in images.shapes.values())
    for index, shape in images.shapes.items():
        wanted = channels if channels is not None else counts.most_common(1)[0][0]
        # Grey and RGB are converted into each other.
        if shape[2] != wanted and {shape[2], wanted} != {1, 3}:
            yield Finding(
                "error",
                "channels",
                cases[index].images[0],
                f"It has {shape[2]} channels where {wanted} are expected, and there is no conversion; convert it or "
                "leave it out.",
            )


def _check_duplicates(cases: Sequence[Case], groups: Sequence[str], images: _Images) -> Iterator[Finding]:
    for first, other in equal_pairs(images.digests):
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
    near = [pair for pair in near_pairs(images.thumbnails) if images.digests[pair[0]] != images.digests[pair[1]]]
    across_groups = [pair for pair in near if groups[pair[0]] != groups[pair[1]]]
    yield from _near_across(cases, groups, across_groups)
    within = [pair for pair in near if groups[pair[0]] == groups[pair[1]]]
    if within:
        left, right = within[0]
        yield Finding(
            "info",
            "near duplicate",
            cases[right].images[0],
            f"{len(within)} pairs of images look almost the same within a group, such as this one and "
            f"{cases[left].images[0]}; they add little to learn from.",
        )


def _near_across(cases: Sequence[Case], groups: Sequence[str], pairs: Sequence[Pair]) -> Iterator[Finding]:
    for left, right in pairs[:SHOWN]:
        yield Finding(
            "warning",
            "near duplicate across groups",
            cases[right].images[0],
            f"It looks almost the same as {cases[left].images[0]}, which is in another group ({groups[left]}, "
            f"{groups[right]}); if both show one patient, name the groups with --group.",
        )
    if len(pairs) > SHOWN:
        yield Finding(
            "warning",
            "near duplicate across groups",
            cases[pairs[SHOWN][1]].images[0],
            f"{len(pairs) - SHOWN} more pairs look almost the same across groups.",
        )


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


def _check_splits(root: Path, listing: Listing, groups: Sequence[str]) -> Iterator[Finding]:
    group_named = {case.id: group for case, group in zip(listing.cases, groups, strict=True)}
    for number, split in enumerate(listing.splits):
        unknown = sorted({name for part in split.values() for name in part} - set(group_named))
        if unknown:
            yield Finding(
                "error",
                "unknown case in split",
                root,
                f"Split {number} of the data set names cases that are not there: {', '.join(unknown[:5])}.",
            )
        members = {
            part: {group_named[name] for name in names if name in group_named} for part, names in split.items()
        }
        for left, right in combinations(members, 2):
            shared = sorted(members[left] & members[right])
            if shared:
                yield Finding(
                    "error",
                    "leaking split",
                    root,
                    f"Split {number} of the data set has the group {', '.join(shared[:5])} in both {left} and {right}; "
                    "move each group into one part.",
                )
