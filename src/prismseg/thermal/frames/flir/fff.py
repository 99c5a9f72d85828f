"""FLIR FFF files and films: SEQ is one FFF frame behind the other, CSQ the same with counts compressed as JPEG-LS."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from prismseg.base import DataError, Message
from prismseg.thermal.frames.flir.container import (
    CAMERA,
    CAMERA_SIZE,
    ENTRY_SIZE,
    HEADER_SIZE,
    MAX_RECORDS,
    STREAM_MAGICS,
    byte_order,
    read_time,
    truncated,
)
from prismseg.thermal.frames.flir.rjpeg import RadiometricJpeg, parse_stream
from prismseg.thermal.frames.frame import Frame, check_parameter_names
from prismseg.thermal.frames.listing.choice import MARK, frame_path
from prismseg.thermal.frames.reader import MAX_BYTES, FrameFile, FrameReader

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEMBERED = 8  # films of which the frames' places are kept, so that each frame is found at once


def read_fff(path: str | Path, number: int | None = None, **parameters: float) -> RadiometricJpeg:
    """Read one frame of a FLIR FFF file or film (FFF, SEQ, CSQ).

    Parameters
    ----------
    path : str or Path
        The file, of any size; only the one frame is loaded.
    number : int, optional
        Of the frame, from 0 on; needed where there are several.
    **parameters
        Any of `Parameters`, in place of the file's own.

    Raises
    ------
    DataError
        When it is damaged, has no such frame, or several of which none was chosen; or JPEG-LS cannot be decoded.
    ConfigError
        When a stated parameter is unknown or impossible.

    Examples
    --------
    >>> import numpy as np
    >>> from prismseg.thermal import write_fff
    >>> film = write_fff("film.seq", np.linspace(20, 34, 9600).reshape(2, 60, 80))
    >>> bool(read_fff(film, 1).celsius().mean() > read_fff(film, 0).celsius().mean())
    True
    """
    stated = check_parameter_names(parameters)
    path = Path(path)
    places = _find_frames(path)
    name = str(path) if number is None else str(frame_path(path, number))
    if number is None and len(places) > 1:
        raise DataError(
            Message(
                "{path} is a film of {count} frames; choose which to take by a mark behind its name: {mark}0 (the "
                "first), {mark}0-{last}/{step} (some), {mark}/{step}, or by time {mark}0min-20min/1min.",
                path=path,
                count=len(places),
                mark=MARK,
                last=len(places) - 1,
                step=max(2, len(places) // 20),
            )
        )
    if number is not None and not 0 <= number < len(places):
        raise DataError(
            Message(
                "{path} has the frames 0 to {last}, no {number}.", path=path, last=len(places) - 1, number=number
            )
        )
    at, size = places[number or 0]
    with _opened(path) as data:
        stream = data[at : at + size]
    return parse_stream(stream, name, stated)


def _read_frame(file: FrameFile) -> Frame:
    frame = read_fff(file.path, file.number, **file.parameters).frame()
    if file.number is None:
        return frame
    places = _find_frames(file.path)
    of = [Message("frame {number} of {count}, from 0 on", number=file.number, count=len(places))]
    if _breaks_off(file.path, sum(places[-1])):
        of.append(Message("the film breaks off: its last frame is not whole, and was left out"))
    return replace(frame, notes=(*frame.notes, *of))


def _breaks_off(path: Path, end: int) -> bool:
    """Whether a frame begins behind the last whole one."""
    with _opened(path) as data:
        return data.find(data[:4], end) >= 0


def _list_times(file: FrameFile) -> Sequence[datetime | None]:
    places = _find_frames(file.path)
    with _opened(file.path) as data:
        return [_time_at(data, at, size) for at, size in places]


def _find_frames(path: Path) -> tuple[tuple[int, int], ...]:
    """Find where each frame begins, and its size."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(
            Message("There is no file {path}; restore it, or take it out of the list.", path=path)
        ) from error
    return _index(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=_REMEMBERED)
def _index(path: Path, size: int, modified: int) -> tuple[tuple[int, int], ...]:
    places: list[tuple[int, int]] = []
    with _opened(path) as data:
        magic = data[:4]
        at = 0
        while 0 <= at < size:
            extent = _extent(data, at)
            # The magic may also lie among counts, and the last frame of a film that broke off is cut.
            if extent is not None and at + extent <= size:
                places.append((at, extent))
                at = data.find(magic, at + extent)
            elif at == 0:
                raise truncated(str(path), Message("a FLIR sequence or FFF file whose first frame is not whole"))
            else:
                at = data.find(magic, at + 1)
    return tuple(places)


@contextmanager
def _opened(path: Path) -> Iterator[mmap.mmap]:
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise DataError(
            Message("{path} cannot be read ({error}); copy it again or leave it out.", path=path, error=error)
        ) from error


def _extent(data: mmap.mmap, at: int) -> int | None:
    """Size of the frame whose header is at a place; None where there is no header."""
    directory = _directory(data, at)
    if directory is None:
        return None
    order, place, count = directory
    end = place + count * ENTRY_SIZE
    for kind, begin, length in _entries(data, at, order, place, count):
        if kind and length:
            end = max(end, begin + length)
    return end if end <= MAX_BYTES else None


def _directory(data: mmap.mmap, at: int) -> tuple[str, int, int] | None:
    """Byte order, place and count of the directory of records."""
    header = data[at : at + HEADER_SIZE]
    if len(header) < HEADER_SIZE or header[:4] not in STREAM_MAGICS:
        return None
    for order in "><":
        version, place, count = struct.unpack_from(f"{order}3I", header, 20)
        if 100 <= version < 200 and 0 < count <= MAX_RECORDS and place >= HEADER_SIZE:
            return order, place, count
    return None


def _entries(data: mmap.mmap, at: int, order: str, place: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and length of the records of the frame at a place."""
    table = data[at + place : at + place + count * ENTRY_SIZE]
    for entry in range(len(table) // ENTRY_SIZE):
        yield struct.unpack_from(f"{order}H10xII", table, entry * ENTRY_SIZE)


def _time_at(data: mmap.mmap, at: int, size: int) -> datetime | None:
    directory = _directory(data, at)
    if directory is None:
        return None
    for kind, begin, length in _entries(data, at, *directory):
        if kind == CAMERA and length >= CAMERA_SIZE and begin + length <= size:
            record = data[at + begin : at + begin + CAMERA_SIZE]
            return read_time(record, byte_order(record))
    return None


READER = FrameReader(
    _read_frame,
    suffixes=(".fff", ".seq", ".csq"),
    magics=STREAM_MAGICS,
    computes_celsius=True,
    list_times=_list_times,
)
