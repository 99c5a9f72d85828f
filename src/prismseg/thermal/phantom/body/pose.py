"""Where both feet lie in the picture, for either framing, in scene coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.body.foot import LATERAL_SIGN, Placement
from prismseg.thermal.phantom.painting.canvas import Canvas


@dataclass(frozen=True)
class Pose:
    """Where each foot lies, and the frame of reference for what is around them.

    Attributes
    ----------
    places : dict
        A `Placement` for each label; a missing foot has none.
    heel, middle : float
        Row of the heels (from above: of the ankles) and column half way between the feet.
    length : float
        Length of a foot, picture heights.
    foreshortening : float
        Seen from above: share of the foot's length that is seen.
    leg_leans : dict
        Seen from above: direction of each leg, radians to the right from straight up.
    """

    places: dict[int, Placement]
    heel: float
    middle: float
    length: float
    foreshortening: float
    leg_leans: dict[int, float]


def draw_sole_pose(rng: np.random.Generator, canvas: Canvas, *, varied: bool) -> Pose:
    """Soles to the camera, toes up, side by side; `varied` goes beyond what is usual."""
    usual, broad = np.clip(rng.normal(0.71, 0.10), 0.45, 0.9), rng.uniform(0.27, 0.92)
    length = float(min(broad if varied else usual, 0.95 * canvas.width))
    leans = np.clip(rng.normal(7, 5) + rng.normal(0, 4, size=2), -3, 25)
    oddly = rng.normal(8, 14, size=2)
    crossed = varied and rng.random() < 0.08
    if varied:
        leans = oddly
    if crossed:
        leans = -np.abs(leans) - 4
    leans = np.deg2rad(np.clip(leans, -35, 55))
    room_for_balls = 0.38 - 0.75 * max(0.0, float(leans.min()))
    gap = rng.uniform(0.02, 0.32) + (rng.uniform(-0.08, 0.9) * (rng.random() < 0.4) if varied else 0.0)
    gap = float(min(room_for_balls + gap - 0.25 * crossed, max(0.3, 1.3 * canvas.width / length - 0.45)))
    heel = np.clip(rng.normal(0.9, 0.05), length + 0.03, 0.97)
    loose = rng.uniform(min(length, 0.9) - 0.08, 1.08) if rng.random() < 0.6 else heel
    heel = float(loose if varied else heel)
    middle = canvas.width * float(0.5 + rng.normal(0, 0.1 if varied else 0.03))
    uneven = rng.normal(0, 0.03, size=3) * (3.0 if varied and rng.random() < 0.4 else 1.0)
    taper, shear = rng.uniform(-0.05, 0.15), rng.normal(0, 0.05)
    one = varied and rng.random() < 0.07
    missing = RIGHT if rng.random() < 0.5 else LEFT
    places = {}
    for label, lean, turn in ((LEFT, leans[0], canvas.motion.turns[0]), (RIGHT, leans[1], canvas.motion.turns[1])):
        side = LATERAL_SIGN[label]
        places[label] = Placement(
            row=heel + side * float(uneven[0]) * length / 2,
            column=middle + side * gap * length / 2,
            lean=side * float(lean + turn),
            length=length * (1 + side * float(uneven[1]) / 2),
            outward=side,
            taper=float(taper),
            shear=float(shear),
        )
    if one:
        del places[missing]
    return Pose(places, heel, middle, length, 1.0, {})


def draw_instep_pose(rng: np.random.Generator, canvas: Canvas, *, varied: bool) -> Pose:
    """Feet seen from above: legs enter at the top, feet near the bottom, turned out."""
    length = float(min(rng.uniform(0.26, 0.62), 0.75 * canvas.width))
    foreshortening = float(rng.uniform(0.4, 1.0))
    seen = length * foreshortening
    turns = np.clip(rng.uniform(0, 50) + rng.normal(0, 10, size=2), -10, 62)
    legs = np.clip(rng.normal(0, 7) * np.ones(2) + rng.normal(0, 5, size=2), -22, 22)
    gap = rng.uniform(0.36, 1.5) + 0.3 * (turns.min() < 10)
    gap = float(min(gap, 1.1 * canvas.width / length - 0.3))
    ankle = rng.uniform(0.93, 1.02 if varied else 0.97) - seen * max(0.55, np.cos(np.deg2rad(turns.min())))
    ankle = float(np.clip(ankle - (rng.uniform(0, 0.3) if varied else 0), 0.12, 0.85))
    middle = canvas.width * float(0.5 + rng.normal(0, 0.06))
    uneven = rng.normal(0, 0.06, size=2)
    one = varied and rng.random() < 0.06
    missing = RIGHT if rng.random() < 0.5 else LEFT
    places, leans = {}, {}
    for label, turn, leg, stir in zip((LEFT, RIGHT), turns, legs, canvas.motion.turns, strict=True):
        side = LATERAL_SIGN[label]
        places[label] = Placement(
            row=ankle + side * float(uneven[0]) * length / 2,
            column=middle + side * gap * length / 2,
            lean=np.pi - side * float(np.deg2rad(turn) + stir),
            length=seen,
            # Toes point down, so the lateral side is on the left of the foot's own axis.
            outward=-side,
            shear=float(uneven[1] / 2),
        )
        leans[label] = float(np.deg2rad(leg + side * 2))
    if one:
        del places[missing]
    return Pose(places, ankle, middle, length, foreshortening, leans)
