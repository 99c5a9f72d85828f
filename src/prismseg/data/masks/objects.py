"""Masks of single objects, which together are the foreground of one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.images.decoding import decode
from prismseg.data.images.reading import mask_labels
from prismseg.data.images.source import DecodedImage, FilePart, Purpose

# Labels below are numbers of classes; above may lie what antialiasing leaves between 0 and 255.
_GREYS = 64


@dataclass(frozen=True)
class ObjectMasks(FilePart):
    """Masks of one image, a file for each object; a pixel that any of them marks is foreground.

    Attributes
    ----------
    masks : tuple of Path
        The files.
    """

    masks: tuple[Path, ...]

    @property
    def path(self) -> Path:  # type: ignore[override]
        """First of the files."""
        return self.masks[0]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files."""
        return self.masks

    @property
    def part(self) -> str:
        """How many objects there are."""
        return f"{len(self.masks)} objects"

    def decode(self, purpose: Purpose) -> DecodedImage:
        """Read and join the masks, 0 and 1; their sizes must be the same."""
        joined = self._read(self.path)
        for path in self.masks[1:]:
            marked = self._read(path)
            if marked.shape != joined.shape:
                raise DataError(
                    f"The mask {path} has {marked.shape[0]} x {marked.shape[1]} pixels, that of another object, "
                    f"{self.path}, {joined.shape[0]} x {joined.shape[1]}; export them at the image's size."
                )
            joined |= marked
        return DecodedImage(joined.astype(np.uint8))

    def _read(self, path: Path) -> NDArray[np.bool_]:
        """Pixels that a file marks; several classes cannot be joined to one foreground."""
        labels = mask_labels(path, decode(path, "labels"))
        found = np.unique(labels)
        if 1 < found[-1] < _GREYS and (found > 0).sum() > 1:
            raise DataError(
                f"The mask {path} holds the labels {', '.join(map(str, found))}, of which a union would leave "
                "one foreground. Write one mask an image that holds the number of each pixel's class."
            )
        return labels > 0
