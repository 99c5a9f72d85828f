"""The files of one case: its pixels, channels and identity, each file read once while it does not change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, DataNotFoundError
from prismseg.data.images.decoding import decode
from prismseg.data.images.identity import identity
from prismseg.data.images.reading import image_pixels, read_image
from prismseg.data.images.source import FilePart, Source, file_of, files_of
from prismseg.data.layouts import Case

# Colour is looked for in this many images, and believed when a pixel in a thousand has channels this far apart.
COLOUR_SAMPLE = 64
COLOUR_SHARE = 1e-3
COLOUR_RANGE = 0.04


def size_remedy(mask: Sequence[int], image: Sequence[int]) -> str:
    """Say what to do about a mask (H, W) that does not have the size of its image (H, W, …)."""
    if tuple(mask) == (image[1], image[0]):
        return (
            "One of them seems to be turned by 90°: images are turned upright as their Exif orientation says, and "
            "the mask must be drawn on the upright image (or carry the same orientation)."
        )
    if len(image) > 2 and tuple(mask) == tuple(image[1:]):
        return (
            "The image's channels seem to come first; save it with channels last (numpy.moveaxis(image, 0, -1))."
        )
    return "Export the mask at the image's size."


def read_case(case: Case) -> NDArray[np.generic]:
    """Image (H, W, C) of a case; several files are its channels.

    Raises
    ------
    DataError
        Naming the file that cannot be read, or does not fit the others of its case.
    """
    return read_channels(case)[0]


def read_channels(case: Case) -> tuple[NDArray[np.generic], int]:
    """Image (H, W, C) of a case, upright, and the Exif orientation that its first file is stored in."""
    decoded = [decode(source, "image") for source in case.images]
    planes = [image_pixels(path, file) for path, file in zip(case.images, decoded, strict=True)]
    if len(planes) == 1:
        return planes[0], decoded[0].orientation
    for path, plane in zip(case.images, planes, strict=True):
        if plane.shape != planes[0].shape or plane.dtype != planes[0].dtype or plane.shape[2] != 1:
            raise DataError(
                f"{path} does not fit {case.images[0]}: channels must be grey images of one size and depth."
            )
    return np.concatenate(planes, axis=2), decoded[0].orientation


def file_stamp(path: Path) -> tuple[int, ...]:
    """Read the times and the size of a file: while they are the same, it need not be read again."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataNotFoundError(f"There is no file {path}; restore it, or take it out of the list.") from error
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


def source_hash(source: Source) -> str:
    """Hash of what the pixels of `source` are made of: the bytes of its file, and which part of it is meant.

    Raises
    ------
    DataError
        Naming a file that is gone.
    """
    content = "".join(file_hash(path, file_stamp(path)) for path in files_of(source))
    return (
        hashlib.sha256(f"{content}#{source.part}".encode()).hexdigest()
        if isinstance(source, FilePart)
        else content
    )


@lru_cache(maxsize=100_000)
def file_hash(path: Path, stamp: tuple[int, ...]) -> str:
    """Hash of a file's bytes; `stamp` is its times and size, so that a changed file is read again."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def identity_and_size(case: Case) -> tuple[str, tuple[int, int]]:
    """Identity of a case's pixels (`prismseg.data.images.identity`), and the image's height and width."""
    return _look_at(case, tuple(file_stamp(file_of(source)) for source in case.images))


@lru_cache(maxsize=100_000)
def _look_at(case: Case, stamps: tuple[tuple[int, ...], ...]) -> tuple[str, tuple[int, int]]:
    pixels = read_case(case)
    return identity(pixels), (pixels.shape[0], pixels.shape[1])


def find_channels(cases: Sequence[Case]) -> int:
    """Channels that a network for these images takes: 1 where all are grey, also when stored as RGB."""
    if len(cases[0].images) > 1:
        return len(cases[0].images)
    step = max(1, len(cases) // COLOUR_SAMPLE)
    seen = set()
    for case in cases[::step]:
        pixels = read_image(case.images[0])
        channels = pixels.shape[2]
        seen.add(1 if channels == 3 and not _has_colour(pixels) else channels)
    return max(seen)


def _has_colour(pixels: NDArray[np.generic]) -> bool:
    wide = pixels[::2, ::2].astype(np.float32)
    full = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}.get(pixels.dtype, float(np.ptp(wide)) or 1.0)
    return bool(((wide.max(2) - wide.min(2)) > COLOUR_RANGE * full).mean() > COLOUR_SHARE)
