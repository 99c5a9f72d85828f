"""Files that people send and that hold no frame: videos, photographs, documents."""

from __future__ import annotations

import zipfile

from prismseg.base import Message
from prismseg.thermal.frames.foreign.kind import ForeignKind, Specimen

_CSV = Message("Export °C as TIFF or CSV")
_PHOTO_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")
_VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".wmv", ".webm", ".m4v", ".3gp", ".mpg", ".mpeg")


def _is_video(specimen: Specimen) -> bool:
    head = specimen.head
    return (
        (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or (head[4:8] == b"ftyp" and head[8:12] not in _PHOTO_BRANDS)
        or head.startswith((b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11"))
        or specimen.suffix in _VIDEO_SUFFIXES
    )


def _is_workbook(specimen: Specimen) -> bool:
    if specimen.head.startswith(b"\xd0\xcf\x11\xe0"):
        return specimen.suffix in (".xls", ".xlt")
    if not specimen.head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(specimen.path) as archive:
            return any(name.startswith("xl/") or name == "content.xml" for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


VIDEO = ForeignKind(
    Message("a video: a palette picture in motion, not radiometric"),
    Message("Record with the radiometric format of the camera (FLIR: SEQ or CSQ), or export single frames in °C"),
    _is_video,
)
PHONE = ForeignKind(
    Message("a picture of a phone (HEIC, AVIF or WebP), not radiometric"),
    _CSV,
    lambda specimen: (
        (specimen.head[4:8] == b"ftyp" and specimen.head[8:12] in _PHOTO_BRANDS)
        or (specimen.head[:4] == b"RIFF" and specimen.head[8:12] == b"WEBP")
    ),
)
WORKBOOK = ForeignKind(
    Message("a workbook of a spreadsheet program"),
    Message("Save the sheet with the temperatures as CSV"),
    _is_workbook,
)
ARCHIVE = ForeignKind(
    Message("an archive or office file"),
    Message("Unpack it, or export °C as CSV"),
    lambda specimen: specimen.head.startswith(
        (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")
    ),
)
GIF = ForeignKind(
    Message("a GIF: a palette picture, not radiometric"), _CSV, lambda specimen: specimen.head.startswith(b"GIF8")
)
PDF = ForeignKind(Message("a PDF"), _CSV, lambda specimen: specimen.head.startswith(b"%PDF"))
DICOM = ForeignKind(Message("a DICOM file"), _CSV, lambda specimen: specimen.head[128:132] == b"DICM")
MATLAB = ForeignKind(
    Message("a MATLAB or HDF5 file"),
    Message("Save the matrix of °C as CSV or NPY"),
    lambda specimen: specimen.head.startswith((b"MATLAB ", b"\x89HDF\r\n\x1a\n")),
)
CAMERA_RAW = ForeignKind(
    Message("a file of raw numbers without a heading"),
    Message("Export °C as TIFF, CSV or NPY, which say how many rows they have"),
    lambda specimen: specimen.suffix == ".raw" and not specimen.head.startswith((b"\xff\xd8", b"\x93NUMPY")),
)
