"""Writing of FLIR R-JPEGs: synthetic ones, and copies that hold the measurement and nothing private."""

from __future__ import annotations

import io
import struct
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import ConfigError, Message, write_bytes
from prismseg.thermal.frames.flir.container import (
    AT_AIR,
    AT_HUMIDITY,
    AT_MODEL,
    AT_OFFSET,
    AT_PARAMETERS,
    AT_PLANCK,
    AT_RANGE,
    AT_SERIALS,
    AT_TIME,
    CAMERA,
    ENTRY_SIZE,
    HEADER_SIZE,
    PHOTO,
    RAW_IMAGE,
    SEGMENT_MAGIC,
)
from prismseg.thermal.frames.flir.rjpeg import read_rjpeg
from prismseg.thermal.frames.frame import SKIN_EMISSIVITY, ZERO_CELSIUS, Parameters, check_size
from prismseg.thermal.frames.radiometry import TYPICAL_CALIBRATION, Calibration, to_celsius, to_counts

TYPICAL_PARAMETERS = Parameters(
    emissivity=SKIN_EMISSIVITY,
    reflected=20.0,
    distance=1.0,
    humidity=0.5,
    atmosphere=20.0,
    window_temperature=20.0,
    window_transmission=1.0,
)
Encoding = Literal["plain", "png", "jpeg-ls"]
_CAMERA_SIZE = 2476  # as cameras from 2010 on write it
_ENTRIES = 14  # cameras reserve spare entries, and other programs count on some
_PLAIN, _PNG, _PHOTO_AS_FILE = {">": 1, "<": 2}, 3, 5  # subtypes of image records
_SEGMENT_SIZE = 65524  # of the stream in one APP1 segment, as cameras cut it


def write_rjpeg(
    path: str | Path,
    celsius: NDArray[np.floating],
    *,
    calibration: Calibration = TYPICAL_CALIBRATION,
    parameters: Parameters = TYPICAL_PARAMETERS,
    time: datetime | None = None,
    camera: str = "prismseg",
    png: bool = False,
    high_byte_first: bool = False,
    serials: dict[str, str] | None = None,
    photo: bytes | None = None,
) -> Path:
    """Write temperatures as a FLIR radiometric JPEG that this package and others read.

    Parameters
    ----------
    path : path
        The file.
    celsius : (H, W) array
        Temperatures in °C; each is rounded to a whole count of the detector, about 0.01 °C.
    calibration : Calibration
        Of the camera.
    parameters : Parameters
        All of them; the counts are those that such an object, air and window would give.
    time : datetime or None
        With a time zone, or without for UTC; stored to the millisecond.
    camera : str
        Model, up to 31 characters of Latin-1.
    png : bool
        Wrap the counts as a PNG, as small cameras do.
    high_byte_first : bool
        Byte order of records and counts; in a PNG also the order that the standard asks for and few cameras use.
    serials : dict or None
        Serial numbers by part (camera, lens, filter), for tests of what an export drops.
    photo : bytes or None
        An encoded photo to embed, for the same.

    Raises
    ------
    ConfigError
        When a parameter is missing, or a temperature or the time cannot be stored.
    DataError
        When the array is no picture.

    Examples
    --------
    >>> from prismseg.thermal import read_frame
    >>> celsius = np.linspace(20, 34, 4800).reshape(60, 80)
    >>> frame = read_frame(write_rjpeg("a.jpg", celsius))
    >>> bool(np.abs(frame.celsius - celsius).max() < 0.006)
    True
    """
    values = np.asarray(celsius, dtype=np.float64)
    order = ">" if high_byte_first else "<"
    encoding: Encoding = "png" if png else "plain"
    records = frame_records(
        str(path),
        values,
        calibration,
        parameters,
        time=time,
        camera=camera,
        order=order,
        encoding=encoding,
        serials=serials,
    )
    if photo is not None:
        records.append((PHOTO, _PHOTO_AS_FILE, _image_header(values.shape, order) + photo))
    return write_bytes(path, _jpeg(values, stream_of(records)))


def frame_records(
    name: str,
    celsius: NDArray[np.float64],
    calibration: Calibration,
    parameters: Parameters,
    *,
    time: datetime | None,
    camera: str,
    order: str = "<",
    encoding: Encoding = "plain",
    serials: dict[str, str] | None = None,
) -> list[tuple[int, int, bytes]]:
    """Make the records of one frame, kind, subtype and content: its counts and the camera's block.

    Raises
    ------
    ConfigError
        When a parameter is missing, or a temperature or the time cannot be stored.
    DataError
        When the array is no picture.
    """
    check_size(name, celsius.shape)
    exact = to_counts(celsius, calibration, parameters)
    if not (np.isfinite(exact) & (exact >= 0) & (exact <= 65535)).all():
        low, high = (float(to_celsius(count, calibration, parameters)) for count in (0.0, 65535.0))
        raise ConfigError(
            Message(
                "{path}: this calibration holds temperatures from {low:.1f} to {high:.1f} °C; the array has others.",
                path=name,
                low=low,
                high=high,
            )
        )
    counts = np.rint(exact).astype(np.uint16)
    header = _image_header(counts.shape, order)
    subtype = _PNG if encoding == "png" else _PLAIN[order]
    return [
        (RAW_IMAGE, subtype, header + _encode(counts, order, encoding)),
        (CAMERA, 1, _camera_record(header, calibration, parameters, time, camera, serials or {}, order)),
    ]


def strip_private(source: str | Path, target: str | Path, *, keep_time: bool = True) -> Path:
    """Copy the measurement of an R-JPEG, and nothing that names a person, a place or a device.

    The copy is built from the temperatures, the calibration, the parameters, the camera's model and, unless
    `keep_time` is False, the time. So serial numbers, the visible-light photo, Exif, XMP, positions, texts and
    recordings are absent because nothing copies them, not because they were all found. The picture in the JPEG is
    drawn from the temperatures, without the overlays of the original. Counts and constants are kept exactly.

    Parameters
    ----------
    source, target : path
        The original and the copy.
    keep_time : bool
        Whether the copy says when the frame was taken.

    Raises
    ------
    DataError
        When the source is no R-JPEG.

    Examples
    --------
    >>> folder = Path("frames")
    >>> folder.mkdir()
    >>> celsius = np.linspace(20, 34, 4800).reshape(60, 80)
    >>> original = write_rjpeg(folder / "a.jpg", celsius, serials={"camera": "4711"})
    >>> read_rjpeg(original).serials, read_rjpeg(strip_private(original, folder / "b.jpg")).serials
    ({'camera': '4711'}, {})
    """
    original = read_rjpeg(source)
    order = "<"
    header = _image_header(original.counts.shape, order)
    time = original.time if keep_time else None
    camera = original.camera or ""
    records = [
        (RAW_IMAGE, _PLAIN[order], header + _encode(original.counts, order, "plain")),
        (CAMERA, 1, _camera_record(header, original.calibration, original.parameters, time, camera, {}, order)),
    ]
    return write_bytes(target, _jpeg(original.celsius().astype(np.float64), stream_of(records)))


def _image_header(shape: tuple[int, ...], order: str) -> bytes:
    height, width = shape
    return struct.pack(f"{order}9H", 2, width, height, 0, 0, 0, width - 1, 0, height - 1).ljust(32, b"\0")


def _encode(counts: NDArray[np.uint16], order: str, encoding: Encoding) -> bytes:
    if encoding == "plain":
        return counts.astype(f"{order}u2").tobytes()
    if encoding == "jpeg-ls":
        import jpeg_ls

        return bytes(jpeg_ls.encode(np.ascontiguousarray(counts)))
    buffer = io.BytesIO()
    Image.fromarray(counts if order == ">" else counts.byteswap()).save(buffer, format="png")
    return buffer.getvalue()


def _camera_record(
    header: bytes,
    calibration: Calibration,
    parameters: Parameters,
    time: datetime | None,
    camera: str,
    serials: dict[str, str],
    order: str,
) -> bytes:
    record = bytearray(header.ljust(_CAMERA_SIZE, b"\0"))

    def put(at: int, form: str, *values: float) -> None:
        struct.pack_into(f"{order}{form}", record, at, *values)

    def put_text(at: int, size: int, text: str) -> None:
        record[at : at + size] = text.encode("latin-1", "replace")[: size - 1].ljust(size, b"\0")

    kelvin = [
        (getattr(parameters, name) or 0.0) + ZERO_CELSIUS
        for name in ("reflected", "atmosphere", "window_temperature")
    ]
    window = 1.0 if parameters.window_transmission is None else parameters.window_transmission
    put(AT_PARAMETERS, "6f", parameters.emissivity or 0.0, parameters.distance or 0.0, *kelvin, window)
    put(AT_HUMIDITY, "f", parameters.humidity or 0.0)
    put(AT_PLANCK, "3f", calibration.r1, calibration.b, calibration.f)
    air = (calibration.alpha1, calibration.alpha2, calibration.beta1, calibration.beta2, calibration.x)
    put(AT_AIR, "5f", *air)
    put(AT_OFFSET, "if", round(calibration.o), calibration.r2)
    struct.pack_into(f"{order}2H", record, AT_RANGE, 0, 65535)
    put_text(*AT_MODEL, camera)
    for part, text in serials.items():
        put_text(*AT_SERIALS[part], text)
    if time is not None:
        _put_time(record, order, time)
    return bytes(record)


def _put_time(record: bytearray, order: str, time: datetime) -> None:
    offset = time.utcoffset()
    behind = 0 if offset is None else -round(offset.total_seconds() / 60)
    stamp = time.timestamp() if offset is not None else (time - datetime(1970, 1, 1)).total_seconds()
    milliseconds = round(stamp * 1000)
    if not 0 <= milliseconds // 1000 < 2**32:
        raise ConfigError(
            Message("An R-JPEG cannot hold the time {time}; it holds 1970 to 2106.", time=time.isoformat())
        )
    struct.pack_into(f"{order}IIh", record, AT_TIME, milliseconds // 1000, milliseconds % 1000, behind)


def stream_of(records: list[tuple[int, int, bytes]]) -> bytes:
    """Make an FFF stream: header and directory big-endian, as cameras write them, whatever the records' order."""
    place = HEADER_SIZE + ENTRY_SIZE * _ENTRIES
    entries, bodies = b"", b""
    for kind, subtype, record in records:
        entry = struct.pack(">HHIIII", kind, subtype, 100, 1, place + len(bodies), len(record))
        entries += entry.ljust(ENTRY_SIZE, b"\0")
        bodies += record
    header = b"FFF\0".ljust(20, b"\0") + struct.pack(">3I", 101, HEADER_SIZE, _ENTRIES)
    return header.ljust(HEADER_SIZE, b"\0") + entries.ljust(ENTRY_SIZE * _ENTRIES, b"\0") + bodies


def _jpeg(celsius: NDArray[np.float64], stream: bytes) -> bytes:
    low, high = float(np.nanmin(celsius)), float(np.nanmax(celsius))
    grey = np.nan_to_num((celsius - low) / max(high - low, 1e-6)) * 255
    buffer = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(buffer, format="jpeg", quality=90)
    picture = buffer.getvalue()
    pieces = [stream[start : start + _SEGMENT_SIZE] for start in range(0, len(stream), _SEGMENT_SIZE)]
    if len(pieces) > 256:
        raise ConfigError(
            Message(
                "A frame of {height} x {width} pixels is too large for an R-JPEG.",
                height=celsius.shape[0],
                width=celsius.shape[1],
            )
        )
    segments = b""
    for number, piece in enumerate(pieces):
        content = SEGMENT_MAGIC + bytes((1, number, len(pieces) - 1)) + piece
        segments += b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
    return picture[:2] + segments + picture[2:]
