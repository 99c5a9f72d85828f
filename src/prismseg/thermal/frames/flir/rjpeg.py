"""FLIR radiometric JPEGs: the detector's counts behind the picture, and °C from them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import ConfigError, DataError, Message
from prismseg.thermal.frames.flir.container import (
    CAMERA,
    PHOTO,
    PRIVATE_RECORDS,
    RAW_IMAGE,
    byte_order,
    flir_stream,
    jpeg_segments,
    read_camera,
    read_records,
    truncated,
)
from prismseg.thermal.frames.frame import (
    MIN_FINITE,
    PLAUSIBLE_CELSIUS,
    Frame,
    Parameters,
    check_parameter_names,
    check_size,
    find_implausible,
    reject_constant,
)
from prismseg.thermal.frames.orientation import UPRIGHT, orientation_notes, parse_orientation, turn_upright
from prismseg.thermal.frames.radiometry import Calibration, to_celsius
from prismseg.thermal.frames.reader import FrameReader, read_limited

JPEG_MAGIC = b"\xff\xd8"
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_IMAGE_HEADER = 32  # of a record with an image: byte order, width, height, and more
_CLOCK_UNSET = 2003  # year; cameras that lost their battery restart in 1999 or 2000
# So many times smoother must one byte order make the counts to be certain.
_SMOOTHER = 2

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
    """Content of a FLIR radiometric JPEG.

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
        With the camera's time zone.
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
        Which of the file's own parameters are implausible.
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

    def celsius(self) -> NDArray[np.float32]:
        """Compute the temperatures (H, W) in °C; NaN where the counts are below any object's."""
        return _table(self.calibration, self.parameters)[self.counts]

    def frame(self) -> Frame:
        """Make a frame in °C, with notes on what else the file holds; a `DataError` says that the shutter was closed."""
        reject_constant(self.name, self.counts)
        celsius = self.celsius()
        notes = orientation_notes(self.orientation)
        outside = int(np.isnan(celsius).sum())
        if outside:
            notes.append(Message("{pixels} pixels are outside the camera's range", pixels=outside))
        if self.time is not None and self.time.year < _CLOCK_UNSET:
            notes.append(Message("the camera's clock was probably never set"))
        if self.private or self.serials:
            parts = [*self.private, *(_SERIALS[part] for part in self.serials)]
            notes.append(Message("the file also holds: {parts}", parts=Message.joined(parts, ", ")))
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
    records = read_records(stream, name)
    info = read_camera(_first(records, CAMERA, name, Message("the camera's calibration")), name)
    try:
        calibration = info.calibration()
        merged = Parameters(**(info.parameters | stated))
        table = _table(calibration, merged)
    except ConfigError as error:
        raise DataError(
            Message("{file} cannot be converted to °C: {reason}", file=name, reason=error.message)
        ) from error
    raw = _first(records, RAW_IMAGE, name, Message("the detector's counts"))
    counts = _read_counts(raw, name, _share_in_range(table))
    private = [label for kind, label in PRIVATE_RECORDS.items() if any(kind == found for found, _ in records)]
    private += _private_segments(segments)
    photo = next((_photo(record) for kind, record in records if kind == PHOTO), None)
    orientation = _orientation(segments)
    counts = np.ascontiguousarray(turn_upright(counts, orientation))
    own = Parameters(**{part: value for part, value in info.parameters.items() if part not in stated})
    doubts = tuple(find_implausible(own))
    return RadiometricJpeg(
        counts,
        calibration,
        merged,
        info.camera,
        info.time,
        info.serials,
        photo,
        tuple(private),
        name,
        orientation,
        doubts,
    )


def _orientation(segments: list[tuple[int, bytes]]) -> int:
    """Find how the camera was held: cameras turn neither the picture nor the counts, but say it in Exif."""
    exif = next((content for _, content in segments if content.startswith(_EXIF)), None)
    return UPRIGHT if exif is None else parse_orientation(exif)


def _first(records: list[tuple[int, bytes]], kind: int, name: str, what: Message) -> bytes:
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


def _table(calibration: Calibration, parameters: Parameters) -> NDArray[np.float32]:
    """Tabulate °C of each of the 65,536 possible counts: quicker than the formula for every pixel, and small."""
    celsius = to_celsius(np.arange(2**16), calibration, parameters)
    celsius[~((celsius >= PLAUSIBLE_CELSIUS[0]) & (celsius <= PLAUSIBLE_CELSIUS[1]))] = np.nan
    return celsius.astype(np.float32)


def _share_in_range(table: NDArray[np.float32]) -> Callable[[NDArray[np.uint16]], float]:
    finite = np.isfinite(table)
    return lambda counts: float(finite[counts].mean())


def _read_counts(
    record: bytes, name: str, share_in_range: Callable[[NDArray[np.uint16]], float]
) -> NDArray[np.uint16]:
    """Read the counts of the record of the raw image, in the byte order that gives a picture.

    The PNG standard has the high byte first, most cameras write the low byte first, and nothing tells: the wrong order
    puts the noisy low byte on top, so that neighbours differ by thousands, and leaves the camera's range.
    """
    if len(record) < _IMAGE_HEADER:
        raise truncated(name, Message("the detector's counts"))
    width, height = (int(value) for value in np.frombuffer(record, f"{byte_order(record)}u2", 2, offset=2))
    check_size(name, (height, width))
    content = record[_IMAGE_HEADER:]
    if content.startswith(_PNG_MAGIC):
        stored = _read_png(content, (height, width), name)
    elif len(content) >= 2 * width * height:
        stored = np.frombuffer(content, "<u2", width * height).reshape(height, width).astype(np.uint16)
    else:
        what = Message(
            "{bytes} bytes for {height} x {width} counts", bytes=len(content), height=height, width=width
        )
        raise truncated(name, what)
    smooth, rough = sorted((stored, stored.byteswap()), key=_roughness)
    likely = (smooth,) if _SMOOTHER * _roughness(smooth) < _roughness(rough) else (smooth, rough)
    counts = next((counts for counts in likely if share_in_range(counts) >= MIN_FINITE), None)
    if counts is None:
        raise DataError(
            Message(
                "{file} holds counts that are outside its own calibration; it is damaged, or of a layout that is not "
                "known. Export °C as TIFF or CSV.",
                file=name,
            )
        )
    return counts


def _roughness(counts: NDArray[np.uint16]) -> float:
    """Compute the mean difference of neighbours along the rows, counts."""
    return float(np.abs(np.diff(counts.astype(np.int32), axis=1)).mean())


def _read_png(content: bytes, size: tuple[int, int], name: str) -> NDArray[np.uint16]:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size != size[::-1] or not picture.mode.startswith("I;16"):
                what = Message(
                    "counts as a PNG of {size} pixels and mode {mode}", size=picture.size, mode=picture.mode
                )
                raise truncated(name, what)
            return np.asarray(picture).astype(np.uint16)
    except DataError:
        raise
    except Exception as error:  # damaged PNGs make Pillow raise nearly every type
        raise truncated(name, Message("counts as a PNG: {error}", error=error)) from error


def _photo(record: bytes) -> bytes | None:
    content = record[_IMAGE_HEADER:]
    return content if content.startswith((JPEG_MAGIC, _PNG_MAGIC)) else None


def _private_segments(segments: list[tuple[int, bytes]]) -> list[Message]:
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
