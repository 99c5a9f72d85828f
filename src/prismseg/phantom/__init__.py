"""Simulated thermal pictures of both soles with known truth (first version: framing from the foot end)."""

from prismseg.phantom.anatomy import FootShape, draw_shape, outlines
from prismseg.phantom.camera import Camera, draw_camera
from prismseg.phantom.physiology import FootCourse, draw_courses
from prismseg.phantom.scene import LEFT, RIGHT, Foot, Patient, PhantomFrame, draw_patient, simulate_frame
from prismseg.phantom.study import DEFAULT_MINUTES, write_study

__all__ = [
    "DEFAULT_MINUTES",
    "LEFT",
    "RIGHT",
    "Camera",
    "Foot",
    "FootCourse",
    "FootShape",
    "Patient",
    "PhantomFrame",
    "draw_camera",
    "draw_courses",
    "draw_patient",
    "draw_shape",
    "outlines",
    "simulate_frame",
    "write_study",
]
