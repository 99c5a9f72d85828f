"""Things that lie beside feet or hide parts of them: metal dishes, folded cloths, hands, hanging sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.body.aim import SeenFoot
from prismseg.thermal.phantom.distributions import Integers, Mixture, Normal, Uniform
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.shapes import bump, ellipse, smooth_closed
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.ingredients import Extras
from prismseg.thermal.phantom.scene.temperatures import Temperatures


@dataclass(frozen=True)
class ClutterParameters:
    """Sizes in image heights unless stated, temperatures in °C."""

    dish_radius: Uniform = Uniform(0.06, 0.22)
    dish_ratio: Uniform = Uniform(0.4, 1.0)  # of both radii
    dish: Mixture = Mixture(
        (Uniform(-4.0, -0.5), Uniform(0.5, 4.0))
    )  # over the room: metal reflects walls or people
    dish_rim: Normal = Normal(0.0, 1.5)  # over its inside
    dish_wall: float = 0.85  # radius of the inside, of the whole
    glint: Uniform = Uniform(-3.0, 5.0)  # of a reflection in it
    cloths: Integers = Integers(1, 2)
    cloth_radius: Uniform = Uniform(0.1, 0.4)
    cloth_points: int = 7  # of its outline
    cloth_irregular: Uniform = Uniform(0.7, 1.25)
    cloth_warmth: Uniform = Uniform(-0.2, 1.0)  # where it is between sheet and skin
    fold: Uniform = Uniform(0.03, 0.15)
    fold_depth: Uniform = Uniform(0.1, 1.0)  # SD
    hand_size: Uniform = Uniform(0.6, 1.1)  # seen lengths of the foot
    aside: Normal = Normal(0.0, 0.2)  # of what hides a foot from its middle, seen lengths
    sheet_width: Uniform = Uniform(0.3, 1.5)  # seen lengths
    sheet_wave: Uniform = Uniform(0.0, 0.03)  # of its edge
    sheet_points: int = 10  # of its edge
    sheet_far: float = 2.5  # to which it reaches beyond the foot


CLUTTER = ClutterParameters()


def paint_clutter(rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, extras: Extras) -> None:
    """Paint what lies behind or under feet."""
    if extras.cloth:
        _paint_cloths(rng, canvas, temperatures)
    if extras.dish:
        _paint_dish(rng, canvas, temperatures)


def hide_half(
    rng: np.random.Generator,
    canvas: Canvas,
    temperatures: Temperatures,
    extras: Extras,
    feet: Mapping[int, SeenFoot],
) -> None:
    """Paint a hand or a hanging sheet before about half of one of the `feet`."""
    if not feet:
        return
    p = CLUTTER
    foot = list(feet.values())[int(rng.integers(len(feet)))]
    aside = p.aside.sample(rng, 2) * foot.length
    middle = (foot.middle[0] + float(aside[0]), foot.middle[1] + float(aside[1]))
    if extras.hand:
        objects.paint_hand(rng, canvas, temperatures, middle, float(p.hand_size.draw(rng)) * foot.length)
    if extras.sheet:
        _paint_hanging_sheet(rng, canvas, temperatures, middle, foot.length)


def _paint_dish(rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures) -> None:
    p = CLUTTER
    middle = (float(rng.uniform(0, 1)), float(rng.uniform(0, canvas.width)))
    radius, turn = float(p.dish_radius.draw(rng)), float(rng.uniform(0, np.pi))
    radii = (radius, radius * float(p.dish_ratio.draw(rng)))
    celsius = temperatures.room + p.dish.draw(rng)
    canvas.paint([ellipse(middle, radii, turn)], float(celsius + p.dish_rim.draw(rng)))
    glint = (middle[0] + rng.normal(0, radii[0] / 2), middle[1] + rng.normal(0, radii[1] / 2))
    light = bump(canvas.rows, canvas.columns, glint, (radii[0] / 2, radii[1] / 3))
    inside = np.float32(celsius) + np.float32(p.glint.draw(rng)) * light
    canvas.paint([ellipse(middle, (p.dish_wall * radii[0], p.dish_wall * radii[1]), turn)], inside)


def _paint_cloths(rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures) -> None:
    p = CLUTTER
    for _ in range(p.cloths.draw(rng)):
        outline = ellipse(
            (0.0, 0.0),
            (p.cloth_radius.draw(rng), p.cloth_radius.draw(rng)),
            rng.uniform(0, np.pi),
            points=p.cloth_points,
        )
        outline = outline * p.cloth_irregular.sample(rng, p.cloth_points, 1)
        outline = smooth_closed(outline + rng.uniform(0, 1, size=2) * (1, canvas.width))
        celsius = temperatures.sheet + p.cloth_warmth.draw(rng) * (temperatures.skin - temperatures.sheet)
        folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)), stretch=3.0)
        canvas.paint([outline], np.float32(celsius) + np.float32(p.fold_depth.draw(rng)) * folds)


def _paint_hanging_sheet(
    rng: np.random.Generator,
    canvas: Canvas,
    temperatures: Temperatures,
    middle: tuple[float, float],
    length: float,
) -> None:
    """Paint a strip of cloth in any direction, one edge of which runs across the foot."""
    p = CLUTTER
    angle = rng.uniform(0, 2 * np.pi)
    along, away = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    steps = np.linspace(-p.sheet_far, p.sheet_far, p.sheet_points)
    waves = rng.normal(0, p.sheet_wave.draw(rng), size=p.sheet_points)
    near = np.asarray(middle) + steps[:, None] * along + waves[:, None] * away
    far = near[::-1] + float(p.sheet_width.draw(rng)) * length * away
    celsius = temperatures.sheet + p.cloth_warmth.draw(rng) * max(temperatures.gown - temperatures.sheet, 0.0)
    folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)), stretch=4.0)
    canvas.paint([np.vstack([near, far])], np.float32(celsius) + np.float32(p.fold_depth.draw(rng)) * folds)
