"""Compose a scene from flat feet: what the domains `spline`, `ellipse` and `blob` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.phantom import props
from prismseg.thermal.phantom.canvas import LEFT, RIGHT, Canvas
from prismseg.thermal.phantom.climate import Climate
from prismseg.thermal.phantom.pose import Pose, draw_insteps, draw_soles
from prismseg.thermal.phantom.raster import Curve
from prismseg.thermal.phantom.shapes import strip
from prismseg.thermal.phantom.sole import OUTWARD, Pattern, place_foot, put_foot

Outline = tuple[list[Curve], list[Curve]]
INTO_FOOT, BEND = 0.06, 0.45  # foot lengths


@dataclass(frozen=True)
class Brief:
    """What a scene has to show.

    Attributes
    ----------
    framing : str
        ``"soles"`` (A) or ``"above"`` (B).
    climate : Climate
        Temperatures.
    wild : bool
        Whether poses go beyond those of labour sessions.
    """

    framing: str
    climate: Climate
    wild: bool


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
class Flat:
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
    behind: Callable[[np.random.Generator, Canvas, Pose, Climate], None]
    below: Callable[[np.random.Generator, Canvas, Pose, Climate], None]

    def __call__(self, rng: np.random.Generator, canvas: Canvas, brief: Brief) -> None:
        """Paint the scene of `brief`; equal generators give the same person in the same bed."""
        if brief.framing == "soles":
            self._soles(rng, canvas, brief)
        else:
            self._above(rng, canvas, brief)

    def _soles(self, rng: np.random.Generator, canvas: Canvas, brief: Brief) -> None:
        shape, skin, where, scene, extras = rng.spawn(5)
        pose = draw_soles(where, canvas, wild=brief.wild)
        self.behind(scene, canvas, pose, brief.climate)
        props.warm_prints(extras, canvas, pose, brief.climate)
        canvas.blur(float(extras.uniform(0.002, 0.012)) * pose.length)
        order = [LEFT, RIGHT] if extras.random() < 0.5 else [RIGHT, LEFT]
        seeds = dict(zip((LEFT, RIGHT), alike(skin), strict=True))
        body, toes = self.sole(shape)
        for label in order:
            mean, warming = brief.climate.foot(label)
            pattern = self.sole_pattern(seeds[label], warming)
            if label in pose.places:
                foot = place_foot(body, toes, pose.places[label], label)
                put_foot(canvas, foot, pattern, mean, brief.climate.floor)
        cut = extras.uniform(0.0, 0.07 + 0.05 * brief.wild) if extras.random() < 0.7 else -0.3
        lowest = max(place.row for place in pose.places.values())
        props.front_sheet(
            extras, canvas, brief.climate, lowest - float(cut) * pose.length, float(extras.normal(0, 0.025))
        )
        if brief.wild:
            obstruct(extras, canvas, pose, brief)

    def _above(self, rng: np.random.Generator, canvas: Canvas, brief: Brief) -> None:
        shape, skin, where, scene, extras = rng.spawn(5)
        pose = draw_insteps(where, canvas, wild=brief.wild)
        self.below(scene, canvas, pose, brief.climate)
        props.warm_prints(extras, canvas, pose, brief.climate)
        canvas.blur(float(extras.uniform(0.002, 0.01)) * pose.length)
        order = [LEFT, RIGHT] if extras.random() < 0.5 else [RIGHT, LEFT]
        seeds = dict(zip((LEFT, RIGHT), alike(skin), strict=True))
        body, toes = self.instep(shape, pose.foreshortening)
        limb = self.leg(shape)
        for label in order:
            mean, warming = brief.climate.foot(label)
            pattern = self.instep_pattern(seeds[label], warming)
            if label in pose.places:
                foot = place_foot(body, toes, pose.places[label], label)
                leg = _place_leg(limb, pose, label)
                put_foot(canvas, foot, pattern, mean, brief.climate.floor, leg=[leg])
        if extras.random() < 0.3:
            props.blanket(
                extras, canvas, brief.climate, pose.heel - extras.uniform(0.1, 0.9) * pose.length, above=True
            )
        if brief.wild:
            obstruct(extras, canvas, pose, brief)


def alike(rng: np.random.Generator) -> tuple[np.random.Generator, np.random.Generator]:
    """Two generators, most often equal ones: both feet of a person are patterned alike."""
    seeds = rng.integers(2**32, size=2)
    return np.random.default_rng(seeds[0]), np.random.default_rng(seeds[int(rng.random() < 0.5)])


def obstruct(rng: np.random.Generator, canvas: Canvas, pose: Pose, brief: Brief) -> None:
    """Sometimes put a blanket, a hand or a cable before the feet."""
    chance = rng.random(3)
    length, climate = pose.length, brief.climate
    soles = brief.framing == "soles"
    # Rows of the toes and of the other end, where the feet are seen from above or from their end.
    toes = pose.heel + (-1.0 if soles else 0.8 * pose.foreshortening) * length
    if chance[0] < 0.12:
        from_toes = rng.random() < 0.3
        reach = rng.uniform(0.0, 0.25 if from_toes else 0.4)
        edge = toes + reach * (pose.heel - toes) if from_toes else pose.heel + reach * (toes - pose.heel)
        props.blanket(rng, canvas, climate, float(edge), above=from_toes == soles)
    if chance[1] < 0.12:
        place = (toes + rng.uniform(-0.1, 1.1) * (pose.heel - toes), pose.middle + rng.normal(0, 0.7) * length)
        props.hand(rng, canvas, climate, place, length * float(rng.uniform(0.45, 0.8)))
    if chance[2] < 0.12:
        props.cable(rng, canvas, climate)


def _place_leg(leg: Leg, pose: Pose, label: int) -> Curve:
    """Outline of a leg that leaves the foot along its axis and bends into its own direction."""
    place, lean = pose.places[label], pose.leg_leans[label]
    # The foot's axis, from toes to ankle, is where the leg comes from.
    start = np.remainder(place.lean + np.pi - lean + np.pi, 2 * np.pi) - np.pi
    up = np.concatenate([[-INTO_FOOT], np.linspace(0, BEND, 8), leg.up[leg.up > BEND]])
    bend = np.clip(1 - np.maximum(up, 0) / BEND, 0, 1)
    direction = lean + start * bend * bend
    steps = np.diff(up, prepend=-INTO_FOOT) * pose.length
    side = OUTWARD[label] * np.interp(up, leg.up, leg.shift) * pose.length
    rows = -np.cumsum(steps * np.cos(direction)) + side * np.sin(direction)
    columns = np.cumsum(steps * np.sin(direction)) + side * np.cos(direction)
    line = np.column_stack([rows - rows[1] + place.row, columns - columns[1] + place.column])
    return strip(line, list(np.interp(up, leg.up, leg.half) * pose.length))
