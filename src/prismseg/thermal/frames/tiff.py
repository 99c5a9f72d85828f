"""TIFFs of numbers (16 bits and more), without trust in what they declare."""

from __future__ import annotations

import logging
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import DataError, Message
from prismseg.thermal.frames.frame import MAX_PIXELS, check_size
from prismseg.thermal.frames.listing.choice import MARK
from prismseg.thermal.frames.orientation import (
    ORIENTATION_TAG,
    UPRIGHT,
    orientation_of,
    parse_exif_time,
    turn_upright,
)
from prismseg.thermal.frames.reader import MAX_BYTES

TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# TIFF 6.0, tags Compression, PhotometricInterpretation and Predictor.
_NONE, _LZW, _DEFLATES = 1, 5, (8, 32946)
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_FLOAT_PREDICTOR = 3
_MAX_BYTES_A_PIXEL = 8
MAX_PAGES = 20_000  # of a stack

# A damaged TIFF is reported once, by our error, and not by a page of log lines before it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def count_pages(path: Path) -> int:
    """Count the pictures of a TIFF, 0 where it cannot be read; at most `MAX_PAGES`."""
    try:
        with tifffile.TiffFile(path) as file:
            number = 0
            while number < MAX_PAGES and _has_page(file, number):
                number += 1
            return number
    except Exception:  # damaged files make tifffile raise nearly every type; reading one says what is wrong
        return 0


def read_tiff(path: Path, number: int | None = None) -> tuple[NDArray[np.generic], int, datetime | None] | None:
    """Read the numbers of a TIFF, or of one page of a stack.

    Parameters
    ----------
    path : Path
        The file.
    number : int, optional
        Of the page, from 0 on; needed where there are several.

    Returns
    -------
    tuple of (H, W) array, int and datetime or None; or None
        The numbers, upright, the orientation that they are stored in (Exif), and when the picture was taken. None where
        there are 8 bits or fewer a pixel: a picture, not numbers.

    Raises
    ------
    DataError
        When it is damaged, holds several pictures or colours, declares more than a frame, or is compressed in a way
        that is not read.
    """
    with tifffile.TiffFile(path) as file:
        if number is None and _has_page(file, 1):
            raise DataError(
                Message(
                    "{path} holds several pictures; choose which to take by a mark behind its name ({mark}0, {mark}/5), "
                    "or save the frame of °C alone.",
                    path=path,
                    mark=MARK,
                )
            )
        if not _has_page(file, number or 0):
            if number is None:
                raise DataError(
                    Message("{path} holds no picture; it is damaged. Copy it again or leave it out.", path=path)
                )
            raise DataError(Message("{path} has no picture {number}.", path=path, number=number))
        page = file.pages[number or 0]
        assert isinstance(page, tifffile.TiffPage)  # frames come only where pages share their tags, as series do
        check_size(str(path), (int(page.imagelength), int(page.imagewidth)))
        if int(np.max(page.bitspersample)) <= 8:
            return None
        if (
            page.samplesperpixel != 1
            or page.imagedepth != 1
            or page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
        ):
            raise DataError(
                Message(
                    "{path} holds {count} numbers a pixel, a colour picture; save °C alone.",
                    path=path,
                    count=page.samplesperpixel,
                )
            )
        if page.photometric == _WHITE_IS_ZERO:
            raise DataError(
                Message("{path} has white for its lowest number; save it with black for the lowest.", path=path)
            )
        if page.tilewidth * page.tilelength > MAX_PIXELS:
            raise DataError(
                Message("{path} has tiles larger than any thermal frame; it is damaged. Leave it out.", path=path)
            )
        compression, predictor = int(page.compression), int(page.predictor)
        orientation = _orientation(page)
        if compression == _LZW or predictor == _FLOAT_PREDICTOR:
            return _with_pillow(path, number or 0, file.byteorder, page), orientation, _time(page)
        if compression in _DEFLATES:
            _refuse_bomb(path, page)
        elif compression != _NONE:
            raise _other_compression(path, page)
        numbers: NDArray[np.generic] = page.asarray()
        upright = turn_upright(numbers.reshape(page.imagelength, page.imagewidth), orientation)
        return upright, orientation, _time(page)


def _time(page: tifffile.TiffPage) -> datetime | None:
    """Read when the page was taken, from the camera's block or, as in TIFF/EP, beside the picture's tags."""
    block = page.tags.get("ExifTag")
    camera = block.value if block is not None and isinstance(block.value, dict) else {}
    beside = page.tags.get("DateTimeOriginal")
    taken = camera.get("DateTimeOriginal", None if beside is None else beside.value)
    return parse_exif_time(taken, camera.get("SubsecTimeOriginal"), camera.get("OffsetTimeOriginal"))


def _orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get(ORIENTATION_TAG)
    stated = UPRIGHT if tag is None else tag.value
    return int(stated) if isinstance(stated, int) and 1 <= stated <= 8 else UPRIGHT


def _has_page(file: tifffile.TiffFile, number: int) -> bool:
    # Counting the pages would follow chains of millions.
    try:
        file.pages[number]
    except IndexError:
        return False
    return True


def _refuse_bomb(path: Path, page: tifffile.TiffPage) -> None:
    """Unpack every strip or tile once into nothing, and stop when they are larger than the picture."""
    pixels = page.imagelength * page.imagewidth
    if page.is_tiled:
        across, down = -(-page.imagewidth // page.tilewidth), -(-page.imagelength // page.tilelength)
        pixels = across * page.tilewidth * down * page.tilelength
    left = pixels * _MAX_BYTES_A_PIXEL
    with path.open("rb") as stream:
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
            stream.seek(offset)
            packed, unpacker = stream.read(min(count, MAX_BYTES)), zlib.decompressobj()
            while packed and not unpacker.eof and left >= 0:
                left -= len(unpacker.decompress(packed, 2**20))
                packed = unpacker.unconsumed_tail
    if left < 0:
        raise DataError(
            Message(
                "{path} unpacks to far more than the picture it declares; it is damaged. Leave it out.", path=path
            )
        )


def _with_pillow(path: Path, number: int, order: str, page: tifffile.TiffPage) -> NDArray[np.generic]:
    # Pillow swaps the bytes of compressed big-endian floats twice, and so reads other numbers.
    if (order == ">" and page.dtype.kind == "f") or page.dtype.itemsize > 4:
        raise _other_compression(path, page)
    with Image.open(path, formats=("TIFF",)) as picture:
        picture.seek(number)
        stored = np.asarray(picture)  # Pillow turns TIFFs upright while it loads them, and then forgets the tag
        return turn_upright(stored, orientation_of(picture.getexif()))


def _other_compression(path: Path, page: tifffile.TiffPage) -> DataError:
    return DataError(
        Message(
            "{path} is a TIFF of {type} with {compression} compression, which is not read. Save it uncompressed "
            "or with deflate and no predictor.",
            path=path,
            type=page.dtype,
            compression=page.compression.name,
        )
    )
