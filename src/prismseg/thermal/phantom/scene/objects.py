"""What lies about: warm prints, blankets, hands, cables, boxes. None of it is a foot."""

from __future__ import annotations

import numpy as np

from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import capsule, ellipse, smooth_closed, strip
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import Temperatures


def warm_prints(rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
    """Warmth that feet and hands left on the bed: soft-edged, part of what lies behind."""
    for _ in range(int(rng.integers(0, 3))):
        place = (pose.heel + rng.normal(0, 0.25) * pose.length, pose.middle + rng.normal(0, 0.9) * pose.length)
        radii = (pose.length * rng.uniform(0.08, 0.45), pose.length * rng.uniform(0.05, 0.2))
        curve = ellipse(place, radii, rng.uniform(0, np.pi), power=rng.uniform(1.6, 3))
        warmth = rng.uniform(0.1, 0.6) * max(temperatures.skin - temperatures.bed, 1.0)
        canvas.paint([curve], canvas.celsius + np.float32(warmth), softness=float(rng.uniform(0.004, 0.05)))


def rectangles(rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, count: int) -> None:
    """Put monitors, lamps, windows, doors and rails behind the bed."""
    for _ in range(count):
        middle = (rng.uniform(-0.1, 0.6), rng.uniform(0, canvas.width))
        radii = (rng.uniform(0.02, 0.3), rng.uniform(0.01, 0.3))
        curve = ellipse(middle, radii, rng.normal(0, 0.1), power=rng.choice([2.0, 8.0]))
        hot = rng.random() < 0.25
        value = temperatures.room + (rng.uniform(2, 12) if hot else rng.normal(0, 1.2))
        canvas.paint([curve], float(value), softness=float(rng.uniform(0.002, 0.01)))


def cable(rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures) -> None:
    """Lay a thin cable or drip line across the picture, before or behind the feet."""
    ends = rng.uniform(0, 1, size=(4, 2)) * (1, canvas.width)
    steps = np.linspace(0, 1, 24)[:, None]
    line = (
        (1 - steps) ** 3 * ends[0]
        + 3 * steps * (1 - steps) ** 2 * ends[1]
        + 3 * steps**2 * (1 - steps) * ends[2]
        + steps**3 * ends[3]
    )
    width = rng.uniform(0.0025, 0.006)
    canvas.paint([strip(line, [width] * len(line))], float(temperatures.bed + rng.normal(0, 1.5)))


def blanket(
    rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, edge: float, *, above: bool
) -> None:
    """Cloth whose wavy border lies near the row `edge`; it hides everything on one side of it."""
    columns = np.linspace(-0.3, canvas.width + 0.3, 14)
    waves = np.cumsum(rng.normal(0, rng.uniform(0.002, 0.02), size=14))
    border = edge + waves - waves.mean() + rng.normal(0, 0.12) * (columns - canvas.width / 2)
    corners = -1.0 if above else 2.0
    curve = np.vstack(
        [np.column_stack([border, columns]), [[corners, columns[-1]], [corners, columns[0]]]],
    )
    value = temperatures.sheet + rng.uniform(-0.05, 0.6) * max(temperatures.gown - temperatures.sheet, 0.0)
    folds = canvas.texture(rng, "fold", float(rng.uniform(0.03, 0.12)), stretch=float(rng.uniform(1, 5)))
    canvas.paint([curve], np.float32(value) + folds * np.float32(rng.uniform(0.05, 0.8)))


def front_sheet(
    rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, row: float, tilt: float
) -> None:
    """Put the near edge of the mattress: everything below its straight horizon is sheet."""
    half = canvas.width / 2
    left, right = -0.5, canvas.width + 0.5
    curve = np.array(
        [[row + tilt * (left - half), left], [row + tilt * (right - half), right], [3.0, right], [3.0, left]]
    )
    shade = canvas.texture(rng, "cloud", float(rng.uniform(0.05, 0.3)), stretch=2.0) * np.float32(
        rng.uniform(0, 0.25)
    )
    fall = np.clip(canvas.rows - np.float32(row), 0, 1) * np.float32(rng.normal(0, 1.5))
    canvas.paint([curve], np.float32(temperatures.sheet) + shade + fall)


def hand(
    rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, target: tuple[float, float], size: float
) -> None:
    """Put a warm (sometimes gloved, colder) hand and forearm that reach to `target` from a border."""
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.sin(angle), np.cos(angle)])
    wrist = np.asarray(target) + direction * size * 0.75
    arm: list[Curve] = [capsule(wrist, wrist + direction * 2.5, 0.16 * size, 0.26 * size)]
    palm = np.asarray(target) + direction * size * 0.42
    arm.append(capsule(wrist, palm, 0.15 * size, 0.21 * size))
    spread = rng.uniform(0.1, 0.28)
    for number in range(5):
        turn = angle + np.pi + (number - 2) * spread + (0.5 if number == 4 else 0.0)
        knuckle = palm + 0.16 * size * np.array([np.sin(turn), np.cos(turn)])
        reach = size * (0.34 if number == 4 else rng.uniform(0.36, 0.46))
        arm.append(
            capsule(knuckle, knuckle + reach * np.array([np.sin(turn), np.cos(turn)]), 0.05 * size, 0.04 * size)
        )
    value = rng.choice([temperatures.face, temperatures.skin, temperatures.bed + 3]) + rng.normal(0, 0.7)
    shade = canvas.texture(rng, "smooth", 0.3 * size) * np.float32(rng.uniform(0.1, 0.8))
    canvas.paint(arm, np.float32(value) + shade)


def body(
    rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures, base: float, folds: Field
) -> None:
    """Put the covered trunk with shoulders, neck and head behind the feet, in its folded gown."""
    length, middle = pose.length, pose.middle + rng.normal(0, 0.12) * pose.length
    top = pose.heel - rng.uniform(0.75, 1.15) * length
    shoulder = rng.uniform(0.3, 0.65) * length
    hip = shoulder * rng.uniform(0.9, 1.4)
    control = np.array(
        [
            (base, -hip), (0.55 * base + 0.45 * top, -1.05 * shoulder), (top + 0.1 * length, -shoulder),
            (top, -0.55 * shoulder), (top - 0.02 * length, 0.0), (top, 0.55 * shoulder), (top + 0.1 * length, shoulder),
            (0.55 * base + 0.45 * top, 1.05 * shoulder), (base, hip),
        ]
    )  # fmt: skip
    trunk = smooth_closed(control + np.array((0.0, middle)) + rng.normal(0, 0.015 * length, size=control.shape))
    neck = 0.42 * shoulder
    head = ellipse((top - 0.75 * neck, middle), (1.3 * neck, neck))
    face = np.float32(temperatures.face) + folds * np.float32(0.4)
    canvas.paint([capsule((top, middle), (top - neck, middle), 0.6 * neck, 0.5 * neck), head], face)
    gown = np.float32(temperatures.gown) + folds * np.float32(rng.uniform(0.3, 1.2))
    if rng.random() < 0.5:
        line = np.exp(-(((canvas.columns - np.float32(middle)) / np.float32(0.06 * length)) ** 2))
        gown = gown + line * np.float32(rng.uniform(0.5, 3))
    canvas.paint([trunk], gown)


def paint_occluders(rng: np.random.Generator, canvas: Canvas, pose: Pose, spec: SceneSpec) -> None:
    """Sometimes put a blanket, a hand or a cable before the feet."""
    chance = rng.random(3)
    length, temperatures = pose.length, spec.temperatures
    soles = spec.framing == "soles"
    # Rows of the toes and of the other end, where the feet are seen from above or from their end.
    toes = pose.heel + (-1.0 if soles else 0.8 * pose.foreshortening) * length
    if chance[0] < 0.12:
        from_toes = rng.random() < 0.3
        reach = rng.uniform(0.0, 0.25 if from_toes else 0.4)
        edge = toes + reach * (pose.heel - toes) if from_toes else pose.heel + reach * (toes - pose.heel)
        blanket(rng, canvas, temperatures, float(edge), above=from_toes == soles)
    if chance[1] < 0.12:
        place = (toes + rng.uniform(-0.1, 1.1) * (pose.heel - toes), pose.middle + rng.normal(0, 0.7) * length)
        hand(rng, canvas, temperatures, place, length * float(rng.uniform(0.45, 0.8)))
    if chance[2] < 0.12:
        cable(rng, canvas, temperatures)
