"""Three-dimensional feet, legs and bodies of spheres, seen by a camera in perspective.

World coordinates (to the right, up, towards the camera) are in foot lengths; the bed is the plane of height 0, the
patient lies along it with the feet at its near end. The silhouette of a limb is the union of the hulls of its
neighbouring spheres' images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.body.foot import LATERAL_SIGN, Foot, Pattern, Skin, paint_foot
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.distributions import paired_generators
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import capsule, smoothstep
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.objects import paint_occluders
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import Temperatures

Points = NDArray[np.float64]

# Spheres of a foot: heel to toe, to the medial side, plantar to dorsal, radius. Toes from 8 on, big toe first.
SPHERES = np.array(
    [
        (0.130, 0.000, 0.115, 0.125), (0.420, -0.030, 0.115, 0.120), (0.200, 0.000, 0.270, 0.115),
        (0.730, 0.110, 0.080, 0.085), (0.750, 0.050, 0.085, 0.075), (0.730, -0.010, 0.080, 0.072),
        (0.690, -0.070, 0.075, 0.070), (0.630, -0.125, 0.065, 0.066),
        (0.935, 0.125, 0.055, 0.062), (0.945, 0.038, 0.050, 0.040), (0.905, -0.035, 0.047, 0.038),
        (0.855, -0.100, 0.045, 0.036), (0.785, -0.160, 0.043, 0.036),
    ]
)  # fmt: skip
BONES = (
    (0, 1), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (0, 7), (0, 2), (2, 3), (2, 5), (2, 7), (3, 4), (4, 5), (5, 6), (6, 7)
)  # fmt: skip
METATARSAL, TOE, ANKLE = 3, 8, 2
# Points along (from the heel, to the medial side) by which sole coordinates are fitted to the picture.
MARKS = np.array(
    [(0.0, 0.0), (0.1, 0.1), (0.1, -0.1), (0.4, -0.1), (0.7, 0.15), (0.65, -0.18), (1.0, 0.1), (0.85, -0.1)]
)


@dataclass(frozen=True)
class Eye:
    """A pinhole camera above the end of the bed, looking down by `elevation` at `target`."""

    target: Points
    distance: float
    elevation: float
    focal: float
    middle: tuple[float, float]

    def project(self, points: Points, radii: Points) -> tuple[Points, Points, Points]:
        """Ideal coordinates (N, 2), seen radii (N,) and depths (N,) of spheres."""
        sin, cos = np.sin(self.elevation), np.cos(self.elevation)
        away = points - (self.target + self.distance * np.array((0.0, sin, cos)))
        depth = np.maximum(away @ np.array((0.0, -sin, -cos)), 0.3)
        up = away @ np.array((0.0, cos, -sin))
        scale = self.focal / depth
        places = np.column_stack([self.middle[0] - up * scale, self.middle[1] + away[:, 0] * scale])
        return places, radii * scale, depth


@dataclass(frozen=True)
class Limbs:
    """One foot and its leg in the world: spheres (N, 4), the foot's marks (M, 3), the leg's spheres (K, 4)."""

    foot: Points
    marks: Points
    leg: Points


def compose(rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
    """Paint the scene of `spec`; equal generators give the same person in the same bed."""
    shape, skin, where, scene, extras = rng.spawn(5)
    eye, pose = _look(where, canvas, spec)
    spheres = _draw_foot(shape)
    alike_in = where.integers(2**32)  # what both legs have in common
    limbs = {
        label: _stand(np.random.default_rng(alike_in), where, spheres, label, spec, canvas)
        for label in (LEFT, RIGHT)
    }
    seeds = dict(zip((LEFT, RIGHT), paired_generators(skin), strict=True))
    missing = RIGHT if where.random() < 0.5 else LEFT
    if spec.varied and where.random() < 0.06:
        del limbs[missing]
    _bed(scene, canvas, eye, spec.temperatures)
    if spec.framing == "soles":
        _body(scene, canvas, eye, limbs, pose, spec.temperatures)
    objects.warm_prints(extras, canvas, pose, spec.temperatures)
    canvas.blur(float(extras.uniform(0.002, 0.012)) * pose.length)
    # Farther feet first.
    away = {label: eye.project(limb.foot[:, :3], limb.foot[:, 3])[2].mean() for label, limb in limbs.items()}
    for label in sorted(limbs, key=lambda label: -away[label]):
        mean, warming = spec.temperatures.foot(label)
        foot, images, radii = _foot(eye, limbs[label], label, spec)
        leg, leg_images, leg_radii = _chain(eye, limbs[label].leg)
        nodes = np.vstack([images, leg_images]), np.concatenate([radii, leg_radii])
        pattern = _draw_pattern(seeds[label], spec, warming, nodes)
        paint_foot(
            canvas, foot, pattern, mean, spec.temperatures.floor, leg=leg if spec.framing == "above" else ()
        )
    if spec.framing == "soles" and extras.random() < 0.75:
        sink = extras.uniform(0.0, 0.09)
        edge = eye.project(np.array([[0.0, sink, 0.15]]), np.ones(1))[0][0, 0]
        objects.front_sheet(extras, canvas, spec.temperatures, float(edge), float(extras.normal(0, 0.025)))
    if spec.varied:
        paint_occluders(extras, canvas, pose, spec)


def _look(rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> tuple[Eye, Pose]:
    soles = spec.framing == "soles"
    usual, broad = np.clip(rng.normal(0.71, 0.1), 0.45, 0.9), rng.uniform(0.27, 0.92)
    length = (broad if spec.varied else usual) if soles else rng.uniform(0.26, 0.6)
    length = float(min(length, 0.9 * canvas.width))
    elevation = float(np.deg2rad(rng.uniform(-2, 14) if soles else rng.uniform(55, 88)))
    distance = float(rng.uniform(2.5, 7))
    heel = float(np.clip(rng.normal(0.9, 0.05), length + 0.03, 0.97))
    loose = rng.uniform(min(length, 0.9) - 0.08, 1.08)
    if spec.varied and rng.random() < 0.6:
        heel = float(loose)
    if not soles:
        heel = float(rng.uniform(0.35, 0.85))
    middle = canvas.width * float(0.5 + rng.normal(0, 0.08 if spec.varied else 0.03))
    eye = Eye(np.zeros(3), distance, elevation, length * distance, (heel, middle))
    return eye, Pose({}, heel, middle, length, 1.0, {})


def _draw_foot(rng: np.random.Generator) -> Points:
    spheres = SPHERES + rng.normal(0, 0.005, size=SPHERES.shape)
    spheres[1, 1] -= rng.uniform(0.0, 0.06)
    spheres[:, 1] *= rng.uniform(0.85, 1.15)
    spheres[:, 3] *= rng.uniform(0.9, 1.12)
    fan, curl = rng.uniform(0.95, 1.25), rng.uniform(0.0, 0.08)
    spheres[TOE:, 1] *= fan
    spheres[TOE + 1 :, 0] -= curl * rng.uniform(0.3, 1.0, size=4)
    spheres[TOE:, 3] *= rng.uniform(0.88, 1.15, size=5)
    return spheres


def _stand(
    shared: np.random.Generator,
    rng: np.random.Generator,
    spheres: Points,
    label: int,
    spec: SceneSpec,
    canvas: Canvas,
) -> Limbs:
    """Put a foot at the end of the bed with its leg behind it."""
    side, soles = LATERAL_SIGN[label], spec.framing == "soles"
    outward = shared.normal(8, 5 if not spec.varied else 13) if soles else shared.uniform(0, 50)
    gap = shared.uniform(0.45, 0.75) + (shared.random() < 0.3) * shared.uniform(0, 0.8)
    flexion = shared.uniform(0, 30) if soles else shared.uniform(38, 75)
    bend, length = shared.uniform(0.0, 1.3), shared.uniform(1.5, 1.75)
    stir = canvas.motion.turns[0 if label == LEFT else 1]
    lean = np.deg2rad(outward + rng.normal(0, 5)) * side + side * stir
    flex = np.deg2rad(flexion + rng.normal(0, 5))
    toe, dorsal = np.array((0.0, np.cos(flex), np.sin(flex))), np.array((0.0, np.sin(flex), -np.cos(flex)))
    medial = np.array((-float(side), 0.0, 0.0))
    cos, sin = np.cos(lean), np.sin(lean)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    if not soles:
        # From above, feet turn out about the upright axis: toes point towards the camera and aside.
        turn = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    frame = np.column_stack([toe, medial, dorsal])
    heel = np.array((side * gap / 2, rng.normal(0, 0.03), rng.normal(0, 0.05)))
    centres = heel + spheres[:, :3] @ frame.T @ turn.T
    marks = heel + np.column_stack([MARKS, np.full(len(MARKS), 0.06)]) @ frame.T @ turn.T
    ankle = centres[ANKLE]
    knee = ankle + np.array((side * rng.normal(0.05, 0.2), bend * (1 if soles else 0.3), -length))
    hip = np.array((side * rng.uniform(0.25, 0.5), 0.35, knee[2] - rng.uniform(0.9, 1.7)))
    calf = ankle + 0.35 * (knee - ankle) + (0, -0.03, 0)
    shin = ankle + 0.12 * (knee - ankle)
    thick = rng.uniform(0.9, 1.2)
    leg = np.vstack([ankle, shin, calf, knee, hip])
    radii = np.array((0.112, 0.108, 0.19, 0.18, 0.3)) * thick
    return Limbs(np.column_stack([centres, spheres[:, 3]]), marks, np.column_stack([leg, radii]))


def _foot(eye: Eye, limbs: Limbs, label: int, spec: SceneSpec) -> tuple[Foot, Points, Points]:
    places, radii, _ = eye.project(limbs.foot[:, :3], limbs.foot[:, 3])
    body = tuple(_hull(places, radii, first, second) for first, second in BONES)
    toes = tuple(_hull(places, radii, METATARSAL + number, TOE + number) for number in range(5))
    seen = eye.project(limbs.marks, np.zeros(len(MARKS)))[0]
    marks = MARKS if spec.framing == "soles" else (MARKS - (0.2, 0.0)) / 0.8
    fit = np.linalg.lstsq(np.column_stack([seen, np.ones(len(seen))]), marks, rcond=None)[0].astype(np.float32)
    inverse = np.linalg.lstsq(np.column_stack([marks, np.ones(len(seen))]), seen, rcond=None)[0]

    def to_foot(rows: Field, columns: Field) -> tuple[Field, Field]:
        return (
            rows * fit[0, 0] + columns * fit[1, 0] + fit[2, 0],
            rows * fit[0, 1] + columns * fit[1, 1] + fit[2, 1],
        )

    def to_image(curve: Curve) -> Curve:
        placed: Curve = np.column_stack([curve, np.ones(len(curve))]) @ inverse
        return placed

    fourth = to_foot(*(places[TOE + 3 : TOE + 4].T.astype(np.float32)))[1]
    foot = Foot(body, toes, to_foot, to_image, eye.focal / eye.distance, label, float(fourth[0]))
    return foot, places, radii


def _chain(eye: Eye, spheres: Points) -> tuple[list[Curve], Points, Points]:
    places, radii, _ = eye.project(spheres[:, :3], spheres[:, 3])
    return [_hull(places, radii, number, number + 1) for number in range(len(spheres) - 1)], places, radii


def _hull(places: Points, radii: Points, first: int, second: int) -> Curve:
    return capsule(places[first], places[second], float(radii[first]), float(radii[second]))


def _draw_pattern(
    rng: np.random.Generator, spec: SceneSpec, warming: float, nodes: tuple[Points, Points]
) -> Pattern:
    """Draw extremities that cool (or burn) away from the body, interpolated between the spheres."""
    calm = 1 - 0.6 * min(max(warming, 0.0) / 4, 1.0)
    soles = spec.framing == "soles"
    end = rng.normal(-1.0, 2.5) if soles else rng.choice([rng.uniform(0, 5), rng.uniform(-5, 0)])
    end = end * calm + (1 - calm) * abs(end)
    places, radii = nodes
    heights = np.zeros(len(places))
    heights[: len(SPHERES)] = end * np.clip(SPHERES[:, 0] - 0.2, 0, 1) ** rng.uniform(0.7, 3) / 0.7
    heights[: len(SPHERES)] += rng.normal(0, 0.5, size=len(SPHERES))
    heights[0] += rng.normal(-0.8, 1.2) * soles
    heights[1] += rng.normal(0.8, 0.8) * soles
    heights[TOE : len(SPHERES)] += rng.normal(0, 0.7, size=5)
    heights[len(SPHERES) :] = heights[ANKLE] + rng.normal(0, 0.5, size=len(places) - len(SPHERES))
    reach, rim, width = rng.uniform(0.6, 1.1), rng.uniform(0.2, 2.2), rng.uniform(0.02, 0.09)
    veins = rng.uniform(0, 1.4) * (not soles or rng.random() < 0.3)
    marble, web = rng.uniform(0, 0.4), rng.normal(0.3, 0.7)
    seed, oblique = rng.integers(2**32), rng.normal(0, 0.8)
    tips, shin, discs = rng.normal(0, 1.0, size=5), rng.uniform(0, 1.2), rng.uniform(0.003, 0.02)

    def pattern(skin: Skin) -> Field:
        inner = np.random.default_rng(seed)
        length = skin.foot.length
        field = _between(skin, places, radii * reach, heights)
        vessels = skin.canvas.texture(inner, "vein", 0.25 * length, stretch=1.5)[skin.window]
        clouds = skin.canvas.texture(inner, "cloud", 0.18 * length)[skin.window]
        field = field + np.float32(veins) * vessels + np.float32(marble) * clouds
        if not soles:
            field = field - np.float32(shin) * np.maximum(clouds, 0) * (1 - smoothstep(skin.u, 0.0, 0.4))
        # A lamp, a window or a warm body reflected from one side.
        field = field + np.float32(oblique) * np.clip(skin.v / 0.3, -1, 1)
        field = field + skin.toes(list(tips), discs) + np.float32(web) * skin.creases(0.006)
        whole: Field = field + np.float32(rim) * skin.rim(width)
        return whole

    return pattern


def _between(skin: Skin, places: Points, reaches: Points, heights: Points) -> Field:
    """Heights of the spheres between their images; coarse, then enlarged, as it is smooth."""
    rows, columns = skin.canvas.rows[skin.window][::3, ::3], skin.canvas.columns[skin.window][::3, ::3]
    field, weights = np.zeros_like(rows), np.full_like(rows, 1e-6)
    for (row, column), reach, height in zip(places, np.maximum(reaches, 0.02), heights, strict=True):
        distance = (rows - np.float32(row)) ** 2 + (columns - np.float32(column)) ** 2
        weight = 1 / (distance / np.float32(reach**2) + np.float32(0.15)) ** 2
        field += np.float32(height) * weight
        weights += weight
    size = skin.u.shape
    grown = (field / weights).repeat(3, axis=0).repeat(3, axis=1)[: size[0], : size[1]]
    smooth: Field = ndimage.uniform_filter(grown, 5)
    return smooth


def _bed(rng: np.random.Generator, canvas: Canvas, eye: Eye, temperatures: Temperatures) -> None:
    canvas.celsius[:] = temperatures.room + np.float32(rng.normal(0, 0.6)) * (canvas.rows - 0.5)
    objects.rectangles(rng, canvas, temperatures, int(rng.integers(0, 4)))
    half, near = rng.uniform(1.2, 3.0), rng.uniform(0.1, 1.5)
    corners = np.array([(-half, 0, near), (half, 0, near), (half, 0, -8.0), (-half, 0, -8.0)])
    far = eye.distance * np.cos(eye.elevation) - 0.4
    corners[:, 2] = np.minimum(corners[:, 2], far)
    places = eye.project(corners, np.zeros(4))[0]
    folds = canvas.texture(rng, "fold", float(rng.uniform(0.06, 0.25)), stretch=float(rng.uniform(1, 4)))
    broad = canvas.texture(rng, "smooth", float(rng.uniform(0.2, 0.6)))
    strength = rng.uniform(0, 0.5, size=2)
    sheet = temperatures.bed + np.float32(strength[0]) * folds + np.float32(strength[1]) * broad
    canvas.paint([places], sheet, softness=0.004)


def _body(
    rng: np.random.Generator,
    canvas: Canvas,
    eye: Eye,
    limbs: dict[int, Limbs],
    pose: Pose,
    temperatures: Temperatures,
) -> None:
    """Trunk, head and arms under a gown, then thighs and calves, farther parts first."""
    folds = canvas.texture(rng, "fold", float(rng.uniform(0.06, 0.2)), stretch=3.0)
    hips = np.mean([limb.leg[-1, :3] for limb in limbs.values()], axis=0)
    shoulder = hips + np.array((rng.normal(0, 0.1), rng.uniform(0.0, 0.9), -rng.uniform(1.5, 2.2)))
    head = shoulder + np.array((rng.normal(0, 0.1), rng.uniform(0.1, 0.5), -0.6))
    if rng.random() < 0.7:
        curves, _, _ = _chain(eye, np.array([[*head, 0.4], [*(head - np.array((0, 0.1, 0))), 0.36]]))
        canvas.paint(curves, np.float32(temperatures.face) + 0.3 * folds)
        wide = rng.uniform(0.5, 0.8)
        half = np.array((wide, 0, 0))
        chest = [[*(shoulder - half), 0.3], [*(shoulder + half), 0.3]]
        trunk = [[*shoulder, 0.65], [*hips, 0.6]]
        gown = np.float32(temperatures.gown) + np.float32(rng.uniform(0.1, 1.0)) * folds
        canvas.paint(_chain(eye, np.array(chest))[0] + _chain(eye, np.array(trunk))[0], gown)
    covered = rng.random() < 0.25
    for limb in limbs.values():
        for part in reversed(range(len(limb.leg) - 1)):
            curves, _, _ = _chain(eye, limb.leg[part : part + 2])
            value = temperatures.gown if covered and part >= 2 else temperatures.skin + rng.normal(0, 0.6)
            _rounded(
                canvas, curves, np.float32(value) + np.float32(rng.uniform(0, 0.3)) * folds, rng.uniform(0, 1.5)
            )


def _rounded(canvas: Canvas, curves: Sequence[Curve], field: Field, fall: float) -> None:
    window, cover = canvas.coverage(curves)
    if 0 in cover.shape:
        return
    sigma = 0.06 * max(min(cover.shape), 20)
    inner = ndimage.uniform_filter(cover, round(2 * sigma))
    canvas.paint(
        curves, field[window] - np.float32(2 * fall) * (1 - np.clip(inner, 0.5, 1)), cover=(window, cover)
    )


SOLID = compose
