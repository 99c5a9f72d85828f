"""From the numbers stored in masks to class indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError
from prismseg.data.sample import IGNORE

MAX_CLASSES = 64
BACKGROUND_NAMES = ("background", "bg")
JPEG = (".jpg", ".jpeg")
JPEG_THRESHOLD = 128
_FEW = 8  # labels that are listed one by one


# A mask of 0 and 255 that was blurred: few pixels lie between the two, none of them alone as often as half of 255. Beside
# classes 1, 2 … the label 255 marks what counts nowhere; they are strays where they are very few, or few and in no area.
_BLURRED = 0.5
_STRAY = 0.02
_STRAY_LINES = 0.3
_FULL_SCALE = (255, 65535)  # foreground of masks with two values


class LabelWarning(UserWarning):
    """Labels that can be read as class indices but are probably not meant so."""


@dataclass(frozen=True)
class LabelUse:
    """How a label is stored in the masks of a data set.

    Attributes
    ----------
    pixels, beside : int
        How often it is there, and how often in masks that hold 255 too.
    solid : bool
        Whether it fills an area (3 x 3 pixels) in one of the masks.
    file : Path
        Where it occurs first.
    """

    pixels: int
    with_ignore: int
    solid: bool
    file: Path


@dataclass(frozen=True)
class LabelCounts:
    """Pixels of every label of a mask, ascending, and those that fill an area (3 x 3 pixels)."""

    pixels: dict[int, int]
    solid: frozenset[int] = frozenset()


LabelUses = dict[int, LabelUse]


def count_labels(labels: NDArray[np.int64]) -> LabelCounts:
    """Count the pixels of every label of a mask."""
    if labels.min() >= 0 and labels.max() < 2**16:
        # Counting is several times faster than the sort of numpy.unique.
        counts = np.bincount(labels.ravel())
        pixels = {int(label): int(counts[label]) for label in np.flatnonzero(counts)}
    else:
        pixels = {
            int(value): int(count) for value, count in zip(*np.unique(labels, return_counts=True), strict=True)
        }
    if not set(pixels) - {0, IGNORE}:
        return LabelCounts(pixels)
    return LabelCounts(pixels, frozenset(np.unique(_inner(labels)).tolist()))


def _inner(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels of the pixels all of whose eight neighbours have the same."""
    same_right = labels[:, 1:] == labels[:, :-1]
    rows = same_right[:, 1:] & same_right[:, :-1]
    same_below = labels[1:, 1:-1] == labels[:-1, 1:-1]
    inner = rows[1:-1] & rows[:-2] & rows[2:] & same_below[1:] & same_below[:-1]
    values: NDArray[np.int64] = labels[1:-1, 1:-1][inner]
    return values


def sum_counts(counts: Iterable[tuple[Path, LabelCounts]]) -> LabelUses:
    """Join what `count_labels` says of each mask."""
    uses: LabelUses = {}
    for path, counted in counts:
        for label, count in counted.pixels.items():
            before = uses.get(label, LabelUse(0, 0, False, path))
            uses[label] = LabelUse(
                before.pixels + count,
                before.with_ignore + count * (IGNORE in counted.pixels),
                before.solid or label in counted.solid,
                before.file,
            )
    return uses


def find_coding(uses: LabelUses, *, binary: bool) -> dict[int, int]:
    """Decide what the stored labels of a data set mean.

    0 and 1 alone, or 0 and 255 (65535) alone, are background and foreground. 0, 1, 2 … are class indices; 255 beside
    them marks pixels that count nowhere. `binary` takes every label above 0 as foreground.

    Parameters
    ----------
    census : mapping
        Every stored label, how often it is there and in which file.
    binary : bool
        Whether the masks hold instances of one foreground class.

    Returns
    -------
    dict
        Stored label -> class index.

    Raises
    ------
    DataError
        When the labels cannot be class indices; the message explains the usual reasons.
    """
    labels = sorted(uses)
    require_sharp(uses, binary=binary)
    if binary:
        return {label: int(label > 0) for label in labels}
    if any(set(labels) <= {0, foreground} for foreground in (1, *_FULL_SCALE)):
        return {0: 0, **{label: 1 for label in labels if label > 0}}
    if labels[0] < 0:
        raise DataError(
            f"The masks hold the negative label {labels[0]} ({uses[labels[0]].file}). If it marks pixels that count "
            f"nowhere, say so in a legend (--colours MAPFILE with '{labels[0]}: ignore' and a line for each class)."
        )
    classes = [label for label in labels if label != IGNORE]
    if classes[-1] >= MAX_CLASSES and len(labels) <= _FEW:
        raise DataError(
            f"The masks hold the grey values {', '.join(map(str, labels))} ({uses[classes[-1]].file}), which cannot be "
            f"class indices 0, 1, 2 …. Say which is which class in a legend (--colours MAPFILE with the lines "
            f"{_legend_lines(labels)}); for two classes, --binary takes every label above 0 as foreground."
        )
    if classes[-1] >= MAX_CLASSES or len(labels) > MAX_CLASSES:
        raise DataError(
            f"The masks hold {len(labels)} different labels from {labels[0]} to {labels[-1]} (the largest in "
            f"{uses[labels[-1]].file}), which cannot be class indices 0, 1, 2 …. If each object has a number of its "
            "own, --binary takes every label above 0 as foreground; if greys come from scaling or JPEG, a legend "
            "(--colours MAPFILE) cuts them ('0-127: background', '128-255: foreground'); else renumber the classes."
        )
    coding = {label: label for label in range(classes[-1] + 1)}
    return coding | ({IGNORE: IGNORE} if IGNORE in uses else {})


def require_sharp(uses: LabelUses, *, binary: bool) -> None:
    """Refuse masks of two values, 0 and 255, that JPEG compression or scaling has blurred.

    Raises
    ------
    DataError
        Saying how many pixels lie between, and the remedy.
    """
    jpeg = next((found.file for found in uses.values() if found.file.suffix.lower() in JPEG), None)
    if jpeg is not None and len(uses) > 2:
        if binary:
            return
        raise DataError(
            f"The masks are JPEG files ({jpeg}), whose compression blurs labels into greys ({len(uses)} different "
            "values). Save masks as PNG; for two classes, --binary takes everything from 128 up as foreground."
        )
    between = [label for label in uses if 0 < label < IGNORE]
    if not between or IGNORE not in uses or max(uses) > IGNORE:
        return
    pixels = sum(uses[label].with_ignore for label in between)
    share = pixels / uses[IGNORE].pixels
    if max(between) == len(between):  # 1, 2 … may be classes or objects
        lines = not any(uses[label].solid for label in between)
        blurred = share < (_STRAY_LINES if lines else _STRAY)
    else:
        blurred = share < _BLURRED or max(uses[label].with_ignore for label in between) < (
            _BLURRED * uses[IGNORE].pixels
        )
    if pixels and blurred:
        worst = max(between, key=lambda label: uses[label].with_ignore)
        raise DataError(
            f"The masks hold 0 and 255, and in {pixels} pixels ({share:.2%} of those of 255) {len(between)} other "
            f"values, such as {worst} in {uses[worst].file}: greys that scaling or lossy compression leaves. Export "
            "the masks anew without smoothing, or cut the greys with a legend (--colours MAPFILE with the lines "
            "'0-127: background', '128-255: foreground'). If 255 marks pixels that count nowhere, say that in the "
            "legend."
        )


def doubtful_labels(
    uses: LabelUses, coding: Mapping[int, int], *, named: bool, binary: bool
) -> Iterator[tuple[str, Path, str]]:
    """Say what makes labels that can be read as class indices look as if they were meant otherwise.

    Yields the kind, a file and a sentence for: no background in any mask (labels from 1 on), and labels with more
    gaps than classes (grey values).
    """
    labels = sorted(uses)
    classes = [label for label in labels if label != IGNORE or coding.get(IGNORE) == 1]
    jpeg = {label for label, found in uses.items() if found.file.suffix.lower() in JPEG and label < JPEG_THRESHOLD}
    if not any(coding.get(label) == 0 or (binary and (label <= 0 or label in jpeg)) for label in labels):
        listed = ", ".join(map(str, labels[:_FEW])) + (" …" if len(labels) > _FEW else "")
        yield (
            "no background",
            uses[labels[0]].file,
            f"No mask has a pixel of background (0); the labels are {listed}. "
            + (
                f"If {labels[0]} is the background, say so in a legend (--colours MAPFILE with the lines "
                f"{_legend_lines(labels)}), or renumber the masks from 0."
                if len(classes) > 1
                else "Every pixel is foreground, so there is nothing to tell it from; are the masks whole?"
            ),
        )
    present = [label for label in classes if coding.get(label, IGNORE) not in (0, IGNORE)]
    absent = max((coding[label] for label in present), default=0) - len(present)
    if not named and not binary and present and absent >= len(present):
        yield (
            "gaps in labels",
            uses[present[-1]].file,
            f"The labels are {', '.join(map(str, labels))}: {absent} of the classes up to {present[-1]} occur in no "
            f"mask. If they are grey values, say which is which class in a legend (--colours MAPFILE with the lines "
            f"{_legend_lines(labels)}); for two classes, --binary takes every label above 0 as foreground; else name "
            "all classes (--classes).",
        )


def _legend_lines(labels: Sequence[int]) -> str:
    names = {label: f"class {k}" if k else "background" for k, label in enumerate(labels)}
    lines = [f"'{label}: {name}'" for label, name in names.items()]
    return ", ".join(lines[:_FEW]) + (" …" if len(lines) > _FEW else "")


def listed_coding(coding: Mapping[int, int], *, binary: bool) -> dict[int, int]:
    """Coding that a layout fixes; `binary` joins all its classes but the background into one."""
    if not binary:
        return dict(coding)
    return {label: index if index == IGNORE else min(index, 1) for label, index in coding.items()}


def with_absent(coding: Mapping[int, int], classes: Sequence[str] | None) -> dict[int, int]:
    """Coding in which each named class has its label, also one that is absent from the masks at hand."""
    if coding.get(IGNORE) == 1:
        return dict(coding)
    used = set(coding.values())
    return {index: index for index in range(len(classes or ())) if index not in used} | dict(coding)


def require_named(uses: LabelUses, coding: Mapping[int, int], classes: Sequence[str] | None) -> None:
    """Refuse labels beyond the named classes.

    Raises
    ------
    ConfigError
        Naming a file with such a label.
    """
    for label, index in coding.items():
        if classes is not None and index != IGNORE and index >= len(classes) and label in uses:
            raise ConfigError(
                f"{len(classes)} class names are given ({', '.join(classes)}), but the mask {uses[label].file} holds "
                f"the label {label}. Correct the mask, or name all classes, background first."
            )


def name_classes(
    coding: Mapping[int, int], named: Sequence[str] | None, listed: Sequence[str] | None
) -> list[str]:
    """Class names, background first: as `named`, else as `listed` by the layout, else made up.

    Raises
    ------
    ConfigError
        When the number of given names is not that of the classes in the masks, or a name is empty, given twice, or that
        of the background in another place than the first.
    """
    if named is not None:
        _require_good_names(named)
    count = max(2, max((index for index in coding.values() if index != IGNORE), default=0) + 1)
    if named is not None and len(named) != count:
        raise ConfigError(
            f"{len(named)} class names are given ({', '.join(named)}), but the masks have {count} classes (with the "
            "background). Name them all, background first."
        )
    if named is not None:
        return list(named)
    if listed is not None and len(listed) == count:
        return list(listed)
    return ["background", *(["foreground"] if count == 2 else [f"class {k}" for k in range(1, count)])]


def _require_good_names(names: Sequence[str]) -> None:
    """Refuse names by which classes cannot be told apart, or that put the background elsewhere than first."""
    listed = ", ".join(names)
    if "" in names or len(set(names)) < len(names):
        raise ConfigError(f"The class names {listed} cannot be used: each class needs a name of its own.")
    place = next((index for index, name in enumerate(names) if name.lower() in BACKGROUND_NAMES), 0)
    if place > 0:
        raise ConfigError(
            f"The class names {listed} put {names[place]} at label {place}, but label 0 is the background; name it "
            f"first. Where {place} is the stored label of the background, say so in a legend (--colours MAPFILE)."
        )


def decode(labels: NDArray[np.int64], coding: Mapping[int, int], path: Path, *, binary: bool) -> NDArray[np.uint8]:
    """Class indices of stored `labels`, in their shape.

    `binary` thresholds instead of looking labels up: above 0, or from 128 up in a JPEG.

    Raises
    ------
    DataError
        Naming the file and the label, when a label is not in `coding`.
    """
    if binary:
        threshold = JPEG_THRESHOLD if path.suffix.lower() in JPEG else 1
        return (labels >= threshold).astype(np.uint8)
    decoded = np.full(labels.shape, IGNORE, np.uint8)
    known = np.zeros(labels.shape, bool)
    for label, index in coding.items():
        hit = labels == label
        decoded[hit] = index
        known |= hit
    if not known.all():
        strange = np.unique(labels[~known])[:5].tolist()
        raise DataError(
            f"The mask {path} holds the label {', '.join(map(str, strange))}, which is none of the classes "
            f"{', '.join(map(str, sorted(coding)))}. Correct the mask, or name all classes."
        )
    return decoded
