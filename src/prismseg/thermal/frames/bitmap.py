"""Image files (TIFF, PNG, JPEG, BMP) that are not R-JPEGs: numbers, grey levels with limits, or a rejection."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from prismseg.base import DataError, Message
from prismseg.thermal.frames.frame import MAX_PIXELS, Frame, check_size, reject_constant
from prismseg.thermal.frames.matrix import matrix_frame
from prismseg.thermal.frames.orientation import exif_time, orientation_notes, orientation_of, turn_upright
from prismseg.thermal.frames.reader import FrameFile, FrameReader, read_head, read_limited
from prismseg.thermal.frames.tiff import TIFF_MAGICS, count_pages, read_tiff

BITMAP_MAGICS = (b"\xff\xd8", b"\x89PNG", b"BM", *TIFF_MAGICS)
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP")
# Levels by which JPEG compression moves the channels of a grey picture apart; those of palettes differ by 100.
_JPEG_TINT = 8
# Levels of a mask with a label for each territory; noise gives every thermal picture more.
_MASK_LEVELS = 8
# Share of black and white pixels from which a grey picture is taken as clipped by its limits.
_CLIPPED = 0.01
# TIFF 6.0, tags TileWidth and TileLength.
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def read_bitmap(file: FrameFile) -> Frame:
    """Read a picture file.

    Floating-point and 16-bit TIFFs and PNGs are matrices; 8-bit greys need stated limits; colours are refused, since a
    palette's luminance is no temperature.

    Raises
    ------
    DataError
        Naming the file and why it cannot be measured.
    """
    path, metadata = file.path, file.metadata
    pixels, orientation, taken = _read_pixels(path, file.number)
    metadata = replace(metadata, time=metadata.time or taken)
    source, turned = file.name, orientation_notes(orientation)
    if pixels.dtype != np.uint8 or (metadata.limits is None and metadata.scale is not None):
        frame = matrix_frame(source, pixels, metadata)
        return replace(frame, notes=(*frame.notes, *turned), orientation=orientation)
    if metadata.limits is None:
        raise DataError(
            Message(
                "{path} is an 8-bit grey picture that does not say which temperatures black and white stand for, "
                "perhaps a screenshot. State low and high in °C if its greys rise evenly between them: as arguments, in "
                '{sidecar} as {{"low": 22.6, "high": 34.0, "polarity": "white-hot"}}, or in its name as 22.6to34.0C.',
                path=path,
                sidecar=path.with_suffix(".json").name,
            )
        )
    reject_constant(source, pixels)
    levels = len(np.unique(pixels))
    if levels <= _MASK_LEVELS:
        raise DataError(
            Message(
                "{source} has {levels} grey levels: a mask or a drawing, not a thermal frame. Leave it out.",
                source=source,
                levels=levels,
            )
        )
    low, high = metadata.limits
    step = (high - low) / 255
    notes = [
        *turned,
        Message(
            "8-bit greys between stated limits: steps of {step:.3f} °C; burned-in text and bars are no temperatures",
            step=step,
        ),
    ]
    clipped = float(np.isin(pixels, (0, 255)).mean())
    if clipped > _CLIPPED:
        notes.append(
            Message("{share:.0%} of the pixels are black or white, perhaps beyond the limits", share=clipped)
        )
    black_hot = metadata.polarity == "black-hot"
    if metadata.polarity is None:
        notes.append(
            Message(
                "polarity not stated: white is taken as warm; if black was, all changes have the wrong sign (state "
                "black-hot)"
            )
        )
    celsius = ((high - step * pixels) if black_hot else (low + step * pixels)).astype(np.float32)
    return Frame(
        celsius,
        metadata.time,
        source,
        metadata.parameters,
        "grey",
        metadata.camera,
        tuple(notes),
        orientation=orientation,
    )


def _read_pixels(path: Path, number: int | None) -> tuple[NDArray[Any], int, datetime | None]:
    """Pixels (H, W), upright: uint8 greys, or numbers of another type; how they are stored, and when they were taken."""
    is_tiff = read_head(path).startswith(TIFF_MAGICS)
    if number and not is_tiff:
        raise DataError(Message("{path} has no picture {number}.", path=path, number=number))
    # One page of a stack is read alone, however large the stack is.
    data = b"" if is_tiff and number is not None else read_limited(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            numbers = read_tiff(path, number) if is_tiff else None
            if numbers is not None:
                return numbers
            with Image.open(io.BytesIO(data) if data else path, formats=_FORMATS) as picture:
                picture.seek(number or 0)
                orientation, taken = orientation_of(picture.getexif()), exif_time(picture.getexif())
                pixels = _pixels_of(path, picture)
                # Pillow has turned a TIFF upright by now, and forgot the tag; other kinds it leaves as they are.
                upright = turn_upright(pixels, orientation_of(picture.getexif()))
                return upright, orientation, taken
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(
            Message(
                "{path} has more pixels than any thermal camera; it is damaged or no thermal frame.", path=path
            )
        ) from error
    except UnidentifiedImageError as error:
        raise DataError(
            Message(
                "{path} is a picture of a kind that is not read, or is damaged at its beginning; export °C as "
                "TIFF or CSV.",
                path=path,
            )
        ) from error
    except Exception as error:  # damaged pictures make Pillow's decoders raise nearly every type
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(
            Message(
                "{path} is truncated or damaged ({reason}); copy it again or leave it out.",
                path=path,
                reason=reason,
            )
        ) from error


def _pixels_of(path: Path, picture: Image.Image) -> NDArray[np.generic]:
    tags = getattr(picture, "tag_v2", {})
    check_size(str(path), (picture.height, picture.width))
    if tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0) > MAX_PIXELS:
        raise DataError(
            Message("{path} has tiles larger than any thermal frame; it is damaged. Leave it out.", path=path)
        )
    if picture.mode == "1":
        raise DataError(Message("{path} is a picture of one bit, a mask and not a thermal frame.", path=path))
    if picture.mode in ("I", "L") or picture.mode.startswith("I;16"):
        return np.asarray(picture)
    if picture.mode == "P" and picture.getpalette("RGB") is not None:
        palette = np.asarray(picture.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
        used = np.unique(np.asarray(picture))
        if used.max() < len(palette) and (palette[used] == palette[used][:, :1]).all():
            greys: NDArray[np.uint8] = palette[:, 0][np.asarray(picture)]
            return greys
    if picture.mode in ("RGB", "RGBA", "LA"):
        channels = np.asarray(picture)
        if picture.mode != "RGB":
            if (channels[..., -1] != 255).any():
                raise DataError(
                    Message("{path} is partly transparent: a drawing, not a thermal frame.", path=path)
                )
            channels = channels[..., :-1]
        tint = channels.max(axis=2).astype(np.int16) - channels.min(axis=2)
        if int(tint.max()) <= (_JPEG_TINT if picture.format in ("JPEG", "MPO") else 0):
            rounded: NDArray[np.uint8] = np.rint(channels.mean(axis=2, dtype=np.float32)).astype(np.uint8)
            return rounded
    raise DataError(
        Message(
            "{path} is a palette picture, not radiometric: its colours stand for temperatures that are not in "
            "the file, and are never guessed. Export the radiometric original, or °C as TIFF or CSV.",
            path=path,
        )
    )


def _list_times(file: FrameFile) -> list[None]:
    """Count the pages; a TIFF says when it was written, not when its pages were taken."""
    return [None] * max(1, count_pages(file.path) if file.head.startswith(TIFF_MAGICS) else 1)


READER = FrameReader(
    read_bitmap,
    suffixes=(".jpg", ".jpeg", ".tif", ".tiff", ".png", ".bmp"),
    magics=BITMAP_MAGICS,
    list_times=_list_times,
)
