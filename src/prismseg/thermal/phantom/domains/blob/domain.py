"""Feet as level sets of smoothly joined balls; temperatures interpolated between landmarks; a cluttered bed."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import find_contours

from prismseg.thermal.phantom.body.foot import Pattern, Skin
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.domains.planar import Leg, Outline, PlanarDomain
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import ellipse, smooth_closed, smoothstep
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.temperatures import Temperatures

STEP = 0.0125  # of the grid on which level sets are found, foot lengths
LOW, HIGH = (-0.15, -0.45), (1.15, 0.45)
U, V = np.meshgrid(np.arange(LOW[0], HIGH[0], STEP), np.arange(LOW[1], HIGH[1], STEP), indexing="ij")
# Balls (u, v, radius) of the sole without toes, and those of each toe from its root to its tip.
SOLE = np.array(
    [
        (0.125, 0.0, 0.125), (0.22, -0.01, 0.125), (0.33, -0.03, 0.125), (0.45, -0.04, 0.135), (0.57, -0.05, 0.14),
        (0.66, 0.08, 0.115), (0.72, 0.105, 0.10), (0.71, 0.0, 0.13), (0.66, -0.09, 0.115), (0.50, 0.04, 0.10),
    ]
)  # fmt: skip
TOES = (
    ((0.80, 0.118, 0.062), (0.87, 0.122, 0.058), (0.935, 0.124, 0.066)),
    ((0.80, 0.04, 0.045), (0.88, 0.036, 0.036), (0.94, 0.034, 0.042)),
    ((0.79, -0.03, 0.045), (0.85, -0.038, 0.034), (0.905, -0.042, 0.040)),
    ((0.75, -0.09, 0.045), (0.80, -0.10, 0.032), (0.855, -0.106, 0.038)),
    ((0.69, -0.14, 0.045), (0.735, -0.152, 0.031), (0.79, -0.160, 0.038)),
)
INSTEP = np.array(
    [
        (0.05, 0.0, 0.135), (0.02, 0.08, 0.06), (0.05, -0.08, 0.06), (0.2, 0.0, 0.14), (0.36, 0.0, 0.155),
        (0.52, 0.06, 0.15), (0.52, -0.07, 0.15), (0.66, 0.12, 0.12), (0.66, -0.02, 0.15), (0.60, -0.14, 0.10),
    ]
)  # fmt: skip


def draw_sole(rng: np.random.Generator) -> Outline:
    """Draw a sole."""
    return _foot(rng, SOLE, 1.0, rng.uniform(0.85, 1.15))


def draw_instep(rng: np.random.Generator, seen: float) -> Outline:
    """Draw a foot seen from above."""
    return _foot(rng, INSTEP, rng.uniform(1.0, 1.25), rng.uniform(0.88, 1.15) / seen)


def _foot(rng: np.random.Generator, balls: Curve, thick: float, width: float) -> Outline:
    moved = balls + rng.normal(0, 0.008, size=balls.shape)
    melt = rng.uniform(0.008, 0.03)
    bulge = ndimage.gaussian_filter(rng.standard_normal(U.shape), 12) * 0.25 * rng.uniform(0, 1)
    scale = np.array((1, width))
    body = _level_set(moved, melt, bulge) * scale
    fan, curl = rng.uniform(-0.02, 0.16), rng.uniform(0.8, 1.12, size=5)
    grow = rng.uniform(0.9, 1.1, size=5) * thick
    toes = []
    for number, toe in enumerate(TOES):
        points = np.array(toe)
        root = points[0, :2].copy()
        angle = fan * (2 - number) / 2 + rng.normal(0, 0.05)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        spread = (1.0, 1.1 if thick > 1 else 1.0)
        points[:, :2] = root + (points[:, :2] - root) * (curl[number], 1.0) @ turn.T * spread
        points[:, 2] *= grow[number]
        toes.append(_level_set(points, 0.006, np.zeros_like(U)) * scale)
    return [body], toes


def _level_set(balls: Curve, melt: float, bulge: Curve) -> Curve:
    """Outline of balls (N, 3) joined by a smooth minimum of their distances over the width `melt`."""
    rows = slice(*(int(np.clip((edge - LOW[0]) / STEP, 0, U.shape[0])) for edge in _reach(balls, 0)))
    columns = slice(*(int(np.clip((edge - LOW[1]) / STEP, 0, U.shape[1])) for edge in _reach(balls, 1)))
    u, v = U[rows, columns], V[rows, columns]
    joined = np.zeros(u.shape)
    for at_u, at_v, radius in balls:
        joined += np.exp(-(np.hypot(u - at_u, v - at_v) - radius) / melt)
    distance = -melt * np.log(joined + 1e-300) - bulge[rows, columns] * 0.06
    longest = max(find_contours(np.pad(distance, 1, constant_values=1.0), 0.0), key=len)[:-1] - 1
    outline: Curve = longest * STEP + (u[0, 0], v[0, 0])
    return outline


def _reach(balls: Curve, axis: int) -> tuple[float, float]:
    return (
        float((balls[:, axis] - balls[:, 2]).min() - 0.06),
        float((balls[:, axis] + balls[:, 2]).max() + 0.06),
    )


def draw_leg(rng: np.random.Generator) -> Leg:
    """Draw a crooked leg."""
    up = np.linspace(0, 3.5, 9)
    half = 0.125 + 0.1 * np.clip(up / 1.2, 0, 1) ** rng.uniform(0.5, 2.0) + rng.normal(0, 0.008, size=9)
    return Leg(up, half * rng.uniform(0.9, 1.25), np.cumsum(rng.normal(0, 0.025, size=9)))


def draw_sole_pattern(rng: np.random.Generator, warming: float) -> Pattern:
    """Draw temperatures at landmarks of the sole; between them they are interpolated, and clouds laid over."""
    calm = 1 - 0.5 * min(max(warming, 0.0) / 4, 1.0)
    places = np.column_stack([rng.uniform(0, 1, size=9), rng.uniform(-0.2, 0.2, size=9)])
    heights = rng.normal(0, rng.uniform(0.5, 2.5), size=9)
    heights += rng.normal(0, 2.5) * (places[:, 0] - 0.5)
    reach, clouds, cells = rng.uniform(0.1, 0.22), abs(rng.normal(0, 0.5)), rng.choice([0.0, rng.uniform(0, 0.8)])
    tips, rim, width = rng.normal(-1.2, 2.0) * calm, rng.normal(0.5, 0.9), rng.uniform(0.015, 0.1)
    toes = rng.normal(0, 0.7, size=5)
    begin, seed, soft = rng.uniform(0.55, 0.85), rng.integers(2**32), rng.uniform(0.004, 0.025)

    def pattern(skin: Skin) -> Field:
        inner = np.random.default_rng(seed)
        length = skin.foot.length
        field = interpolate(skin.u, skin.v, places, heights * calm, reach)
        field = field + np.float32(clouds) * skin.canvas.texture(inner, "cloud", 0.2 * length)[skin.window]
        if cells:
            field = field + np.float32(cells) * skin.canvas.texture(inner, "cell", 0.1 * length)[skin.window]
        field = field + np.float32(tips) * smoothstep(skin.u, begin, 1.0) + skin.toes(list(toes), soft)
        whole: Field = field + np.float32(rim) * skin.rim(width)
        return whole

    return pattern


def draw_instep_pattern(rng: np.random.Generator, warming: float) -> Pattern:
    """Draw temperatures at landmarks of leg and foot, with vessels and marbled skin."""
    places = np.column_stack([rng.uniform(-2.5, 1, size=12), rng.uniform(-0.2, 0.2, size=12)])
    heights = rng.normal(0, rng.uniform(0.3, 1.5), size=12)
    ends = (rng.uniform(0, 6) if warming > 3 or rng.random() < 0.5 else rng.uniform(-6, 0)) * np.ones(5)
    toes = rng.normal(0, 1.0, size=5) + 0.3 * ends
    begin, veins, marble = rng.uniform(0.0, 0.5), rng.uniform(0, 2), abs(rng.normal(0, 0.6))
    rim, seed, power, dark = rng.uniform(0, 2), rng.integers(2**32), rng.uniform(0.7, 2.5), rng.uniform(0, 1)

    def pattern(skin: Skin) -> Field:
        inner = np.random.default_rng(seed)
        length = skin.foot.length
        vessels = skin.canvas.texture(inner, "vein", 0.2 * length)[skin.window]
        clouds = skin.canvas.texture(inner, "cloud", 0.25 * length, stretch=2)[skin.window]
        field = interpolate(skin.u, skin.v, places, heights, 0.3) + np.float32(veins) * vessels
        field = field + np.float32(marble) * clouds
        field = field - np.float32(dark) * np.maximum(clouds, 0) * (skin.u < 0)
        field = field + np.float32(ends[0]) * np.clip((skin.u - begin) / (1 - begin), 0, 1.2) ** np.float32(power)
        field = field + skin.toes(list(toes), 0.01)
        whole: Field = field + np.float32(rim) * skin.rim(0.06)
        return whole

    return pattern


def interpolate(u: Field, v: Field, places: Curve, heights: Curve, reach: float) -> Field:
    """Values between scattered landmarks (N, 2), weighted by a Gaussian of the distance."""
    field, weights = np.zeros_like(u), np.full_like(u, 0.05)
    for (at_u, at_v), height in zip(places, heights, strict=True):
        weight = np.exp((-((u - np.float32(at_u)) ** 2) - (v - np.float32(at_v)) ** 2) / np.float32(2 * reach**2))
        field += np.float32(height) * weight
        weights += weight
    between: Field = field / weights
    return between


def behind(rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
    """Crumpled bedding at every temperature, warm lumps of a body between and behind the soles."""
    length = pose.length
    broad = canvas.texture(rng, "cloud", float(rng.uniform(0.3, 0.8)))
    folds = canvas.texture(rng, "fold", float(rng.uniform(0.06, 0.25)), stretch=float(rng.uniform(1, 4)))
    canvas.celsius[:] = temperatures.room + np.float32(rng.uniform(0, 0.8)) * broad
    objects.rectangles(rng, canvas, temperatures, int(rng.integers(0, 5)))
    for layer in range(int(rng.integers(1, 4))):
        edge = pose.heel - rng.uniform(-0.1, 1.1) * length / (layer + 1)
        objects.blanket(rng, canvas, temperatures, float(edge), above=False)
    middles = [
        (pose.heel - rng.uniform(-0.05, 0.9) * length, pose.middle + rng.normal(0, 0.45) * length)
        for _ in range(5)
    ]
    for middle in middles[: int(rng.integers(2, 6))]:
        lump = ellipse((0, 0), tuple(rng.uniform(0.15, 0.5, size=2) * length), rng.uniform(0, np.pi), points=9)
        lump = smooth_closed(lump * rng.uniform(0.8, 1.2, size=(9, 1)), 60) + middle
        warm = temperatures.skin if rng.random() < 0.7 else temperatures.gown
        shade = np.float32(rng.uniform(0.05, 0.7)) * folds + np.float32(rng.uniform(0, 0.5)) * broad
        canvas.paint(
            [lump], np.float32(warm + rng.normal(0, 0.8)) + shade, softness=float(rng.uniform(0.002, 0.015))
        )


def below(rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
    """Heaps of cloth, colder and warmer."""
    folds = canvas.texture(rng, "fold", float(rng.uniform(0.04, 0.25)), stretch=float(rng.uniform(1, 5)))
    broad = canvas.texture(rng, "cloud", float(rng.uniform(0.2, 0.8)))
    strength = rng.uniform(0.1, 0.9, size=2)
    canvas.celsius[:] = temperatures.bed + np.float32(strength[0]) * folds + np.float32(strength[1]) * broad
    for _ in range(int(rng.integers(0, 4))):
        heap = ellipse((0, 0), tuple(rng.uniform(0.1, 0.6, size=2)), rng.uniform(0, 3), points=10)
        heap = smooth_closed(heap * rng.uniform(0.7, 1.3, size=(10, 1)), 80)
        heap = heap + rng.uniform(0, 1, size=2) * (1, canvas.width)
        share = rng.uniform(-0.3, 0.5) * max(temperatures.skin - temperatures.bed, 1.0)
        canvas.paint([heap], canvas.celsius + np.float32(share), softness=float(rng.uniform(0.003, 0.02)))


BLOB = PlanarDomain(draw_sole, draw_instep, draw_leg, draw_sole_pattern, draw_instep_pattern, behind, below)
