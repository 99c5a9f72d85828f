"""Bare and covered legs: spots on shins, cuffs, trousers, legs behind soles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.distributions import Integers, Normal, Uniform
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import strip
from prismseg.thermal.phantom.scene.temperatures import Temperatures


@dataclass(frozen=True)
class LegParameters:
    """What is drawn on legs; lengths in foot lengths, temperatures in °C."""

    spots: Integers = Integers(2, 9)
    spot_up: Uniform = Uniform(0.3, 1.8)  # from the ankle
    spot_half_length: Uniform = Uniform(0.03, 0.35)  # of ovals to streaks
    spot_half_width: Uniform = Uniform(0.02, 0.07)
    spot_aside: Uniform = Uniform(-0.7, 0.7)  # from the leg's middle, half widths
    spot_share: Uniform = Uniform(0.3, 1.0)  # of the depth that each has
    skin: Normal = Normal(0.3, 1.0)  # of a leg behind a sole, over the skin of the scene
    along: Normal = Normal(0.0, 0.6)  # change with each foot length upwards
    round_fall: Uniform = Uniform(0.0, 1.5)  # at the outline, where skin turns away from the camera
    round_from: float = 0.92  # share of the half width from which on it is
    round_softness: float = 0.12  # SD of the blur between both, shares of the narrowest half width
    cloud: float = 0.25  # size of light and dark patches
    cloud_depth: Uniform = Uniform(0.0, 0.6)
    cuff_from: Uniform = Uniform(0.05, 0.9)  # above the ankle
    cuff_width: Uniform = Uniform(0.06, 0.5)
    cuff_slack: Uniform = Uniform(1.0, 1.2)  # how much wider than the leg it is
    cuff: Normal = Normal(0.0, 1.0)  # over what it is between sheet and gown
    trousers_from: Uniform = Uniform(-0.02, 0.2)
    trousers_slack: Uniform = Uniform(1.05, 1.6)
    fold: float = 0.15  # size of folds
    fold_depth: Uniform = Uniform(0.1, 0.9)


LEGS = LegParameters()
PART_POINTS = 12  # along a part of a leg
SPOT_STEP = 0.1  # foot lengths over which a leg's direction is taken
SHORTEST = 1e-9


@dataclass(frozen=True)
class LegLine:
    """The middle of a leg from the ankle upwards.

    Attributes
    ----------
    line : (N, 2) float64
        Scene coordinates.
    half : (N,) float64
        Half width there, image heights.
    length : float
        Of the foot, image heights.
    """

    line: Curve
    half: Curve
    length: float

    @property
    def outline(self) -> Curve:
        """Closed curve around the leg."""
        return strip(self.line, list(self.half))

    @property
    def up(self) -> Curve:
        """Distance (N,) from the ankle along the line, foot lengths."""
        steps = np.linalg.norm(np.diff(self.line, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)]) / self.length

    def part(self, begin: float, end: float, slack: float = 1.0) -> Curve:
        """Give a closed curve around the part between two distances from the ankle, `slack` times as wide as the leg."""
        up = np.linspace(begin, end, PART_POINTS)
        line = np.column_stack([np.interp(up, self.up, self.line[:, axis]) for axis in (0, 1)])
        return strip(line, list(np.interp(up, self.up, self.half) * slack))


def draw_spots(rng: np.random.Generator, canvas: Canvas, leg: LegLine, depth: float) -> Field | float:
    """Draw dark oval and streaky spots (H, W) on a shin, up to `depth` °C each; 0 for none."""
    p, up = LEGS, leg.up
    if not depth:
        return 0.0
    field = np.zeros(canvas.size, np.float32)
    for _ in range(p.spots.draw(rng)):
        at, aside = float(p.spot_up.draw(rng)), float(p.spot_aside.draw(rng))
        radii = p.spot_half_length.draw(rng) * leg.length, p.spot_half_width.draw(rng) * leg.length
        ends = [
            np.array([np.interp(at + step, up, leg.line[:, axis]) for axis in (0, 1)]) for step in (0.0, SPOT_STEP)
        ]
        along = ends[1] - ends[0]
        along = along / max(float(np.linalg.norm(along)), SHORTEST)
        middle = ends[0] + aside * np.interp(at, up, leg.half) * np.array([-along[1], along[0]])
        down, across = canvas.rows - np.float32(middle[0]), canvas.columns - np.float32(middle[1])
        first = (down * np.float32(along[0]) + across * np.float32(along[1])) / np.float32(radii[0])
        second = (across * np.float32(along[0]) - down * np.float32(along[1])) / np.float32(radii[1])
        field -= np.float32(depth * p.spot_share.draw(rng)) * np.exp(-(first**2) - second**2)
    return field


def paint_leg(
    rng: np.random.Generator, canvas: Canvas, leg: LegLine, temperatures: Temperatures, spot_depth: float
) -> None:
    """Paint a bare leg that stands behind a sole."""
    p = LEGS
    celsius = temperatures.skin + p.skin.draw(rng)
    rise = p.along.draw(rng) / leg.length
    fall, clouds = p.round_fall.draw(rng), canvas.texture(rng, "cloud", p.cloud * leg.length)
    field = np.float32(celsius) + np.float32(rise) * (np.float32(leg.line[0, 0]) - canvas.rows)
    field += np.float32(p.cloud_depth.draw(rng)) * clouds
    field += draw_spots(rng.spawn(1)[0], canvas, leg, spot_depth)
    canvas.paint([leg.part(0.0, float(leg.up[-1]))], field - np.float32(fall))
    inner = leg.part(0.0, float(leg.up[-1]), p.round_from)
    canvas.paint([inner], field, softness=float(p.round_softness * leg.half.min()))


def paint_cuff(
    rng: np.random.Generator, canvas: Canvas, leg: LegLine, temperatures: Temperatures, *, trousers: bool
) -> None:
    """Paint a cuff around a leg, or `trousers` from the ankle upwards."""
    p = LEGS
    begin, width = float(p.cuff_from.draw(rng)), float(p.cuff_width.draw(rng))
    slack = float(p.cuff_slack.draw(rng))
    if trousers:
        begin, slack = float(p.trousers_from.draw(rng)), float(p.trousers_slack.draw(rng))
        width = float(leg.up[-1])
    between = temperatures.sheet + rng.random() * (temperatures.gown - temperatures.sheet)
    folds = canvas.texture(rng, "fold", p.fold * leg.length) * np.float32(p.fold_depth.draw(rng))
    canvas.paint([leg.part(begin, begin + width, slack)], np.float32(between + p.cuff.draw(rng)) + folds)
