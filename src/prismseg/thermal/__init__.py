"""Temperature of two soles: radiometric frames, sides, nerve territories, sessions, flags. No torch."""

from prismseg.thermal.flir import RadiometricJpeg, parse_rjpeg, read_rjpeg
from prismseg.thermal.flir_write import TYPICAL_PARAMETERS, strip_private, write_rjpeg
from prismseg.thermal.frame import SKIN_EMISSIVITY, Frame, Parameters
from prismseg.thermal.listing import Reading, find_frames, read_listing, write_listing
from prismseg.thermal.picture import draw_frame, write_picture
from prismseg.thermal.radiometry import TYPICAL_CALIBRATION, Calibration, to_celsius, to_counts, transmission
from prismseg.thermal.readers import FRAME_SUFFIXES, read_frame

__all__ = [
    "FRAME_SUFFIXES",
    "SKIN_EMISSIVITY",
    "TYPICAL_CALIBRATION",
    "TYPICAL_PARAMETERS",
    "Calibration",
    "Frame",
    "Parameters",
    "RadiometricJpeg",
    "Reading",
    "draw_frame",
    "find_frames",
    "parse_rjpeg",
    "read_frame",
    "read_listing",
    "read_rjpeg",
    "strip_private",
    "to_celsius",
    "to_counts",
    "transmission",
    "write_listing",
    "write_picture",
    "write_rjpeg",
]
