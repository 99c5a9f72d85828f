"""Feet as level sets of smoothly joined balls; temperatures interpolated between landmarks; a cluttered bed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import find_contours

from prismseg.thermal.phantom.body.foot import Pattern, Skin
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.domains.blob.parameters import BLOB_PARAMETERS, Balls, BlobParameters
from prismseg.thermal.phantom.domains.planar import Leg, Outline, PlanarDomain
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import ellipse, smooth_closed, smoothstep
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.temperatures import Temperatures

# The grid on which level sets are found, foot lengths: a foot with room around it.
STEP = 0.0125
LOW, HIGH = (-0.15, -0.45), (1.15, 0.45)
U, V = np.meshgrid(np.arange(LOW[0], HIGH[0], STEP), np.arange(LOW[1], HIGH[1], STEP), indexing="ij")
GRID_MARGIN = 0.06  # around the balls, in which their outline is sought
LEAST_SUM = 1e-300  # far from all balls, so that the logarithm is finite
BASE_WEIGHT = 0.05  # of the temperature 0 between landmarks: far from all of them it counts


@dataclass(frozen=True)
class BlobDomain(PlanarDomain):
    """Feet, patterns and scenes of the blob domain, drawn from its `parameters`."""

    parameters: BlobParameters = BLOB_PARAMETERS

    def draw_sole(self, rng: np.random.Generator) -> Outline:
        """Draw a sole."""
        p = self.parameters.shape
        return self._draw_foot(rng, p.sole, 1.0, p.sole_width.draw(rng))

    def draw_instep(self, rng: np.random.Generator, seen: float) -> Outline:
        """Draw a foot seen from above."""
        p = self.parameters.shape
        return self._draw_foot(rng, p.instep, p.instep_toes.draw(rng), p.instep_width.draw(rng) / seen)

    def _draw_foot(self, rng: np.random.Generator, balls: Balls, thickness: float, width: float) -> Outline:
        p = self.parameters.shape
        moved = np.array(balls)
        moved = moved + rng.normal(0, p.moved, size=moved.shape)
        melt = p.melt.draw(rng)
        noise = ndimage.gaussian_filter(rng.standard_normal(U.shape), p.bulge_grain)
        bulge = noise * p.bulge_scale * p.bulge.draw(rng)
        scale = np.array((1, width))
        body = _level_set(moved, melt, bulge * p.bulge_depth) * scale
        fan, curl = p.fan.draw(rng), p.curl.sample(rng, 5)
        size = p.toe_size.sample(rng, 5) * thickness
        spread = (1.0, p.instep_spread if thickness > 1 else 1.0)
        toes = []
        for number, toe in enumerate(p.toes):
            points = np.array(toe)
            root = points[0, :2].copy()
            angle = fan * (2 - number) / 2 + p.toe_turn.draw(rng)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            points[:, :2] = root + (points[:, :2] - root) * (curl[number], 1.0) @ turn.T * spread
            points[:, 2] *= size[number]
            toes.append(_level_set(points, p.toe_melt, np.zeros_like(U)) * scale)
        return [body], toes

    def draw_leg(self, rng: np.random.Generator) -> Leg:
        """Draw a crooked leg."""
        p = self.parameters.leg
        up = np.linspace(0, p.knee, p.points)
        half = p.ankle + p.widening * np.clip(up / p.calf, 0, 1) ** p.power.draw(rng)
        half = half + p.irregular.sample(rng, p.points)
        return Leg(up, half * p.thickness.draw(rng), np.cumsum(p.crooked.sample(rng, p.points)))

    def draw_sole_pattern(self, rng: np.random.Generator, warming: float) -> Pattern:
        """Draw temperatures at landmarks of the sole; between them they are interpolated, and clouds laid over."""
        p = self.parameters.sole_pattern
        contrast = 1 - p.warm_contrast * min(max(warming, 0.0) / p.warming, 1.0)
        places = np.column_stack([p.landmark_u.sample(rng, p.landmarks), p.landmark_v.sample(rng, p.landmarks)])
        heights = rng.normal(0, p.height.draw(rng), size=p.landmarks)
        heights += p.along.draw(rng) * (places[:, 0] - 0.5)
        reach, clouds, cells = p.reach.draw(rng), p.clouds.draw(rng), p.cells.draw(rng)
        tips, rim, width = p.tips.draw(rng) * contrast, p.rim.draw(rng), p.rim_width.draw(rng)
        toes = p.toe.sample(rng, 5)
        begin, seed, soft = p.tips_begin.draw(rng), rng.integers(2**32), p.toe_softness.draw(rng)

        def pattern(skin: Skin) -> Field:
            inner = np.random.default_rng(seed)
            length, window = skin.foot.length, skin.window
            field = interpolate(skin.u, skin.v, places, heights * contrast, reach)
            field = (
                field + np.float32(clouds) * skin.canvas.texture(inner, "cloud", p.cloud_grain * length)[window]
            )
            if cells:
                field = (
                    field + np.float32(cells) * skin.canvas.texture(inner, "cell", p.cell_grain * length)[window]
                )
            field = field + np.float32(tips) * smoothstep(skin.u, begin, 1.0) + skin.toes(list(toes), soft)
            whole: Field = field + np.float32(rim) * skin.rim(width)
            return whole

        return pattern

    def draw_instep_pattern(self, rng: np.random.Generator, warming: float) -> Pattern:
        """Draw temperatures at landmarks of leg and foot, with vessels and marbled skin."""
        p = self.parameters.instep_pattern
        places = np.column_stack([p.landmark_u.sample(rng, p.landmarks), p.landmark_v.sample(rng, p.landmarks)])
        heights = rng.normal(0, p.height.draw(rng), size=p.landmarks)
        warm = warming > p.warm_from or rng.random() < p.warm_chance
        tips = (p.warm if warm else p.cold).draw(rng)
        toes = p.toe.sample(rng, 5) + p.toe_share * tips
        begin, veins, marble = p.begin.draw(rng), p.veins.draw(rng), p.marble.draw(rng)
        rim, seed, power, dark = p.rim.draw(rng), rng.integers(2**32), p.power.draw(rng), p.dark.draw(rng)

        def pattern(skin: Skin) -> Field:
            inner = np.random.default_rng(seed)
            length = skin.foot.length
            vessels = skin.canvas.texture(inner, "vein", p.vein_grain * length)[skin.window]
            clouds = skin.canvas.texture(inner, "cloud", p.patch_grain * length, stretch=p.patch_stretch)
            clouds = clouds[skin.window]
            field = interpolate(skin.u, skin.v, places, heights, p.reach) + np.float32(veins) * vessels
            field = field + np.float32(marble) * clouds
            field = field - np.float32(dark) * np.maximum(clouds, 0) * (skin.u < 0)
            towards_tips = np.clip((skin.u - begin) / (1 - begin), 0, p.most) ** np.float32(power)
            field = field + np.float32(tips) * towards_tips
            field = field + skin.toes(list(toes), p.toe_softness)
            whole: Field = field + np.float32(rim) * skin.rim(p.rim_width)
            return whole

        return pattern

    def paint_background(
        self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures
    ) -> None:
        """Paint crumpled bedding at every temperature, warm lumps of a body between and behind the soles."""
        p, length = self.parameters.background, pose.length
        clouds = canvas.texture(rng, "cloud", float(p.cloud.draw(rng)))
        folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)), stretch=float(p.fold_stretch.draw(rng)))
        canvas.celsius[:] = temperatures.room + np.float32(p.cloud_depth.draw(rng)) * clouds
        objects.paint_rectangles(rng, canvas, temperatures, p.rectangles)
        for layer in range(p.blankets.draw(rng)):
            edge = pose.heel - p.blanket_height.draw(rng) * length / (layer + 1)
            objects.paint_blanket(rng, canvas, temperatures, float(edge), above=False)
        middles = [
            (pose.heel - p.lump_height.draw(rng) * length, pose.middle + p.lump_shift.draw(rng) * length)
            for _ in range(p.most_lumps)
        ]
        for middle in middles[: p.lumps.draw(rng)]:
            along, across = p.lump_radius.sample(rng, 2) * length
            lump = ellipse((0, 0), (along, across), rng.uniform(0, np.pi), points=p.lump_points)
            irregular = p.lump_irregular.sample(rng, p.lump_points, 1)
            lump = smooth_closed(lump * irregular, p.lump_outline) + middle
            warm = temperatures.skin if rng.random() < p.bare_chance else temperatures.gown
            shade = np.float32(p.lump_fold.draw(rng)) * folds + np.float32(p.lump_cloud.draw(rng)) * clouds
            celsius = np.float32(warm + p.lump.draw(rng)) + shade
            canvas.paint([lump], celsius, softness=float(p.lump_softness.draw(rng)))

    def paint_bed(self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
        """Paint heaps of cloth, colder and warmer."""
        p = self.parameters.bed
        folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)), stretch=float(p.fold_stretch.draw(rng)))
        clouds = canvas.texture(rng, "cloud", float(p.cloud.draw(rng)))
        depth = p.depth.sample(rng, 2)
        canvas.celsius[:] = temperatures.bed + np.float32(depth[0]) * folds + np.float32(depth[1]) * clouds
        for _ in range(p.heaps.draw(rng)):
            along, across = p.heap_radius.sample(rng, 2)
            heap = ellipse((0, 0), (along, across), p.heap_turn.draw(rng), points=p.heap_points)
            heap = smooth_closed(heap * p.heap_irregular.sample(rng, p.heap_points, 1), p.heap_outline)
            heap = heap + rng.uniform(0, 1, size=2) * (1, canvas.width)
            warmth = p.heap.draw(rng) * max(temperatures.skin - temperatures.bed, p.least_difference)
            softness = float(p.heap_softness.draw(rng))
            canvas.paint([heap], canvas.celsius + np.float32(warmth), softness=softness)


def interpolate(u: Field, v: Field, places: Curve, heights: Curve, reach: float) -> Field:
    """Values between scattered landmarks (N, 2), weighted by a Gaussian of the distance."""
    field, weights = np.zeros_like(u), np.full_like(u, BASE_WEIGHT)
    for (at_u, at_v), height in zip(places, heights, strict=True):
        weight = np.exp((-((u - np.float32(at_u)) ** 2) - (v - np.float32(at_v)) ** 2) / np.float32(2 * reach**2))
        field += np.float32(height) * weight
        weights += weight
    between: Field = field / weights
    return between


def _level_set(balls: Curve, melt: float, bulge: Curve) -> Curve:
    r"""Outline of balls (N, 3) joined by a smooth minimum of their distances over the width `melt`.

    The smooth minimum is :math:`-m \ln \sum_i e^{-d_i / m}`; `bulge` moves the outline outwards, both in foot lengths.
    """
    rows = slice(*(int(np.clip((edge - LOW[0]) / STEP, 0, U.shape[0])) for edge in _reach(balls, 0)))
    columns = slice(*(int(np.clip((edge - LOW[1]) / STEP, 0, U.shape[1])) for edge in _reach(balls, 1)))
    u, v = U[rows, columns], V[rows, columns]
    joined = np.zeros(u.shape)
    for at_u, at_v, radius in balls:
        joined += np.exp(-(np.hypot(u - at_u, v - at_v) - radius) / melt)
    distance = -melt * np.log(joined + LEAST_SUM) - bulge[rows, columns]
    longest = max(find_contours(np.pad(distance, 1, constant_values=1.0), 0.0), key=len)[:-1] - 1
    outline: Curve = longest * STEP + (u[0, 0], v[0, 0])
    return outline


def _reach(balls: Curve, axis: int) -> tuple[float, float]:
    return (
        float((balls[:, axis] - balls[:, 2]).min() - GRID_MARGIN),
        float((balls[:, axis] + balls[:, 2]).max() + GRID_MARGIN),
    )


BLOB = BlobDomain()
