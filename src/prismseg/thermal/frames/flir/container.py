r"""FLIR's container: segments of a JPEG, the records they carry, and the camera's block among them.

The layout is public knowledge: ExifTool's documentation "FLIR Tags" lists records and offsets; the rest was read off
files of many cameras. In the JPEG, APP1 segments begin with ``FLIR\0``, a version byte, the segment's number and the
number of the last one. Joined they are an FFF stream: a header of 64 bytes (magic, version at 20, place and count of the
record directory at 24 and 28), directory entries of 32 bytes (type, then place and length at 12 and 16), records.
Header and records may have different byte orders; each has a small number at its beginning that tells which.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from prismseg.base import DataError, Message
from prismseg.thermal.frames.frame import ZERO_CELSIUS
from prismseg.thermal.frames.radiometry import Calibration

RAW_IMAGE, PHOTO, CAMERA = 1, 14, 32
# Records that tell about persons and places; of these only the presence is reported.
PRIVATE_RECORDS = {
    14: Message("visible-light photo"),
    35: Message("text annotations"),
    36: Message("voice recording"),
    43: Message("GPS position"),
    44: Message("meter readings"),
}
SEGMENT_MAGIC = b"FLIR\0"
SEGMENT_HEADER = 8
STREAM_MAGICS = (b"FFF\0", b"AFF\0")
HEADER_SIZE, ENTRY_SIZE = 64, 32
MAX_RECORDS = 1024

# Offsets in the camera's block, bytes.
AT_PARAMETERS, AT_HUMIDITY, AT_PLANCK, AT_AIR, AT_OFFSET, AT_RANGE, AT_TIME = 32, 60, 88, 112, 776, 784, 900
AT_MODEL = (212, 32)
AT_SERIALS = {"camera": (260, 16), "lens": (416, 16), "filter": (540, 16)}
CAMERA_SIZE = 910
# Years in which a camera of this format can have taken a picture.
_FIRST_YEAR, _LAST_YEAR = 1995, 2100
_FARTHEST_ZONE = 14 * 60  # minutes from UTC

_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}


@dataclass(frozen=True)
class CameraInfo:
    """Content of the camera's block.

    Attributes
    ----------
    parameters : dict of str to float
        By the names of `Parameters`: °C, m, shares.
    planck : dict of str to float
        Constants by the names of `Calibration`.
    camera : str or None
        Model.
    time : datetime or None
        With the camera's time zone.
    serials : dict of str to str
        Serial numbers by part.
    """

    parameters: dict[str, float]
    planck: dict[str, float]
    camera: str | None
    time: datetime | None
    serials: dict[str, str]

    def calibration(self) -> Calibration:
        """Return the constants, checked; a `ConfigError` names the one that cannot be."""
        return Calibration(**self.planck)


def truncated(name: str, what: Message) -> DataError:
    """Make the error for a file that ends or breaks off where `what` should be."""
    return DataError(
        Message(
            "{file} is truncated or damaged ({what}); copy it again from the camera or leave it out.",
            file=name,
            what=what,
        )
    )


def jpeg_segments(data: bytes, name: str) -> list[tuple[int, bytes]]:
    """List marker and content of every segment before the picture's own data.

    Raises
    ------
    DataError
        When a segment is cut off or the picture has no end.
    """
    segments: list[tuple[int, bytes]] = []
    position = 2
    while True:
        if data[position : position + 1] != b"\xff" or position + 2 > len(data):
            raise truncated(name, Message("no JPEG segment at byte {position}", position=position))
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in _BARE_MARKERS:
            position += 2
            continue
        if marker in (_SOS, _EOI):
            # Photographs without an end were cut in copying, even where the measurement before it is whole.
            if data.find(bytes((0xFF, _EOI)), position) < 0:
                raise truncated(name, Message("the JPEG has no end"))
            return segments
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if length < 2 or position + 2 + length > len(data):
            raise truncated(name, Message("JPEG segment at byte {position}", position=position))
        segments.append((marker, data[position + 4 : position + 2 + length]))
        position += 2 + length


def flir_stream(segments: list[tuple[int, bytes]], name: str) -> bytes | None:
    """Join the FLIR segments by their numbers; None where there is none.

    Raises
    ------
    DataError
        When one is missing or comes twice.
    """
    pieces: dict[int, bytes] = {}
    last = -1
    for marker, content in segments:
        if marker != _APP1 or not content.startswith(SEGMENT_MAGIC) or len(content) < SEGMENT_HEADER:
            continue
        number, last = content[6], max(last, content[7])
        if number in pieces:
            raise truncated(name, Message("FLIR segment {number} comes twice", number=number))
        pieces[number] = content[SEGMENT_HEADER:]
    if not pieces:
        return None
    missing = sorted(set(range(last + 1)) - set(pieces))
    if missing:
        what = Message("{missing} of {count} FLIR segments are missing", missing=len(missing), count=last + 1)
        raise truncated(name, what)
    return b"".join(pieces[number] for number in sorted(pieces))


def read_records(stream: bytes, name: str) -> list[tuple[int, bytes]]:
    """List type and content of every record of an FFF stream, in the order of its directory.

    Raises
    ------
    DataError
        When the stream is no FFF stream, or a record lies outside it.
    """
    if len(stream) < HEADER_SIZE or stream[:4] not in STREAM_MAGICS:
        raise truncated(name, Message("its FLIR data have no FFF header"))
    for order in "><":
        version, place, count = struct.unpack_from(f"{order}3I", stream, 20)
        if 100 <= version < 200:
            break
    else:
        raise DataError(
            Message(
                "{file} has FLIR data of an unknown version. Export °C as TIFF or CSV.",
                file=name,
            )
        )
    if count > MAX_RECORDS or place + count * ENTRY_SIZE > len(stream):
        raise truncated(name, Message("its record directory"))
    records = []
    for entry in range(count):
        kind, at, length = struct.unpack_from(f"{order}H10xII", stream, place + entry * ENTRY_SIZE)
        if kind == 0 or length == 0:
            continue
        if at + length > len(stream):
            raise truncated(name, Message("record of type {type}", type=kind))
        records.append((kind, stream[at : at + length]))
    return records


def byte_order(record: bytes) -> str:
    """Tell the order of a record's numbers (``<`` or ``>``): it begins with a small 16-bit number."""
    return "<" if int.from_bytes(record[:2], "little") < 256 else ">"


def read_camera(record: bytes, name: str) -> CameraInfo:
    """Parse the camera's block; values are checked where they are used.

    Raises
    ------
    DataError
        When it is shorter than the constants it must hold.
    """
    if len(record) < CAMERA_SIZE:
        raise DataError(
            Message(
                "{file} has a camera block of {bytes} bytes, a layout that is not known; export °C as TIFF or CSV.",
                file=name,
                bytes=len(record),
            )
        )
    order = byte_order(record)
    emissivity, distance, reflected, air, window, passed = struct.unpack_from(f"{order}6f", record, AT_PARAMETERS)
    (humidity,) = struct.unpack_from(f"{order}f", record, AT_HUMIDITY)
    r1, b, f = struct.unpack_from(f"{order}3f", record, AT_PLANCK)
    alpha1, alpha2, beta1, beta2, x = struct.unpack_from(f"{order}5f", record, AT_AIR)
    o, r2 = struct.unpack_from(f"{order}if", record, AT_OFFSET)
    parameters = {
        "emissivity": emissivity,
        "reflected": reflected - ZERO_CELSIUS,
        "distance": distance,
        "humidity": humidity,
        "atmosphere": air - ZERO_CELSIUS,
        "window_temperature": window - ZERO_CELSIUS,
        "window_transmission": passed,
    }
    planck = {"r1": r1, "b": b, "f": f, "o": float(o), "r2": r2}
    planck |= {"alpha1": alpha1, "alpha2": alpha2, "beta1": beta1, "beta2": beta2, "x": x}
    serials = {part: text for part, (at, size) in AT_SERIALS.items() if (text := _text(record, at, size))}
    return CameraInfo(parameters, planck, _text(record, *AT_MODEL) or None, read_time(record, order), serials)


def _text(record: bytes, at: int, size: int) -> str:
    raw = record[at : at + size].split(b"\0")[0].decode("latin-1")
    return "".join(character for character in raw if character.isprintable()).strip()


def read_time(record: bytes, order: str) -> datetime | None:
    """Read when the picture was taken: seconds since 1970, milliseconds, and minutes that local time is *behind* UTC."""
    seconds, milliseconds, behind = struct.unpack_from(f"{order}IIh", record, AT_TIME)
    if abs(behind) > _FARTHEST_ZONE:
        return None
    moment = datetime.fromtimestamp(seconds, tz=UTC) + timedelta(milliseconds=milliseconds & 0xFFFF)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    return moment.astimezone(timezone(-timedelta(minutes=behind)))
