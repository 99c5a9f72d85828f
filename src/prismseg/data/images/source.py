"""What the pixels of an image or a mask come from: a whole file, or a part of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Purpose = Literal["image", "labels", "colours"]


@dataclass(frozen=True)
class DecodedImage:
    """What a file holds.

    Attributes
    ----------
    pixels : (H, W) or (H, W, C) array
        Upright and without alpha.
    orientation : int
        The stored Exif (TIFF) orientation, 1 to 8, that was undone; 1 where there is none.
    palette : (K, 3) uint8 or None
        Colours of an image that was read by its indices.
    white_is_zero : bool
        Whether labels are the stored numbers of a file that viewers show with 0 as white.
    """

    pixels: NDArray[np.generic]
    orientation: int = 1
    palette: NDArray[np.uint8] | None = None
    white_is_zero: bool = False


class FilePart(ABC):
    """An image or a mask that is a part of a file: shapes in a table of annotations, a slice of a volume.

    Subclasses are hashable, and equal where they mean the same part of the same file. As text they are the file's path,
    ``#`` and the part's name.

    Attributes
    ----------
    path : Path
        The file.
    """

    path: Path

    @property
    @abstractmethod
    def part(self) -> str:
        """Name of the part within its file."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that the pixels come from."""
        return (self.path,)

    @abstractmethod
    def decode(self, purpose: Purpose) -> DecodedImage:
        """Read the pixels; a `DataError` names the file where they cannot be read."""

    def __str__(self) -> str:
        return f"{self.path}#{self.part}"


Source = Path | FilePart


def file_of(source: Source) -> Path:
    """File that the pixels of `source` are in."""
    return source.path if isinstance(source, FilePart) else source


def files_of(source: Source) -> tuple[Path, ...]:
    """All files that the pixels of `source` come from."""
    return source.files if isinstance(source, FilePart) else (source,)


def place_of(source: Source) -> Path:
    """Path that names `source` to a reader: ``file#part`` where it is a part of a file."""
    return Path(str(source))
