"""True nerve territories of a simulated sole.

Peripheral-nerve territories of the sole after the textbook division: the tibial nerve's calcaneal branches take the
heel, the medial plantar nerve about three quarters of the fore- and midsole with three and a half toes, the lateral
plantar nerve the rest, sural and saphenous nerve the edges (Standring, *Gray's Anatomy*, 42nd ed., 2020, ch. 84).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import LATERAL_PLANTAR, MEDIAL_CALCANEAL, MEDIAL_PLANTAR, SAPHENOUS, SURAL
from prismseg.thermal.phantom.painting.raster import Field


@dataclass(frozen=True)
class TerritoryParameters:
    """Borders of the territories, chosen to follow the textbook's division: u in foot lengths, shares of the width."""

    heel_end: float = 0.24  # u of the calcaneal border at the sole's edges …
    heel_bulge: float = 0.03  # … and how much further it is in the middle,
    heel_curve: float = 0.12  # falling by this times the squared share of the width from there
    lateral_share: float = 0.26  # of the width that the lateral plantar nerve takes
    sural_share: float = 0.07  # of the width, at the lateral edge
    saphenous_share: float = 0.09  # of the width, at the medial edge
    edge_begin: float = 0.08  # u from which on the edges are not the heel's
    sural_end: float = 0.66  # u
    saphenous_end: float = 0.56  # u
    ball: float = 0.72  # u beyond which the sole's outline is that of single toes
    ball_length: float = 0.12  # over which the plantar border runs to the middle of the fourth toe, foot lengths


PARAMETERS = TerritoryParameters()
ROWS = 48  # strips along the sole in which its edges are found
NARROWEST = 1e-3  # foot lengths; the width of a strip with one pixel


def territory_map(u: Field, v: Field, inside: NDArray[np.bool_], fourth_toe: float) -> NDArray[np.uint8]:
    """Give every pixel of a whole sole its territory.

    Parameters
    ----------
    u, v : (h, w) float32
        Foot coordinates, see `prismseg.thermal.phantom.body.foot`.
    inside : (h, w) bool
        The sole before anything hides parts of it.
    fourth_toe : float
        Place v of the fourth toe's middle, the border between the plantar nerves there.

    Returns
    -------
    (h, w) uint8
        1 to 5 in the order of `prismseg.thermal.TERRITORIES` inside, 0 elsewhere.
    """
    p = PARAMETERS
    territories = np.zeros(u.shape, np.uint8)
    if not inside.any():
        return territories
    at_u, at_v = u[inside], v[inside]
    lateral, medial = _edges(at_u, at_v)
    place = np.minimum(at_u, p.ball)
    low, high = np.interp(place, *lateral), np.interp(place, *medial)
    across = (at_v - low) / np.maximum(high - low, NARROWEST)
    border = low + p.lateral_share * (high - low)
    border += (fourth_toe - border) * np.clip((at_u - p.ball) / p.ball_length, 0, 1)
    chosen = np.where(at_v > border, MEDIAL_PLANTAR, LATERAL_PLANTAR)
    edge = at_u > p.edge_begin
    chosen[edge & (across < p.sural_share) & (at_u < p.sural_end)] = SURAL
    chosen[edge & (across > 1 - p.saphenous_share) & (at_u < p.saphenous_end)] = SAPHENOUS
    # The calcaneal border bulges towards the toes in its middle.
    heel = p.heel_end + p.heel_bulge - p.heel_curve * (across - 0.5) ** 2
    chosen[(at_u < heel) & (across >= p.sural_share) & (across <= 1 - p.saphenous_share)] = MEDIAL_CALCANEAL
    chosen[at_u <= p.edge_begin] = MEDIAL_CALCANEAL
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
