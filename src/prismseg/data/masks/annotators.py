"""Masks of several annotators for one image, which are read as one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.images.decoding import decode
from prismseg.data.images.reading import mask_colours, mask_labels
from prismseg.data.images.source import DecodedImage, FilePart, Purpose
from prismseg.data.masks.consensus import CONSENSUS

DEFAULT = "staple"


@dataclass(frozen=True)
class AnnotatorMasks(FilePart):
    """Masks that several people drew of one image.

    Attributes
    ----------
    masks : tuple of (str, Path)
        Name and file of each annotator's mask.
    method : str
        How they become one: a name in `prismseg.data.masks.consensus.CONSENSUS`, or that of an annotator.
    """

    masks: tuple[tuple[str, Path], ...]
    method: str = DEFAULT

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
        """How the masks become one, and whose they are."""
        return f"{self.method}({','.join(name for name, _ in self.masks)})"

    def decode(self, purpose: Purpose) -> DecodedImage:
        """Read all masks and put them together; their sizes must be the same."""
        read = mask_colours if purpose == "colours" else mask_labels
        chosen = [path for name, path in self.masks if self.method in (name, *CONSENSUS)]
        values = [read(path, decode(path, purpose)) for path in chosen]
        for path, each in zip(chosen, values, strict=True):
            if each.shape != values[0].shape:
                raise DataError(
                    f"The mask {path} has {each.shape[0]} x {each.shape[1]} pixels, that of another annotator, "
                    f"{chosen[0]}, {values[0].shape[0]} x {values[0].shape[1]}; export them at the image's size."
                )
        one = values[0] if len(values) == 1 else CONSENSUS[self.method](np.stack(values))
        return DecodedImage(_spread(one) if purpose == "colours" else one)


def _spread(codes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Colours (H, W, 3) of codes ``65536 * red + 256 * green + blue``."""
    return np.stack([(codes >> shift) & 255 for shift in (16, 8, 0)], axis=-1).astype(np.uint8)
