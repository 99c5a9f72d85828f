"""Simulated thermal pictures of feet with known truth: single frames without end, and whole sessions."""

from prismseg.thermal.anatomy import LEFT, RIGHT, TERRITORIES
from prismseg.thermal.phantom.body.physiology import FootCourse, draw_courses
from prismseg.thermal.phantom.camera.export import Export, draw_export
from prismseg.thermal.phantom.camera.sensor import Camera, draw_camera, draw_varied_camera
from prismseg.thermal.phantom.domains import DOMAINS
from prismseg.thermal.phantom.frame import REFERENCE_SIZE, PhantomFrame
from prismseg.thermal.phantom.output.calibration import Comparison, Record, calibrate, compare, table
from prismseg.thermal.phantom.output.contact_sheet import draw_contact_sheet, tile_greys
from prismseg.thermal.phantom.output.sessions import DEFAULT_MINUTES, write_sessions
from prismseg.thermal.phantom.painting.canvas import Layer
from prismseg.thermal.phantom.scene.spec import FRAMINGS
from prismseg.thermal.phantom.stream import Pair, frame_at, pair_at, stream
from prismseg.thermal.phantom.subject import Subject, draw_subject

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
    "draw_varied_camera",
    "frame_at",
    "pair_at",
    "stream",
    "table",
    "tile_greys",
    "write_sessions",
]
