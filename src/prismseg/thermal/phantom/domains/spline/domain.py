"""Anatomical feet of cubic splines with club-shaped toes; anatomical warm and cold fields; a patient in bed."""

from __future__ import annotations

import numpy as np

from prismseg.thermal.phantom.body.foot import Pattern, Skin
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.domains.planar import Leg, Outline, PlanarDomain
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import bump, capsule, smooth_closed, smoothstep
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.temperatures import Temperatures

# Once around the sole without toes, from the heel up the medial side. This is the silhouette seen from the foot end,
# wider and less waisted than a footprint; ball : midfoot : heel = 0.40 : 0.31 : 0.26 of the length.
SOLE = np.array(
    [
        (0.000, 0.000), (0.025, 0.082), (0.090, 0.126), (0.200, 0.132), (0.350, 0.124), (0.500, 0.142),
        (0.630, 0.180), (0.740, 0.198), (0.830, 0.180), (0.880, 0.080), (0.872, -0.020), (0.830, -0.100),
        (0.755, -0.165), (0.630, -0.198), (0.450, -0.182), (0.260, -0.156), (0.120, -0.134), (0.030, -0.082),
    ]
)  # fmt: skip
ARCH = slice(3, 6)  # points of `SOLE` that a high or flat arch moves
ARCH_WEIGHTS = np.array([0.5, 1.0, 0.7])
# Big toe first: root (u, v), tip u, half width.
TOES = np.array(
    [
        (0.820, 0.128, 1.000, 0.064), (0.840, 0.030, 0.982, 0.041), (0.815, -0.042, 0.945, 0.038),
        (0.775, -0.104, 0.896, 0.036), (0.720, -0.158, 0.836, 0.035),
    ]
)  # fmt: skip
# From above, from the medial side of the ankle round the toes' roots to the lateral side.
INSTEP = np.array(
    [
        (0.000, 0.130), (0.060, 0.150), (0.160, 0.138), (0.320, 0.150), (0.500, 0.190), (0.660, 0.230),
        (0.790, 0.215), (0.830, 0.090), (0.800, -0.030), (0.740, -0.130), (0.650, -0.215), (0.500, -0.215),
        (0.300, -0.175), (0.140, -0.142), (0.050, -0.150), (0.000, -0.130), (-0.020, -0.060), (-0.020, 0.060),
    ]
)  # fmt: skip
INSTEP_TOES = np.array(
    [
        (0.780, 0.155, 0.995, 0.075), (0.800, 0.050, 0.990, 0.050), (0.770, -0.035, 0.945, 0.047),
        (0.720, -0.110, 0.885, 0.045), (0.660, -0.178, 0.815, 0.044),
    ]
)  # fmt: skip
FLUSHED = 4.0  # °C of warming after which the pattern is that of a fully dilated foot
# Middles and half widths (u, v) of the fields, in foot lengths.
MEDIAL_ARCH = ((0.40, 0.045), (0.17, 0.085))
MIDFOOT = ((0.52, -0.02), (0.22, 0.13))
HEEL = ((0.09, 0.0), (0.12, 0.12))
BALLS = (((0.70, 0.12), (0.075, 0.07)), ((0.70, 0.0), (0.075, 0.07)), ((0.64, -0.12), (0.08, 0.07)))


def draw_sole(rng: np.random.Generator) -> Outline:
    """Draw a person's sole."""
    width, arch = rng.uniform(0.84, 1.14), rng.uniform(-0.015, 0.06)
    control = SOLE.copy()
    control[ARCH, 1] -= arch * ARCH_WEIGHTS
    control[1:] += rng.normal(0, 0.004, size=control[1:].shape)
    scale = np.array((1, width))
    return [smooth_closed(control) * scale], [toe * scale for toe in _toes(rng, TOES)]


def draw_instep(rng: np.random.Generator, seen: float) -> Outline:
    """Draw a foot seen from above."""
    control = INSTEP * (1, rng.uniform(0.85, 1.15)) + rng.normal(0, 0.005, size=INSTEP.shape)
    scale = np.array((1, 1 / seen))
    # Toes point up to the camera: they are shortened less than the foot.
    toes = [toe * scale for toe in _toes(rng, INSTEP_TOES, short=rng.uniform(0.6, 1.0))]
    return [smooth_closed(control) * scale], toes


def _toes(rng: np.random.Generator, table: Field, short: float = 1.0) -> list[Curve]:
    """Clubs from roots inside the sole, so that no gap opens there, to their wider tips."""
    stand, second = rng.uniform(0.8, 1.2) * short, rng.normal(0, 0.015)
    fan, big = np.deg2rad(rng.uniform(0, 9)), np.deg2rad(rng.normal(2, 6))
    thick, neck = rng.uniform(0.9, 1.12, size=5), rng.uniform(0.72, 0.9)
    curves = []
    for number, (root, across, tip, half) in enumerate(table):
        long = tip - root if number == 0 else (tip - root) * stand + second * (number == 1)
        radius = half * thick[number]
        angle = fan * (2 - number) + (big if number == 0 else 0.0)
        along = max(long - radius, 0.01)
        end = (root + along * np.cos(angle), across + along * np.sin(angle))
        curves.append(capsule((root, across), end, neck * radius, radius))
    return curves


def draw_leg(rng: np.random.Generator) -> Leg:
    """Draw a leg with its calf."""
    up = np.array([0.0, 0.1, 0.5, 1.0, 1.6, 2.2, 3.5])
    half = np.array([0.13, 0.125, 0.16, 0.22, 0.24, 0.2, 0.24]) * rng.uniform(0.9, 1.3)
    return Leg(up, half, np.cumsum(rng.normal(0, 0.02, size=7)))


def draw_sole_pattern(rng: np.random.Generator, warming: float) -> Pattern:
    """Draw warm arch, cold toes and heel, patches."""
    share = min(max(warming, 0.0) / FLUSHED, 1.0)
    along, lateral, wide = rng.normal(-0.2, 1.8), rng.normal(-0.5, 0.7), rng.choice([1.0, 2.0], p=[0.65, 0.35])
    fields = [
        (rng.uniform(0.0, 1.8), MEDIAL_ARCH), (rng.normal(0.5, 0.5), MIDFOOT), (rng.normal(-0.7, 0.9), HEEL),
        *((rng.normal(-0.1, 0.5), place) for place in BALLS),
    ]  # fmt: skip
    cold = rng.normal(-1.6, 1.6) + np.array([0.6, 0.1, -0.1, -0.2, -0.2]) + rng.normal(0, 0.6, size=5)
    toes = cold * (1 - share) + rng.normal(0.5, 0.5) * share
    own_big_toe = rng.normal(0, 2) * (rng.random() < 0.3)
    toes[0] += own_big_toe
    rim, patches, web, crease = rng.uniform(0.2, 1.4), rng.uniform(0.05, 0.4), rng.normal(0.4, 0.6), rng.uniform()
    seed = rng.integers(2**32)

    def pattern(skin: Skin) -> Field:
        u, v = skin.u, skin.v
        field = np.float32(along) * (u - 0.5) - np.float32(lateral / 0.35) * v
        for height, (middle, half) in fields:
            field = field + np.float32(height * wide) * bump(u, v, middle, half)
        inner = np.random.default_rng(seed)
        irregular = skin.canvas.texture(inner, "smooth", 0.12 * skin.foot.length)[skin.window]
        field = (field + np.float32(patches * wide) * irregular) * np.float32(1 - 0.4 * share)
        # Each toe is coldest at its tip; some end at a sharp crease, others softly.
        tips = skin.toes(list(toes * wide), 0.002 + 0.02 * crease)
        field = field + tips + np.float32(web) * skin.creases(0.006)
        whole: Field = field + np.float32(rim) * skin.rim(0.03)
        return whole

    return pattern


def draw_instep_pattern(rng: np.random.Generator, warming: float) -> Pattern:
    """Draw a forefoot warmer or colder than the leg, vessels, dark patches on the shin."""
    share = min(max(warming, 0.0) / FLUSHED, 1.0)
    forefoot = rng.choice([rng.uniform(0.5, 6), rng.uniform(-5, 0.5)])
    forefoot = forefoot * (1 - share) + abs(forefoot) * share
    toes = np.sign(forefoot) * abs(rng.normal(0, 2.5)) + rng.normal(0, 0.6, size=5)
    begin, end = rng.uniform(0.1, 0.35), rng.uniform(0.55, 1.0)
    veins, shin, calf, rim = rng.uniform(0, 2), rng.uniform(0, 1.8), rng.normal(0, 0.8), rng.uniform(0.2, 2)
    width, web = rng.uniform(0.03, 0.07), rng.normal(0.3, 0.8)
    seed = rng.integers(2**32)

    def pattern(skin: Skin) -> Field:
        inner = np.random.default_rng(seed)
        length = skin.foot.length
        vessels = skin.canvas.texture(inner, "vein", 0.3 * length, stretch=2.0)[skin.window]
        patches = skin.canvas.texture(inner, "cloud", 0.35 * length, stretch=1.5)[skin.window]
        foot = smoothstep(skin.u, begin, end)
        field = np.float32(forefoot) * foot + np.float32(veins) * vessels * smoothstep(skin.u, 0.0, 0.3)
        field = field - np.float32(shin) * np.maximum(patches, -0.5) * (1 - 0.7 * foot)
        field = field + np.float32(calf) * np.clip(-skin.u, 0, 2)
        field = field + skin.toes(list(toes), 0.012) + np.float32(web) * skin.creases(0.008)
        whole: Field = field + np.float32(rim) * skin.rim(width)
        return whole

    return pattern


def behind(rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
    """Wall, bed, the patient's trunk and folded legs."""
    length = pose.length
    folds = canvas.texture(rng, "fold", float(rng.uniform(0.08, 0.2)) * length, stretch=2.5)
    fine = canvas.texture(rng, "cloud", 0.12 * length)
    canvas.celsius[:] = temperatures.room + 0.15 * (canvas.rows - 0.5) + 0.08 * fine
    objects.rectangles(rng, canvas, temperatures, int(rng.integers(0, 3)))
    horizon = pose.heel - rng.uniform(0.1, 0.55) * length
    left, right = -0.5, canvas.width + 0.5
    bed = np.array([[horizon, left], [horizon, right], [3.0, right], [3.0, left]])
    glow = np.exp(
        -(((canvas.rows - np.float32(pose.heel)) / np.float32(0.6 * length)) ** 2)
        - ((canvas.columns - np.float32(pose.middle)) / np.float32(rng.uniform(0.5, 1.0) * length)) ** 2
    )
    warmth = rng.uniform(0.1, 0.5) * max(temperatures.skin - temperatures.bed, 0.5)
    canvas.paint([bed], temperatures.bed + 0.25 * fine + np.float32(warmth) * glow, softness=0.006)
    if rng.random() < 0.65:
        objects.body(rng, canvas, pose, temperatures, horizon + 0.1 * length, folds)
    inward, rise = rng.normal(0.05, 0.3), rng.uniform(0.35, 0.9)
    for place in pose.places.values():
        ankle = (place.row - 0.28 * length, place.column + 0.28 * length * np.sin(place.lean))
        knee = (
            place.row - (rise + rng.normal(0, 0.05)) * length,
            place.column - place.outward * (inward + rng.normal(0, 0.06)) * length,
        )
        hip = (
            knee[0] + rng.uniform(0.0, 0.5) * length,
            pose.middle + place.outward * rng.uniform(0, 0.5) * length,
        )
        thick = rng.uniform(0.15, 0.26) * length
        excess = rng.normal(0, 0.5)
        shade = folds * np.float32(rng.uniform(0.0, 0.3))
        canvas.paint(
            [capsule(knee, hip, thick, 1.3 * thick)], shade + np.float32(temperatures.skin + rng.normal(0, 1))
        )
        calf = np.float32(temperatures.skin + excess) - np.float32(0.8) * smoothstep(
            canvas.rows, knee[0], ankle[0]
        )
        canvas.paint([capsule(ankle, knee, rng.uniform(0.1, 0.14) * length, thick)], calf + shade)


def below(rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
    """Make a sheet with folds and the floor beyond its edge."""
    folds = canvas.texture(rng, "fold", float(rng.uniform(0.05, 0.2)), stretch=float(rng.uniform(1, 4)))
    broad = canvas.texture(rng, "cloud", 0.4)
    canvas.celsius[:] = temperatures.bed + 0.4 * broad + np.float32(rng.uniform(0.05, 0.5)) * folds
    for side in (-1, 1):
        if rng.random() < 0.35:
            edge = canvas.width / 2 + side * rng.uniform(0.35, 0.65) * canvas.width
            tilt = rng.normal(0, 0.1)
            outer = canvas.width / 2 + side * 3
            floor = np.array([[-0.5, edge - tilt], [1.5, edge + tilt], [1.5, outer], [-0.5, outer]])
            canvas.paint([floor], float(temperatures.room + rng.normal(0, 0.6)), softness=0.005)


SPLINE = PlanarDomain(draw_sole, draw_instep, draw_leg, draw_sole_pattern, draw_instep_pattern, behind, below)
