"""What cameras say in Exif: when a picture was taken, and how it is turned upright."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import ConfigError, Message

ORIENTATION_TAG = 0x0112  # Exif 2.32 and TIFF 6.0
UPRIGHT = 1
# Exif 2.32: the block of the camera, DateTimeOriginal, SubSecTimeOriginal, OffsetTimeOriginal.
_EXIF_IFD, _TAKEN, _FRACTION, _ZONE = 0x8769, 0x9003, 0x9291, 0x9011
_Dtype = TypeVar("_Dtype", bound=np.generic)


def turn_upright(stored: NDArray[_Dtype], orientation: int) -> NDArray[_Dtype]:
    """Turn a stored picture, or a mask drawn on it, as it is shown.

    Parameters
    ----------
    stored : (H, W) or (H, W, C) array
        In the order of the file.
    orientation : int
        Of Exif: 1 as it is, 2 mirrored left to right, 3 upside down, 4 mirrored top to bottom, 6 to be turned clockwise,
        8 counterclockwise, 5 and 7 those mirrored (along the main and the other diagonal).

    Raises
    ------
    ConfigError
        When there is no such orientation.

    Examples
    --------
    >>> turn_upright(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    match orientation:
        case 1:
            return stored
        case 2:
            return stored[:, ::-1]
        case 3:
            return stored[::-1, ::-1]
        case 4:
            return stored[::-1]
        case 5:
            return stored.swapaxes(0, 1)
        case 6:
            return stored.swapaxes(0, 1)[:, ::-1]
        case 7:
            return stored.swapaxes(0, 1)[::-1, ::-1]
        case 8:
            return stored.swapaxes(0, 1)[::-1]
    raise ConfigError(Message("There is no Exif orientation {number}; it is 1 to 8.", number=orientation))


def orientation_of(exif: Image.Exif) -> int:
    """Read the orientation of an Exif block; 1 where it states none or one that does not exist."""
    try:
        stated = exif.get(ORIENTATION_TAG, UPRIGHT)
    except Exception:  # damaged blocks make Pillow raise nearly every type
        return UPRIGHT
    return stated if isinstance(stated, int) and 1 <= stated <= 8 else UPRIGHT


def exif_time(exif: Image.Exif) -> datetime | None:
    """Read when a picture was taken (DateTimeOriginal), with the zone where the camera states one.

    The block's DateTime is left alone: programs set it when they write a file anew.
    """
    try:
        camera = exif.get_ifd(_EXIF_IFD)
        # TIFF/EP has the same tags beside those of the picture.
        return parse_exif_time(*(camera.get(tag, exif.get(tag)) for tag in (_TAKEN, _FRACTION, _ZONE)))
    except Exception:  # as above
        return None


def parse_exif_time(taken: object, fraction: object = None, zone: object = None) -> datetime | None:
    """Read Exif's time, such as ``2026:05:31 14:05:30``, fraction of a second and zone; None where it is not set.

    Examples
    --------
    >>> str(parse_exif_time("2026:05:31 14:05:30", "25", "+02:00"))
    '2026-05-31 14:05:30.250000+02:00'
    """
    if not isinstance(taken, str):
        return None
    text = taken.strip("\0 ").replace(":", "-", 2)
    if ":" not in text:
        return None  # a date alone is no clock
    digits = fraction.strip("\0 ") if isinstance(fraction, str) else ""
    if digits.isdecimal():
        text += "." + digits.ljust(6, "0")[:6]
    try:
        return datetime.fromisoformat(text + (zone.strip("\0 ") if isinstance(zone, str) else ""))
    except ValueError:
        return None


def parse_exif(segment: bytes) -> tuple[int, datetime | None]:
    r"""Read orientation and time of a JPEG's Exif segment (from ``Exif\0\0`` on); 1 and None where it is damaged."""
    exif = Image.Exif()
    try:
        exif.load(segment)
    except Exception:  # as above; the picture itself may be whole
        return UPRIGHT, None
    return orientation_of(exif), exif_time(exif)


def orientation_notes(orientation: int) -> list[Message]:
    """Note that rows and columns are not the file's, if so.

    Examples
    --------
    >>> orientation_notes(1)
    []
    """
    if orientation == UPRIGHT:
        return []
    return [
        Message(
            "stored turned or mirrored (Exif orientation {number}) and turned upright; masks are upright too",
            number=orientation,
        )
    ]
