"""From the numbers stored in masks to class indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError
from prismseg.data.sample import IGNORE

MAX_CLASSES = 64
JPEG = (".jpg", ".jpeg")
JPEG_THRESHOLD = 128


def stored_labels(labels: NDArray[np.int64]) -> list[int]:
    """Every label of a mask, ascending."""
    if labels.min() >= 0 and labels.max() < 2**16:
        # Counting is several times faster than the sort of numpy.unique.
        return [int(label) for label in np.flatnonzero(np.bincount(labels.ravel()))]
    return [int(label) for label in np.unique(labels)]


def find_coding(values: Mapping[int, Path], *, binary: bool) -> dict[int, int]:
    """Decide what the stored labels of a data set mean.

    0 and 1 alone, or 0 and 255 alone, are background and foreground. 0, 1, 2 … are class indices; 255 beside them
    marks pixels that count nowhere. `binary` takes every label above 0 as foreground.

    Parameters
    ----------
    values : mapping
        Every stored label, with a file it is in.
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
    labels = sorted(values)
    if binary:
        return {label: int(label > 0) for label in labels}
    if set(labels) <= {0, 1} or set(labels) <= {0, 255}:
        return {0: 0, **{label: 1 for label in labels if label > 0}}
    jpeg = next((path for path in values.values() if path.suffix.lower() in JPEG), None)
    if jpeg is not None and len(labels) > 2:
        raise DataError(
            f"The masks are JPEG files ({jpeg}), whose compression blurs labels into greys ({len(labels)} different "
            "values). Save masks as PNG; for two classes, --binary takes everything from 128 up as foreground."
        )
    classes = [label for label in labels if label != IGNORE]
    if classes[0] < 0 or classes[-1] >= MAX_CLASSES or len(labels) > MAX_CLASSES:
        raise DataError(
            f"The masks hold {len(labels)} different labels from {labels[0]} to {labels[-1]} (the largest in "
            f"{values[labels[-1]]}), which cannot be class indices 0, 1, 2 …. If each object has a number of its own, "
            "--binary takes every label above 0 as foreground; else renumber the classes."
        )
    coding = {label: label for label in range(classes[-1] + 1)}
    return coding | ({IGNORE: IGNORE} if IGNORE in values else {})


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


def require_named(values: Mapping[int, Path], coding: Mapping[int, int], classes: Sequence[str] | None) -> None:
    """Refuse labels beyond the named classes.

    Raises
    ------
    ConfigError
        Naming a file with such a label.
    """
    for label, index in coding.items():
        if classes is not None and index != IGNORE and index >= len(classes) and label in values:
            raise ConfigError(
                f"{len(classes)} class names are given ({', '.join(classes)}), but the mask {values[label]} holds the "
                f"label {label}. Correct the mask, or name all classes, background first."
            )


def name_classes(
    coding: Mapping[int, int], named: Sequence[str] | None, listed: Sequence[str] | None
) -> list[str]:
    """Class names, background first: as `named`, else as `listed` by the layout, else made up.

    Raises
    ------
    ConfigError
        When the number of given names is not that of the classes in the masks.
    """
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
