"""Toes that one foot has and the other, mirrored, has not: so cold that the network overlooked them, perhaps."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from prismseg.thermal.anatomy import SIDES, Side
from prismseg.thermal.soles.choosing.outside import place_other_foot
from prismseg.thermal.soles.leg import shares_from_leg
from prismseg.thermal.soles.pieces import Mask, bounding_window

# Share of a foot from its leg on that is compared: what comes before it differs by where the outlines end on the leg.
_FRONT = 0.5


def find_unlike_toes(
    feet: Mapping[Side, Mask], entries: Mapping[Side, tuple[float, float]] | None = None
) -> dict[Side, Mask]:
    """Find what the front of each foot lacks of the other one's shape, mirrored.

    Feet of one person are alike but for how they are turned, so that most of it is background along the contour, which
    changes a mean little; a great toe that is as cold as the bed changes it much.

    Parameters
    ----------
    feet : mapping of side to (H, W) bool
        Both feet, seen from above; with one alone nothing is compared.
    entries : mapping of side to (row, column), optional
        Where a leg enters its foot (`find_leg_entries`), which tells the foot's ends apart.

    Returns
    -------
    dict of side to (H, W) bool
        Places that neither foot covers.

    Examples
    --------
    >>> left, right = np.zeros((2, 60, 80), bool)
    >>> left[10:50, 10:26] = right[10:50, 50:66] = True
    >>> right[40:50, 50:56] = False  # the great toe, on the image's left of the right foot
    >>> found = find_unlike_toes({"left": left, "right": right})
    >>> bool(found["right"][45, 52]), bool(found["left"].any())
    (True, False)
    """
    if len(feet) < len(SIDES):
        return {}
    covered = np.logical_or.reduce(list(feet.values()))
    found: dict[Side, Mask] = {}
    for side, foot in feet.items():
        other = next(each for name, each in feet.items() if name != side)
        # The other foot's shape lies over this one; by more than this it does not reach beyond.
        near = bounding_window(foot, margin=round(math.sqrt(foot.sum())))
        places = np.mgrid[near].reshape(2, -1).T.astype(np.float64)
        back = place_other_foot(foot, other).backward(places)
        there = ndimage.map_coordinates(other.astype(np.float32), back.T, order=1).reshape(foot[near].shape) > 0.5
        found[side] = np.zeros_like(foot)
        front = shares_from_leg(foot, near, (entries or {}).get(side)) > _FRONT
        found[side][near] = there & ~covered[near] & front
    return found
