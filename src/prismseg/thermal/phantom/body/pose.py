"""Where both feet lie in the image, for either framing, in scene coordinates."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.body.aim import Aim, SeenFoot
from prismseg.thermal.phantom.body.foot import LATERAL_SIGN, Placement
from prismseg.thermal.phantom.distributions import Normal, Uniform
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
        Length of a foot, image heights.
    foreshortening : float
        Seen from above: share of the foot's length that is seen.
    leg_leans : dict
        Seen from above: direction of each leg, radians to the right from straight up.
    sole_foreshortening : float
        Seen from above: the same share for soles that are turned to the camera.
    """

    places: dict[int, Placement]
    heel: float
    middle: float
    length: float
    foreshortening: float
    leg_leans: dict[int, float]
    sole_foreshortening: float = 1.0

    def seen(self) -> dict[int, SeenFoot]:
        """Where each foot is seen, by label."""
        return {
            label: SeenFoot(
                (
                    place.row - place.length / 2 * float(np.cos(place.lean)),
                    place.column + place.length / 2 * float(np.sin(place.lean)),
                ),
                place.length,
            )
            for label, place in self.places.items()
        }

    def aimed(self, aim: Aim) -> Pose:
        """Pose after the camera was pointed elsewhere."""
        places = {}
        for label, place in self.places.items():
            row, column = aim.move((place.row, place.column))
            places[label] = replace(place, row=row, column=column, length=place.length * aim.scale)
        heel, middle = aim.move((self.heel, self.middle))
        return replace(self, places=places, heel=heel, middle=middle, length=self.length * aim.scale)

    def without(self, label: int) -> Pose:
        """Pose without the foot `label`."""
        return replace(self, places={key: place for key, place in self.places.items() if key != label})


@dataclass(frozen=True)
class TurnedSoleParameters:
    """How soles lie that are seen from above, turned to the camera: toes above, the leg behind."""

    foreshortening: Uniform = Uniform(0.4, 0.95)
    larger: Uniform = Uniform(1.0, 1.4)  # factor on lengths: such pictures are taken from nearer
    below: Uniform = Uniform(-0.05, 0.35)  # of the heel below where the ankle would be, foot lengths
    lowest_heel: float = 1.02  # row
    turn: Uniform = Uniform(0.0, 1.0)  # share of the foot's outward turn that the sole has
    own_lean: Normal = Normal(0.0, 8.0)  # degrees
    taper: Uniform = Uniform(-0.2, 0.15)  # gain of width from heel to toes


@dataclass(frozen=True)
class SolePoseParameters:
    """How soles lie before the camera, toes up, side by side.

    Lengths in image heights unless stated. The length is chosen so that both soles cover as much of the image as in 30
    labour sessions: 22.5 % on average, 8 to 38 % in 98 of 100 images.
    """

    length: Normal = Normal(0.71, 0.10)
    length_limits: tuple[float, float] = (0.45, 0.9)
    widest: float = 0.95  # length over the image's width, so that both feet fit
    common_lean: Normal = Normal(7.0, 5.0)  # outward turn of both feet, degrees
    own_lean: Normal = Normal(0.0, 4.0)  # of each foot, degrees
    lean_limits: tuple[float, float] = (-3.0, 25.0)  # degrees
    gap: Uniform = Uniform(0.02, 0.32)  # between the balls of both feet, foot lengths
    ball_width: float = 0.38  # room that both balls need between the feet's axes, foot lengths
    ball_room_per_lean: float = 0.75  # how much less they need for each radian outward, foot lengths
    widest_gap: float = 1.3  # of the image's width over the length, so that both feet stay in the image
    outer_halves: float = 0.45  # of the feet, which need room beyond the gap, foot lengths
    least_gap: float = 0.3  # between the axes, however narrow the image is, foot lengths
    heel: Normal = Normal(0.9, 0.05)  # row of the heels
    top_margin: float = 0.03  # above the toes
    lowest_heel: float = 0.97  # row
    middle: Normal = Normal(0.0, 0.03)  # how far both feet are off the image's middle, image widths
    uneven: Normal = Normal(0.0, 0.03)  # differences between the feet in row (foot lengths) and length (shares)
    taper: Uniform = Uniform(-0.05, 0.15)  # gain of width from heel to toes: the camera is above the toes
    shear: Normal = Normal(0.0, 0.05)  # how far the toes are shifted medially, foot lengths


@dataclass(frozen=True)
class VariedSolePoseParameters:
    """What replaces `SolePoseParameters` beyond labour sessions: near and far, crossed, cut, missing feet."""

    length: Uniform = Uniform(0.27, 0.92)
    lean: Normal = Normal(8.0, 14.0)  # of each foot, degrees
    crossed_chance: float = 0.08  # that the feet are crossed
    crossed_lean: float = 4.0  # how far crossed feet lean inward at least, degrees
    crossed_gap: float = 0.25  # how far they move together, foot lengths
    lean_limits: tuple[float, float] = (-35.0, 55.0)  # degrees
    apart_chance: float = 0.4  # that another gap is added
    apart: Uniform = Uniform(-0.08, 0.9)  # this gap, foot lengths
    loose_chance: float = 0.6  # that the heels are anywhere, also below the image
    highest_toes: float = 0.08  # how far the toes of loose feet may go above the image
    longest: float = 0.9  # length that counts for this
    lowest_heel: float = 1.08  # row
    middle: Normal = Normal(0.0, 0.1)  # image widths
    uneven_chance: float = 0.4  # that the feet differ more
    uneven: float = 3.0  # times as much
    missing_chance: float = 0.07  # that there is one foot


@dataclass(frozen=True)
class InstepPoseParameters:
    """How legs and feet lie that are seen from above: legs enter at the top, feet near the bottom, turned out.

    Lengths in image heights unless stated. Chosen by eye: there are no real sessions of this framing.
    """

    length: Uniform = Uniform(0.26, 0.62)
    widest: float = 0.75  # length over the image's width
    foreshortening: Uniform = Uniform(0.4, 1.0)  # from toes that point to the camera to flat feet
    common_turn: Uniform = Uniform(0.0, 50.0)  # outward turn of both feet, degrees
    own_turn: Normal = Normal(0.0, 10.0)  # of each foot, degrees
    turn_limits: tuple[float, float] = (-10.0, 62.0)  # degrees
    common_leg: Normal = Normal(0.0, 7.0)  # direction of both legs from straight up, degrees to the right
    own_leg: Normal = Normal(0.0, 5.0)  # of each leg, degrees
    leg_limits: tuple[float, float] = (-22.0, 22.0)  # degrees
    outward_leg: float = 2.0  # how far each leg leans outwards, degrees: hips are wider than ankles
    gap: Uniform = Uniform(0.36, 1.5)  # between the ankles, foot lengths
    straight_turn: float = 10.0  # feet turned out by less lie side by side, degrees
    straight_gap: float = 0.3  # how much farther apart these are, foot lengths
    widest_gap: float = 1.1  # of the image's width over the length
    outer_halves: float = 0.3  # of the feet, which need room beyond the gap, foot lengths
    toes: float = 0.97  # lowest row of the toes
    highest_toes: float = 0.93  # row
    least_seen: float = 0.55  # of a turned foot's length, downwards
    ankle_limits: tuple[float, float] = (0.12, 0.85)  # row
    middle: Normal = Normal(0.0, 0.06)  # how far both feet are off the image's middle, image widths
    uneven: Normal = Normal(0.0, 0.06)  # differences between the feet in row and shear, foot lengths
    varied_toes: float = 1.02  # lowest row beyond labour sessions: toes may be cut
    varied_rise: Uniform = Uniform(0.0, 0.3)  # how much higher the feet may be then
    missing_chance: float = 0.06  # that there is one foot, then


SOLE_POSE = SolePoseParameters()
VARIED_SOLE_POSE = VariedSolePoseParameters()
INSTEP_POSE = InstepPoseParameters()
TURNED_SOLE = TurnedSoleParameters()


def draw_sole_pose(
    rng: np.random.Generator,
    canvas: Canvas,
    *,
    varied: bool,
    parameters: SolePoseParameters = SOLE_POSE,
    beyond: VariedSolePoseParameters = VARIED_SOLE_POSE,
) -> Pose:
    """Draw soles to the camera, toes up, side by side; `varied` goes beyond what is usual."""
    p = parameters
    usual, broad = np.clip(p.length.draw(rng), *p.length_limits), beyond.length.draw(rng)
    length = float(min(broad if varied else usual, p.widest * canvas.width))
    leans = np.clip(p.common_lean.draw(rng) + p.own_lean.sample(rng, 2), *p.lean_limits)
    broad_leans = beyond.lean.sample(rng, 2)
    crossed = varied and rng.random() < beyond.crossed_chance
    if varied:
        leans = broad_leans
    if crossed:
        leans = -np.abs(leans) - beyond.crossed_lean
    leans = np.deg2rad(np.clip(leans, *beyond.lean_limits))
    room_for_balls = p.ball_width - p.ball_room_per_lean * max(0.0, float(leans.min()))
    gap = p.gap.draw(rng)
    if varied:
        gap += beyond.apart.draw(rng) * (rng.random() < beyond.apart_chance)
    widest_gap = max(p.least_gap, p.widest_gap * canvas.width / length - p.outer_halves)
    gap = float(min(room_for_balls + gap - beyond.crossed_gap * crossed, widest_gap))
    heel = np.clip(p.heel.draw(rng), length + p.top_margin, p.lowest_heel)
    highest = min(length, beyond.longest) - beyond.highest_toes
    loose = rng.uniform(highest, beyond.lowest_heel) if rng.random() < beyond.loose_chance else heel
    heel = float(loose if varied else heel)
    middle = canvas.width * float(0.5 + (beyond.middle if varied else p.middle).draw(rng))
    uneven = p.uneven.sample(rng, 3)
    if varied and rng.random() < beyond.uneven_chance:
        uneven *= beyond.uneven
    taper, shear = p.taper.draw(rng), p.shear.draw(rng)
    one = varied and rng.random() < beyond.missing_chance
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


def draw_instep_pose(
    rng: np.random.Generator, canvas: Canvas, *, varied: bool, parameters: InstepPoseParameters = INSTEP_POSE
) -> Pose:
    """Draw feet seen from above: legs enter at the top, feet near the bottom, turned out."""
    p = parameters
    length = float(min(p.length.draw(rng), p.widest * canvas.width))
    foreshortening = float(p.foreshortening.draw(rng))
    seen = length * foreshortening
    turns = np.clip(p.common_turn.draw(rng) + p.own_turn.sample(rng, 2), *p.turn_limits)
    legs = np.clip(p.common_leg.draw(rng) * np.ones(2) + p.own_leg.sample(rng, 2), *p.leg_limits)
    gap = p.gap.draw(rng) + p.straight_gap * (turns.min() < p.straight_turn)
    gap = float(min(gap, p.widest_gap * canvas.width / length - p.outer_halves))
    toes = rng.uniform(p.highest_toes, p.varied_toes if varied else p.toes)
    ankle = toes - seen * max(p.least_seen, np.cos(np.deg2rad(turns.min())))
    ankle = float(np.clip(ankle - (p.varied_rise.draw(rng) if varied else 0), *p.ankle_limits))
    middle = canvas.width * float(0.5 + p.middle.draw(rng))
    uneven = p.uneven.sample(rng, 2)
    one = varied and rng.random() < p.missing_chance
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
        leans[label] = float(np.deg2rad(leg + side * p.outward_leg))
    if one:
        del places[missing]
    return Pose(places, ankle, middle, length, foreshortening, leans)


def turn_soles(
    rng: np.random.Generator, pose: Pose, labels: Collection[int], parameters: TurnedSoleParameters = TURNED_SOLE
) -> Pose:
    """Turn the soles of the feet `labels`, which are seen from above, to the camera."""
    p = parameters
    seen, taper = float(p.foreshortening.draw(rng)), float(p.taper.draw(rng))
    share, below, leans = p.turn.draw(rng), p.below.draw(rng), np.deg2rad(p.own_lean.sample(rng, 2))
    labels = [label for label in labels if label in pose.places]
    if labels:
        about = (pose.heel, pose.middle)
        larger = float(p.larger.draw(rng))
        pose = pose.aimed(Aim(larger, (about[0] * (1 - larger), about[1] * (1 - larger))))
    places = dict(pose.places)
    for label in labels:
        foot, side = places[label], LATERAL_SIGN[label]
        # A foot seen from above leans from straight down, a sole from straight up.
        outward = side * (np.pi - foot.lean)
        places[label] = Placement(
            row=min(foot.row + float(below) * pose.length, p.lowest_heel),
            column=foot.column,
            lean=side * float(share * outward + leans[0 if label == LEFT else 1]),
            length=pose.length * seen,
            outward=side,
            taper=taper,
        )
    return replace(pose, places=places, sole_foreshortening=seen)
