"""Pictures that are stored turned or mirrored: how cameras say so (Exif), and how they are turned upright."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import ConfigError, Message

ORIENTATION_TAG = 0x0112  # Exif 2.32 and TIFF 6.0
UPRIGHT = 1
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


def parse_orientation(segment: bytes) -> int:
    r"""Read the orientation of a JPEG's Exif segment (from ``Exif\0\0`` on); 1 where it is damaged."""
    exif = Image.Exif()
    try:
        exif.load(segment)
    except Exception:  # as above; the picture itself may be whole
        return UPRIGHT
    return orientation_of(exif)


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
