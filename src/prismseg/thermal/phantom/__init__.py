"""Simulated thermal pictures of feet with known truth: single frames without end, and whole sessions."""

from prismseg.thermal.phantom.calibration import Comparison, Record, calibrate, compare, table
from prismseg.thermal.phantom.camera import Camera, draw_camera, draw_wild_camera
from prismseg.thermal.phantom.canvas import LEFT, RIGHT, Layer
from prismseg.thermal.phantom.domains import DOMAINS
from prismseg.thermal.phantom.export import Export, draw_export
from prismseg.thermal.phantom.frame import FRAMINGS, REFERENCE_SIZE, PhantomFrame
from prismseg.thermal.phantom.pairs import Pair, pair_at
from prismseg.thermal.phantom.physiology import FootCourse, draw_courses
from prismseg.thermal.phantom.sheets import draw_contact_sheet, tile_greys
from prismseg.thermal.phantom.stream import frame_at, stream
from prismseg.thermal.phantom.study import DEFAULT_MINUTES, write_sessions
from prismseg.thermal.phantom.subject import Subject, draw_subject
from prismseg.thermal.phantom.territories import TERRITORIES

__all__ = [
    "DEFAULT_MINUTES",
    "DOMAINS",
    "FRAMINGS",
    "LEFT",
    "REFERENCE_SIZE",
    "RIGHT",
    "TERRITORIES",
    "Camera",
    "Comparison",
    "Export",
    "FootCourse",
    "Layer",
    "Pair",
    "PhantomFrame",
    "Record",
    "Subject",
    "calibrate",
    "compare",
    "draw_camera",
    "draw_contact_sheet",
    "draw_courses",
    "draw_export",
    "draw_subject",
    "draw_wild_camera",
    "frame_at",
    "pair_at",
    "stream",
    "table",
    "tile_greys",
    "write_sessions",
]
