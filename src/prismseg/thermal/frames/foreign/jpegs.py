"""JPEGs of thermal cameras that keep temperatures in segments of their own making."""

from __future__ import annotations

import struct

from prismseg.base import Message
from prismseg.thermal.frames.foreign.kind import ForeignKind, Specimen

_APP1, _APP2, _APP3 = 0xE1, 0xE2, 0xE3
# Measured on published pictures: limits guessed for such greys put skin 4 to 34 % wrong.
_NO_SCALE = Message(
    "Its greys or colours are no scale of °C, since the camera stretches the contrast of every picture anew; limits "
    "are not accepted for it"
)
_SIDES = range(8, 4097)  # pixels of a thermal picture


def _of_dji(specimen: Specimen) -> bool:
    clues = specimen.jpeg
    return clues.made_by("dji", "zenmuse") or any(
        (marker == _APP1 and b"drone-dji" in content) or content.startswith(b"DTAT")
        for marker, content in clues.segments
    )


def _of_hikmicro(specimen: Specimen) -> bool:
    """By name, or by the header of the raw picture: HDRI, width and height at bytes 12 and 16."""
    clues = specimen.jpeg
    if clues.made_by("hikmicro", "hikvision", "hik micro"):
        return True
    for content in (clues.behind, *(content for _, content in clues.segments)):
        at = content.find(b"HDRI")
        while at >= 0:
            if at + 20 <= len(content) and all(
                side in _SIDES for side in struct.unpack_from("<2I", content, at + 12)
            ):
                return True
            at = content.find(b"HDRI", at + 1)
    return False


def _of_infiray(specimen: Specimen) -> bool:
    """By name, or by the version header of IJPEG in APP2 (ExifTool, InfiRay tags)."""
    clues = specimen.jpeg
    return clues.made_by(
        "infiray", "infisense", "topdon", "thermal master", "thermalmaster", "xinfrared", "xtherm", "vevor"
    ) or any(marker == _APP2 and content[4:10] == b"IJPEG\0" for marker, content in clues.segments)


DJI = ForeignKind(
    Message("a picture of a DJI camera"),
    Message(
        "{no_scale}. A radiometric one has its temperatures in DJI's own segments, whose formula is not public: "
        "measure the original in DJI Thermal Analysis Tool, or convert it with dji_irp of DJI's Thermal SDK (it "
        "measures in float32: °C, row by row) and save that as TIFF or NPY",
        no_scale=_NO_SCALE,
    ),
    _of_dji,
)
HIKMICRO = ForeignKind(
    Message("a HIKMICRO or Hikvision thermal picture"),
    Message(
        "{no_scale}. Open the original in HIKMICRO Analyzer and export the temperature of each pixel as CSV",
        no_scale=_NO_SCALE,
    ),
    _of_hikmicro,
)
INFIRAY = ForeignKind(
    Message("an InfiRay, Topdon or Thermal Master thermal picture (IJPEG)"),
    Message(
        "{no_scale}. Open the original in the maker's program for computers and export the temperature of each pixel "
        "as CSV, or have the app save it so",
        no_scale=_NO_SCALE,
    ),
    _of_infiray,
)
GUIDE = ForeignKind(
    Message("a Guide Sensmart thermal picture"),
    Message(
        "{no_scale}. Open the original in Guide's ThermoTools and export the temperature of each pixel as CSV",
        no_scale=_NO_SCALE,
    ),
    lambda specimen: specimen.jpeg.made_by("guide", "mobir"),
)
AUTEL = ForeignKind(
    Message("a picture of an Autel camera"),
    Message(
        "{no_scale}. Open the original in Autel's IR tool and export the temperature of each pixel",
        no_scale=_NO_SCALE,
    ),
    lambda specimen: specimen.jpeg.made_by("autel"),
)
SEEK = ForeignKind(
    Message("a Seek thermal picture"),
    Message(
        "{no_scale}. Have the camera or app save temperatures too (thermography as CSV or TIFF), and give those files",
        no_scale=_NO_SCALE,
    ),
    lambda specimen: specimen.jpeg.made_by("seek"),
)
OTHER_MAKER = ForeignKind(
    Message("a picture of a thermal camera whose files are not read"),
    Message(
        "{no_scale}. Open the original in the maker's program and export the temperature of each pixel as CSV",
        no_scale=_NO_SCALE,
    ),
    lambda specimen: specimen.jpeg.made_by(
        "uni-t", "uni trend", "bosch", "cat s6", "bullitt", "workswell", "parrot", "raytron", "yoseen", "ulirvision",
        "sonel", "satir", "trotec", "klein tools", "perfectprime", "kaiweets", "mileseey", "noyafa", "voltcraft",
        "xinfra", "jenoptik", "nec avio", "avio", "hti", "dahua", "milesight", "thermapp", "therm-app",
    ),
)  # fmt: skip
