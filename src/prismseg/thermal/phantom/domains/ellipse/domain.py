"""Feet put together from superellipses; one level of temperature a part; a bare scene of bands and round limbs."""

from __future__ import annotations

import numpy as np

from prismseg.thermal.phantom.body.foot import Pattern, Skin
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.domains.planar import Leg, Outline, PlanarDomain
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import bump, capsule, ellipse, smoothstep, strip
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.temperatures import Temperatures

# Middles (u, v) and radii along and across of the toes' tips, big toe first.
TIPS = np.array(
    [
        (0.920, 0.115, 0.085, 0.070), (0.925, 0.012, 0.060, 0.044), (0.890, -0.065, 0.055, 0.042),
        (0.840, -0.130, 0.052, 0.040), (0.770, -0.180, 0.050, 0.038),
    ]
)  # fmt: skip


def draw_sole(rng: np.random.Generator) -> Outline:
    """Draw a sole of heel, lateral column, arch and ball."""
    width, arch, power = rng.uniform(0.85, 1.15), rng.uniform(0.0, 0.09), rng.uniform(1.9, 2.8)
    heel = ellipse((0.15, 0.0), (0.15, 0.125), power=power)
    ball = ellipse((0.655, 0.005), (0.19, 0.195), rng.normal(0.12, 0.06), power=power)
    column = capsule((0.15, -0.015), (0.66, -0.035), 0.118, 0.15)
    medial = capsule((0.15, 0.01), (0.68, 0.055 - 0.5 * arch), 0.115, 0.13 - arch / 2)
    scale = np.array((1, width))
    return [part * scale for part in (heel, ball, column, medial)], [toe * scale for toe in _toes(rng, 1.0)]


def draw_instep(rng: np.random.Generator, seen: float) -> Outline:
    """Draw a foot seen from above of an ankle, a back and a row of toes."""
    scale = np.array((1, rng.uniform(0.85, 1.15) / seen))
    ankle = ellipse((0.08, 0.0), (rng.uniform(0.09, 0.14), 0.15), power=2.6)
    back = capsule((0.1, 0.0), (0.6, 0.0), 0.135, 0.19)
    ball = ellipse((0.64, -0.005), (0.2, 0.225), rng.normal(0.2, 0.06), power=2.3)
    toes = _toes(rng, rng.uniform(0.8, 1.3))
    return [part * scale for part in (ankle, back, ball)], [toe * scale for toe in toes]


def _toes(rng: np.random.Generator, grow: float) -> list[Curve]:
    spread, size = rng.uniform(0.92, 1.2), rng.uniform(0.85, 1.15, size=5) * grow
    reach, slant = rng.normal(0, 0.015, size=5), rng.uniform(0.7, 1.25)
    power = rng.uniform(1.9, 3.0)
    curves = []
    for number, (u, v, along, across) in enumerate(TIPS):
        place = (0.93 - (0.93 - u) * slant + reach[number], v * spread)
        along, across = along * size[number] * (1.0 if number else 1.1), across * size[number]
        # Drawn back to the ball, so that no toe floats.
        neck = rng.uniform(0.6, 0.9) * across
        stem = capsule((place[0] - 0.12, place[1] * 0.93), place, neck, neck)
        tip = ellipse(place, (along, across), rng.normal(0, 0.12), power=power)
        curves.append(_hull(np.vstack([stem, tip])) if rng.random() < 0.5 else _outer(stem, tip))
    return curves


def _hull(points: Curve) -> Curve:
    from scipy.spatial import ConvexHull

    hull: Curve = points[ConvexHull(points).vertices]
    return hull


def _outer(stem: Curve, tip: Curve) -> Curve:
    """One curve around two overlapping ones that are star-shaped about the tip's middle."""
    middle = tip.mean(axis=0)
    angles = np.linspace(-np.pi, np.pi, 60, endpoint=False)
    reaches = []
    for curve in (stem, tip):
        away = curve - middle
        angle = np.arctan2(away[:, 1], away[:, 0])
        order = np.argsort(angle)
        reaches.append(np.interp(angles, angle[order], np.linalg.norm(away, axis=1)[order], period=2 * np.pi))
    reach = np.maximum(*reaches)
    outer: Curve = middle + np.column_stack([reach * np.cos(angles), reach * np.sin(angles)])
    return outer


def draw_leg(rng: np.random.Generator) -> Leg:
    """Draw a leg that widens evenly."""
    ankle, calf = rng.uniform(0.115, 0.15), rng.uniform(0.17, 0.3)
    up = np.array([0.0, 0.1, 1.2, 3.5])
    return Leg(up, np.array([ankle, ankle, calf, calf * rng.uniform(0.8, 1.1)]), np.zeros(4))


def draw_sole_pattern(rng: np.random.Generator, warming: float) -> Pattern:
    """Draw one level a part, a gradient, and oval spots."""
    calm = 1 - 0.5 * min(max(warming, 0.0) / 4, 1.0)
    direction, steep = rng.uniform(0, 2 * np.pi), abs(rng.normal(0, 3.0))
    levels = rng.normal(0, 1.0, size=2)
    toes = rng.normal(-1.5, 2.5) * calm + rng.normal(0, 1.2, size=5)
    toes[0] += rng.normal(0, 1.5)
    spots = [
        ((rng.uniform(0, 0.9), rng.uniform(-0.15, 0.15)), rng.uniform(0.04, 0.25, size=2), rng.normal(0, 1.3))
        for _ in range(5)
    ]
    edge, rim, web, sharp = rng.uniform(0.5, 0.72), rng.normal(0.5, 0.7), rng.normal(0, 1.0), rng.random() < 0.5
    width, blend = rng.uniform(0.01, 0.08), rng.uniform(0.03, 0.25)

    def pattern(skin: Skin) -> Field:
        u, v = skin.u, skin.v
        field = np.float32(steep * np.cos(direction)) * (u - 0.5) + np.float32(2 * steep * np.sin(direction)) * v
        field = field + np.float32(levels[0]) * smoothstep(u, edge - blend, edge + blend)
        field = field + np.float32(levels[1]) * (1 - smoothstep(u, 0.2 - blend / 2, 0.2 + blend / 2))
        for middle, half, height in spots:
            field = field + np.float32(height * calm) * bump(u, v, middle, (half[0], half[1]))
        field = field + skin.toes(list(toes), 0.001 if sharp else 0.02) + np.float32(web) * skin.creases(0.005)
        whole: Field = field + np.float32(rim) * skin.rim(width)
        return whole

    return pattern


def draw_instep_pattern(rng: np.random.Generator, warming: float) -> Pattern:
    """Draw toes as separate discs, a step between leg and forefoot, and drawn vessels."""
    warm = rng.random() < 0.5 or warming > 3
    forefoot = rng.uniform(0, 5) if warm else rng.uniform(-5, 0)
    toes = rng.normal(1.5 if warm else -3, 1.5) + rng.normal(0, 0.8, size=5)
    begin, blend, rim = rng.uniform(0.25, 0.7), rng.uniform(0.1, 0.35), rng.uniform(0, 1.8)
    veins = _veins(rng)
    heat = rng.uniform(0, 1.8, size=len(veins))
    shin = [(rng.uniform(-3, -0.2), rng.uniform(-0.15, 0.15), rng.normal(-0.6, 1.0)) for _ in range(4)]
    slope, web = rng.normal(0, 0.5), rng.normal(0, 1.0)

    def pattern(skin: Skin) -> Field:
        u, v = skin.u, skin.v
        field = np.float32(forefoot) * smoothstep(u, begin - blend, begin + blend) - np.float32(slope) * u
        for at, across, height in shin:
            field = field + np.float32(height) * bump(u, v, (at, across), (0.5, 0.12))
        field = field + skin.inside(veins, list(heat), 0.012)
        field = field + skin.toes(list(toes), 0.006) + np.float32(web) * skin.creases(0.008)
        whole: Field = field + np.float32(rim) * skin.rim(0.05)
        return whole

    return pattern


def _veins(rng: np.random.Generator) -> list[Curve]:
    """Wandering vessels on the back of the foot, in its own coordinates."""
    veins = []
    for _ in range(int(rng.integers(0, 6))):
        u = np.linspace(rng.uniform(-0.4, 0.3), rng.uniform(0.5, 0.85), 10)
        v = rng.uniform(-0.12, 0.12) + np.cumsum(rng.normal(0, 0.022, size=10))
        veins.append(strip(np.column_stack([u, v]), [rng.uniform(0.006, 0.016)] * 10))
    return veins


def behind(rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
    """Calves, knees and thighs as round shapes, often warmer than the soles, before an even wall."""
    length = pose.length
    canvas.celsius[:] = temperatures.room + np.float32(rng.normal(0, 0.8)) * canvas.rows
    objects.rectangles(rng, canvas, temperatures, int(rng.integers(0, 4)))
    top = pose.heel - rng.uniform(-0.05, 0.6) * length
    band = ellipse((top + 2, canvas.width / 2), (2, 4), power=40)
    canvas.paint([band], float(temperatures.bed), softness=float(rng.uniform(0.002, 0.02)))
    if rng.random() < 0.4:
        lap = (pose.heel - rng.uniform(0.3, 0.9) * length, pose.middle + rng.normal(0, 0.1) * length)
        trunk = ellipse(lap, (0.45 * length, rng.uniform(0.3, 0.7) * length), power=2.5)
        _round(rng, canvas, trunk, temperatures.gown)
    for place in pose.places.values():
        side = place.outward
        knee = (place.row - rng.uniform(0.2, 1.0) * length, place.column + side * rng.normal(0.1, 0.25) * length)
        calf = (place.row - rng.uniform(0.0, 0.3) * length, place.column + side * rng.normal(0.05, 0.12) * length)
        radii = rng.uniform(0.12, 0.3, size=2) * length
        excess = rng.normal(0.3, 0.8)
        if rng.random() < 0.5:
            thigh = (knee[0] + rng.uniform(0.0, 0.3) * length, pose.middle + side * rng.uniform(0.1, 0.6) * length)
            shape = capsule(knee, thigh, radii[1], rng.uniform(0.2, 0.36) * length)
            _round(rng, canvas, shape, temperatures.skin + rng.normal(0, 1))
        _round(rng, canvas, capsule(calf, knee, radii[0], radii[1]), temperatures.skin + excess)
        if rng.random() < 0.5:
            _round(
                rng, canvas, ellipse(knee, (1.05 * radii[1],) * 2), temperatures.skin + excess + rng.normal(0, 0.8)
            )


def _round(rng: np.random.Generator, canvas: Canvas, curve: Curve, value: float) -> None:
    """Put a limb that looks warmer in its middle, where the skin faces the camera."""
    size = float(np.ptp(curve, axis=0).min())
    middle = curve.mean(axis=0)
    away = np.hypot(canvas.rows - np.float32(middle[0]), canvas.columns - np.float32(middle[1])) / np.float32(size)
    canvas.paint([curve], np.float32(value) - np.float32(rng.uniform(0, 2.5)) * away * away, softness=0.004)


def below(rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
    """Make an even bed, with pillows and stripes of other temperature."""
    slope = rng.normal(0, 1, size=2)
    canvas.celsius[:] = (
        temperatures.bed
        + np.float32(slope[0]) * (canvas.rows - 0.5)
        + np.float32(slope[1]) * (canvas.columns - np.float32(pose.middle))
    )
    for _ in range(int(rng.integers(0, 4))):
        place = rng.uniform(0, 1, size=2) * (1, canvas.width)
        pillow = ellipse((place[0], place[1]), tuple(rng.uniform(0.1, 0.7, size=2)), rng.uniform(0, 3), power=5)
        canvas.paint(
            [pillow], float(temperatures.bed + rng.normal(0, 1.2)), softness=float(rng.uniform(0.003, 0.02))
        )


ELLIPSE = PlanarDomain(draw_sole, draw_instep, draw_leg, draw_sole_pattern, draw_instep_pattern, behind, below)
