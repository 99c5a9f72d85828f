"""One thermal picture of both soles: supine patient, soles to the camera, toes up, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.phantom.anatomy import FootShape, draw_shape, outlines
from prismseg.phantom.camera import Camera, draw_camera
from prismseg.phantom.pattern import Pattern, draw_patterns
from prismseg.phantom.physiology import FootCourse, draw_courses
from prismseg.phantom.pose import LEFT_SIDE, RIGHT_SIDE, Placement, Pose, draw_pose
from prismseg.phantom.raster import Curve, Field, paint
from prismseg.phantom.surroundings import Surroundings, draw_surroundings

LEFT, RIGHT = 1, 2
REFERENCE_SIZE = (240, 320)
BELOW_ROOM = 0.3  # °C by which sweat may cool skin below the air


@dataclass(frozen=True)
class Foot:
    """What stays the same of one foot in all pictures."""

    course: FootCourse
    pattern: Pattern


@dataclass(frozen=True)
class Patient:
    """What stays the same in all pictures of one person: feet, courses, pose, bed, camera."""

    shape: FootShape
    left: Foot
    right: Foot
    pose: Pose
    surroundings: Surroundings
    camera: Camera


@dataclass(frozen=True)
class PhantomFrame:
    """A simulated picture and its truth.

    Attributes
    ----------
    celsius : (H, W) float32
        Temperatures as the camera measures them.
    truth : (H, W) float32
        Temperatures of the scene, before optics and noise.
    mask : (H, W) uint8
        1 on a sole, 0 elsewhere: where a sole covers at least half of the pixel.
    soles : (H, W) uint8
        1 on the patient's left sole, 2 on the right one.
    left, right : float
        True mean temperature of each visible sole, °C.
    """

    celsius: NDArray[np.float32]
    truth: NDArray[np.float32]
    mask: NDArray[np.uint8]
    soles: NDArray[np.uint8]
    left: float
    right: float


def draw_patient(rng: np.random.Generator) -> Patient:
    """Draw a patient."""
    courses = draw_courses(rng)
    patterns = draw_patterns(rng)
    left, right = (Foot(course, pattern) for course, pattern in zip(courses, patterns, strict=True))
    shape = draw_shape(rng)
    return Patient(
        shape=shape,
        left=left,
        right=right,
        pose=draw_pose(rng, width=shape.width),
        surroundings=draw_surroundings(
            rng,
            coldest=min(course.baseline + min(course.drift, 0.0) for course in courses),
            warmest=max(course.baseline for course in courses),
        ),
        camera=draw_camera(rng),
    )


def simulate_frame(
    rng: np.random.Generator, patient: Patient, minute: float, *, size: tuple[int, int] = REFERENCE_SIZE
) -> PhantomFrame:
    """Take a picture of `patient`; small movements and noise are new in each.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of movement and noise.
    patient : Patient
        Whose feet.
    minute : float
        Time since the test dose.
    size : (int, int)
        Height and width in pixels.
    """
    rows = np.arange(size[0], dtype=np.float32)[:, None]
    columns = np.arange(size[1], dtype=np.float32)[None]
    pose, around = patient.pose.moved(rng), patient.surroundings
    # Soles face the camera: the patient's right foot is on the image's left, both big toes to the middle.
    left, right = pose.placement(LEFT_SIDE, size), pose.placement(RIGHT_SIDE, size)
    scene = around.behind(rows, columns, left, right)
    free = around.free_of_sheet(rows, columns, left, right)
    soles = np.zeros(size, np.uint8)
    for label, foot, place in ((RIGHT, patient.right, right), (LEFT, patient.left, left)):
        _put_sole(scene, soles, free, patient, foot, place, minute, label)
    scene = scene * free + np.float32(around.sheet) * (1 - free)
    soles[free < 0.5] = 0
    return PhantomFrame(
        celsius=patient.camera.measure(rng, scene),
        truth=scene,
        mask=(soles > 0).astype(np.uint8),
        soles=soles,
        left=patient.left.course.temperature(minute),
        right=patient.right.course.temperature(minute),
    )


def _put_sole(
    scene: Field,
    soles: NDArray[np.uint8],
    free: Field,
    patient: Patient,
    foot: Foot,
    place: Placement,
    minute: float,
    label: int,
) -> None:
    """Draw one sole into `scene` and its truth into `soles`, both in place."""
    curves = [place.to_pixels(curve) for curve in outlines(patient.shape)]
    window, corner = _window(curves, scene.shape)
    size = scene[window].shape
    if 0 in size:
        return
    curves = [curve - corner for curve in curves]
    cover = paint(curves, [1.0] * len(curves), size)
    visible = (cover >= 0.5) & (free[window] >= 0.5)
    mean, warming = foot.course.temperature(minute), foot.course.warming(minute)
    rows = np.arange(size[0], dtype=np.float32)[:, None] + np.float32(corner[0])
    columns = np.arange(size[1], dtype=np.float32)[None] + np.float32(corner[1])
    u, v = place.to_sole(rows, columns)
    field = foot.pattern.over_sole(u, v, warming)
    field += _toes(curves[1:], foot.pattern.of_toes(warming), cover, place.length)
    field += _rim(cover, foot.pattern.rim, place.length)
    floor = patient.surroundings.room - BELOW_ROOM
    field = _not_below(_centre(field, mean, visible), floor)
    # Raising the coldest toes to the floor has warmed the sole a little: its mean is what the course says.
    field = _centre(field, mean, visible)
    scene[window] = scene[window] * (1 - cover) + field * cover
    soles[window][cover >= 0.5] = label


def _window(curves: list[Curve], size: tuple[int, ...]) -> tuple[tuple[slice, slice], Curve]:
    points = np.vstack(curves)
    low = np.clip(np.floor(points.min(axis=0)) - 2, 0, size).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)) + 3, 0, size).astype(int)
    return (slice(low[0], high[0]), slice(low[1], high[1])), low.astype(np.float64)


def _toes(curves: list[Curve], values: list[float], cover: Field, length: float) -> Field:
    """Temperature of the toes, which ends softly at the crease towards the ball but not at their outline."""
    sigma = max(0.5, 0.012 * length)
    painted = ndimage.gaussian_filter(paint(curves, values, cover.shape), sigma, truncate=3.0)
    weight = ndimage.gaussian_filter(cover, sigma, truncate=3.0)
    toes: Field = painted / np.maximum(weight, 0.05)
    return toes


def _rim(cover: Field, fall: float, length: float) -> Field:
    inner = ndimage.gaussian_filter(cover, max(0.5, 0.03 * length), truncate=2.5)
    rim: Field = np.float32(2 * fall) * (np.clip(inner, 0.5, 1) - 1)
    return rim


def _centre(field: Field, mean: float, inside: NDArray[np.bool_]) -> Field:
    if not inside.any():
        return field + np.float32(mean)
    centred: Field = field + np.float32(mean - field[inside].mean(dtype=np.float64))
    return centred


def _not_below(field: Field, floor: float) -> Field:
    """Bend temperatures below `floor` softly up to it (softplus over 0.3 °C)."""
    softness = 0.3
    bent: Field = np.float32(floor) + softness * np.logaddexp(0, (field - np.float32(floor)) / softness)
    return bent.astype(np.float32)
