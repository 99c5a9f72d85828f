"""Numbers that the spline domain draws from.

Lengths are in foot lengths and temperatures in °C unless stated. Outlines and ranges are chosen by eye on contact sheets.
"""

from __future__ import annotations

from dataclasses import dataclass

from prismseg.thermal.phantom.distributions import Integers, Mixture, Normal, Uniform

Points = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Spot:
    """A Gaussian spot on the sole: middle and half widths (u, v)."""

    middle: tuple[float, float]
    half: tuple[float, float]


@dataclass(frozen=True)
class SoleParameters:
    """Outline of the sole without toes: the silhouette from the foot end, wider and less waisted than a footprint."""

    # Once around, from the heel up the medial side, (u, v); ball : midfoot : heel = 0.40 : 0.31 : 0.26 of the length.
    outline: Points = (
        (0.000, 0.000), (0.025, 0.082), (0.090, 0.126), (0.200, 0.132), (0.350, 0.124), (0.500, 0.142),
        (0.630, 0.180), (0.740, 0.198), (0.830, 0.180), (0.880, 0.080), (0.872, -0.020), (0.830, -0.100),
        (0.755, -0.165), (0.630, -0.198), (0.450, -0.182), (0.260, -0.156), (0.120, -0.134), (0.030, -0.082),
    )  # fmt: skip
    width: Uniform = Uniform(0.84, 1.14)  # factor on v: slender to broad feet
    arch: Uniform = Uniform(-0.015, 0.06)  # how far the arch's edge moves to the lateral side: flat to high arches
    arch_points: tuple[int, int] = (3, 6)  # points of the outline that it moves, the last one excluded
    arch_weights: tuple[float, ...] = (0.5, 1.0, 0.7)  # and how much each
    irregular: float = 0.004  # SD of the other points, between persons


@dataclass(frozen=True)
class InstepParameters:
    """Outline of the foot without toes from above."""

    # From the medial side of the ankle round the toes' roots to the lateral side, (u, v).
    outline: Points = (
        (0.000, 0.130), (0.060, 0.150), (0.160, 0.138), (0.320, 0.150), (0.500, 0.190), (0.660, 0.230),
        (0.790, 0.215), (0.830, 0.090), (0.800, -0.030), (0.740, -0.130), (0.650, -0.215), (0.500, -0.215),
        (0.300, -0.175), (0.140, -0.142), (0.050, -0.150), (0.000, -0.130), (-0.020, -0.060), (-0.020, 0.060),
    )  # fmt: skip
    width: Uniform = Uniform(0.85, 1.15)  # factor on v
    irregular: float = 0.005  # SD of the points, between persons
    toe_length: Uniform = Uniform(
        0.6, 1.0
    )  # factor: toes that point up to the camera are shortened less than the foot


@dataclass(frozen=True)
class ToeParameters:
    """Club-shaped toes, big toe first."""

    # Root (u, v), tip u, half width.
    sole: Points = (
        (0.820, 0.128, 1.000, 0.064), (0.840, 0.030, 0.982, 0.041), (0.815, -0.042, 0.945, 0.038),
        (0.775, -0.104, 0.896, 0.036), (0.720, -0.158, 0.836, 0.035),
    )  # fmt: skip
    instep: Points = (
        (0.780, 0.155, 0.995, 0.075), (0.800, 0.050, 0.990, 0.050), (0.770, -0.035, 0.945, 0.047),
        (0.720, -0.110, 0.885, 0.045), (0.660, -0.178, 0.815, 0.044),
    )  # fmt: skip
    length: Uniform = Uniform(0.8, 1.2)  # factor on all but the big toe
    second: Normal = Normal(0.0, 0.015)  # how much longer the second toe is: Egyptian and Greek feet
    fan: Uniform = Uniform(0.0, 9.0)  # between neighbouring toes, degrees
    big_toe_turn: Normal = Normal(2.0, 6.0)  # degrees to the medial side; negative in hallux valgus
    thickness: Uniform = Uniform(0.9, 1.12)  # factor on each half width
    neck: Uniform = Uniform(0.72, 0.9)  # half width at the root, of that at the tip
    shortest: float = 0.01  # from the root to the middle of the tip's curve


@dataclass(frozen=True)
class LegParameters:
    """A leg with its calf."""

    up: tuple[float, ...] = (0.0, 0.1, 0.5, 1.0, 1.6, 2.2, 3.5)  # from the ankle
    half: tuple[float, ...] = (0.13, 0.125, 0.16, 0.22, 0.24, 0.2, 0.24)  # half width there
    thickness: Uniform = Uniform(0.9, 1.3)  # factor on it
    crooked: float = 0.02  # SD of the steps to the side


@dataclass(frozen=True)
class SolePatternParameters:
    """Warm arch, cold toes and heel, patches; from even soles to toes that are several °C colder than the arch."""

    along: Normal = Normal(-0.2, 1.8)  # toes minus heel
    lateral: Normal = Normal(-0.5, 0.7)  # lateral minus medial edge
    sole_width: float = 0.35  # over which that difference is spread
    contrast: Mixture = Mixture((1.0, 2.0), (0.65, 0.35))  # factor on spots, patches and toes: some feet have much
    arch: Spot = Spot((0.40, 0.045), (0.17, 0.085))
    arch_height: Uniform = Uniform(0.0, 1.8)
    midfoot: Spot = Spot((0.52, -0.02), (0.22, 0.13))
    midfoot_height: Normal = Normal(0.5, 0.5)
    heel: Spot = Spot((0.09, 0.0), (0.12, 0.12))
    heel_height: Normal = Normal(-0.7, 0.9)
    balls: tuple[Spot, ...] = (
        Spot((0.70, 0.12), (0.075, 0.07)),
        Spot((0.70, 0.0), (0.075, 0.07)),
        Spot((0.64, -0.12), (0.08, 0.07)),
    )
    ball_height: Normal = Normal(-0.1, 0.5)
    cold_toes: Normal = Normal(-1.6, 1.6)  # of all toes before the block
    toe_order: tuple[float, ...] = (0.6, 0.1, -0.1, -0.2, -0.2)  # the big toe is warmest
    toe: Normal = Normal(0.0, 0.6)  # of each toe
    warm_toes: Normal = Normal(0.5, 0.5)  # of all toes in a fully dilated foot
    big_toe_chance: float = 0.3  # that the big toe is unlike the others
    big_toe: Normal = Normal(0.0, 2.0)
    rim: Uniform = Uniform(0.2, 1.4)  # how much colder the outline is, where skin turns away from the camera
    rim_width: float = 0.03
    patch: float = 0.12  # size of irregular patches
    patch_height: Uniform = Uniform(0.05, 0.4)  # SD
    web: Normal = Normal(0.4, 0.6)  # of the creases between toes
    web_width: float = 0.006
    sharpest_toe: float = 0.002  # softness of the border between toe and ball: a crease …
    toe_softness: float = 0.02  # … or how much softer
    flushed: float = 4.0  # °C of warming after which the pattern is that of a fully dilated foot
    flushed_contrast: float = 0.4  # share of the contrast that is lost then


@dataclass(frozen=True)
class InstepPatternParameters:
    """A forefoot warmer or colder than the leg, vessels, dark patches on the shin."""

    forefoot: Mixture = Mixture((Uniform(0.5, 6.0), Uniform(-5.0, 0.5)))  # over the leg
    toes: float = 2.5  # SD of how much further they go in the same direction
    toe: Normal = Normal(0.0, 0.6)  # of each toe
    begin: Uniform = Uniform(0.1, 0.35)  # u where the forefoot's temperature begins
    end: Uniform = Uniform(0.55, 1.0)  # u where it is reached
    veins: Uniform = Uniform(0.0, 2.0)
    vein_grain: float = 0.3
    vein_stretch: float = 2.0
    vein_begin: float = 0.3  # u from which on they are fully seen; none above the ankle
    shin: Uniform = Uniform(0.0, 1.8)  # how dark the patches are
    patch_grain: float = 0.35
    patch_stretch: float = 1.5
    lightest_patch: float = -0.5  # in SD: patches are dark rather than light
    patch_in_foot: float = 0.7  # share of the patches that is lost in the foot
    calf: Normal = Normal(0.0, 0.8)  # change with each foot length up the leg
    calf_end: float = 2.0  # where this ends
    rim: Uniform = Uniform(0.2, 2.0)
    rim_width: Uniform = Uniform(0.03, 0.07)
    web: Normal = Normal(0.3, 0.8)  # of the creases between toes
    web_width: float = 0.008
    toe_softness: float = 0.012  # of the border between toe and foot


@dataclass(frozen=True)
class BackgroundParameters:
    """Wall, bed, the patient's trunk and folded legs behind the soles."""

    fold: Uniform = Uniform(0.08, 0.2)  # size of the cloth's folds
    fold_stretch: float = 2.5
    cloud: float = 0.12  # size of the wall's and the bed's patches
    wall_rise: float = 0.15  # of the wall's temperature with each image height downwards
    wall_patch: float = 0.08  # SD
    rectangles: Integers = Integers(0, 2)  # monitors, windows, …
    horizon: Uniform = Uniform(0.1, 0.55)  # far edge of the bed above the heels
    glow_height: float = 0.6  # half height of the bed's part that the body warms
    glow_width: Uniform = Uniform(0.5, 1.0)  # its half width
    glow: Uniform = Uniform(0.1, 0.5)  # of the difference between skin and bed
    least_glow: float = 0.5  # difference that counts at least
    bed_patch: float = 0.25  # SD
    bed_softness: float = 0.006  # of its far edge, image heights
    trunk_chance: float = 0.65
    trunk_below: float = 0.1  # how far the trunk begins below the horizon
    knee_in: Normal = Normal(0.05, 0.3)  # how far both knees lean inwards
    own_knee_in: Normal = Normal(0.0, 0.06)  # of each knee
    knee_height: Uniform = Uniform(0.35, 0.9)  # above the heels
    own_knee_height: Normal = Normal(0.0, 0.05)
    ankle: float = 0.28  # above the heel along the foot, where the calf begins
    hip_below: Uniform = Uniform(0.0, 0.5)  # below the knee: thighs are foreshortened
    hip_out: Uniform = Uniform(0.0, 0.5)  # from the middle
    knee_radius: Uniform = Uniform(0.15, 0.26)
    hip_ratio: float = 1.3  # radius of the hip over the knee's
    ankle_radius: Uniform = Uniform(0.1, 0.14)
    calf: Normal = Normal(0.0, 0.5)  # over the skin of the legs
    thigh: Normal = Normal(0.0, 1.0)  # over the skin of the legs
    calf_fall: float = 0.8  # from knee to ankle
    shade: Uniform = Uniform(0.0, 0.3)  # depth of the folds on the legs


@dataclass(frozen=True)
class BedParameters:
    """A sheet with folds and the floor beyond its edge, under legs and feet seen from above; image heights."""

    fold: Uniform = Uniform(0.05, 0.2)
    fold_stretch: Uniform = Uniform(1.0, 4.0)
    fold_depth: Uniform = Uniform(0.05, 0.5)  # SD, °C
    cloud: float = 0.4
    cloud_depth: float = 0.4  # SD, °C
    edge_chance: float = 0.35  # that the bed ends within reach, on either side
    edge: Uniform = Uniform(0.35, 0.65)  # from the middle, image widths
    edge_tilt: Normal = Normal(0.0, 0.1)
    floor_reach: float = 3.0  # beyond the image, also when the camera moves
    floor_rows: tuple[float, float] = (-0.5, 1.5)
    floor: Normal = Normal(0.0, 0.6)  # over the room, °C
    floor_softness: float = 0.005  # of the bed's edge


@dataclass(frozen=True)
class SplineParameters:
    """Everything that the spline domain draws from."""

    sole: SoleParameters = SoleParameters()
    instep: InstepParameters = InstepParameters()
    toes: ToeParameters = ToeParameters()
    leg: LegParameters = LegParameters()
    sole_pattern: SolePatternParameters = SolePatternParameters()
    instep_pattern: InstepPatternParameters = InstepPatternParameters()
    background: BackgroundParameters = BackgroundParameters()
    bed: BedParameters = BedParameters()


SPLINE_PARAMETERS = SplineParameters()
