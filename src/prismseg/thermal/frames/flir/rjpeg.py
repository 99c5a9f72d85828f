"""FLIR radiometric JPEGs: the detector's counts behind the picture, and °C from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError, Message
from prismseg.thermal.frames.flir.container import (
    CAMERA,
    PHOTO,
    PRIVATE_RECORDS,
    RAW_IMAGE,
    flir_stream,
    jpeg_segments,
    read_camera,
    read_records,
)
from prismseg.thermal.frames.flir.counts import (
    IMAGE_HEADER,
    PNG_MAGIC,
    read_counts,
    share_in_range,
    tabulate_celsius,
)
from prismseg.thermal.frames.frame import (
    Frame,
    Parameters,
    check_parameter_names,
    find_implausible,
    reject_constant,
)
from prismseg.thermal.frames.orientation import UPRIGHT, orientation_notes, parse_exif, turn_upright
from prismseg.thermal.frames.plausible import possible_parameters
from prismseg.thermal.frames.radiometry import Calibration
from prismseg.thermal.frames.reader import FrameReader, read_limited

JPEG_MAGIC = b"\xff\xd8"
CLOCK_UNSET = 2003  # year; cameras that lost their battery restart in 1999 or 2000

# Whether there is a window before the lens only a person knows; other parameters may be typed wrongly.
_TAKEN_AS_STATED = {"window_transmission"}

# Segments beside FLIR's that can name persons, places and devices, by what they begin with.
_EXIF = b"Exif\0"
_PRIVATE_SEGMENTS = {
    _EXIF: Message("Exif (maker notes, perhaps a GPS position)"),
    b"http://ns.adobe.com/x": Message("XMP"),
    b"Photoshop 3.0": Message("Photoshop data"),
    b"MPF\0": Message("a second picture"),
}
_COMMENT = 0xFE
_SERIALS = {
    "camera": Message("serial number of the camera"),
    "lens": Message("serial number of the lens"),
    "filter": Message("serial number of the filter"),
}


@dataclass(frozen=True, eq=False)
class RadiometricJpeg:
    """Content of a FLIR radiometric JPEG, or of one frame of an FFF file or a film.

    Attributes
    ----------
    counts : (H, W) uint16 array
        Of the detector, turned upright as the file's Exif orientation says.
    calibration : Calibration
        Of the camera.
    parameters : Parameters
        The file's own, or those stated instead.
    camera : str or None
        Model.
    time : datetime or None
        FLIR's own, with the camera's time zone; where it has none, that of Exif (DateTimeOriginal).
    serials : dict
        Serial numbers by part (camera, lens, filter).
    photo : bytes or None
        Embedded visible-light photo, as JPEG or PNG.
    private : tuple of Message
        What else can name a person, a place or a device.
    name : str
        File, for messages.
    orientation : int
        In which the file stores the counts (Exif); here they are upright.
    doubts : tuple of Message
        Which of the parameters are implausible.
    unused : tuple of Message
        Which of them are impossible; no temperature depends on them.
    """

    counts: NDArray[np.uint16]
    calibration: Calibration
    parameters: Parameters
    camera: str | None
    time: datetime | None
    serials: dict[str, str]
    photo: bytes | None
    private: tuple[Message, ...]
    name: str
    orientation: int = UPRIGHT
    doubts: tuple[Message, ...] = ()
    unused: tuple[Message, ...] = ()

    def celsius(self) -> NDArray[np.float32]:
        """Compute the temperatures (H, W) in °C; NaN where the counts are below any object's."""
        return tabulate_celsius(self.calibration, self.parameters)[self.counts]

    def frame(self) -> Frame:
        """Make a frame in °C, with notes on what else the file holds; a `DataError` says that the shutter was closed."""
        reject_constant(self.name, self.counts)
        celsius = self.celsius()
        notes = orientation_notes(self.orientation)
        outside = int(np.isnan(celsius).sum())
        if outside:
            notes.append(Message("{pixels} pixels are outside the camera's range", pixels=outside))
        if self.time is not None and self.time.year < CLOCK_UNSET:
            notes.append(Message("the camera's clock was probably never set"))
        if self.private or self.serials:
            parts = [*self.private, *(_SERIALS[part] for part in self.serials)]
            notes.append(Message("the file also holds: {parts}", parts=Message.joined(parts, ", ")))
        notes += [Message("left out, and not needed: {what}", what=sentence) for sentence in self.unused]
        doubtful = [Message("doubtful: {what}", what=doubt) for doubt in self.doubts]
        return Frame(
            celsius,
            self.time,
            self.name,
            self.parameters,
            "radiometric",
            self.camera,
            (*doubtful, *notes),
            self.doubts,
            self.orientation,
        )


def is_radiometric(data: bytes, name: str) -> bool:
    """Tell whether a JPEG carries FLIR's data; a `DataError` says that it is damaged."""
    return flir_stream(jpeg_segments(data, name), name) is not None


def read_rjpeg(path: str | Path, **parameters: float) -> RadiometricJpeg:
    """Read a FLIR radiometric JPEG from a file; otherwise as `parse_rjpeg`.

    Examples
    --------
    >>> from prismseg.thermal import write_rjpeg
    >>> path = write_rjpeg("a.jpg", np.linspace(20, 34, 4800).reshape(60, 80))
    >>> original = read_rjpeg(path)
    >>> original.counts.dtype.name, round(original.parameters.emissivity, 2)
    ('uint16', 0.98)
    """
    return parse_rjpeg(read_limited(Path(path)), str(path), **parameters)


def parse_rjpeg(data: bytes, name: str, **parameters: float) -> RadiometricJpeg:
    """Parse a FLIR radiometric JPEG.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        For messages.
    **parameters
        Any of `Parameters`, in place of the file's own.

    Raises
    ------
    DataError
        When it is no R-JPEG, is damaged, has an unknown layout, or its numbers give no temperatures.
    ConfigError
        When a stated parameter is unknown or impossible.
    """
    stated = check_parameter_names(parameters)
    if not data.startswith(JPEG_MAGIC):
        raise DataError(Message("{file} is not a JPEG; only FLIR's radiometric JPEGs are read here.", file=name))
    segments = jpeg_segments(data, name)
    stream = flir_stream(segments, name)
    if stream is None:
        raise DataError(
            Message(
                "{file} is a JPEG without FLIR's radiometric data: a picture, not a measurement. Export the "
                "original from the camera, or °C as TIFF or CSV.",
                file=name,
            )
        )
    return parse_stream(stream, name, stated, segments)


def parse_stream(
    stream: bytes, name: str, stated: Mapping[str, float], segments: Sequence[tuple[int, bytes]] = ()
) -> RadiometricJpeg:
    """Parse one frame of FLIR's container, as in an R-JPEG, an FFF file or a film.

    Parameters
    ----------
    stream : bytes
        From its header on.
    name : str
        For messages.
    stated : mapping of str to float
        Parameters in place of the file's own.
    segments : sequence of (int, bytes)
        Marker and content of the other segments, where it came from a JPEG.

    Raises
    ------
    DataError
        As `parse_rjpeg` raises it.
    """
    records = read_records(stream, name)
    info = read_camera(_first(records, CAMERA, name, Message("the camera's calibration")), name)
    own, impossible = possible_parameters(info.parameters, stated)
    try:
        calibration = info.calibration()
        merged = Parameters(**(own | dict(stated)))
        table = tabulate_celsius(calibration, merged)
    except ConfigError as error:
        reason = Message.joined([*impossible, error.message], " ")
        raise DataError(Message("{file} cannot be converted to °C: {reason}", file=name, reason=reason)) from error
    raw = _first(records, RAW_IMAGE, name, Message("the detector's counts"))
    counts = read_counts(raw, name, share_in_range(table))
    private = [label for kind, label in PRIVATE_RECORDS.items() if any(kind == found for found, _ in records)]
    private += _private_segments(segments)
    photo = next((_photo(record) for kind, record in records if kind == PHOTO), None)
    orientation, taken = _exif(segments)
    return RadiometricJpeg(
        np.ascontiguousarray(turn_upright(counts, orientation)),
        calibration,
        merged,
        info.camera,
        info.time or taken,
        info.serials,
        photo,
        tuple(private),
        name,
        orientation,
        tuple(find_implausible(replace(merged, **dict.fromkeys(_TAKEN_AS_STATED & set(stated))))),
        tuple(impossible),
    )


def _exif(segments: Sequence[tuple[int, bytes]]) -> tuple[int, datetime | None]:
    """Find how the camera was held, which it says in Exif alone, and when, which it may say there alone."""
    exif = next((content for _, content in segments if content.startswith(_EXIF)), None)
    return (UPRIGHT, None) if exif is None else parse_exif(exif)


def _first(records: Sequence[tuple[int, bytes]], kind: int, name: str, what: Message) -> bytes:
    for found, record in records:
        if found == kind:
            return record
    raise DataError(
        Message(
            "{file} has FLIR data, but not {what}: it was saved as a picture only. Export the original from the "
            "camera.",
            file=name,
            what=what,
        )
    )


def _photo(record: bytes) -> bytes | None:
    content = record[IMAGE_HEADER:]
    return content if content.startswith((JPEG_MAGIC, PNG_MAGIC)) else None


def _private_segments(segments: Sequence[tuple[int, bytes]]) -> list[Message]:
    found = [
        label
        for magic, label in _PRIVATE_SEGMENTS.items()
        if any(content.startswith(magic) for _, content in segments)
    ]
    if any(marker == _COMMENT for marker, _ in segments):
        found.append(Message("a comment"))
    return found


READER = FrameReader(
    lambda file: read_rjpeg(file.path, **file.parameters).frame(),
    suffixes=(".jpg", ".jpeg"),
    magics=(JPEG_MAGIC,),
    recognises=lambda file: is_radiometric(read_limited(file.path), str(file.path)),
    computes_celsius=True,
)
