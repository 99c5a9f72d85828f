"""Fashion-MNIST and its kin: IDX files."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, DataNotFoundError

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
_NAMES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


@dataclass(frozen=True)
class ImageClassification:
    """Images (N, H, W) uint8 and labels (N,) uint8 for training and testing."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def open_idx(folder: str | Path = FASHION_MNIST) -> ImageClassification:
    """Read the four IDX files (plain or .gz) of Fashion-MNIST or a data set like it.

    Raises
    ------
    DataError
        When a file is missing, with the place to get it from, or is damaged.
    """
    parts = {part: _read_idx(_find(Path(folder), name)) for part, name in _NAMES.items()}
    for part in ("train", "test"):
        images, labels = parts[f"{part}_images"], parts[f"{part}_labels"]
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
            raise DataError(
                f"The {part} files in {folder} do not fit each other: images {images.shape}, labels {labels.shape}."
            )
    return ImageClassification(**parts)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataNotFoundError(
        f"There is no {name}[.gz] in {folder}. On Debian: apt-get install dataset-fashion-mnist; elsewhere download "
        f"the four files {', '.join(_NAMES.values())} (plain or .gz) from "
        "https://github.com/zalandoresearch/fashion-mnist into one folder and name that folder."
    )


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Decode an IDX file: two zero bytes, type 8 (uint8), number of dimensions, big-endian sizes, values."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        zeros, kind, dims = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{dims}I", content[4 : 4 + 4 * dims])
        if zeros != 0 or kind != 8:
            raise ValueError(f"type {kind} instead of 8")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dims).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{path} is not an IDX file of bytes, or is damaged ({error}); copy it anew.") from error
