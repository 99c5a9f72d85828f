"""True nerve territories of a simulated sole.

Peripheral-nerve territories of the sole after the textbook division: the tibial nerve's calcaneal branches take the
heel, the medial plantar nerve about three quarters of the fore- and midsole with three and a half toes, the lateral
plantar nerve the rest, sural and saphenous nerve the edges (Standring, *Gray's Anatomy*, 42nd ed., 2020, ch. 84).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import LATERAL_PLANTAR, MEDIAL_CALCANEAL, MEDIAL_PLANTAR, SAPHENOUS, SURAL
from prismseg.thermal.phantom.painting.raster import Field

HEEL_END = 0.24
LATERAL_SHARE = 0.26
SURAL_SHARE, SAPHENOUS_SHARE = 0.07, 0.09
EDGE_BEGIN, SURAL_END, SAPHENOUS_END = 0.08, 0.66, 0.56
BALL = 0.72  # beyond it the sole's outline is that of single toes
ROWS = 48


def territory_map(u: Field, v: Field, inside: NDArray[np.bool_], fourth_toe: float) -> NDArray[np.uint8]:
    """Give every pixel of a whole sole its territory.

    Parameters
    ----------
    u, v : (h, w) float32
        Sole coordinates, see `prismseg.thermal.phantom.body.foot`.
    inside : (h, w) bool
        The sole before anything hides parts of it.
    fourth_toe : float
        Place v of the fourth toe's middle, the border between the plantar nerves there.

    Returns
    -------
    (h, w) uint8
        1 to 5 in the order of `prismseg.thermal.TERRITORIES` inside, 0 elsewhere.
    """
    territories = np.zeros(u.shape, np.uint8)
    if not inside.any():
        return territories
    at_u, at_v = u[inside], v[inside]
    lateral, medial = _edges(at_u, at_v)
    place = np.minimum(at_u, BALL)
    low, high = np.interp(place, *lateral), np.interp(place, *medial)
    across = (at_v - low) / np.maximum(high - low, 1e-3)
    # From the ball on the border runs to the middle of the fourth toe.
    border = low + LATERAL_SHARE * (high - low)
    border += (fourth_toe - border) * np.clip((at_u - BALL) / 0.12, 0, 1)
    chosen = np.where(at_v > border, MEDIAL_PLANTAR, LATERAL_PLANTAR)
    edge = at_u > EDGE_BEGIN
    chosen[edge & (across < SURAL_SHARE) & (at_u < SURAL_END)] = SURAL
    chosen[edge & (across > 1 - SAPHENOUS_SHARE) & (at_u < SAPHENOUS_END)] = SAPHENOUS
    # The calcaneal border bulges towards the toes in its middle.
    heel = HEEL_END + 0.03 - 0.12 * (across - 0.5) ** 2
    chosen[(at_u < heel) & (across >= SURAL_SHARE) & (across <= 1 - SAPHENOUS_SHARE)] = MEDIAL_CALCANEAL
    chosen[at_u <= EDGE_BEGIN] = MEDIAL_CALCANEAL
    territories[inside] = chosen
    return territories


def _edges(u: Field, v: Field) -> tuple[tuple[NDArray[np.float64], Field], tuple[NDArray[np.float64], Field]]:
    """Lateral and medial edge v at places u along the sole, from the pixels inside it."""
    rows = np.clip((u * ROWS).astype(int), 0, ROWS - 1)
    low, high = np.full(ROWS, np.inf, np.float32), np.full(ROWS, -np.inf, np.float32)
    np.minimum.at(low, rows, v)
    np.maximum.at(high, rows, v)
    filled = np.flatnonzero(np.isfinite(low))
    middles = (filled + 0.5) / ROWS
    return (middles, low[filled]), (middles, high[filled])
