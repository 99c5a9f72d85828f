"""How the feet are framed: soles turned to the camera, or feet seen from above with their legs entering at the top."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import SIDES, Side
from prismseg.thermal.soles.leg import find_leg_entry, see_leg
from prismseg.thermal.soles.pair import Soles
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.status import Caution


def seen_from_above(soles: Soles, celsius: NDArray[np.floating]) -> bool:
    """Tell whether a frame shows feet whose legs enter from the upper border.

    In a picture of soles that is upside down there is bed, sheet or a hand above the heels instead. Where the toes point
    down, one leg is enough that its foot runs into without a step, since the other one may be covered, or something like
    a leg above each foot. Feet that are turned out show no such direction; then both must run into their legs without a
    step, or one of them where the other one has something like a leg too. Feet that reach the upper border may be either,
    and are asked about.

    Parameters
    ----------
    soles : Soles
        What was found in the frame.
    celsius : (H, W) float
        Temperatures.
    """
    masks = list((soles.masks or {}).values())
    if not masks or soles.cleaned.all():
        return False
    background = float(np.nanmedian(celsius[~soles.cleaned]))
    legs = [see_leg(celsius, sole, background) for sole in masks]
    if Caution.TOES_DOWN in soles.cautions:
        return any(leg.clear for leg in legs) or all(leg.possible for leg in legs)
    if len(legs) < len(SIDES):
        return False
    return all(leg.clear for leg in legs) or (any(leg.clear for leg in legs) and all(leg.possible for leg in legs))


def find_leg_entries(
    masks: Mapping[Side, Mask], celsius: NDArray[np.floating], feet: Mask
) -> dict[Side, tuple[float, float]]:
    """Find where each foot's leg enters it, where that is seen.

    Parameters
    ----------
    masks : mapping of side to (H, W) bool
        Each foot.
    celsius : (H, W) float
        Temperatures.
    feet : (H, W) bool
        Everything that was taken for feet.
    """
    if feet.all():
        return {}
    background = float(np.nanmedian(celsius[~feet]))
    found = {side: find_leg_entry(celsius, mask, background) for side, mask in masks.items()}
    return {side: entry for side, entry in found.items() if entry is not None}
