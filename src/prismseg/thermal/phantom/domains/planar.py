"""Scenes of planar feet: what the domains `spline`, `ellipse` and `blob` have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.body.foot import LATERAL_SIGN, Pattern, paint_foot, place_foot
from prismseg.thermal.phantom.body.pose import Pose, draw_instep_pose, draw_sole_pose
from prismseg.thermal.phantom.distributions import Normal, Uniform, paired_generators
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve
from prismseg.thermal.phantom.painting.shapes import strip
from prismseg.thermal.phantom.scene import objects
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
        shape, skin, where, scene, extras = rng.spawn(5)
        pose = draw_sole_pose(where, canvas, varied=spec.varied)
        self.paint_background(scene, canvas, pose, spec.temperatures)
        objects.paint_warm_prints(extras, canvas, pose, spec.temperatures)
        canvas.blur(float(SCENE.sole_defocus.draw(extras)) * pose.length)
        order = [LEFT, RIGHT] if extras.random() < 0.5 else [RIGHT, LEFT]
        generators = dict(zip((LEFT, RIGHT), paired_generators(skin), strict=True))
        body, toes = self.draw_sole(shape)
        for label in order:
            mean, warming = spec.temperatures.foot(label)
            pattern = self.draw_sole_pattern(generators[label], warming)
            if label in pose.places:
                foot = place_foot(body, toes, pose.places[label], label)
                paint_foot(canvas, foot, pattern, mean, spec.temperatures.floor)
        deepest = SCENE.sunk + SCENE.sunk_more * spec.varied
        sunk = extras.uniform(0.0, deepest) if extras.random() < SCENE.sunk_chance else SCENE.free
        lowest = max(place.row for place in pose.places.values())
        edge = lowest - float(sunk) * pose.length
        objects.paint_front_sheet(extras, canvas, spec.temperatures, edge, float(SCENE.tilt.draw(extras)))
        if spec.varied:
            objects.paint_occluders(extras, canvas, pose, spec)

    def _paint_insteps(self, rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
        shape, skin, where, scene, extras = rng.spawn(5)
        pose = draw_instep_pose(where, canvas, varied=spec.varied)
        self.paint_bed(scene, canvas, pose, spec.temperatures)
        objects.paint_warm_prints(extras, canvas, pose, spec.temperatures)
        canvas.blur(float(SCENE.instep_defocus.draw(extras)) * pose.length)
        order = [LEFT, RIGHT] if extras.random() < 0.5 else [RIGHT, LEFT]
        generators = dict(zip((LEFT, RIGHT), paired_generators(skin), strict=True))
        body, toes = self.draw_instep(shape, pose.foreshortening)
        leg = self.draw_leg(shape)
        for label in order:
            mean, warming = spec.temperatures.foot(label)
            pattern = self.draw_instep_pattern(generators[label], warming)
            if label in pose.places:
                foot = place_foot(body, toes, pose.places[label], label)
                outline = _place_leg(leg, pose, label)
                paint_foot(canvas, foot, pattern, mean, spec.temperatures.floor, leg=[outline])
        if extras.random() < SCENE.blanket_chance:
            border = pose.heel - SCENE.blanket_height.draw(extras) * pose.length
            objects.paint_blanket(extras, canvas, spec.temperatures, border, above=True)
        if spec.varied:
            objects.paint_occluders(extras, canvas, pose, spec)


def _place_leg(leg: Leg, pose: Pose, label: int) -> Curve:
    """Outline of a leg that leaves the foot along its axis and bends into its own direction."""
    place, lean = pose.places[label], pose.leg_leans[label]
    # The foot's axis, from toes to ankle, is where the leg comes from.
    start = np.remainder(place.lean + np.pi - lean + np.pi, 2 * np.pi) - np.pi
    bent = np.linspace(0, SCENE.leg_bend, SCENE.leg_bend_points)
    up = np.concatenate([[-SCENE.leg_into_foot], bent, leg.up[leg.up > SCENE.leg_bend]])
    bend = np.clip(1 - np.maximum(up, 0) / SCENE.leg_bend, 0, 1)
    direction = lean + start * bend * bend
    steps = np.diff(up, prepend=-SCENE.leg_into_foot) * pose.length
    side = LATERAL_SIGN[label] * np.interp(up, leg.up, leg.shift) * pose.length
    rows = -np.cumsum(steps * np.cos(direction)) + side * np.sin(direction)
    columns = np.cumsum(steps * np.sin(direction)) + side * np.cos(direction)
    line = np.column_stack([rows - rows[1] + place.row, columns - columns[1] + place.column])
    return strip(line, list(np.interp(up, leg.up, leg.half) * pose.length))
