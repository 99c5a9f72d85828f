"""PGM and PPM, the plain formats of Netpbm, by their stored numbers: Pillow stretches levels and cuts 16 bits to 8."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError

PNM_MAGIC = (b"P2", b"P3", b"P5", b"P6")
_LONGEST = 4096  # of a header with remarks
_SPACE = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(rb"P([2356])" + rb"".join(_SPACE + rb"(\d{1,9})" for _ in range(3)) + rb"\s")


@dataclass(frozen=True)
class PnmHeader:
    """What the beginning of a PGM or PPM states.

    Attributes
    ----------
    kind : int
        2 and 3: grey and colour as text; 5 and 6: as bytes.
    width, height : int
        Size.
    most : int
        Highest level.
    start : int
        Where the pixels begin.
    """

    kind: int
    width: int
    height: int
    most: int
    start: int


def read_pnm_header(path: Path) -> PnmHeader:
    """Read the beginning of a PGM or PPM.

    Raises
    ------
    DataError
        When the file is damaged there, or states no levels.
    """
    with path.open("rb") as file:
        header = _HEADER.match(file.read(_LONGEST))
    if header is None:
        raise DataError(f"{path} is not a PGM or PPM, or is damaged at its beginning; save it as PNG.")
    kind, width, height, most = (int(group) for group in header.groups())
    if not 0 < most < 1 << 16:
        raise DataError(f"{path} states {most} levels, and a PGM or PPM has 1 to 65535; save it as PNG.")
    return PnmHeader(kind, width, height, most, header.end())


def decode_pnm(path: Path, header: PnmHeader) -> NDArray[np.generic]:
    r"""Pixels (H, W) or (H, W, 3) of a PGM or PPM, of 8 or 16 bits.

    Raises
    ------
    DataError
        When the file ends too early, or holds more than its highest level.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "mask.pgm"
    >>> _ = path.write_bytes(b"P2\n# three levels\n3 1\n2\n0 1 2\n")
    >>> decode_pnm(path, read_pnm_header(path))
    array([[0, 1, 2]], dtype=uint8)
    """
    shape = (header.height, header.width, 3)[: 2 + (header.kind in (3, 6))]
    count, body = math.prod(shape), path.read_bytes()[header.start :]
    stored = np.dtype(np.uint8 if header.most < 1 << 8 else ">u2")
    pixels: NDArray[np.generic]
    if header.kind in (2, 3):
        words = body.split()
        if len(words) < count or not all(word.isdigit() for word in words[:count]):
            raise _truncated(path)
        pixels = np.array(words[:count], np.int64)
    elif len(body) < count * stored.itemsize:
        raise _truncated(path)
    else:
        pixels = np.frombuffer(body, stored, count)
    if count and (most := int(pixels.max())) > header.most:
        raise DataError(f"{path} holds {most} though it states {header.most} as its highest level; save it anew.")
    return pixels.reshape(shape).astype(stored.newbyteorder("="))


def _truncated(path: Path) -> DataError:
    return DataError(f"{path} is truncated or damaged; copy it anew or leave it out.")
