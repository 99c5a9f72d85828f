"""Numbers that the solid domain draws from.

Lengths are in foot lengths, angles in degrees and temperatures in °C unless stated. Shapes and ranges are chosen by eye
on contact sheets.
"""

from __future__ import annotations

from dataclasses import dataclass

from prismseg.thermal.phantom.distributions import Integers, Mixture, Normal, Uniform

Points = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class FootParameters:
    """A foot of spheres; neighbouring ones are joined by hulls."""

    # Heel to toe, to the medial side, plantar to dorsal, radius: heel, arch, ankle, five balls, five toes.
    spheres: Points = (
        (0.130, 0.000, 0.115, 0.125), (0.420, -0.030, 0.115, 0.120), (0.200, 0.000, 0.270, 0.115),
        (0.730, 0.110, 0.080, 0.085), (0.750, 0.050, 0.085, 0.075), (0.730, -0.010, 0.080, 0.072),
        (0.690, -0.070, 0.075, 0.070), (0.630, -0.125, 0.065, 0.066),
        (0.935, 0.125, 0.055, 0.062), (0.945, 0.038, 0.050, 0.040), (0.905, -0.035, 0.047, 0.038),
        (0.855, -0.100, 0.045, 0.036), (0.785, -0.160, 0.043, 0.036),
    )  # fmt: skip
    irregular: float = 0.005  # SD of places and radii, between persons
    arch: Uniform = Uniform(0.0, 0.06)  # how far the arch's sphere moves to the lateral side
    width: Uniform = Uniform(0.85, 1.15)  # factor on places across
    thickness: Uniform = Uniform(0.9, 1.12)  # factor on radii
    fan: Uniform = Uniform(0.95, 1.25)  # factor on the toes' places across
    curl: Uniform = Uniform(0.0, 0.08)  # how far all but the big toe are drawn back …
    toe_curl: Uniform = Uniform(0.3, 1.0)  # … and each of them, shares
    toe_size: Uniform = Uniform(0.88, 1.15)  # factor on the toes' radii


@dataclass(frozen=True)
class ViewParameters:
    """Where the camera is."""

    sole_length: Normal = Normal(0.71, 0.1)  # of a foot in the image, image heights; as in labour sessions
    sole_length_limits: tuple[float, float] = (0.45, 0.9)
    varied_sole_length: Uniform = Uniform(0.27, 0.92)  # beyond labour sessions
    instep_length: Uniform = Uniform(0.26, 0.6)
    widest: float = 0.9  # length over the image's width
    sole_elevation: Uniform = Uniform(-2.0, 14.0)  # of the camera above the bed
    instep_elevation: Uniform = Uniform(55.0, 88.0)
    distance: Uniform = Uniform(2.5, 7.0)
    heel: Normal = Normal(0.9, 0.05)  # row of the heels, image heights
    top_margin: float = 0.03  # above the toes, image heights
    lowest_heel: float = 0.97  # row
    loose_chance: float = 0.6  # beyond labour sessions, that the heels are anywhere, also below the image
    highest_toes: float = 0.08  # how far the toes of loose feet may go above the image, image heights
    longest: float = 0.9  # length that counts for this, image heights
    loose_lowest_heel: float = 1.08  # row
    instep_heel: Uniform = Uniform(0.35, 0.85)  # row
    turned_elevation: Uniform = Uniform(25.0, 60.0)  # where a foot seen from above turns its sole to the camera
    turned_heel: Uniform = Uniform(0.5, 1.0)  # row, then
    middle: Normal = Normal(0.0, 0.03)  # how far both feet are off the image's middle, image widths
    varied_middle: Normal = Normal(0.0, 0.08)
    nearest: float = 0.3  # depth; nearer points would be behind the camera


@dataclass(frozen=True)
class StanceParameters:
    """How feet and legs stand on the bed."""

    sole_turn: Normal = Normal(8.0, 5.0)  # outward turn of both feet
    varied_sole_turn: Normal = Normal(8.0, 13.0)  # beyond labour sessions
    instep_turn: Uniform = Uniform(0.0, 50.0)
    own_turn: Normal = Normal(0.0, 5.0)  # of each foot
    gap: Uniform = Uniform(0.45, 0.75)  # between the heels' middles
    apart_chance: float = 0.3  # that the legs are apart
    apart: Uniform = Uniform(0.0, 0.8)  # how much farther
    sole_flexion: Uniform = Uniform(0.0, 30.0)  # of the feet from upright towards the patient
    instep_flexion: Uniform = Uniform(38.0, 75.0)
    turned_sole: Uniform = Uniform(-12.0, 12.0)  # of feet that turn their soles to a camera above
    beside_turned: Uniform = Uniform(75.0, 95.0)  # of a foot beside one that does, which shows its instep
    own_flexion: Normal = Normal(0.0, 5.0)  # of each foot
    bend: Uniform = Uniform(0.0, 1.3)  # height of the knees
    instep_bend: float = 0.3  # share of it in legs seen from above
    shank: Uniform = Uniform(1.5, 1.75)  # from ankle to knee
    heel_height: Normal = Normal(0.0, 0.03)  # of each heel
    heel_depth: Normal = Normal(0.0, 0.05)  # of each heel, towards the camera
    knee_out: Normal = Normal(0.05, 0.2)
    hip_out: Uniform = Uniform(0.25, 0.5)
    hip_height: float = 0.35
    thigh: Uniform = Uniform(0.9, 1.7)  # from knee to hip along the bed
    calf: float = 0.35  # where its sphere is, share of the way from ankle to knee
    calf_sag: float = 0.03  # how far it hangs
    shin: float = 0.12  # share of that way
    radii: tuple[float, ...] = (0.112, 0.108, 0.19, 0.18, 0.3)  # of ankle, shin, calf, knee and hip
    thickness: Uniform = Uniform(0.9, 1.2)  # factor on them
    alone_chance: float = 0.5  # that a close-up has no second foot
    landmark_height: float = 0.06  # plantar to dorsal, of the landmarks
    instep_ankle: float = 0.2  # u of the ankle, where foot coordinates begin in feet seen from above
    missing_chance: float = 0.06  # that there is one foot, beyond labour sessions


@dataclass(frozen=True)
class SceneParameters:
    """What is around the feet."""

    defocus: Uniform = Uniform(0.002, 0.012)  # SD of the blur behind the feet
    front_chance: float = 0.75  # that the near edge of the mattress is seen
    sunk: Uniform = Uniform(0.0, 0.09)  # how deep the heels sink behind it
    front_depth: float = 0.15  # of this edge from the heels towards the camera
    front_tilt: Normal = Normal(0.0, 0.025)  # down for each image height across
    wall: Normal = Normal(0.0, 0.6)  # rise of the wall's temperature with each image height downwards
    rectangles: Integers = Integers(0, 3)  # monitors, windows, …
    bed_half_width: Uniform = Uniform(1.2, 3.0)
    bed_near: Uniform = Uniform(0.1, 1.5)  # end of the bed from the heels towards the camera
    bed_far: float = -8.0  # the other end
    before_camera: float = 0.4  # how far the bed ends before the camera at least
    fold: Uniform = Uniform(0.06, 0.25)  # of the bed, image heights
    fold_stretch: Uniform = Uniform(1.0, 4.0)
    cloud: Uniform = Uniform(0.2, 0.6)  # on the bed, image heights
    depth: Uniform = Uniform(0.0, 0.5)  # SD of folds and of clouds
    bed_softness: float = 0.004  # of its edge, image heights


@dataclass(frozen=True)
class BodyParameters:
    """Trunk, head and arms under a gown, thighs and calves behind soles."""

    fold: Uniform = Uniform(0.06, 0.2)  # size, image heights
    fold_stretch: float = 3.0
    shoulder_shift: Normal = Normal(0.0, 0.1)
    shoulder_height: Uniform = Uniform(0.0, 0.9)  # above the hips: lying to half sitting
    trunk_length: Uniform = Uniform(1.5, 2.2)
    head_shift: Normal = Normal(0.0, 0.1)
    head_height: Uniform = Uniform(0.1, 0.5)  # above the shoulders
    head_back: float = 0.6  # behind the shoulders
    trunk_chance: float = 0.7  # that trunk and head are seen
    head_radii: tuple[float, float] = (0.4, 0.36)  # skull, chin
    chin: float = 0.1  # below the skull
    face_fold: float = 0.3  # share of the folds' depth that shadows in the face have
    half_width: Uniform = Uniform(0.5, 0.8)  # of the shoulders
    shoulder_radius: float = 0.3
    trunk_radii: tuple[float, float] = (0.65, 0.6)  # chest, hips
    gown_fold: Uniform = Uniform(0.1, 1.0)  # SD
    covered_chance: float = 0.25  # that the gown covers the thighs
    covered_from: int = 2  # part of the leg from which on it does: calf to knee
    skin: Normal = Normal(0.0, 0.6)  # of each part of the legs
    skin_fold: Uniform = Uniform(0.0, 0.3)  # SD
    round_fall: Uniform = Uniform(0.0, 1.5)  # at the outline of limbs, where skin turns away
    round_width: float = 0.06  # SD of the blur by which the outline is found, shares of the limb's size
    round_least: int = 20  # size that counts at least, pixels


@dataclass(frozen=True)
class PatternParameters:
    """Extremities that cool (or burn) away from the body, interpolated between the spheres."""

    warming: float = 4.0  # °C after which the pattern has the contrast of a warm foot
    warm_contrast: float = 0.6  # share of the contrast that is lost then
    sole_end: Normal = Normal(-1.0, 2.5)  # toes over the ankle
    instep_end: Mixture = Mixture((Uniform(0.0, 5.0), Uniform(-5.0, 0.0)))
    begin: float = 0.2  # from heel to toe, where the change begins
    power: Uniform = Uniform(0.7, 3.0)  # with which it grows
    full: float = 0.7  # what it is divided by: it is full near the tips
    sphere: Normal = Normal(0.0, 0.5)  # of each sphere
    heel: Normal = Normal(-0.8, 1.2)  # of the heel, in soles
    arch: Normal = Normal(0.8, 0.8)  # of the arch, in soles
    toe: Normal = Normal(0.0, 0.7)  # of each toe's sphere
    leg: Normal = Normal(0.0, 0.5)  # of each of the leg's spheres over the ankle
    reach: Uniform = Uniform(0.6, 1.1)  # of a sphere's temperature, radii
    least_reach: float = 0.02  # image heights
    softening: float = 0.15  # squared reaches, within which a sphere's weight is nearly even
    veins: Uniform = Uniform(0.0, 1.4)
    sole_veins_chance: float = 0.3  # that they are seen in soles; they always are from above
    vein_grain: float = 0.25
    vein_stretch: float = 1.5
    marble: Uniform = Uniform(0.0, 0.4)  # SD of light and dark patches
    patch_grain: float = 0.18
    shin: Uniform = Uniform(0.0, 1.2)  # how much darker dark patches are on the leg
    shin_end: float = 0.4  # u where this has faded
    oblique: Normal = Normal(0.0, 0.8)  # a lamp, a window or a warm body reflected from one side
    half_width: float = 0.3  # over which that is spread
    disc: Normal = Normal(0.0, 1.0)  # of each toe's disc
    disc_softness: Uniform = Uniform(0.003, 0.02)
    rim: Uniform = Uniform(0.2, 2.2)  # how much colder the outline is
    rim_width: Uniform = Uniform(0.02, 0.09)
    web: Normal = Normal(0.3, 0.7)  # of the creases between toes
    web_width: float = 0.006


@dataclass(frozen=True)
class SolidParameters:
    """Everything that the solid domain draws from."""

    foot: FootParameters = FootParameters()
    view: ViewParameters = ViewParameters()
    stance: StanceParameters = StanceParameters()
    scene: SceneParameters = SceneParameters()
    body: BodyParameters = BodyParameters()
    pattern: PatternParameters = PatternParameters()


SOLID_PARAMETERS = SolidParameters()
