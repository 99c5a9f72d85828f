"""How the feet are framed: soles turned to the camera, or feet seen from above with their legs entering at the top."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.soles.leg import see_leg
from prismseg.thermal.soles.pair import Soles
from prismseg.thermal.soles.status import Caution


def seen_from_above(soles: Soles, celsius: NDArray[np.floating]) -> bool:
    """Tell whether a frame shows feet whose legs enter from the upper border.

    In a picture of soles that is upside down there is bed or sheet above both heels instead. Where the toes point down
    one leg is enough: the other one may be covered. Feet that are turned out show no such direction; then both must run
    into their legs without a step.

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
        return any(leg.possible for leg in legs)
    return len(legs) > 1 and all(leg.clear for leg in legs)
