"""Masks of classes that overlap: a bit for each class in every pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.images.decoding import decode as decode_file
from prismseg.data.images.reading import mask_labels
from prismseg.data.images.source import DecodedImage, FilePart, Purpose, Source, file_of
from prismseg.data.masks.labels import decode
from prismseg.data.sample import IGNORE

MOST = 7  # classes beside the background: a pixel that counts nowhere has all 8 bits


def bits_of(planes: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Mask (H, W) of the classes (K - 1, H, W) without the background: class k in bit k - 1.

    Examples
    --------
    >>> bits_of(np.array([[[True, False]], [[True, True]]]))
    array([[3, 2]], dtype=uint8)
    """
    mask = np.zeros(planes.shape[1:], np.uint8)
    for place, plane in enumerate(planes):
        mask |= plane.astype(np.uint8) << place
    return mask


def region_of(mask: NDArray[np.integer[Any]], label: int, *, multilabel: bool) -> NDArray[np.bool_]:
    """Where in a mask (H, W) the class `label` is: by its bit where classes overlap, else where it is the pixel's class.

    Examples
    --------
    >>> mask = np.array([[0, 1, 2, 3, 255]], np.uint8)
    >>> region_of(mask, 2, multilabel=True).tolist(), region_of(mask, 2, multilabel=False).tolist()
    ([[False, False, True, True, False]], [[False, False, True, False, False]])
    """
    region: NDArray[np.bool_] = (
        ((mask >> (label - 1)) & 1 == 1) & (mask != IGNORE) if multilabel else mask == label
    )
    return region


def labels_in(codes: Iterable[int], *, multilabel: bool) -> set[int]:
    """Class indices that occur in pixels of these values, without those that count nowhere.

    Examples
    --------
    >>> labels_in([0, 5, 255], multilabel=True), labels_in([0, 5, 255], multilabel=False)
    ({0, 1, 3}, {0, 5})
    """
    known = {code for code in codes if code != IGNORE}
    if not multilabel:
        return known
    return {place + 1 for code in known for place in range(MOST) if code >> place & 1} | (known & {0})


@dataclass(frozen=True)
class ClassMasks(FilePart):
    """Masks of one image, one for each class; in each everything above 0 is the class.

    Attributes
    ----------
    masks : tuple of (str, Path)
        Class and file of each.
    classes : tuple of str
        All classes but the background, in the order of their bits; a class without a file is absent.
    """

    masks: tuple[tuple[str, Path], ...]
    classes: tuple[str, ...]

    @property
    def path(self) -> Path:  # type: ignore[override]
        """First of the files."""
        return self.masks[0][1]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files."""
        return tuple(path for _, path in self.masks)

    @property
    def part(self) -> str:
        """Which classes there are."""
        return ",".join(self.classes)

    def decode(self, purpose: Purpose) -> DecodedImage:
        """Read the masks and put them together; their sizes must be the same."""
        planes: dict[str, NDArray[np.bool_]] = {}
        for name, path in self.masks:
            labels = mask_labels(path, decode_file(path, purpose))
            planes[name] = decode(labels, {}, path, binary=True) > 0
            first = next(iter(planes.values())).shape
            if planes[name].shape != first:
                raise DataError(
                    f"The mask {path} has {labels.shape[0]} x {labels.shape[1]} pixels, that of another class, "
                    f"{self.path}, {first[0]} x {first[1]}; export them at the image's size."
                )
        empty = np.zeros(first, bool)
        return DecodedImage(bits_of(np.stack([planes.get(name, empty) for name in self.classes])))


@dataclass(frozen=True)
class RegionMask(FilePart):
    """A mask of labels whose classes are sets of them, as the regions of nnU-Net.

    Attributes
    ----------
    source : Path or FilePart
        The mask.
    regions : tuple of tuple of int
        Labels of each class but the background.
    ignored : int, optional
        Label of pixels that count nowhere.
    """

    source: Source
    regions: tuple[tuple[int, ...], ...]
    ignored: int | None = None

    @property
    def path(self) -> Path:  # type: ignore[override]
        """File of the mask."""
        return file_of(self.source)

    @property
    def part(self) -> str:
        """What the classes are made of."""
        return " ".join("+".join(map(str, labels)) for labels in self.regions)

    def decode(self, purpose: Purpose) -> DecodedImage:
        """Read the mask; a label that is in no region and not 0 is an error."""
        labels = mask_labels(self.source, decode_file(self.source, purpose))
        known = {0, *(label for labels in self.regions for label in labels), self.ignored}
        if strange := set(np.unique(labels).tolist()) - known:
            raise DataError(
                f"The mask {self.path} holds the labels {', '.join(map(str, sorted(strange)))}, which are in no region. "
                "Correct the mask, or dataset.json."
            )
        bits = bits_of(np.stack([np.isin(labels, each) for each in self.regions]))
        if self.ignored is not None:
            bits[labels == self.ignored] = IGNORE
        return DecodedImage(bits)


def codes_of(classes: Sequence[str]) -> dict[int, int]:
    """Coding of masks of bits: every combination of these classes (background first) stands for itself."""
    return {code: code for code in (*range(2 ** (len(classes) - 1)), IGNORE)}
