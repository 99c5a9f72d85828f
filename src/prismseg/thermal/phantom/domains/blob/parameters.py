"""Numbers that the blob domain draws from.

Lengths are in foot lengths and temperatures in °C unless stated. Shapes and ranges are chosen by eye on contact sheets.
"""

from __future__ import annotations

from dataclasses import dataclass

from prismseg.thermal.phantom.distributions import FoldedNormal, Integers, Mixture, Normal, Uniform

Balls = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class ShapeParameters:
    """Feet as level sets of balls (u, v, radius) that melt into each other."""

    sole: Balls = (
        (0.125, 0.0, 0.125), (0.22, -0.01, 0.125), (0.33, -0.03, 0.125), (0.45, -0.04, 0.135), (0.57, -0.05, 0.14),
        (0.66, 0.08, 0.115), (0.72, 0.105, 0.10), (0.71, 0.0, 0.13), (0.66, -0.09, 0.115), (0.50, 0.04, 0.10),
    )  # fmt: skip
    instep: Balls = (
        (0.05, 0.0, 0.135), (0.02, 0.08, 0.06), (0.05, -0.08, 0.06), (0.2, 0.0, 0.14), (0.36, 0.0, 0.155),
        (0.52, 0.06, 0.15), (0.52, -0.07, 0.15), (0.66, 0.12, 0.12), (0.66, -0.02, 0.15), (0.60, -0.14, 0.10),
    )  # fmt: skip
    # Of each toe, big toe first, from its root to its tip.
    toes: tuple[Balls, ...] = (
        ((0.80, 0.118, 0.062), (0.87, 0.122, 0.058), (0.935, 0.124, 0.066)),
        ((0.80, 0.04, 0.045), (0.88, 0.036, 0.036), (0.94, 0.034, 0.042)),
        ((0.79, -0.03, 0.045), (0.85, -0.038, 0.034), (0.905, -0.042, 0.040)),
        ((0.75, -0.09, 0.045), (0.80, -0.10, 0.032), (0.855, -0.106, 0.038)),
        ((0.69, -0.14, 0.045), (0.735, -0.152, 0.031), (0.79, -0.160, 0.038)),
    )
    sole_width: Uniform = Uniform(0.85, 1.15)  # factor on v
    instep_width: Uniform = Uniform(0.88, 1.15)  # factor on v
    instep_toes: Uniform = Uniform(1.0, 1.25)  # factor on the toes' radii seen from above
    instep_spread: float = 1.1  # factor on the toes' v seen from above, where they are thicker
    moved: float = 0.008  # SD of the balls' places and radii, between persons
    melt: Uniform = Uniform(0.008, 0.03)  # length over which balls melt into each other
    toe_melt: float = 0.006  # the same in toes
    bulge_grain: float = 12.0  # SD of the blur that makes noise into bulges, steps of the grid
    bulge_scale: float = 0.25  # factor on that noise …
    bulge: Uniform = Uniform(0.0, 1.0)  # … and another one, between persons
    bulge_depth: float = 0.06  # length by which a bulge of 1 moves the outline
    fan: Uniform = Uniform(-0.02, 0.16)  # between the second toes on either side of the middle one, radians
    toe_turn: Normal = Normal(0.0, 0.05)  # of each toe, radians
    curl: Uniform = Uniform(0.8, 1.12)  # factor on each toe's length
    toe_size: Uniform = Uniform(0.9, 1.1)  # factor on each toe's radii


@dataclass(frozen=True)
class LegParameters:
    """A crooked leg."""

    knee: float = 3.5  # from the ankle
    points: int = 9
    ankle: float = 0.125  # half width
    widening: float = 0.1  # of the half width
    calf: float = 1.2  # from the ankle, where the leg is at its widest
    power: Uniform = Uniform(0.5, 2.0)  # of the distance with which it widens
    irregular: Normal = Normal(0.0, 0.008)  # of each half width
    thickness: Uniform = Uniform(0.9, 1.25)  # factor on all
    crooked: Normal = Normal(0.0, 0.025)  # steps to the side


@dataclass(frozen=True)
class SolePatternParameters:
    """Temperatures at landmarks of the sole, interpolated between them, with clouds over them."""

    warming: float = 4.0  # °C after which the pattern has the contrast of a warm foot
    warm_contrast: float = 0.5  # share of the contrast that is lost then
    landmarks: int = 9
    landmark_u: Uniform = Uniform(0.0, 1.0)
    landmark_v: Uniform = Uniform(-0.2, 0.2)
    height: Uniform = Uniform(0.5, 2.5)  # SD of the landmarks' temperatures
    along: Normal = Normal(0.0, 2.5)  # toes minus heel
    reach: Uniform = Uniform(0.1, 0.22)  # of a landmark, SD
    clouds: FoldedNormal = FoldedNormal(0.0, 0.5)  # SD
    cloud_grain: float = 0.2
    cells: Mixture = Mixture((0.0, Uniform(0.0, 0.8)))  # SD; half of the feet have none
    cell_grain: float = 0.1
    tips: Normal = Normal(-1.2, 2.0)  # of the toes' tips
    tips_begin: Uniform = Uniform(0.55, 0.85)  # u where the change towards the tips begins
    toe: Normal = Normal(0.0, 0.7)  # of each toe
    toe_softness: Uniform = Uniform(0.004, 0.025)  # of the border between toe and ball
    rim: Normal = Normal(0.5, 0.9)  # how much colder the outline is; warmer where negative
    rim_width: Uniform = Uniform(0.015, 0.1)


@dataclass(frozen=True)
class InstepPatternParameters:
    """Temperatures at landmarks of leg and foot, with vessels and marbled skin."""

    landmarks: int = 12
    landmark_u: Uniform = Uniform(-2.5, 1.0)
    landmark_v: Uniform = Uniform(-0.2, 0.2)
    height: Uniform = Uniform(0.3, 1.5)  # SD of the landmarks' temperatures
    reach: float = 0.3  # of a landmark, SD
    warm_chance: float = 0.5  # that the tips are warmer than the leg
    warm_from: float = 3.0  # °C of warming after which it is so for certain
    warm: Uniform = Uniform(0.0, 6.0)  # of the tips over the ankle
    cold: Uniform = Uniform(-6.0, 0.0)
    toe: Normal = Normal(0.0, 1.0)  # of each toe
    toe_share: float = 0.3  # of the tips' temperature that all toes have besides
    toe_softness: float = 0.01  # of the border between toe and foot
    begin: Uniform = Uniform(0.0, 0.5)  # u where the change towards the tips begins
    power: Uniform = Uniform(0.7, 2.5)  # with which it grows
    most: float = 1.2  # of it, where toes reach beyond u = 1
    veins: Uniform = Uniform(0.0, 2.0)
    vein_grain: float = 0.2
    marble: FoldedNormal = FoldedNormal(0.0, 0.6)  # SD of light and dark patches
    dark: Uniform = Uniform(0.0, 1.0)  # how much darker the dark ones are on the leg
    patch_grain: float = 0.25
    patch_stretch: float = 2.0
    rim: Uniform = Uniform(0.0, 2.0)
    rim_width: float = 0.06


@dataclass(frozen=True)
class BackgroundParameters:
    """Crumpled bedding at every temperature, warm lumps of a body between and behind the soles."""

    cloud: Uniform = Uniform(0.3, 0.8)  # size, image heights
    cloud_depth: Uniform = Uniform(0.0, 0.8)  # SD on the wall
    fold: Uniform = Uniform(0.06, 0.25)  # size, image heights
    fold_stretch: Uniform = Uniform(1.0, 4.0)
    rectangles: Integers = Integers(0, 4)  # monitors, windows, …
    blankets: Integers = Integers(1, 3)
    blanket_height: Uniform = Uniform(-0.1, 1.1)  # of the first one above the heels, of others a half, a third
    most_lumps: int = 5  # drawn
    lumps: Integers = Integers(2, 5)  # painted
    lump_height: Uniform = Uniform(-0.05, 0.9)  # above the heels
    lump_shift: Normal = Normal(0.0, 0.45)
    lump_radius: Uniform = Uniform(0.15, 0.5)
    lump_points: int = 9
    lump_irregular: Uniform = Uniform(0.8, 1.2)  # factor on each point's radius
    lump_outline: int = 60  # points of its smooth outline
    bare_chance: float = 0.7  # that a lump is skin, not gown
    lump: Normal = Normal(0.0, 0.8)  # over skin or gown
    lump_fold: Uniform = Uniform(0.05, 0.7)  # SD of folds on it
    lump_cloud: Uniform = Uniform(0.0, 0.5)  # SD of clouds on it
    lump_softness: Uniform = Uniform(0.002, 0.015)  # of its edge, image heights


@dataclass(frozen=True)
class BedParameters:
    """Heaps of cloth, colder and warmer, under legs and feet seen from above; image heights."""

    fold: Uniform = Uniform(0.04, 0.25)
    fold_stretch: Uniform = Uniform(1.0, 5.0)
    cloud: Uniform = Uniform(0.2, 0.8)
    depth: Uniform = Uniform(0.1, 0.9)  # SD of folds and of clouds, °C
    heaps: Integers = Integers(0, 3)
    heap_radius: Uniform = Uniform(0.1, 0.6)
    heap_turn: Uniform = Uniform(0.0, 3.0)  # radians
    heap_points: int = 10
    heap_irregular: Uniform = Uniform(0.7, 1.3)  # factor on each point's radius
    heap_outline: int = 80  # points of its smooth outline
    heap: Uniform = Uniform(-0.3, 0.5)  # of the difference between skin and bed
    least_difference: float = 1.0  # that counts, °C
    heap_softness: Uniform = Uniform(0.003, 0.02)  # of its edge


@dataclass(frozen=True)
class BlobParameters:
    """Everything that the blob domain draws from."""

    shape: ShapeParameters = ShapeParameters()
    leg: LegParameters = LegParameters()
    sole_pattern: SolePatternParameters = SolePatternParameters()
    instep_pattern: InstepPatternParameters = InstepPatternParameters()
    background: BackgroundParameters = BackgroundParameters()
    bed: BedParameters = BedParameters()


BLOB_PARAMETERS = BlobParameters()
