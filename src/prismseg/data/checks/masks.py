"""What may be wrong with the masks of a data set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from prismseg.base import DataError, PrismsegError
from prismseg.data.checks.findings import Finding
from prismseg.data.checks.inverted import check_inverted
from prismseg.data.images.decoding import MaskError
from prismseg.data.images.decoding import decode as decode_file
from prismseg.data.images.reading import mask_labels, read_colours
from prismseg.data.images.source import files_of, place_of
from prismseg.data.layouts import Case, Listing
from prismseg.data.layouts.annotated.shapes import ORDER_RULE, Drawing
from prismseg.data.masks.interpolated import count_between
from prismseg.data.masks.labels import (
    LabelCounts,
    LabelUses,
    count_labels,
    decode,
    doubtful_labels,
    find_coding,
    listed_coding,
    name_classes,
    sum_counts,
    with_absent,
)
from prismseg.data.masks.legend import Legend
from prismseg.data.masks.overlapping import labels_in
from prismseg.data.options import DataOptions
from prismseg.data.sample import IGNORE

_COLOURS_SHOWN = 8
_BLUR = 64  # a mask of more colours is a blurred one
# Masks in which objects are counted end at several numbers, and the largest is beyond what most sets of classes have.
_COUNTS = 3
_OBJECTS = 5
_LINE = 0.8  # of a label's pixels, from which on it is called one that lies between others


@dataclass
class MaskFacts:
    """What is kept of each mask while the next is read.

    Attributes
    ----------
    legend : Legend, optional
        By which masks are read; labels are then class indices.
    counts : dict
        Labels of each mask.
    colours : Counter
        Pixels of each colour in the masks that turned out to be colour images.
    palettes : dict
        Colours that an index stands for, with a mask each.
    between : Counter
        Pixels of each label, in masks where it fills no area, that touch both a lower and a higher one.
    contested : dict
        Pixels of a drawn mask that shapes of several classes cover, where there are any.
    border : Counter
        Pixels of each label along the borders of the masks.
    white_is_zero : list of Path
        Masks that viewers show with their lowest number as white.
    """

    legend: Legend | None = None
    paths: dict[int, Path] = field(default_factory=dict)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    orientations: dict[int, int] = field(default_factory=dict)
    counts: dict[int, LabelCounts] = field(default_factory=dict)
    colours: Counter[int] = field(default_factory=Counter)
    palettes: dict[int, dict[int, Path]] = field(default_factory=lambda: defaultdict(dict))
    between: Counter[int] = field(default_factory=Counter)
    contested: dict[int, int] = field(default_factory=dict)
    border: Counter[int] = field(default_factory=Counter)
    white_is_zero: list[Path] = field(default_factory=list)

    def read(self, index: int, case: Case) -> Iterator[Finding]:
        """Read the mask of a case; a finding says why it cannot be read."""
        if case.mask is None or not all(path.is_file() for path in files_of(case.mask)):
            return
        place = place_of(case.mask)
        try:
            if self.legend is not None:
                labels = self.legend.read(case.mask).astype(np.int64)
                self.orientations[index] = 1
            else:
                decoded = decode_file(case.mask, "labels")
                labels = mask_labels(case.mask, decoded)
                self.orientations[index] = decoded.orientation
                if decoded.white_is_zero:
                    self.white_is_zero.append(place)
        except MaskError as error:
            if error.kind == "colour mask":
                self.colours.update(count_labels(read_colours(case.mask)).pixels)
            yield Finding("error", error.kind, place, str(error))
            return
        except DataError as error:
            yield Finding("error", "unreadable mask", place, str(error))
            return
        self.paths[index] = place
        self.shapes[index] = labels.shape
        self.counts[index] = counted = count_labels(labels)
        edges = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
        self.border.update(count_labels(edges[None]).pixels)
        thin = [
            label for label in counted.pixels if label not in counted.solid and 0 < label < max(counted.pixels)
        ]
        self.between.update(count_between(labels, thin))
        if isinstance(case.mask, Drawing) and (contested := case.mask.paint().contested):
            self.contested[index] = contested
        if self.legend is None and decoded.palette is not None:
            for label in self.counts[index].pixels:
                if label < len(decoded.palette):
                    red, green, blue = (int(channel) for channel in decoded.palette[label])
                    self.palettes[label].setdefault((red << 16) + (green << 8) + blue, place)


def check_masks(
    listing: Listing, masks: MaskFacts, root: Path, *, binary: bool, classes: Sequence[str] | None
) -> Iterator[Finding]:
    """Faults of the labels, judged over the whole data set."""
    yield from _check_colours(masks, root)
    yield from _check_contested(masks)
    if masks.legend is None:
        yield from _check_palettes(masks)
    uses = sum_counts((masks.paths[index], counts) for index, counts in masks.counts.items())
    if not uses:
        return
    guessed = listing.coding is None
    try:
        coding = (
            find_coding(uses, binary=binary)
            if listing.coding is None
            else listed_coding(listing.coding, binary=binary)
        )
    except DataError as error:
        yield Finding("error", "unexpected labels", uses[max(uses)].file, str(error))
        return
    if classes is not None and guessed and not binary:
        # Labels beyond the named classes are then found file by file.
        coding = {label: index for label, index in coding.items() if index < len(classes) or index == IGNORE}
        coding = with_absent(coding, classes)
    try:
        name_classes(coding if not (guessed and binary) else {0: 0, 1: 1}, classes, listing.classes)
    except PrismsegError as error:
        yield Finding("error", "class names", root, str(error))
    yield from _check_contents(masks, coding, root, threshold=binary and guessed)
    yield from check_inverted(masks.white_is_zero, masks.border, uses, coding, binary=binary and guessed)
    if guessed:
        doubts = doubtful_labels(uses, coding, named=classes is not None, binary=binary)
        doubtful = [Finding("error", kind, file, message) for kind, file, message in doubts]
        yield from doubtful
        if binary and 1 in uses and set(uses) <= {0, 1, IGNORE} and uses[1].with_ignore:
            yield Finding(
                "warning",
                "255 as foreground",
                uses[IGNORE].file,
                "Masks hold 1 beside 255, and --binary takes both as foreground. If 255 marks pixels that count nowhere, "
                "leave out --binary.",
            )
        if not binary:
            yield from _check_interpolated(masks, uses)
            gaps = any(finding.kind == "gaps in labels" for finding in doubtful)
            yield from _explain_labels(coding, masks, uses, named=classes is not None, gaps=gaps)


def count_holders(listing: Listing, masks: MaskFacts, options: DataOptions) -> list[tuple[str, int]] | None:
    """Name each class, with the number of masks that hold it; None where no mask or label is understood."""
    uses = sum_counts((masks.paths[index], counts) for index, counts in masks.counts.items())
    if not uses:
        return None
    if options.multilabel:
        held = [labels_in(counts.pixels, multilabel=True) for counts in masks.counts.values()]
        return [
            (name, sum(index in classes for classes in held)) for index, name in enumerate(listing.classes or ())
        ]
    understood = find_classes(listing, masks, options)
    if understood is None:
        return None
    coding, names = understood
    held = [{coding[label] for label in counts.pixels if label in coding} for counts in masks.counts.values()]
    return [(name, sum(index in classes for classes in held)) for index, name in enumerate(names)]


def find_classes(
    listing: Listing, masks: MaskFacts, options: DataOptions
) -> tuple[dict[int, int], Sequence[str]] | None:
    """Find what the stored labels stand for, and the classes' names; None where they are not understood."""
    uses = sum_counts((masks.paths[index], counts) for index, counts in masks.counts.items())
    if not uses:
        return None
    try:
        if listing.coding is not None:
            coding = listed_coding(listing.coding, binary=options.binary)
        else:
            coding = with_absent(find_coding(uses, binary=options.binary), options.classes)
        return dict(coding), name_classes(coding, options.classes, listing.classes)
    except PrismsegError:
        return None


def _check_colours(masks: MaskFacts, root: Path) -> Iterator[Finding]:
    if not masks.colours:
        return
    total = sum(masks.colours.values())
    lines = [
        f"'#{colour:06x}: {'background' if rank == 0 else f'class {rank}'}' ({count / total:.1%})"
        for rank, (colour, count) in enumerate(masks.colours.most_common(_COLOURS_SHOWN))
    ]
    more = len(masks.colours) - len(lines)
    yield Finding(
        "info",
        "colours of the masks",
        root,
        f"The colour masks hold {len(masks.colours)} colours. A legend for --colours has the lines {', '.join(lines)}"
        f"{f' and {more} more' if more > 0 else ''}, with your names for the classes."
        + (
            " So many colours come from JPEG or smooth scaling: export the masks anew as PNG without smoothing."
            if len(masks.colours) > _BLUR
            else ""
        ),
    )


def _check_contested(masks: MaskFacts) -> Iterator[Finding]:
    if not masks.contested:
        return
    total = sum(sum(masks.counts[index].pixels.values()) for index in masks.contested)
    pixels = sum(masks.contested.values())
    worst = max(masks.contested, key=lambda index: masks.contested[index])
    yield Finding(
        "info",
        "overlapping shapes",
        masks.paths[worst],
        f"In {len(masks.contested)} mask{'s' * (len(masks.contested) != 1)} shapes of different classes overlap, in "
        f"{pixels} pixels ({pixels / total:.2%} of them). A pixel has one class: {ORDER_RULE}.",
    )


def _check_palettes(masks: MaskFacts) -> Iterator[Finding]:
    for label, files in masks.palettes.items():
        if len(files) > 1:
            (first, one), (second, other) = list(files.items())[:2]
            yield Finding(
                "error",
                "palettes differ",
                other,
                f"The index {label} is the colour #{first:06x} in {one} but #{second:06x} in {other}: the program that "
                "wrote the masks numbered the colours of each image anew. Read them by their colours, with a legend "
                "(--colours MAPFILE).",
            )
            return


def _check_contents(
    masks: MaskFacts, coding: Mapping[int, int], root: Path, *, threshold: bool
) -> Iterator[Finding]:
    foreground = background = False
    full: list[Finding] = []
    for index, counts in masks.counts.items():
        path = masks.paths[index]
        try:
            decoded = decode(np.array(list(counts.pixels)), coding, path, binary=threshold)
        except DataError as error:
            yield Finding("error", "unexpected labels", path, str(error))
            foreground = True
            continue
        kept = decoded[decoded != IGNORE]
        background |= bool((kept == 0).any())
        if not (kept > 0).any():
            yield Finding("info", "empty mask", path, "It holds background only; that is kept as a negative case.")
            continue
        foreground = True
        if (kept > 0).all():
            full.append(Finding("info", "full mask", path, "It holds no background."))
    if background:
        yield from full
    if not foreground:
        yield Finding(
            "error", "no foreground", root, "No mask holds anything but background, so there is nothing to learn."
        )


def _explain_labels(
    coding: Mapping[int, int], masks: MaskFacts, uses: LabelUses, *, named: bool, gaps: bool
) -> Iterator[Finding]:
    if coding.get(IGNORE) == 1:
        yield Finding(
            "info", "labels 0 and 255", uses[IGNORE].file, "255 is read as the foreground of two classes."
        )
    elif IGNORE in uses:
        holders = [set(c.pixels) - {0, IGNORE} for c in masks.counts.values() if IGNORE in c.pixels]
        yield Finding(
            "info",
            "label 255",
            uses[IGNORE].file,
            f"255 marks pixels that count nowhere, in {len(holders)} masks.",
        )
        if set(uses) <= {0, 1, IGNORE} and not any(holders):
            yield Finding(
                "error",
                "mixed foreground",
                uses[IGNORE].file,
                f"{len(holders)} masks hold no label but 0 and 255, the others 0 and 1. If both 1 and 255 mean "
                "foreground, --binary takes every label above 0; if 255 counts nowhere, say so in a legend (--colours "
                "MAPFILE with the line '255: ignore').",
            )
        elif not all(holders):
            nothing = sum(not held for held in holders)
            yield Finding(
                "warning",
                "nothing but 255",
                uses[IGNORE].file,
                f"{nothing} masks hold no label but 0 and 255, so that none of their objects counts. If 255 means a "
                "class in them, export them anew with its number.",
            )
    if not named:
        yield from _check_instances(masks, uses)
    yield from _check_rare(coding, masks)
    highest = max((index for index in coding.values() if index != IGNORE), default=0)
    known = {coding[label] for label in uses if label in coding}
    absent = [index for index in range(1, highest + 1) if index not in known]
    if absent and not gaps and known - {0, IGNORE}:
        yield Finding(
            "warning",
            "unused labels",
            uses[max((label for label in uses if label != IGNORE), default=IGNORE)].file,
            f"The labels {', '.join(map(str, absent))} occur in no mask, so their classes are never seen. "
            + ("Leave their names out" if named else "Renumber the classes")
            + " if that is not meant.",
        )


def _check_interpolated(masks: MaskFacts, uses: LabelUses) -> Iterator[Finding]:
    """Name labels that lie in thin lines between a lower and a higher one, wherever they are."""
    for label, found in uses.items():
        if label in (0, IGNORE) or found.solid or masks.between[label] < _LINE * found.pixels:
            continue
        yield Finding(
            "warning",
            "label between others",
            found.file,
            f"The label {label} fills no area in any mask, but lies in lines between a lower and a higher one, in "
            f"{found.pixels} pixels. If scaling with interpolation has left it there, scale the masks anew by the "
            "nearest neighbour; if it is a class of borders, all is well.",
        )


def _check_instances(masks: MaskFacts, uses: LabelUses) -> Iterator[Finding]:
    """Name labels that look as if they counted the objects of each image: classes leave gaps, numbers do not."""
    held = [set(counts.pixels) - {0, IGNORE} for counts in masks.counts.values()]
    highest = {max(labels) for labels in held if labels}
    gaps = any(labels != set(range(1, len(labels) + 1)) for labels in held)
    if gaps or len(highest) < _COUNTS or max(highest) < _OBJECTS:
        return
    last = uses[max(highest)].file
    yield Finding(
        "error",
        "objects as classes",
        last,
        f"In every mask the labels are 1, 2, 3 … without a gap, up to {min(highest)} in one and {max(highest)} in "
        f"{last}: each object seems to have a number of its own. If so, --binary takes every label above 0 as "
        "foreground; else name the classes (--classes).",
    )


def _check_rare(coding: Mapping[int, int], masks: MaskFacts) -> Iterator[Finding]:
    """Name the classes that one mask alone holds."""
    holders: dict[int, list[int]] = defaultdict(list)
    pixels: Counter[int] = Counter()
    for number, counts in masks.counts.items():
        found = {coding[label]: count for label, count in counts.pixels.items() if label in coding}
        pixels.update(found)
        for index in found:
            holders[index].append(number)
    for index, numbers in sorted(holders.items()):
        if index not in (0, IGNORE) and len(numbers) == 1 < len(masks.counts):
            yield Finding(
                "warning",
                "rare class",
                masks.paths[numbers[0]],
                f"Class {index} occurs in this mask alone, in {pixels[index]} pixel{'s' * (pixels[index] != 1)}: it "
                "cannot be both learnt and tested. Label it in more images, or join it to another class.",
            )
