"""What lies about: warm prints, blankets, hands, cables, boxes. None of it is a foot."""

from __future__ import annotations

import numpy as np

from prismseg.thermal.phantom.canvas import Canvas
from prismseg.thermal.phantom.climate import Climate
from prismseg.thermal.phantom.pose import Pose
from prismseg.thermal.phantom.raster import Curve, Field
from prismseg.thermal.phantom.shapes import capsule, ellipse, smooth_closed, strip


def warm_prints(rng: np.random.Generator, canvas: Canvas, pose: Pose, climate: Climate) -> None:
    """Warmth that feet and hands left on the bed: soft-edged, part of what lies behind."""
    for _ in range(int(rng.integers(0, 3))):
        place = (pose.heel + rng.normal(0, 0.25) * pose.length, pose.middle + rng.normal(0, 0.9) * pose.length)
        radii = (pose.length * rng.uniform(0.08, 0.45), pose.length * rng.uniform(0.05, 0.2))
        curve = ellipse(place, radii, rng.uniform(0, np.pi), power=rng.uniform(1.6, 3))
        warmth = rng.uniform(0.1, 0.6) * max(climate.skin - climate.bed, 1.0)
        canvas.put([curve], canvas.celsius + np.float32(warmth), softness=float(rng.uniform(0.004, 0.05)))


def rectangles(rng: np.random.Generator, canvas: Canvas, climate: Climate, count: int) -> None:
    """Put monitors, lamps, windows, doors and rails behind the bed."""
    for _ in range(count):
        middle = (rng.uniform(-0.1, 0.6), rng.uniform(0, canvas.wide))
        radii = (rng.uniform(0.02, 0.3), rng.uniform(0.01, 0.3))
        curve = ellipse(middle, radii, rng.normal(0, 0.1), power=rng.choice([2.0, 8.0]))
        hot = rng.random() < 0.25
        value = climate.room + (rng.uniform(2, 12) if hot else rng.normal(0, 1.2))
        canvas.put([curve], float(value), softness=float(rng.uniform(0.002, 0.01)))


def cable(rng: np.random.Generator, canvas: Canvas, climate: Climate) -> None:
    """Lay a thin cable or drip line across the picture, before or behind the feet."""
    ends = rng.uniform(0, 1, size=(4, 2)) * (1, canvas.wide)
    steps = np.linspace(0, 1, 24)[:, None]
    line = (
        (1 - steps) ** 3 * ends[0]
        + 3 * steps * (1 - steps) ** 2 * ends[1]
        + 3 * steps**2 * (1 - steps) * ends[2]
        + steps**3 * ends[3]
    )
    width = rng.uniform(0.0025, 0.006)
    canvas.put([strip(line, [width] * len(line))], float(climate.bed + rng.normal(0, 1.5)))


def blanket(rng: np.random.Generator, canvas: Canvas, climate: Climate, edge: float, *, above: bool) -> None:
    """Cloth whose wavy border lies near the row `edge`; it hides everything on one side of it."""
    columns = np.linspace(-0.3, canvas.wide + 0.3, 14)
    waves = np.cumsum(rng.normal(0, rng.uniform(0.002, 0.02), size=14))
    border = edge + waves - waves.mean() + rng.normal(0, 0.12) * (columns - canvas.wide / 2)
    corners = -1.0 if above else 2.0
    curve = np.vstack(
        [np.column_stack([border, columns]), [[corners, columns[-1]], [corners, columns[0]]]],
    )
    value = climate.sheet + rng.uniform(-0.05, 0.6) * max(climate.gown - climate.sheet, 0.0)
    folds = canvas.texture(rng, "fold", float(rng.uniform(0.03, 0.12)), stretch=float(rng.uniform(1, 5)))
    canvas.put([curve], np.float32(value) + folds * np.float32(rng.uniform(0.05, 0.8)))


def front_sheet(rng: np.random.Generator, canvas: Canvas, climate: Climate, row: float, tilt: float) -> None:
    """Put the near edge of the mattress: everything below its straight horizon is sheet."""
    half = canvas.wide / 2
    left, right = -0.5, canvas.wide + 0.5
    curve = np.array(
        [[row + tilt * (left - half), left], [row + tilt * (right - half), right], [3.0, right], [3.0, left]]
    )
    shade = canvas.texture(rng, "cloud", float(rng.uniform(0.05, 0.3)), stretch=2.0) * np.float32(
        rng.uniform(0, 0.25)
    )
    fall = np.clip(canvas.rows - np.float32(row), 0, 1) * np.float32(rng.normal(0, 1.5))
    canvas.put([curve], np.float32(climate.sheet) + shade + fall)


def hand(
    rng: np.random.Generator, canvas: Canvas, climate: Climate, target: tuple[float, float], size: float
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
    value = rng.choice([climate.face, climate.skin, climate.bed + 3]) + rng.normal(0, 0.7)
    shade = canvas.texture(rng, "smooth", 0.3 * size) * np.float32(rng.uniform(0.1, 0.8))
    canvas.put(arm, np.float32(value) + shade)


def body(
    rng: np.random.Generator, canvas: Canvas, pose: Pose, climate: Climate, base: float, folds: Field
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
    face = np.float32(climate.face) + folds * np.float32(0.4)
    canvas.put([capsule((top, middle), (top - neck, middle), 0.6 * neck, 0.5 * neck), head], face)
    gown = np.float32(climate.gown) + folds * np.float32(rng.uniform(0.3, 1.2))
    if rng.random() < 0.5:
        line = np.exp(-(((canvas.columns - np.float32(middle)) / np.float32(0.06 * length)) ** 2))
        gown = gown + line * np.float32(rng.uniform(0.5, 3))
    canvas.put([trunk], gown)
