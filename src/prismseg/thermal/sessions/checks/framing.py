"""How the feet are framed: soles turned to the camera, or feet seen from above with their legs entering at the top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.status import Caution


@dataclass(frozen=True)
class FramingSettings:
    """When feet with their toes down are seen from above, and not by a camera upside down; chosen on simulated frames.

    Attributes
    ----------
    near, far : float
        Distances above a foot, picture heights, between which its leg must be seen.
    reach : float
        Share of the foot's width, around the middle of its upper edge, in which the leg is looked for.
    leg : float
        Share of the step from background to foot that the leg must have: it is as warm, without an edge at the ankle.
    """

    near: float = 0.02
    far: float = 0.1
    reach: float = 0.5
    leg: float = 0.4


_FRAMING = FramingSettings()


def seen_from_above(entry: Entry) -> bool:
    """Tell whether a measured frame shows feet with the toes down whose legs enter from the upper border.

    In a picture of soles that is upside down there is bed or sheet above both heels instead. One leg that is seen is
    enough: the other one may be covered.
    """
    soles, frame = entry.soles, entry.frame
    if soles is None or frame is None or Caution.TOES_DOWN not in soles.cautions:
        return False
    background = float(np.nanmedian(frame.celsius[~soles.cleaned])) if (~soles.cleaned).any() else float("nan")
    return any(_has_leg(frame.celsius, sole, background) for sole in (soles.masks or {}).values())


def _has_leg(celsius: np.ndarray, sole: Mask, background: float) -> bool:
    rows, columns = np.nonzero(sole)
    top, height = int(rows.min()), sole.shape[0]
    first, last = (max(top - round(share * height), 0) for share in (_FRAMING.far, _FRAMING.near))
    if last <= first:
        return True  # the foot reaches the border where its leg enters
    upper = columns[rows <= top + 0.1 * height]
    middle, half = float(np.median(upper)), _FRAMING.reach * float(np.ptp(upper) + 1) / 2
    strip = celsius[first:last, max(round(middle - half), 0) : round(middle + half) + 1]
    foot = float(np.median(celsius[sole & (np.arange(height) < top + 0.15 * height)[:, None]]))
    step = foot - background
    return strip.size > 0 and abs(step) > 0.5 and (float(np.nanmedian(strip)) - background) / step > _FRAMING.leg
