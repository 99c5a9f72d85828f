"""Outlines of a sole and its toes in sole coordinates.

A point has a place ``u`` along the foot, 0 at the heel and 1 at the tip of the longest toe, and ``v`` across it, positive
towards the medial (big toe's) side, in units of the foot's length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Points = NDArray[np.float64]

# Once around the sole without toes, from the heel up the medial side: drawn after footprints and plantar
# photographs (Cavanagh & Rodgers 1987 for the proportions of heel, arch and ball).
SOLE = np.array(
    [
        (0.000, 0.000), (0.025, 0.070), (0.100, 0.112), (0.220, 0.112), (0.370, 0.082), (0.520, 0.104),
        (0.650, 0.162), (0.750, 0.182), (0.825, 0.160), (0.845, 0.060), (0.815, -0.045), (0.770, -0.125),
        (0.690, -0.172), (0.570, -0.172), (0.420, -0.146), (0.260, -0.126), (0.120, -0.114), (0.030, -0.070),
    ]
)  # fmt: skip
# Big toe first: centre (u, v), half length, half width.
TOES = np.array(
    [
        (0.905, 0.125, 0.088, 0.058),
        (0.905, 0.032, 0.072, 0.037),
        (0.876, -0.036, 0.064, 0.034),
        (0.838, -0.094, 0.057, 0.032),
        (0.792, -0.143, 0.050, 0.031),
    ]
)
CURVE_POINTS = 120
ELLIPSE_POINTS = 40
ARCH = slice(3, 6)  # points of `SOLE` that a high or flat arch moves


@dataclass(frozen=True)
class FootShape:
    """One person's foot: factors on the template.

    Attributes
    ----------
    width, toe_length : float
        Factors on the width of the sole and the length of the toes.
    arch : float
        How far the medial arch is drawn in, in foot lengths.
    spread : float
        Factor on the distance of the toes from the middle.
    """

    width: float
    toe_length: float
    arch: float
    spread: float


def draw_shape(rng: np.random.Generator) -> FootShape:
    """Draw a person's foot shape."""
    return FootShape(
        width=float(rng.uniform(0.88, 1.14)),
        toe_length=float(rng.uniform(0.8, 1.15)),
        arch=float(rng.uniform(-0.015, 0.045)),
        spread=float(rng.uniform(0.95, 1.12)),
    )


def outlines(shape: FootShape) -> list[Points]:
    """Return closed curves (N, 2) of the sole and of the five toes, big toe first, in sole coordinates."""
    control = SOLE * (1.0, shape.width)
    control[ARCH, 1] -= shape.arch
    closed = np.vstack([control, control[:1]])
    parameter = np.linspace(0, 1, len(closed))
    spline = CubicSpline(parameter, closed, bc_type="periodic")
    curves = [np.asarray(spline(np.linspace(0, 1, CURVE_POINTS, endpoint=False)))]
    angle = np.linspace(0, 2 * np.pi, ELLIPSE_POINTS, endpoint=False)
    for u, v, length, width in TOES:
        # A toe grows from its root, which lies inside the sole, so that no gap opens between them.
        root, tip = u - 1.3 * length, u - length + 2 * length * shape.toe_length
        along = (root + tip) / 2 + (tip - root) / 2 * np.cos(angle)
        across = (v * shape.spread + width * np.sin(angle)) * shape.width
        curves.append(np.column_stack([along, across]))
    return curves
