"""Simulated thermal pictures of feet with known truth: single frames without end, and whole sessions."""

from prismseg.phantom.calibration import Comparison, Record, calibrate, compare, table
from prismseg.phantom.camera import Camera, draw_camera, draw_wild_camera
from prismseg.phantom.canvas import LEFT, RIGHT, Layer
from prismseg.phantom.domains import DOMAINS
from prismseg.phantom.export import Export, draw_export
from prismseg.phantom.frame import FRAMINGS, REFERENCE_SIZE, PhantomFrame
from prismseg.phantom.pairs import Pair, pair_at
from prismseg.phantom.physiology import FootCourse, draw_courses
from prismseg.phantom.sheets import draw_contact_sheet, tile_greys
from prismseg.phantom.stream import frame_at, stream
from prismseg.phantom.study import DEFAULT_MINUTES, write_sessions
from prismseg.phantom.subject import Subject, draw_subject
from prismseg.phantom.territories import TERRITORIES

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
