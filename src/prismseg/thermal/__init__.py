"""Temperature of two soles: radiometric frames, sides, nerve territories, sessions, flags. No torch."""

from prismseg.thermal.frames.flir import RadiometricJpeg, parse_rjpeg, read_rjpeg
from prismseg.thermal.frames.flir_write import TYPICAL_PARAMETERS, strip_private, write_rjpeg
from prismseg.thermal.frames.frame import SKIN_EMISSIVITY, Frame, Parameters
from prismseg.thermal.frames.orientation import upright
from prismseg.thermal.frames.radiometry import (
    TYPICAL_CALIBRATION,
    Calibration,
    to_celsius,
    to_counts,
    transmission,
)
from prismseg.thermal.frames.readers import FRAME_SUFFIXES, read_frame
from prismseg.thermal.output.curves import draw_curves
from prismseg.thermal.output.listing import Reading, find_frames, read_listing, write_listing
from prismseg.thermal.output.outcome import outlined, write_session
from prismseg.thermal.output.picture import draw_frame, write_picture
from prismseg.thermal.output.words import sentences
from prismseg.thermal.sessions.changes import Value
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.sessions.flags.find import find_flags
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.flags.settings import FlagSettings
from prismseg.thermal.sessions.minutes import Plan, Shot, in_order, minute_in_name, plan_session, read_shots
from prismseg.thermal.sessions.session import Session, measure_frames
from prismseg.thermal.sessions.uncertainty import REGIONS, WHOLE, Errors, Estimate, measure_sole
from prismseg.thermal.soles.contours import outlines
from prismseg.thermal.soles.pair import LEFT, RIGHT, Caution, Soles, Status
from prismseg.thermal.soles.pieces import Cleaning
from prismseg.thermal.soles.sides import SIDE_NAMES, SIDES, VIEWS, Side, View, check_view
from prismseg.thermal.soles.template import SMALL_TERRITORIES, TERRITORIES, template_hash
from prismseg.thermal.soles.territories import Territories, carry_territories, find_territories

__all__ = [
    "FRAME_SUFFIXES",
    "LEFT",
    "REGIONS",
    "RIGHT",
    "SIDES",
    "SIDE_NAMES",
    "SKIN_EMISSIVITY",
    "SMALL_TERRITORIES",
    "TERRITORIES",
    "TYPICAL_CALIBRATION",
    "TYPICAL_PARAMETERS",
    "VIEWS",
    "WHOLE",
    "Calibration",
    "Caution",
    "Cleaning",
    "Concern",
    "Entry",
    "Errors",
    "Estimate",
    "Flag",
    "FlagSettings",
    "Frame",
    "Observation",
    "Parameters",
    "Plan",
    "RadiometricJpeg",
    "Reading",
    "Session",
    "Shot",
    "Side",
    "Soles",
    "Status",
    "Territories",
    "Value",
    "View",
    "carry_territories",
    "check_view",
    "draw_curves",
    "draw_frame",
    "find_flags",
    "find_frames",
    "find_territories",
    "in_order",
    "measure_frames",
    "measure_sole",
    "minute_in_name",
    "outlined",
    "outlines",
    "parse_rjpeg",
    "plan_session",
    "read_frame",
    "read_listing",
    "read_rjpeg",
    "read_shots",
    "sentences",
    "strip_private",
    "template_hash",
    "to_celsius",
    "to_counts",
    "transmission",
    "upright",
    "write_listing",
    "write_picture",
    "write_rjpeg",
    "write_session",
]
