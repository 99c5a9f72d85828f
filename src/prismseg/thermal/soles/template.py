"""The sole and its peripheral-nerve territories as closed outlines in sole coordinates.

A point has a place ``u`` along the sole, 0 at the heel and 1 at the tip of the longest toe, and ``v`` across it,
positive towards the medial (big toe's) side, both in foot lengths.

These are territories of peripheral nerves, not root dermatomes. Which nerve supplies what, and where the borders run,
follows the descriptions (no drawing was copied):

- Standring (ed.) 2021, Gray's Anatomy, 42nd ed., ankle and foot: medial plantar nerve to the medial part of the sole and
  the medial three and a half toes, lateral plantar nerve to the lateral part and the lateral one and a half, medial
  calcaneal branches of the tibial nerve to the heel, sural nerve to the lateral margin up to the little toe, saphenous
  nerve to the medial margin up to the ball of the big toe.
- Hoppenfeld, deBoer, Buckley 2017, Surgical Exposures in Orthopaedics, and Wheeless' Textbook of Orthopaedics,
  Innervation of the leg and foot: lateral plantar a quarter, medial plantar three quarters of the sole's width.
- Gordon et al. 2014, ANSUR II (foot of 1,986 women): breadth of ball and heel 0.38 and 0.26 of the length, ball of the
  foot at 0.73. Silhouette of a sole seen from the foot end, wider and less waisted than a footprint.

Borders between neighbouring nerves overlap by a centimetre or more and differ from person to person: the lines are a
convention that makes means comparable, not anatomy of a patient.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from prismseg.thermal.anatomy import TERRITORIES
from prismseg.thermal.soles.raster import Points, look_up, rasterize, round_corners

# Once around the sole with its toes, from the heel up the medial side.
OUTLINE = np.array(
    [
        (0.000, 0.000), (0.022, 0.078), (0.090, 0.125), (0.200, 0.131), (0.350, 0.122), (0.500, 0.140),
        (0.630, 0.176), (0.730, 0.193), (0.830, 0.192), (0.930, 0.186), (0.985, 0.158), (1.000, 0.122),
        (0.988, 0.072), (0.977, 0.025), (0.943, -0.045), (0.894, -0.106), (0.848, -0.156), (0.795, -0.190),
        (0.720, -0.198), (0.630, -0.196), (0.450, -0.180), (0.260, -0.155), (0.120, -0.132), (0.030, -0.082),
    ]
)  # fmt: skip

# Outlines reach beyond the sole, so that a wider sole's margin belongs to the same nerve. The first that holds a point
# has it; medial plantar, the largest, holds all that the others leave.
TERRITORY_OUTLINES = MappingProxyType(
    {
        "saphenous": np.array(
            [
                (0.19, 0.40), (0.20, 0.150), (0.23, 0.112), (0.28, 0.100), (0.35, 0.093), (0.42, 0.097),
                (0.50, 0.109), (0.57, 0.132), (0.62, 0.160), (0.64, 0.190), (0.65, 0.40),
            ]
        ),
        "sural": np.array(
            [
                (0.06, -0.40), (0.07, -0.130), (0.11, -0.106), (0.20, -0.112), (0.30, -0.127), (0.45, -0.147),
                (0.60, -0.162), (0.68, -0.172), (0.73, -0.190), (0.75, -0.40),
            ]
        ),
        "medial calcaneal": np.array(
            [
                (-0.40, -0.40), (0.24, -0.40), (0.27, -0.10), (0.30, -0.04), (0.305, 0.02), (0.29, 0.08),
                (0.26, 0.14), (0.24, 0.40), (-0.40, 0.40),
            ]
        ),
        "lateral plantar": np.array(
            [
                (0.20, -0.40), (0.22, -0.085), (0.40, -0.095), (0.60, -0.103), (0.75, -0.103), (0.90, -0.104),
                (1.40, -0.104), (1.40, -0.40),
            ]
        ),
        "medial plantar": np.array([(-0.40, -0.40), (1.40, -0.40), (1.40, 0.40), (-0.40, 0.40)]),
    }
)  # fmt: skip


@lru_cache(maxsize=1)
def sole_outline(points: int = 400) -> Points:
    """Give the closed smooth curve (N, 2) of the sole with its toes, as rows of (u, v) in foot lengths.

    Examples
    --------
    >>> sole_outline(100).shape
    (100, 2)
    """
    closed = np.vstack([OUTLINE, OUTLINE[:1]])
    curve: Points = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")(
        np.linspace(0, len(OUTLINE), points, endpoint=False)
    )
    curve.setflags(write=False)
    return curve


@lru_cache(maxsize=1)
def edges() -> tuple[Points, Points, Points]:
    """Rows `u` of the sole and its lateral and medial edge `v` in each, from 0.005 to 0.995."""
    curve = sole_outline(4000)
    rows = np.linspace(0.005, 0.995, 199)
    which = np.round((curve[:, 0] - rows[0]) / (rows[1] - rows[0])).astype(int)
    valid = (which >= 0) & (which < len(rows))
    lateral, medial = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    np.minimum.at(lateral, which[valid], curve[valid, 1])
    np.maximum.at(medial, which[valid], curve[valid, 1])
    return rows, lateral, medial


def territory_at(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Look up the territory of points in sole coordinates, also beyond the sole's outline.

    Parameters
    ----------
    u, v : array of any shape
        Places along and across the sole, foot lengths; rounded to 0.004.

    Returns
    -------
    uint8 array of the same shape
        Labels 1 to 5 (`TERRITORIES`).

    Examples
    --------
    >>> from prismseg.thermal import TERRITORIES
    >>> heel, ball = territory_at(np.array([0.1, 0.7]), np.array([0.0, 0.05]))
    >>> TERRITORIES[heel - 1], TERRITORIES[ball - 1]
    ('medial calcaneal', 'medial plantar')
    """
    return look_up(_raster(), u, v)


@lru_cache(maxsize=1)
def template_hash() -> str:
    """Give the SHA-256 of all outlines and names: results are comparable only under the same template.

    Examples
    --------
    >>> template_hash()[:8]
    '7af618e7'
    """
    digest = hashlib.sha256(OUTLINE.astype("<f8").tobytes())
    for name, outline in TERRITORY_OUTLINES.items():
        digest.update(name.encode())
        digest.update(outline.astype("<f8").tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _raster() -> NDArray[np.uint8]:
    numbered = (
        (TERRITORIES.index(name) + 1, round_corners(outline)) for name, outline in TERRITORY_OUTLINES.items()
    )
    return rasterize(numbered, fill=True)
