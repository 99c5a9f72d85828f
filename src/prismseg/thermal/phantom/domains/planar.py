"""Compose a scene from flat feet: what the domains `spline`, `ellipse` and `blob` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.body.foot import LATERAL_SIGN, Pattern, paint_foot, place_foot
from prismseg.thermal.phantom.body.pose import Pose, draw_instep_pose, draw_sole_pose
from prismseg.thermal.phantom.distributions import paired_generators
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve
from prismseg.thermal.phantom.painting.shapes import strip
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.objects import paint_occluders
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import Temperatures

Outline = tuple[list[Curve], list[Curve]]
INTO_FOOT, BEND = 0.06, 0.45  # foot lengths


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
class PlanarDomain:
    """A phantom domain of flat feet: generators that share nothing with those of another domain.

    Attributes
    ----------
    sole : callable
        Body and five toes (big toe first) in sole coordinates.
    instep : callable
        The same seen from above, u from the ankle to the tips, given the share of the length that is seen.
    leg : callable
        A bare leg.
    sole_pattern, instep_pattern : callable
        Temperature patterns of both feet, given how far each has warmed.
    behind, below : callable
        Paint what lies behind the soles, or under legs and feet.
    """

    sole: Callable[[np.random.Generator], Outline]
    instep: Callable[[np.random.Generator, float], Outline]
    leg: Callable[[np.random.Generator], Leg]
    sole_pattern: Callable[[np.random.Generator, float], Pattern]
    instep_pattern: Callable[[np.random.Generator, float], Pattern]
    behind: Callable[[np.random.Generator, Canvas, Pose, Temperatures], None]
    below: Callable[[np.random.Generator, Canvas, Pose, Temperatures], None]

    def __call__(self, rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
        """Paint the scene of `spec`; equal generators give the same person in the same bed."""
        if spec.framing == "soles":
            self._soles(rng, canvas, spec)
        else:
            self._above(rng, canvas, spec)

    def _soles(self, rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
        shape, skin, where, scene, extras = rng.spawn(5)
        pose = draw_sole_pose(where, canvas, varied=spec.varied)
        self.behind(scene, canvas, pose, spec.temperatures)
        objects.warm_prints(extras, canvas, pose, spec.temperatures)
        canvas.blur(float(extras.uniform(0.002, 0.012)) * pose.length)
        order = [LEFT, RIGHT] if extras.random() < 0.5 else [RIGHT, LEFT]
        seeds = dict(zip((LEFT, RIGHT), paired_generators(skin), strict=True))
        body, toes = self.sole(shape)
        for label in order:
            mean, warming = spec.temperatures.foot(label)
            pattern = self.sole_pattern(seeds[label], warming)
            if label in pose.places:
                foot = place_foot(body, toes, pose.places[label], label)
                paint_foot(canvas, foot, pattern, mean, spec.temperatures.floor)
        cut = extras.uniform(0.0, 0.07 + 0.05 * spec.varied) if extras.random() < 0.7 else -0.3
        lowest = max(place.row for place in pose.places.values())
        objects.front_sheet(
            extras, canvas, spec.temperatures, lowest - float(cut) * pose.length, float(extras.normal(0, 0.025))
        )
        if spec.varied:
            paint_occluders(extras, canvas, pose, spec)

    def _above(self, rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
        shape, skin, where, scene, extras = rng.spawn(5)
        pose = draw_instep_pose(where, canvas, varied=spec.varied)
        self.below(scene, canvas, pose, spec.temperatures)
        objects.warm_prints(extras, canvas, pose, spec.temperatures)
        canvas.blur(float(extras.uniform(0.002, 0.01)) * pose.length)
        order = [LEFT, RIGHT] if extras.random() < 0.5 else [RIGHT, LEFT]
        seeds = dict(zip((LEFT, RIGHT), paired_generators(skin), strict=True))
        body, toes = self.instep(shape, pose.foreshortening)
        limb = self.leg(shape)
        for label in order:
            mean, warming = spec.temperatures.foot(label)
            pattern = self.instep_pattern(seeds[label], warming)
            if label in pose.places:
                foot = place_foot(body, toes, pose.places[label], label)
                leg = _place_leg(limb, pose, label)
                paint_foot(canvas, foot, pattern, mean, spec.temperatures.floor, leg=[leg])
        if extras.random() < 0.3:
            objects.blanket(
                extras, canvas, spec.temperatures, pose.heel - extras.uniform(0.1, 0.9) * pose.length, above=True
            )
        if spec.varied:
            paint_occluders(extras, canvas, pose, spec)


def _place_leg(leg: Leg, pose: Pose, label: int) -> Curve:
    """Outline of a leg that leaves the foot along its axis and bends into its own direction."""
    place, lean = pose.places[label], pose.leg_leans[label]
    # The foot's axis, from toes to ankle, is where the leg comes from.
    start = np.remainder(place.lean + np.pi - lean + np.pi, 2 * np.pi) - np.pi
    up = np.concatenate([[-INTO_FOOT], np.linspace(0, BEND, 8), leg.up[leg.up > BEND]])
    bend = np.clip(1 - np.maximum(up, 0) / BEND, 0, 1)
    direction = lean + start * bend * bend
    steps = np.diff(up, prepend=-INTO_FOOT) * pose.length
    side = LATERAL_SIGN[label] * np.interp(up, leg.up, leg.shift) * pose.length
    rows = -np.cumsum(steps * np.cos(direction)) + side * np.sin(direction)
    columns = np.cumsum(steps * np.sin(direction)) + side * np.cos(direction)
    line = np.column_stack([rows - rows[1] + place.row, columns - columns[1] + place.column])
    return strip(line, list(np.interp(up, leg.up, leg.half) * pose.length))
