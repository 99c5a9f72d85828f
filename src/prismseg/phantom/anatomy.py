"""Outlines of a sole and its toes in sole coordinates.

A point has a place ``u`` along the foot, 0 at the heel and 1 at the tip of the longest toe, and ``v`` across it, positive
towards the medial (big toe's) side, both in units of the foot's length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Points = NDArray[np.float64]

# Once around the sole without toes, from the heel up the medial side. This is the silhouette seen from the foot end,
# wider and less waisted than a footprint; ball : midfoot : heel = 0.40 : 0.31 : 0.26 of the length.
SOLE = np.array(
    [
        (0.000, 0.000), (0.025, 0.082), (0.090, 0.126), (0.200, 0.132), (0.350, 0.124), (0.500, 0.142),
        (0.630, 0.180), (0.740, 0.198), (0.830, 0.180), (0.880, 0.080), (0.872, -0.020), (0.830, -0.100),
        (0.755, -0.165), (0.630, -0.198), (0.450, -0.182), (0.260, -0.156), (0.120, -0.134), (0.030, -0.082),
    ]
)  # fmt: skip
ARCH = slice(3, 6)  # points of `SOLE` that a high or flat arch moves
ARCH_WEIGHTS = np.array([0.5, 1.0, 0.7])
# Big toe first: root (u, v), tip u, half width.
TOES = np.array(
    [
        (0.820, 0.128, 1.000, 0.064),
        (0.840, 0.030, 0.982, 0.041),
        (0.815, -0.042, 0.945, 0.038),
        (0.775, -0.104, 0.896, 0.036),
        (0.720, -0.158, 0.836, 0.035),
    ]
)
CURVE_POINTS = 100
CAP_POINTS = 17


@dataclass(frozen=True)
class FootShape:
    """One person's foot: how it departs from the template.

    Attributes
    ----------
    width : float
        Factor on the width.
    arch : float
        How far the medial arch is drawn in, in foot lengths.
    toe_length : float
        Factor on the length by which toes two to five stand out of the sole.
    second_toe : float
        By how much the second toe is longer than on the template, in foot lengths.
    fan : float
        Angle by which each toe turns away from its neighbour, radians.
    big_toe : float
        Further angle of the big toe, radians; positive opens the gap beside it.
    """

    width: float
    arch: float
    toe_length: float
    second_toe: float
    fan: float
    big_toe: float


def draw_shape(rng: np.random.Generator) -> FootShape:
    """Draw a person's foot shape."""
    return FootShape(
        width=float(rng.uniform(0.86, 1.12)),
        arch=float(rng.uniform(-0.015, 0.055)),
        toe_length=float(rng.uniform(0.85, 1.2)),
        second_toe=float(rng.normal(0, 0.015)),
        fan=float(np.deg2rad(rng.uniform(0, 8))),
        big_toe=float(np.deg2rad(rng.normal(2, 6))),
    )


def outlines(shape: FootShape) -> list[Points]:
    """Return closed curves (N, 2) of the sole and of the five toes, big toe first, in sole coordinates."""
    return [_sole(shape), *(_toe(shape, number) for number in range(len(TOES)))]


def _sole(shape: FootShape) -> Points:
    control = SOLE.copy()
    control[ARCH, 1] -= shape.arch * ARCH_WEIGHTS
    closed = np.vstack([control, control[:1]])
    spline = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")
    curve: Points = spline(np.linspace(0, len(control), CURVE_POINTS, endpoint=False))
    return curve * (1, shape.width)


def _toe(shape: FootShape, number: int) -> Points:
    """Round club from its root inside the sole, so that no gap opens there, to its wider tip."""
    root, across, tip, half_width = TOES[number]
    if number > 0:
        tip = root + (tip - root) * shape.toe_length
    if number == 1:
        tip += shape.second_toe
    # Toes turn about their roots, away from the third.
    angle = shape.fan * (2 - number) + (shape.big_toe if number == 0 else 0.0)
    cap = np.linspace(-np.pi / 2, np.pi / 2, CAP_POINTS)
    neck = 0.82 * half_width
    along = np.concatenate([tip - root - half_width + half_width * np.cos(cap), -neck * np.cos(cap)])
    side = np.concatenate([half_width * np.sin(cap), -neck * np.sin(cap)])
    u = root + along * np.cos(angle) - side * np.sin(angle)
    v = across + along * np.sin(angle) + side * np.cos(angle)
    return np.column_stack([u, v * shape.width])
