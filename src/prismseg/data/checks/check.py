"""What is wrong with a data set: every fault is found and named, not only the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, PrismsegError, progress_bar
from prismseg.data.cases import read_channels, size_remedy
from prismseg.data.checks.agreement import check_agreement, check_people, measure_agreement
from prismseg.data.checks.copies import check_copies
from prismseg.data.checks.findings import Finding
from prismseg.data.checks.masks import MaskFacts, check_masks, count_holders, find_classes
from prismseg.data.checks.pairs import check_pairs, check_passed_over
from prismseg.data.checks.places import check_places
from prismseg.data.checks.recognised import describe_listing
from prismseg.data.images.decoding import decode as decode_file
from prismseg.data.images.folder import NOTE_SUFFIXES, scan_folder
from prismseg.data.images.identity import identity
from prismseg.data.images.reading import mask_labels
from prismseg.data.images.source import file_of, place_of
from prismseg.data.layouts import Case, Listing, group_of
from prismseg.data.listings import list_with, named_path
from prismseg.data.masks.annotators import AnnotatorMasks
from prismseg.data.masks.labels import decode
from prismseg.data.options import DataOptions, make_options
from prismseg.data.twins import thumbnail

TINY_GROUP_SHARE = 0.25  # of the median group


def check_dataset(
    path: str | Path,
    *,
    layout: str = "auto",
    group: str = "auto",
    classes: Sequence[str] | None = None,
    binary: bool = False,
    mask_suffix: str | None = None,
    channels: int | None = None,
    colours: str | Path | Mapping[str, str] | None = None,
    annotators: str | None = None,
    multilabel: bool = False,
    given_splits: bool = True,
    show_progress: bool = False,
) -> list[Finding]:
    """Look for faults in the data set at `path`; the options are those of `open_dataset`.

    Finds unreadable files (empty, truncated, huge, animated), files that are left out, NaN, mixed bit depths and
    channels, missing pairs, masks of another size or turned otherwise than their image, labels that are probably
    meant otherwise (in the alpha channel, colours, from 1 on, grey values, blurred, no background), empty masks,
    copies of an image (equal, or cut, scaled, mirrored, brightened) within and across groups, splits that divide a
    group or copies, tiny groups and cases that each are their own group. A finding of the severity ``"error"`` makes the
    numbers of a training run wrong: `prismseg train` refuses such data unless it is forced.

    Parameters
    ----------
    path : path
        Folder (or CSV).
    layout, group, classes, binary, mask_suffix, channels, colours, annotators, multilabel
        As in `open_dataset`.
    given_splits : bool
        Whether the splits that the data set brings along are to be used, and so to be checked.
    show_progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    list of Finding
        Empty for a data set without fault. A folder that is no data set at all gives one error.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> for name, side in (("p1", 8), ("p2", 6)):
    ...     np.save(folder / f"{name}.npy", np.arange(64, dtype=np.uint8).reshape(8, 8))
    ...     np.save(folder / f"{name}_mask.npy", np.eye(side, dtype=np.uint8))
    >>> sorted({finding.kind for finding in check_dataset(folder) if finding.severity == "error"})
    ['size mismatch']
    """
    try:
        options = make_options(
            layout=layout,
            group=group,
            classes=classes,
            binary=binary,
            mask_suffix=mask_suffix,
            channels=channels,
            colours=colours,
            annotators=annotators,
            multilabel=multilabel,
        )
    except PrismsegError as error:
        return [Finding("error", "layout", Path(path), str(error))]
    return check_with(path, options, given_splits=given_splits, show_progress=show_progress).findings


@dataclass(frozen=True)
class CheckResult:
    """What a check says of a data set.

    Attributes
    ----------
    findings : list of Finding
        Its faults.
    recognised : str
        What it was read as, in a sentence or two; empty where it is no data set.
    """

    findings: list[Finding]
    recognised: str = ""


def check_with(
    path: str | Path, options: DataOptions, *, given_splits: bool = True, show_progress: bool = False
) -> CheckResult:
    """Look for faults in the data set at `path`, read as `options` say; see `check_dataset`."""
    root = Path(path)
    try:
        root = named_path(path)
        listing, legend = list_with(root, options)
        groups = [group_of(case, options.group) for case in listing.cases]
    except PrismsegError as error:
        return CheckResult([Finding("error", "layout", root, str(error))])
    findings = [
        *listing.findings,
        *_check_folders(listing),
        *check_pairs(listing),
        *check_passed_over(listing, root),
    ]
    unread = [finding for finding in findings if finding.kind == "unread file"]
    images, masks = _Images(), MaskFacts(legend)
    with progress_bar("reading", len(listing.cases), visible=show_progress) as advance:
        for index, case in enumerate(listing.cases):
            findings += images.read(index, case)
            findings += masks.read(index, case)
            advance(index + 1, case.id)
    findings += _check_sizes(listing.cases, images.shapes, masks.shapes)
    findings += _check_orientations(listing.cases, images, masks)
    findings += check_places(listing.cases)
    findings += check_masks(listing, masks, root, binary=options.binary, classes=options.classes)
    agreement, differing = _check_annotators(listing, masks, options, root)
    findings += differing
    findings += _check_kinds(images, listing.cases, options.channels)
    findings += check_copies(
        listing,
        groups,
        images.identities,
        images.thumbnails,
        given_splits=given_splits,
        show_progress=show_progress,
    )
    findings += _check_groups(root, listing.cases, groups)
    if given_splits:
        findings += _check_splits(root, listing, groups)
    return CheckResult(
        findings,
        describe_listing(
            listing,
            groups,
            count_holders(listing, masks, options),
            left_out=len(unread),
            agreement=agreement,
        ),
    )


def _check_annotators(
    listing: Listing, masks: MaskFacts, options: DataOptions, root: Path
) -> tuple[str, list[Finding]]:
    """Say how far annotators agree, and find images in which only some of them drew a class."""
    several = any(isinstance(case.mask, AnnotatorMasks) and len(case.mask.masks) > 1 for case in listing.cases)
    understood = find_classes(listing, masks, options) if several and not options.multilabel else None
    if understood is None:
        return "", []
    coding, classes = understood
    # Where the joined masks are all empty, they do not say what the numbers in those of each person stand for.
    binary = options.binary or set(coding) == {0}

    def read(path: Path) -> NDArray[np.uint8]:
        if masks.legend is not None:
            return masks.legend.read(path)
        return decode(mask_labels(path, decode_file(path, "labels")), coding, path, binary=binary)

    number = {case.id: index for index, case in enumerate(listing.cases)}

    def kept(case: str, name: str) -> bool:
        counts = masks.counts.get(number[case])
        return counts is not None and classes.index(name) in {coding.get(label) for label in counts.pixels}

    agreement = measure_agreement(listing.cases, read, classes)
    findings = [] if options.annotators is not None else list(check_people(listing.cases, agreement, root))
    return agreement.sentence(), [*findings, *check_agreement(listing.cases, agreement, kept, root)]


@dataclass
class _Images:
    """What is kept of each image while the next is read."""

    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    depths: dict[int, str] = field(default_factory=dict)
    orientations: dict[int, int] = field(default_factory=dict)
    identities: dict[int, str] = field(default_factory=dict)
    thumbnails: dict[int, NDArray[np.uint8]] = field(default_factory=dict)

    def read(self, index: int, case: Case) -> Iterator[Finding]:
        if not all(file_of(source).is_file() for source in case.images):
            return
        file = place_of(case.images[0])
        try:
            pixels, orientation = read_channels(case)
        except DataError as error:
            yield Finding("error", "unreadable image", file, str(error))
            return
        self.shapes[index] = pixels.shape
        self.orientations[index] = orientation
        self.depths[index] = str(pixels.dtype)
        if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
            count = int((~np.isfinite(pixels)).sum())
            yield Finding(
                "error",
                "NaN",
                file,
                f"{file} holds {count} NaN or infinite value{'s' * (count != 1)}; replace dead pixels by their "
                "neighbours, or leave the image out.",
            )
            return
        self.identities[index] = identity(pixels)
        self.thumbnails[index] = thumbnail(pixels)
        if np.ptp(pixels) == 0:
            yield Finding("warning", "constant image", file, f"All pixels of {file} are equal; is it a blank?")


def _check_sizes(
    cases: Sequence[Case], images: Mapping[int, tuple[int, ...]], masks: Mapping[int, tuple[int, ...]]
) -> Iterator[Finding]:
    for index, shape in masks.items():
        mask = cases[index].mask
        if index in images and shape != images[index][:2] and mask is not None:
            yield Finding(
                "error",
                "size mismatch",
                place_of(mask),
                f"The mask {mask} has {shape[0]} x {shape[1]} pixels, its image {images[index][0]} x "
                f"{images[index][1]}. {size_remedy(shape, images[index])}",
            )


def _check_orientations(cases: Sequence[Case], images: _Images, masks: MaskFacts) -> Iterator[Finding]:
    turned = [index for index, orientation in images.orientations.items() if orientation != 1]
    if turned:
        yield Finding(
            "info",
            "turned upright",
            place_of(cases[turned[0]].images[0]),
            f"{len(turned)} images, such as this one, are stored turned or mirrored (Exif orientation) and are read "
            "upright.",
        )
    for index, orientation in masks.orientations.items():
        mask, stored = cases[index].mask, images.orientations.get(index, orientation)
        if mask is None or stored == orientation or masks.shapes[index] != images.shapes[index][:2]:
            continue
        height, width = masks.shapes[index]
        # Where turning back would change height and width, equal sizes prove that the mask is upright.
        if height == width or (stored >= 5) == (orientation >= 5):
            yield Finding(
                "warning",
                "orientation differs",
                place_of(mask),
                f"The image {cases[index].images[0]} has the Exif orientation {stored}, its mask {mask} {orientation}, "
                "and their sizes do not tell whether the mask was drawn on the upright image. Look at an overlay; "
                "if it does not fit, save image and mask without orientation.",
            )


def _check_folders(listing: Listing) -> Iterator[Finding]:
    for path in listing.left_out:
        yield Finding(
            "warning", "hidden file", path, f"{path} is a hidden file and is left out; remove it from the table."
        )
    for folder in listing.folders:
        scan = scan_folder(folder)
        for path in scan.broken:
            yield Finding(
                "error",
                "broken link",
                path,
                f"{path} is a link to {path.readlink()}, which does not exist; restore that file or remove the link.",
            )
        for path in scan.unread:
            if path.suffix.lower() not in NOTE_SUFFIXES:
                yield Finding(
                    "warning",
                    "unread file",
                    path,
                    f"{path} is left out, since files {path.suffix} are not read; convert it to PNG or TIFF if it is a "
                    "image.",
                )


def _check_kinds(images: _Images, cases: Sequence[Case], channels: int | None) -> Iterator[Finding]:
    depths = Counter(images.depths.values())
    for index, depth in images.depths.items():
        usual = depths.most_common(1)[0][0]
        if depth != usual:
            yield Finding(
                "error",
                "bit depth",
                place_of(cases[index].images[0]),
                f"Its pixels are {depth}, those of most images {usual}; convert it, or the network meets two scales.",
            )
    counts = Counter(shape[2] for shape in images.shapes.values())
    for index, shape in images.shapes.items():
        expected = channels if channels is not None else counts.most_common(1)[0][0]
        # Grey and RGB are converted into each other.
        if shape[2] != expected and {shape[2], expected} != {1, 3}:
            yield Finding(
                "error",
                "channels",
                place_of(cases[index].images[0]),
                f"It has {shape[2]} channels where {expected} are expected, and there is no conversion; convert it or "
                "leave it out.",
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
            "warning",
            "one group",
            root,
            "All images are in one group, so they cannot be split: there is no test on another patient. Say how to "
            "group them (--group), or train on all of them.",
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
                f"Split {number} of the data set names cases that are not there: {', '.join(unknown[:5])}. "
                "Correct the split, or draw another (--ignore-split).",
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
