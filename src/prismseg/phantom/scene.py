"""One thermal picture of both soles: supine patient, soles to the camera, toes up, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import polygon

from prismseg.phantom.anatomy import FootShape, draw_shape, outlines
from prismseg.phantom.camera import Camera, draw_camera
from prismseg.phantom.physiology import FootCourse, draw_courses

LEFT, RIGHT = 1, 2
SUPERSAMPLING = 3
REFERENCE_SIZE = (240, 320)

Field = NDArray[np.float64]


@dataclass(frozen=True)
class Pattern:
    """How a sole's temperature varies over it, °C from its mean.

    Attributes
    ----------
    along : float
        From heel to forefoot.
    arch : float
        Excess of the medial arch.
    toes : float
        Excess of the toes; negative for cold ones.
    patches : float
        Strength of irregular patches (vessels, pressure marks).
    """

    along: float
    arch: float
    toes: float
    patches: float


@dataclass(frozen=True)
class Patient:
    """What stays the same in all pictures of one person: feet, courses, room, camera."""

    shape: FootShape
    left: FootCourse
    right: FootCourse
    pattern: Pattern
    length: float
    room: float
    sheet: float
    legs: float
    camera: Camera


@dataclass(frozen=True)
class PhantomFrame:
    """A simulated picture and its truth.

    Attributes
    ----------
    celsius : (H, W) float32
        Temperatures as the camera measures them.
    mask : (H, W) uint8
        1 on a sole, 0 elsewhere.
    soles : (H, W) uint8
        1 on the patient's left sole, 2 on the right one.
    left, right : float
        True mean temperature of each foot, °C.
    """

    celsius: NDArray[np.float32]
    mask: NDArray[np.uint8]
    soles: NDArray[np.uint8]
    left: float
    right: float


def draw_patient(rng: np.random.Generator) -> Patient:
    """Draw a patient."""
    left, right = draw_courses(rng)
    coldest = min(left.baseline, right.baseline)
    room = float(min(rng.normal(22.0, 1.3), coldest - 1.0))
    return Patient(
        shape=draw_shape(rng),
        left=left,
        right=right,
        pattern=Pattern(
            along=float(rng.normal(0, 1.2)),
            arch=float(rng.uniform(0.2, 1.6)),
            toes=float(rng.normal(-1.3, 1.3)),
            patches=float(rng.uniform(0.1, 0.45)),
        ),
        length=float(np.clip(rng.normal(0.75, 0.1), 0.5, 0.95)),
        room=room,
        sheet=float(rng.normal(0.8, 0.7)),
        legs=float(rng.uniform(0.5, 4.0)),
        camera=draw_camera(rng),
    )


def simulate_frame(
    rng: np.random.Generator, patient: Patient, minute: float, *, size: tuple[int, int] = REFERENCE_SIZE
) -> PhantomFrame:
    """Take a picture of `patient`; pose and noise are new in each.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of pose and noise.
    patient : Patient
        Whose feet.
    minute : float
        Time since the test dose.
    size : (int, int)
        Height and width in pixels.
    """
    height, width = size
    rows, columns = np.mgrid[:height, :width].astype(float)
    length = patient.length * height * rng.uniform(0.95, 1.05)
    horizon = height * rng.uniform(0.8, 0.98)
    scene = _background(rng, patient, rows, horizon)
    scene = _legs(rng, patient, scene, rows, columns, length)
    soles = np.zeros(size, np.uint8)
    means = {}
    gap = rng.uniform(0.02, 0.18) * length
    middle = width / 2 + rng.normal(0, 0.04) * width
    heel = min(horizon + rng.uniform(-0.02, 0.04) * height, height - 0.02 * height)
    for label, course, side in ((RIGHT, patient.right, -1), (LEFT, patient.left, 1)):
        # Soles face the camera: the patient's right foot is on the image's left, both big toes to the middle.
        centre = middle + side * (gap / 2 + 0.2 * length * patient.shape.width)
        lean = np.deg2rad(side * rng.normal(6, 7))
        along, across = _sole_coordinates(rows, columns, (heel, centre), lean, side, length)
        cover, toes = _render(patient.shape, size, (heel, centre), lean, side, length)
        mean = course.temperature(minute)
        field = mean + _pattern(rng, patient.pattern, along, across, toes, cover)
        scene = scene * (1 - cover) + field * cover
        soles[cover > 0.5] = label
        means[label] = mean
    # The mattress hides what lies below the horizon of its sheet.
    hidden = rows > heel + 0.01 * height
    soles[hidden] = 0
    return PhantomFrame(
        celsius=patient.camera.measure(rng, scene),
        mask=(soles > 0).astype(np.uint8),
        soles=soles,
        left=means[LEFT],
        right=means[RIGHT],
    )


def _background(rng: np.random.Generator, patient: Patient, rows: Field, horizon: float) -> Field:
    sheet = 1 / (1 + np.exp(-(rows - horizon) / 2))
    folds = _smooth_noise(rng, rows.shape, 18) * 0.35
    return patient.room + patient.sheet * sheet + folds * (0.4 + sheet)


def _legs(
    rng: np.random.Generator, patient: Patient, scene: Field, rows: Field, columns: Field, length: float
) -> Field:
    """Calves, knees and thighs behind the soles: round, warm, without a sharp edge."""
    height, width = rows.shape
    warm = (patient.left.baseline + patient.right.baseline) / 2 + patient.legs
    for _ in range(int(rng.integers(1, 4))):
        centre_row = height * rng.uniform(0.3, 0.75)
        centre_column = width / 2 + rng.normal(0, 0.35) * length
        radius = length * rng.uniform(0.15, 0.35)
        stretch = rng.uniform(0.7, 1.6)
        distance = np.hypot((rows - centre_row) / stretch, columns - centre_column) / radius
        cover = 1 / (1 + np.exp((distance - 1) / rng.uniform(0.02, 0.1)))
        scene = scene * (1 - cover) + (warm + rng.normal(0, 0.7) - 0.8 * distance**2) * cover
    return scene


def _sole_coordinates(
    rows: Field, columns: Field, heel: tuple[float, float], lean: float, side: int, length: float
) -> tuple[Field, Field]:
    up, right = heel[0] - rows, columns - heel[1]
    along = (up * np.cos(lean) + right * np.sin(lean)) / length
    across = -side * (right * np.cos(lean) - up * np.sin(lean)) / length
    return along, across


def _render(
    shape: FootShape, size: tuple[int, int], heel: tuple[float, float], lean: float, side: int, length: float
) -> tuple[Field, Field]:
    """Share of each pixel that the foot, and that its toes cover (H, W)."""
    fine = (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
    foot, toes = np.zeros(fine, np.float32), np.zeros(fine, np.float32)
    for number, curve in enumerate(outlines(shape)):
        along, across = curve[:, 0] * length, -side * curve[:, 1] * length
        right = along * np.sin(lean) + across * np.cos(lean)
        up = along * np.cos(lean) - across * np.sin(lean)
        inside = polygon(
            (heel[0] - up + 0.5) * SUPERSAMPLING - 0.5, (heel[1] + right + 0.5) * SUPERSAMPLING - 0.5, fine
        )
        foot[inside] = 1
        if number > 0:
            toes[inside] = 1
    return _shrink(foot), _shrink(toes)


def _shrink(fine: NDArray[np.float32]) -> Field:
    height, width = fine.shape[0] // SUPERSAMPLING, fine.shape[1] // SUPERSAMPLING
    blocks = fine.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING)
    share: Field = blocks.mean(axis=(1, 3), dtype=np.float64)
    return share


def _pattern(
    rng: np.random.Generator, pattern: Pattern, along: Field, across: Field, toes: Field, cover: Field
) -> Field:
    """Temperature over the sole with mean 0 on it, so that the foot's mean is what its course says."""
    arch = np.exp(-(((along - 0.42) / 0.16) ** 2) - ((across - 0.04) / 0.09) ** 2)
    field = pattern.along * (along - 0.5) + pattern.arch * arch + pattern.toes * ndimage.gaussian_filter(toes, 2.5)
    field = field + pattern.patches * _smooth_noise(rng, along.shape, 9)
    inside = cover > 0.5
    centred: Field = field - field[inside].mean() if inside.any() else field
    return centred


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Field:
    """Gaussian noise of unit standard deviation and correlation length `sigma` pixels."""
    coarse = max(1, int(sigma // 2))
    small = rng.normal(size=[side // coarse + 2 for side in shape])
    smooth = ndimage.gaussian_filter(small, sigma / coarse)
    smooth /= smooth.std()
    grown: Field = ndimage.zoom(smooth, coarse, order=1)[: shape[0], : shape[1]]
    return grown
