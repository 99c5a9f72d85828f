"""Scenes of planar feet: what the domains `spline`, `ellipse` and `blob` have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.body.aim import draw_aim
from prismseg.thermal.phantom.body.foot import LATERAL_SIGN, Ankle, Pattern, chill_toes, paint_foot, place_foot
from prismseg.thermal.phantom.body.pose import Pose, draw_instep_pose, draw_sole_pose, turn_soles
from prismseg.thermal.phantom.distributions import Normal, Uniform, paired_generators
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve
from prismseg.thermal.phantom.scene import clutter, legs, objects
from prismseg.thermal.phantom.scene.legs import LegLine
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import Temperatures

Outline = tuple[list[Curve], list[Curve]]
"""Curves (N, 2) of a foot's body, and of its five toes (big toe first), in foot coordinates."""


@dataclass(frozen=True)
class Leg:
    """A bare leg from the ankle upwards, in foot lengths.

    Attributes
    ----------
    up : (N,) float64
        Distance from the ankle, from 0 on, increasing.
    half : (N,) float64
        Half width there.
    shift : (N,) float64
        How far the leg's middle lies to the lateral side of a straight one.
    """

    up: NDArray[np.float64]
    half: NDArray[np.float64]
    shift: NDArray[np.float64]


@dataclass(frozen=True)
class PlanarSceneParameters:
    """How scenes of planar feet are composed; lengths in foot lengths."""

    sole_defocus: Uniform = Uniform(0.002, 0.012)  # SD of the blur behind soles
    instep_defocus: Uniform = Uniform(0.002, 0.01)  # SD of the blur under legs and feet
    sunk_chance: float = 0.7  # that the heels sink into the mattress, whose near edge then hides them
    sunk: float = 0.07  # how deep at most
    sunk_more: float = 0.05  # how much deeper beyond labour sessions
    free: float = -0.3  # how far below the heels the near edge is otherwise
    tilt: Normal = Normal(0.0, 0.025)  # of the near edge, down for each image height across
    blanket_chance: float = 0.3  # that a blanket covers the legs
    blanket_height: Uniform = Uniform(0.1, 0.9)  # of its border above the ankles
    leg_into_foot: float = 0.06  # how far the leg reaches into the foot, so that no gap opens
    leg_bend: float = 0.45  # length over which the leg bends from the foot's axis into its own direction
    leg_bend_points: int = 8  # of its outline there
    leg_end: float = 5.0  # length of a leg: beyond the image
    ankle: Normal = Normal(0.01, 0.02)  # u of the straight line at which a foot begins that shows its instep
    ankle_behind: float = 0.25  # u of a sole behind which the ankle is
    widening_from: float = 0.3  # above the ankle, where legs get wider
    widening_to: float = 1.5  # length over which they do
    alone_chance: float = 0.5  # that a close-up has no second foot


SCENE = PlanarSceneParameters()


class PlanarDomain(ABC):
    """A phantom domain whose feet are drawn in their own plane; its subclasses share nothing but this composition.

    `prismseg.thermal.phantom.domains.DOMAINS` holds instances by name.
    """

    @abstractmethod
    def draw_sole(self, rng: np.random.Generator) -> Outline:
        """Draw a person's sole in foot coordinates."""

    @abstractmethod
    def draw_instep(self, rng: np.random.Generator, seen: float) -> Outline:
        """Draw a foot seen from above, u from the ankle to the tips; `seen` is the share of its length that is seen."""

    @abstractmethod
    def draw_leg(self, rng: np.random.Generator) -> Leg:
        """Draw a bare leg."""

    @abstractmethod
    def draw_sole_pattern(self, rng: np.random.Generator, warming: float) -> Pattern:
        """Draw the temperature pattern of a sole that has warmed by `warming` °C."""

    @abstractmethod
    def draw_instep_pattern(self, rng: np.random.Generator, warming: float) -> Pattern:
        """Draw the temperature pattern of a foot and leg seen from above."""

    @abstractmethod
    def paint_background(
        self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures
    ) -> None:
        """Paint what lies behind soles: wall, bed, the patient's body and legs."""

    @abstractmethod
    def paint_bed(self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
        """Paint what lies under legs and feet that are seen from above."""

    def __call__(self, rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
        """Paint the scene of `spec`; equal generators give the same person in the same bed."""
        if spec.framing == "soles":
            self._paint_soles(rng, canvas, spec)
        else:
            self._paint_insteps(rng, canvas, spec)

    def _paint_soles(self, rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
        # A generator for each part: what one part draws does not change the others.
        shape, skin, where, scene, extras, added = rng.spawn(6)
        pose = _aim(added, draw_sole_pose(where, canvas, varied=spec.varied), canvas, spec)
        if spec.extras.legs:
            self.paint_background(scene, canvas, pose, spec.temperatures)
        else:
            self.paint_bed(scene, canvas, pose, spec.temperatures)
        self._paint_under(extras, added, canvas, pose, spec, SCENE.sole_defocus)
        order = [LEFT, RIGHT] if extras.random() < 0.5 else [RIGHT, LEFT]
        generators = dict(zip((LEFT, RIGHT), paired_generators(skin), strict=True))
        body, toes = self.draw_sole(shape)
        for label in order:
            mean, warming = spec.temperatures.foot(label)
            pattern = chill_toes(self.draw_sole_pattern(generators[label], warming), spec.extras.chill_depth)
            if label in pose.places and spec.extras.feet:
                foot = place_foot(body, toes, pose.places[label], label)
                paint_foot(canvas, foot, pattern, mean, spec.temperatures.floor)
        deepest = SCENE.sunk + SCENE.sunk_more * spec.varied
        sunk = extras.uniform(0.0, deepest) if extras.random() < SCENE.sunk_chance else SCENE.free
        lowest = max(place.row for place in pose.places.values())
        edge = lowest - float(sunk) * pose.length
        objects.paint_front_sheet(extras, canvas, spec.temperatures, edge, float(SCENE.tilt.draw(extras)))
        self._paint_before(extras, added, canvas, pose, spec)

    def _paint_insteps(self, rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
        shape, skin, where, scene, extras, added = rng.spawn(6)
        soles = [label for label in (LEFT, RIGHT) if spec.shows_sole(label)]
        pose = turn_soles(added, draw_instep_pose(where, canvas, varied=spec.varied), soles)
        pose = _aim(added, pose, canvas, spec)
        self.paint_bed(scene, canvas, pose, spec.temperatures)
        self._paint_under(extras, added, canvas, pose, spec, SCENE.instep_defocus)
        order = [LEFT, RIGHT] if extras.random() < 0.5 else [RIGHT, LEFT]
        generators = dict(zip((LEFT, RIGHT), paired_generators(skin), strict=True))
        instep, leg = self.draw_instep(shape, pose.foreshortening), self.draw_leg(shape)
        sole = self.draw_sole(shape) if soles else instep
        for label in order:
            if label in pose.places:
                person = Person(sole if label in soles else instep, leg, generators[label])
                self._paint_limb_from_above(added, canvas, pose, label, spec, person)
        if extras.random() < SCENE.blanket_chance:
            border = pose.heel - SCENE.blanket_height.draw(extras) * pose.length
            objects.paint_blanket(extras, canvas, spec.temperatures, border, above=True)
        self._paint_before(extras, added, canvas, pose, spec)

    def _paint_limb_from_above(
        self, added: np.random.Generator, canvas: Canvas, pose: Pose, label: int, spec: SceneSpec, person: Person
    ) -> None:
        """Paint a leg with its foot: either the instep, or the sole before the leg."""
        extras, temperatures = spec.extras, spec.temperatures
        mean, warming = temperatures.foot(label)
        place, (body, toes) = pose.places[label], person.outline
        leg = _place_leg(person.leg, pose, label, extras.widening, behind=spec.shows_sole(label))
        if spec.shows_sole(label):
            if extras.legs:
                legs.paint_leg(added, canvas, leg, temperatures, extras.spot_depth)
            self._cover_leg(added, canvas, leg, spec)
            wide = np.array((1.0, 1.0 / pose.sole_foreshortening))
            foot = place_foot([curve * wide for curve in body], [curve * wide for curve in toes], place, label)
            pattern = chill_toes(self.draw_sole_pattern(person.skin, warming), extras.chill_depth)
            paint_foot(canvas, foot, pattern, mean, temperatures.floor)
            return
        foot = place_foot(body, toes, place, label)
        pattern = chill_toes(self.draw_instep_pattern(person.skin, warming), extras.chill_depth)
        start = place.to_image(np.array([[float(SCENE.ankle.draw(added)), 0.0]]))[0]
        spots = legs.draw_spots(added.spawn(1)[0], canvas, leg, extras.spot_depth)
        axis = np.array((-np.cos(place.lean), np.sin(place.lean)))
        lean = pose.leg_leans[label]
        across = axis + np.array((np.cos(lean), -np.sin(lean)))
        ankle = Ankle(
            (leg.outline,), (float(start[0]), float(start[1])), (float(across[0]), float(across[1])), spots
        )
        paint_foot(canvas, foot, pattern, mean, temperatures.floor, ankle=ankle)
        self._cover_leg(added, canvas, leg, spec)

    def _cover_leg(self, added: np.random.Generator, canvas: Canvas, leg: LegLine, spec: SceneSpec) -> None:
        if not spec.extras.legs:
            legs.paint_cuff(added, canvas, leg, spec.temperatures, trousers=True)
        elif spec.extras.cuff:
            legs.paint_cuff(added, canvas, leg, spec.temperatures, trousers=False)

    def _paint_under(
        self,
        extras: np.random.Generator,
        added: np.random.Generator,
        canvas: Canvas,
        pose: Pose,
        spec: SceneSpec,
        defocus: Uniform,
    ) -> None:
        """Paint what lies on the bed, all of it a little out of focus."""
        objects.paint_warm_prints(extras, canvas, pose, spec.temperatures)
        clutter.paint_clutter(added, canvas, spec.temperatures, spec.extras)
        canvas.blur(float(defocus.draw(extras)) * pose.length)

    def _paint_before(
        self,
        extras: np.random.Generator,
        added: np.random.Generator,
        canvas: Canvas,
        pose: Pose,
        spec: SceneSpec,
    ) -> None:
        """Paint what hides parts of the feet."""
        if spec.varied:
            objects.paint_occluders(extras, canvas, pose, spec)
        clutter.hide_half(added, canvas, spec.temperatures, spec.extras, pose.seen())


@dataclass(frozen=True)
class Person:
    """What one limb is painted from: the foot's outline, the leg, and what draws the skin."""

    outline: Outline
    leg: Leg
    skin: np.random.Generator


def _aim(rng: np.random.Generator, pose: Pose, canvas: Canvas, spec: SceneSpec) -> Pose:
    """Point the camera as the scene's extras say; a close-up shows one foot or a part of the other."""
    extras = spec.extras
    if spec.framing == "soles" and not extras.feet:
        return pose
    aim, label = draw_aim(rng, pose.seen(), canvas.width, extras)
    alone = extras.close_up and rng.random() < SCENE.alone_chance
    for other in [other for other in pose.places if alone and other != label]:
        pose = pose.without(other)
    return pose.aimed(aim)


def _place_leg(leg: Leg, pose: Pose, label: int, widening: float, *, behind: bool) -> LegLine:
    """Place a leg that leaves an instep along its axis and bends into its own direction, or stands `behind` a sole."""
    place, lean = pose.places[label], pose.leg_leans[label]
    # The foot's axis, from toes to ankle, is where the leg comes from.
    start = 0.0 if behind else np.remainder(place.lean + np.pi - lean + np.pi, 2 * np.pi) - np.pi
    bent = np.linspace(0, SCENE.leg_bend, SCENE.leg_bend_points)
    up = np.concatenate([[-SCENE.leg_into_foot], bent, leg.up[leg.up > SCENE.leg_bend], [SCENE.leg_end]])
    bend = np.clip(1 - np.maximum(up, 0) / SCENE.leg_bend, 0, 1)
    direction = lean + start * bend * bend
    steps = np.diff(up, prepend=-SCENE.leg_into_foot) * pose.length
    side = LATERAL_SIGN[label] * np.interp(up, leg.up, leg.shift) * pose.length
    rows = -np.cumsum(steps * np.cos(direction)) + side * np.sin(direction)
    columns = np.cumsum(steps * np.sin(direction)) + side * np.cos(direction)
    origin = np.array((place.row, place.column))
    if behind:
        origin = place.to_image(np.array([[SCENE.ankle_behind, 0.0]]))[0]
    line = np.column_stack([rows - rows[1], columns - columns[1]]) + origin
    half = np.interp(up, leg.up, leg.half) * (
        1 + widening * np.clip(up - SCENE.widening_from, 0, SCENE.widening_to)
    )
    return LegLine(line, half * pose.length, pose.length)
