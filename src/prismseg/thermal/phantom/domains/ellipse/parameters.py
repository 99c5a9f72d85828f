"""Numbers that the ellipse domain draws from.

Lengths are in foot lengths and temperatures in °C unless stated. Shapes and ranges are chosen by eye on contact sheets.
"""

from __future__ import annotations

from dataclasses import dataclass

from prismseg.thermal.phantom.distributions import FoldedNormal, Integers, Normal, Uniform

Points = tuple[tuple[float, ...], ...]
Pair = tuple[float, float]


@dataclass(frozen=True)
class SoleParameters:
    """A sole of heel, ball, lateral column and medial column; places and radii are (u, v)."""

    width: Uniform = Uniform(0.85, 1.15)  # factor on v
    arch: Uniform = Uniform(0.0, 0.09)  # by which the medial column is hollowed
    power: Uniform = Uniform(1.9, 2.8)  # of the superellipses
    heel: Pair = (0.15, 0.0)
    heel_radii: Pair = (0.15, 0.125)
    ball: Pair = (0.655, 0.005)
    ball_radii: Pair = (0.19, 0.195)
    ball_turn: Normal = Normal(0.12, 0.06)  # radians: the ball of the big toe is further to the tip
    lateral: tuple[Pair, Pair] = ((0.15, -0.015), (0.66, -0.035))  # ends of the lateral column
    lateral_radii: Pair = (0.118, 0.15)
    medial: tuple[Pair, Pair] = ((0.15, 0.01), (0.68, 0.055))  # ends of the medial column without its hollow
    medial_radii: Pair = (0.115, 0.13)
    arch_share: float = 0.5  # of the hollow by which the medial column's end is moved, and by which it is thinned


@dataclass(frozen=True)
class InstepParameters:
    """A foot seen from above, of ankle, back and ball; places and radii are (u, v)."""

    width: Uniform = Uniform(0.85, 1.15)  # factor on v
    ankle: Pair = (0.08, 0.0)
    ankle_length: Uniform = Uniform(0.09, 0.14)  # radius along
    ankle_width: float = 0.15  # radius across
    ankle_power: float = 2.6
    back: tuple[Pair, Pair] = ((0.1, 0.0), (0.6, 0.0))
    back_radii: Pair = (0.135, 0.19)
    ball: Pair = (0.64, -0.005)
    ball_radii: Pair = (0.2, 0.225)
    ball_turn: Normal = Normal(0.2, 0.06)  # radians
    ball_power: float = 2.3
    toe_size: Uniform = Uniform(0.8, 1.3)  # factor, over those of the sole


@dataclass(frozen=True)
class ToeParameters:
    """Toes whose tips are superellipses, big toe first."""

    # Middle (u, v), radii along and across of each tip.
    tips: Points = (
        (0.920, 0.115, 0.085, 0.070), (0.925, 0.012, 0.060, 0.044), (0.890, -0.065, 0.055, 0.042),
        (0.840, -0.130, 0.052, 0.040), (0.770, -0.180, 0.050, 0.038),
    )  # fmt: skip
    spread: Uniform = Uniform(0.92, 1.2)  # factor on v
    size: Uniform = Uniform(0.85, 1.15)  # factor on each toe's radii
    big_toe: float = 1.1  # factor on the big toe's length
    reach: Normal = Normal(0.0, 0.015)  # of each toe
    longest: float = 0.93  # u from which the row of toes slants back
    slant: Uniform = Uniform(0.7, 1.25)  # factor on how far
    power: Uniform = Uniform(1.9, 3.0)  # of the superellipses
    turn: Normal = Normal(0.0, 0.12)  # of each tip, radians
    stem: float = 0.12  # how far each toe is drawn back to the ball, so that none floats
    stem_spread: float = 0.93  # factor on v there
    neck: Uniform = Uniform(0.6, 0.9)  # half width of the stem, of the tip's
    hull_chance: float = 0.5  # that the toe is the hull of stem and tip, without a waist


@dataclass(frozen=True)
class LegParameters:
    """A leg that widens evenly from the ankle."""

    up: tuple[float, ...] = (0.0, 0.1, 1.2, 3.5)  # from the ankle: ankle twice, calf, knee
    ankle: Uniform = Uniform(0.115, 0.15)  # half width
    calf: Uniform = Uniform(0.17, 0.3)  # half width
    knee: Uniform = Uniform(0.8, 1.1)  # half width, of the calf's


@dataclass(frozen=True)
class SolePatternParameters:
    """One level a part, a gradient, and oval spots."""

    warming: float = 4.0  # °C after which the pattern has the contrast of a warm foot
    warm_contrast: float = 0.5  # share of the contrast that is lost then
    steep: FoldedNormal = FoldedNormal(0.0, 3.0)  # gradient, for each foot length
    steep_across: float = 2.0  # factor on it across, where the sole is shorter
    level: Normal = Normal(0.0, 1.0)  # of the forefoot and of the heel
    forefoot: Uniform = Uniform(0.5, 0.72)  # u where the forefoot begins
    heel: float = 0.2  # u where the heel ends
    blend: Uniform = Uniform(0.03, 0.25)  # half length of the border between parts
    toes: Normal = Normal(-1.5, 2.5)  # of all toes
    toe: Normal = Normal(0.0, 1.2)  # of each toe
    big_toe: Normal = Normal(0.0, 1.5)  # of the big toe
    spots: int = 5
    spot_u: Uniform = Uniform(0.0, 0.9)
    spot_v: Uniform = Uniform(-0.15, 0.15)
    spot_half: Uniform = Uniform(0.04, 0.25)  # half length and half width
    spot: Normal = Normal(0.0, 1.3)
    rim: Normal = Normal(0.5, 0.7)  # how much colder the outline is; warmer where negative
    rim_width: Uniform = Uniform(0.01, 0.08)
    web: Normal = Normal(0.0, 1.0)  # of the creases between toes
    web_width: float = 0.005
    sharp_chance: float = 0.5  # that toes end at a sharp crease
    toe_softness: tuple[float, float] = (0.001, 0.02)  # of the border between toe and ball: sharp, soft


@dataclass(frozen=True)
class InstepPatternParameters:
    """Toes as separate discs, a step between leg and forefoot, and drawn vessels."""

    warm_chance: float = 0.5  # that the forefoot is warmer than the leg
    warm_from: float = 3.0  # °C of warming after which it is so for certain
    warm: Uniform = Uniform(0.0, 5.0)  # over the leg
    cold: Uniform = Uniform(-5.0, 0.0)
    toes: Normal = Normal(0.0, 1.5)  # of all toes, around …
    warm_toes: float = 1.5  # … this where the forefoot is warm
    cold_toes: float = -3.0  # … or this where it is cold
    toe: Normal = Normal(0.0, 0.8)  # of each toe
    begin: Uniform = Uniform(0.25, 0.7)  # u of the step
    blend: Uniform = Uniform(0.1, 0.35)  # half length of the step
    vein_count: Integers = Integers(0, 5)
    vein_points: int = 10  # along each
    vein_begin: Uniform = Uniform(-0.4, 0.3)  # u
    vein_end: Uniform = Uniform(0.5, 0.85)  # u
    vein_v: Uniform = Uniform(-0.12, 0.12)
    vein_crooked: float = 0.022  # SD of the steps to the side
    vein_half_width: Uniform = Uniform(0.006, 0.016)
    vein: Uniform = Uniform(0.0, 1.8)  # of each vessel
    vein_softness: float = 0.012
    spots: int = 4  # on the shin
    spot_u: Uniform = Uniform(-3.0, -0.2)
    spot_v: Uniform = Uniform(-0.15, 0.15)
    spot: Normal = Normal(-0.6, 1.0)
    spot_half: Pair = (0.5, 0.12)
    slope: Normal = Normal(0.0, 0.5)  # fall with each foot length towards the toes
    rim: Uniform = Uniform(0.0, 1.8)
    rim_width: float = 0.05
    web: Normal = Normal(0.0, 1.0)  # of the creases between toes
    web_width: float = 0.008
    toe_softness: float = 0.006


@dataclass(frozen=True)
class BackgroundParameters:
    """Calves, knees and thighs as round shapes before an even wall."""

    wall: Normal = Normal(0.0, 0.8)  # rise of the wall's temperature with each image height downwards
    rectangles: Integers = Integers(0, 3)  # monitors, windows, …
    bed: Uniform = Uniform(-0.05, 0.6)  # far edge of the bed above the heels
    bed_radii: Pair = (2.0, 4.0)  # of the superellipse that is the bed, image heights: beyond the image
    bed_power: float = 40.0  # of it: a rectangle with slightly rounded corners
    bed_softness: Uniform = Uniform(0.002, 0.02)  # of its edge, image heights
    trunk_chance: float = 0.4
    trunk_height: Uniform = Uniform(0.3, 0.9)  # of its middle above the heels
    trunk_shift: Normal = Normal(0.0, 0.1)
    trunk_length: float = 0.45  # radius along
    trunk_width: Uniform = Uniform(0.3, 0.7)  # radius across
    trunk_power: float = 2.5
    knee_height: Uniform = Uniform(0.2, 1.0)  # above the heel
    knee_out: Normal = Normal(0.1, 0.25)
    calf_height: Uniform = Uniform(0.0, 0.3)  # above the heel
    calf_out: Normal = Normal(0.05, 0.12)
    radius: Uniform = Uniform(0.12, 0.3)  # of the calf and of the knee
    calf: Normal = Normal(0.3, 0.8)  # over the skin of the legs
    thigh_chance: float = 0.5
    hip_below: Uniform = Uniform(0.0, 0.3)  # below the knee: thighs are foreshortened
    hip_out: Uniform = Uniform(0.1, 0.6)  # from the middle
    hip_radius: Uniform = Uniform(0.2, 0.36)
    thigh: Normal = Normal(0.0, 1.0)  # over the skin of the legs
    kneecap_chance: float = 0.5
    kneecap_ratio: float = 1.05  # radius over the knee's
    kneecap: Normal = Normal(0.0, 0.8)  # over the calf
    round_fall: Uniform = Uniform(0.0, 2.5)  # of limbs from their middle over their width, where skin turns away
    limb_softness: float = 0.004  # of their edges, image heights


@dataclass(frozen=True)
class BedParameters:
    """An even bed, with pillows and stripes of other temperature; image heights."""

    slope: Normal = Normal(0.0, 1.0)  # °C for each image height, down and across
    pillows: Integers = Integers(0, 3)
    pillow_radius: Uniform = Uniform(0.1, 0.7)
    pillow_turn: Uniform = Uniform(0.0, 3.0)  # radians
    pillow_power: float = 5.0
    pillow: Normal = Normal(0.0, 1.2)  # over the bed, °C
    pillow_softness: Uniform = Uniform(0.003, 0.02)  # of its edge


@dataclass(frozen=True)
class EllipseParameters:
    """Everything that the ellipse domain draws from."""

    sole: SoleParameters = SoleParameters()
    instep: InstepParameters = InstepParameters()
    toes: ToeParameters = ToeParameters()
    leg: LegParameters = LegParameters()
    sole_pattern: SolePatternParameters = SolePatternParameters()
    instep_pattern: InstepPatternParameters = InstepPatternParameters()
    background: BackgroundParameters = BackgroundParameters()
    bed: BedParameters = BedParameters()


ELLIPSE_PARAMETERS = EllipseParameters()
