"""Files of thermal cameras and their programs, other than JPEGs."""

from __future__ import annotations

import struct
import zipfile

from prismseg.base import Message
from prismseg.thermal.frames.foreign.kind import ForeignKind, Specimen

_ZIP = b"PK\x03\x04"
_BMP_SIZE = (2, "<I")  # where a bitmap states its size
_BEHIND = 1024  # bytes behind a bitmap that are more than padding
_P2_FRAMES = {256 * 192 * 2, 256 * 384 * 2}  # bytes: temperatures alone, or below the picture
_DJI_FRAME = 640 * 512 * 4


def _holds_fluke(specimen: Specimen) -> bool:
    """Newer IS2 files are archives that hold the detector's numbers (goConvertIS2; fluke_thermal_reader)."""
    if specimen.suffix in (".is2", ".is3") or specimen.jpeg.made_by("fluke"):
        return True
    if not specimen.head.startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(specimen.path) as archive:
            names = [name.rsplit("/", 1)[-1].lower() for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile, ValueError):
        return False
    return "ir.data" in names or "caltempdatarex" in names


def _has_more_than_bitmap(specimen: Specimen) -> bool:
    if not specimen.head.startswith(b"BM") or len(specimen.head) < 54:
        return False
    stated: int = struct.unpack_from(_BMP_SIZE[1], specimen.head, _BMP_SIZE[0])[0]
    return stated >= 54 and specimen.size >= stated + _BEHIND


TESTO = ForeignKind(
    Message("a Testo thermal picture (BMT)"),
    Message(
        "The layout of its temperatures is not public. Open it in testo IRSoft and export the temperatures of the "
        "picture (Excel), then save that as CSV"
    ),
    lambda specimen: specimen.suffix == ".bmt" or specimen.jpeg.made_by("testo"),
)
FLUKE = ForeignKind(
    Message("a Fluke thermal picture (IS2)"),
    Message(
        "The layout of its temperatures is not public. Open it in Fluke SmartView or Fluke Connect, export the "
        "temperatures as text or CSV, and give that file: its heading is read"
    ),
    _holds_fluke,
)
OPTRIS = ForeignKind(
    Message("an Optris film (RAVI)"),
    Message("Open it in Optris PIX Connect and export single frames as radiometric TIFF or CSV"),
    lambda specimen: specimen.suffix in (".ravi", ".rava") or specimen.jpeg.made_by("optris"),
)
INFRATEC = ForeignKind(
    Message("an InfraTec thermal picture (IRB)"),
    Message("Open it in IRBIS and export the temperatures as ASCII or CSV"),
    lambda specimen: (
        specimen.head.startswith(b"\xffIRB")
        or specimen.suffix in (".irb", ".irp")
        or specimen.jpeg.made_by("infratec")
    ),
)
FLIR_SCIENCE = ForeignKind(
    Message("a file of FLIR's ResearchIR or Research Studio, or an older FLIR format"),
    Message(
        "Open it in FLIR Research Studio or ResearchIR and export frames as SEQ or FFF, or temperatures as CSV"
    ),
    lambda specimen: (
        specimen.head.startswith(b"FPF Public Image Format")
        or specimen.suffix in (".ats", ".ptw", ".sfmov", ".fpf", ".fcf", ".jade")
    ),
)
AVIO = ForeignKind(
    Message("an Avio or NEC thermal picture"),
    Message("Open it in InfReC Analyzer and export the temperatures as CSV"),
    lambda specimen: specimen.suffix in (".svt", ".sit", ".svx", ".isv"),
)
UNI_T = ForeignKind(
    Message("a bitmap with more data behind the picture, as UNI-T and Testo cameras write"),
    Message(
        "Its colours are no scale of °C, and the layout of what follows is not public. Open it in the maker's program "
        "and export the temperatures as CSV"
    ),
    _has_more_than_bitmap,
)
IRG = ForeignKind(
    Message("a thermal picture of an InfiRay C200, Topdon TC004 or a relative (IRG)"),
    Message("Open it in the maker's program for computers and export the temperatures as CSV"),
    lambda specimen: specimen.suffix == ".irg",
)
DJI_RAW = ForeignKind(
    Message(
        "a file of raw numbers without a heading, of the size that DJI's Thermal SDK writes (640 x 512 float32)"
    ),
    Message(
        "If it holds °C, save it as NPY: numpy.save('OUT.npy', numpy.fromfile('IN.raw', '<f4').reshape(512, 640))"
    ),
    lambda specimen: specimen.suffix in (".raw", ".bin", ".dat") and specimen.size == _DJI_FRAME,
)
P2_RAW = ForeignKind(
    Message("a raw frame of the size that InfiRay P2 and Topdon TC001 cameras give (256 x 192)"),
    Message(
        "Their programs take 64ths of a kelvin, but no maker states that and no sample confirmed it here. If you know "
        "it of your camera, divide the numbers of the 192 lower rows by 64, take 273.15 away, and save the °C as NPY"
    ),
    lambda specimen: specimen.suffix in (".raw", ".bin", ".dat", ".yuv") and specimen.size in _P2_FRAMES,
)
