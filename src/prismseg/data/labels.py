"""From the numbers stored in masks to class indices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.sample import IGNORE

MAX_CLASSES = 64
JPEG = (".jpg", ".jpeg")
JPEG_THRESHOLD = 128


def find_coding(values: Mapping[int, Path], *, binary: bool) -> dict[int, int]:
    """Decide what the stored labels of a data set mean.

    0 and 255 alone (or 0 and another single value) are background and foreground. 0, 1, 2 … are class indices;
    255 beside them marks pixels that count nowhere. `binary` takes every label above 0 as foreground.

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
    if len(labels) <= 2 and set(labels) - {0} <= {1, 255}:
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


def decode(labels: NDArray[np.int64], coding: Mapping[int, int], path: Path, *, binary: bool) -> NDArray[np.uint8]:
    """Class indices (H, W) of stored `labels`.

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
