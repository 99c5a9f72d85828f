"""Objects around the feet: warm prints, monitors, cables, blankets, hands, the patient's trunk. None of it is a foot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.distributions import Integers, Normal, Uniform
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import capsule, ellipse, smooth_closed, strip
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import Temperatures

OUTSIDE = 0.5  # image heights beyond the image's sides to which wide objects reach
FAR_BELOW = 3.0  # row beyond the lower edge, also when the camera moves


@dataclass(frozen=True)
class WarmPrintParameters:
    """Warmth that feet and hands left on the bed."""

    count: Integers = Integers(0, 2)
    down: Normal = Normal(0.0, 0.25)  # from the heels, foot lengths
    across: Normal = Normal(0.0, 0.9)  # from the middle, foot lengths
    half_length: Uniform = Uniform(0.08, 0.45)  # foot lengths
    half_width: Uniform = Uniform(0.05, 0.2)  # foot lengths
    power: Uniform = Uniform(1.6, 3.0)  # of the superellipse
    warmth: Uniform = Uniform(0.1, 0.6)  # of the difference between skin and bed
    least_difference: float = 1.0  # that counts, °C
    softness: Uniform = Uniform(0.004, 0.05)  # of the edge, image heights


@dataclass(frozen=True)
class RectangleParameters:
    """Monitors, lamps, windows, doors and rails behind the bed; image heights."""

    row: Uniform = Uniform(-0.1, 0.6)
    half_height: Uniform = Uniform(0.02, 0.3)
    half_width: Uniform = Uniform(0.01, 0.3)
    turn: Normal = Normal(0.0, 0.1)  # radians
    powers: tuple[float, float] = (2.0, 8.0)  # of superellipses: round, nearly a box
    hot_chance: float = 0.25  # that it is a lamp or a running device
    hot: Uniform = Uniform(2.0, 12.0)  # above the room, °C
    difference: Normal = Normal(0.0, 1.2)  # of any other from the room, °C
    softness: Uniform = Uniform(0.002, 0.01)  # of the edge


@dataclass(frozen=True)
class CableParameters:
    """A thin cable or drip line."""

    points: int = 24  # along it
    half_width: Uniform = Uniform(0.0025, 0.006)  # image heights
    difference: Normal = Normal(0.0, 1.5)  # from the bed, °C


@dataclass(frozen=True)
class BlanketParameters:
    """Cloth with a wavy border; image heights."""

    points: int = 14  # of the border
    outside: float = 0.3  # how far it reaches beyond the sides
    wave: Uniform = Uniform(0.002, 0.02)  # SD of the steps between the border's points
    tilt: Normal = Normal(0.0, 0.12)  # of the border, down for each image height across
    far_above: float = -1.0  # row to which cloth above the border reaches
    far_below: float = 2.0
    warmth: Uniform = Uniform(-0.05, 0.6)  # where it is between the sheet and the gown
    fold: Uniform = Uniform(0.03, 0.12)  # size of the folds
    fold_stretch: Uniform = Uniform(1.0, 5.0)
    fold_depth: Uniform = Uniform(0.05, 0.8)  # SD, °C


@dataclass(frozen=True)
class FrontSheetParameters:
    """The near edge of the mattress; image heights."""

    cloud: Uniform = Uniform(0.05, 0.3)  # size of the warmer and colder patches
    cloud_stretch: float = 2.0
    cloud_depth: Uniform = Uniform(0.0, 0.25)  # SD, °C
    fall: Normal = Normal(0.0, 1.5)  # change of temperature towards the floor, °C for each image height


@dataclass(frozen=True)
class HandParameters:
    """A hand with its forearm; lengths in hand lengths."""

    wrist: float = 0.75  # from the target to the wrist
    arm: float = 2.5  # length
    wrist_radius: float = 0.16
    elbow_radius: float = 0.26
    palm: float = 0.42  # from the target to the middle of the knuckles
    palm_radii: tuple[float, float] = (0.15, 0.21)  # at the wrist, at the knuckles
    spread: Uniform = Uniform(0.1, 0.28)  # between two fingers, radians
    thumb_turn: float = 0.5  # how far the thumb stands off more, radians
    knuckle: float = 0.16  # from the middle of the knuckles to each
    finger: Uniform = Uniform(0.36, 0.46)  # length
    thumb: float = 0.34  # length
    finger_radii: tuple[float, float] = (0.05, 0.04)  # at the knuckle, at the tip
    gloved: float = 3.0  # of a gloved hand above the bed, °C; others are as warm as the face or the legs
    difference: Normal = Normal(0.0, 0.7)  # °C
    patch: float = 0.3  # size of warmer and colder patches
    patch_depth: Uniform = Uniform(0.1, 0.8)  # SD, °C


@dataclass(frozen=True)
class TrunkParameters:
    """The covered trunk with shoulders, neck and head behind the feet; foot lengths."""

    shift: Normal = Normal(0.0, 0.12)  # from the middle between the feet
    height: Uniform = Uniform(0.75, 1.15)  # of the shoulders above the heels
    shoulder: Uniform = Uniform(0.3, 0.65)  # half width
    hip: Uniform = Uniform(0.9, 1.4)  # half width, of the shoulders'
    waist_height: float = 0.45  # share of the way from the base to the shoulders
    waist: float = 1.05  # half width, of the shoulders'
    armpit: float = 0.1  # below the shoulders
    collar: float = 0.55  # half width, of the shoulders'
    throat: float = 0.02  # above the collar
    irregular: float = 0.015  # SD of the outline's points
    neck: float = 0.42  # width, of the shoulders' half width
    head_height: float = 0.75  # above the shoulders, necks
    head_ratio: float = 1.3  # length over width
    neck_radii: tuple[float, float] = (0.6, 0.5)  # below, above, necks
    face_fold: float = 0.4  # share of the folds' depth that shadows in the face have
    fold_depth: Uniform = Uniform(0.3, 1.2)  # of the gown, SD, °C
    line_chance: float = 0.5  # that a warm line runs down the gown's middle, where it is open
    line_half_width: float = 0.06
    line_warmth: Uniform = Uniform(0.5, 3.0)  # °C


@dataclass(frozen=True)
class OccluderParameters:
    """What may lie or reach before the feet beyond labour sessions."""

    blanket_chance: float = 0.12
    from_toes_chance: float = 0.3  # that a blanket hides toes, not heels or ankles
    over_toes: float = 0.25  # share of the foot that it hides at most then
    over_heels: float = 0.4  # the same from the other end
    hand_chance: float = 0.12
    hand_along: Uniform = Uniform(-0.1, 1.1)  # where it reaches to, from toes (0) to heels (1)
    hand_across: Normal = Normal(0.0, 0.7)  # from the middle, foot lengths
    hand_size: Uniform = Uniform(0.45, 0.8)  # foot lengths
    cable_chance: float = 0.12
    seen_toes: float = 0.8  # from above, where the toes are, of the seen length


@dataclass(frozen=True)
class ObjectParameters:
    """Everything that the objects of all domains are drawn from; chosen by eye on contact sheets."""

    warm_print: WarmPrintParameters = WarmPrintParameters()
    rectangle: RectangleParameters = RectangleParameters()
    cable: CableParameters = CableParameters()
    blanket: BlanketParameters = BlanketParameters()
    front_sheet: FrontSheetParameters = FrontSheetParameters()
    hand: HandParameters = HandParameters()
    trunk: TrunkParameters = TrunkParameters()
    occluder: OccluderParameters = OccluderParameters()


OBJECTS = ObjectParameters()


def paint_warm_prints(rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
    """Paint the warmth that feet and hands left on the bed: soft-edged, part of what lies behind."""
    p = OBJECTS.warm_print
    for _ in range(p.count.draw(rng)):
        place = (pose.heel + p.down.draw(rng) * pose.length, pose.middle + p.across.draw(rng) * pose.length)
        radii = (pose.length * p.half_length.draw(rng), pose.length * p.half_width.draw(rng))
        curve = ellipse(place, radii, rng.uniform(0, np.pi), power=p.power.draw(rng))
        warmth = p.warmth.draw(rng) * max(temperatures.skin - temperatures.bed, p.least_difference)
        canvas.paint([curve], canvas.celsius + np.float32(warmth), softness=float(p.softness.draw(rng)))


def paint_rectangles(
    rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, count: Integers
) -> None:
    """Paint monitors, lamps, windows, doors and rails behind the bed."""
    p = OBJECTS.rectangle
    for _ in range(count.draw(rng)):
        middle = (p.row.draw(rng), rng.uniform(0, canvas.width))
        radii = (p.half_height.draw(rng), p.half_width.draw(rng))
        curve = ellipse(middle, radii, p.turn.draw(rng), power=rng.choice(p.powers))
        hot = rng.random() < p.hot_chance
        celsius = temperatures.room + (p.hot if hot else p.difference).draw(rng)
        canvas.paint([curve], float(celsius), softness=float(p.softness.draw(rng)))


def paint_cable(rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures) -> None:
    """Paint a thin cable or drip line across the image, along a cubic Bézier curve."""
    p = OBJECTS.cable
    ends = rng.uniform(0, 1, size=(4, 2)) * (1, canvas.width)
    steps = np.linspace(0, 1, p.points)[:, None]
    line = (
        (1 - steps) ** 3 * ends[0]
        + 3 * steps * (1 - steps) ** 2 * ends[1]
        + 3 * steps**2 * (1 - steps) * ends[2]
        + steps**3 * ends[3]
    )
    width = p.half_width.draw(rng)
    canvas.paint([strip(line, [width] * len(line))], float(temperatures.bed + p.difference.draw(rng)))


def paint_blanket(
    rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, edge: float, *, above: bool
) -> None:
    """Paint cloth whose wavy border lies near the row `edge`; it hides everything on one side of it."""
    p = OBJECTS.blanket
    columns = np.linspace(-p.outside, canvas.width + p.outside, p.points)
    waves = np.cumsum(rng.normal(0, p.wave.draw(rng), size=p.points))
    border = edge + waves - waves.mean() + p.tilt.draw(rng) * (columns - canvas.width / 2)
    far = p.far_above if above else p.far_below
    curve = np.vstack([np.column_stack([border, columns]), [[far, columns[-1]], [far, columns[0]]]])
    celsius = temperatures.sheet + p.warmth.draw(rng) * max(temperatures.gown - temperatures.sheet, 0.0)
    folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)), stretch=float(p.fold_stretch.draw(rng)))
    canvas.paint([curve], np.float32(celsius) + folds * np.float32(p.fold_depth.draw(rng)))


def paint_front_sheet(
    rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, row: float, tilt: float
) -> None:
    """Paint the near edge of the mattress: everything below its straight horizon is sheet."""
    p = OBJECTS.front_sheet
    half = canvas.width / 2
    left, right = -OUTSIDE, canvas.width + OUTSIDE
    curve = np.array(
        [
            [row + tilt * (left - half), left], [row + tilt * (right - half), right],
            [FAR_BELOW, right], [FAR_BELOW, left],
        ]
    )  # fmt: skip
    clouds = canvas.texture(rng, "cloud", float(p.cloud.draw(rng)), stretch=p.cloud_stretch)
    shade = clouds * np.float32(p.cloud_depth.draw(rng))
    fall = np.clip(canvas.rows - np.float32(row), 0, 1) * np.float32(p.fall.draw(rng))
    canvas.paint([curve], np.float32(temperatures.sheet) + shade + fall)


def paint_hand(
    rng: np.random.Generator, canvas: Canvas, temperatures: Temperatures, target: tuple[float, float], size: float
) -> None:
    """Paint a warm (sometimes gloved, colder) hand and forearm that reach to `target` from a border."""
    p = OBJECTS.hand
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.sin(angle), np.cos(angle)])
    wrist = np.asarray(target) + direction * size * p.wrist
    arm: list[Curve] = [capsule(wrist, wrist + direction * p.arm, p.wrist_radius * size, p.elbow_radius * size)]
    palm = np.asarray(target) + direction * size * p.palm
    arm.append(capsule(wrist, palm, p.palm_radii[0] * size, p.palm_radii[1] * size))
    spread = p.spread.draw(rng)
    for number in range(5):
        thumb = number == 4
        turn = angle + np.pi + (number - 2) * spread + (p.thumb_turn if thumb else 0.0)
        knuckle = palm + p.knuckle * size * np.array([np.sin(turn), np.cos(turn)])
        reach = size * (p.thumb if thumb else p.finger.draw(rng))
        tip = knuckle + reach * np.array([np.sin(turn), np.cos(turn)])
        arm.append(capsule(knuckle, tip, p.finger_radii[0] * size, p.finger_radii[1] * size))
    celsius = rng.choice([temperatures.face, temperatures.skin, temperatures.bed + p.gloved])
    celsius = celsius + p.difference.draw(rng)
    shade = canvas.texture(rng, "smooth", p.patch * size) * np.float32(p.patch_depth.draw(rng))
    canvas.paint(arm, np.float32(celsius) + shade)


def paint_trunk(
    rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures, base: float, folds: Field
) -> None:
    """Paint the covered trunk with shoulders, neck and head, from the row `base` up, in its folded gown."""
    p = OBJECTS.trunk
    length, middle = pose.length, pose.middle + p.shift.draw(rng) * pose.length
    top = pose.heel - p.height.draw(rng) * length
    shoulder = p.shoulder.draw(rng) * length
    hip = shoulder * p.hip.draw(rng)
    waist = ((1 - p.waist_height) * base + p.waist_height * top, p.waist * shoulder)
    armpit, collar = (top + p.armpit * length, shoulder), (top, p.collar * shoulder)
    side = [(base, hip), waist, armpit, collar]
    left = [(row, -column) for row, column in side]
    control = np.array([*left, (top - p.throat * length, 0.0), *reversed(side)])
    irregular = rng.normal(0, p.irregular * length, size=control.shape)
    trunk = smooth_closed(control + np.array((0.0, middle)) + irregular)
    neck = p.neck * shoulder
    head = ellipse((top - p.head_height * neck, middle), (p.head_ratio * neck, neck))
    face = np.float32(temperatures.face) + folds * np.float32(p.face_fold)
    below, above = p.neck_radii
    canvas.paint([capsule((top, middle), (top - neck, middle), below * neck, above * neck), head], face)
    gown = np.float32(temperatures.gown) + folds * np.float32(p.fold_depth.draw(rng))
    if rng.random() < p.line_chance:
        away = (canvas.columns - np.float32(middle)) / np.float32(p.line_half_width * length)
        gown = gown + np.exp(-(away**2)) * np.float32(p.line_warmth.draw(rng))
    canvas.paint([trunk], gown)


def paint_occluders(rng: np.random.Generator, canvas: Canvas, pose: Pose, spec: SceneSpec) -> None:
    """Sometimes paint a blanket, a hand or a cable before the feet."""
    p = OBJECTS.occluder
    chance = rng.random(3)
    length, temperatures = pose.length, spec.temperatures
    soles = spec.framing == "soles"
    # Rows of the toes and of the other end, where the feet are seen from above or from their end.
    toes = pose.heel + (-1.0 if soles else p.seen_toes * pose.foreshortening) * length
    if chance[0] < p.blanket_chance:
        from_toes = rng.random() < p.from_toes_chance
        reach = rng.uniform(0.0, p.over_toes if from_toes else p.over_heels)
        edge = toes + reach * (pose.heel - toes) if from_toes else pose.heel + reach * (toes - pose.heel)
        paint_blanket(rng, canvas, temperatures, float(edge), above=from_toes == soles)
    if chance[1] < p.hand_chance:
        place = (
            toes + p.hand_along.draw(rng) * (pose.heel - toes),
            pose.middle + p.hand_across.draw(rng) * length,
        )
        paint_hand(rng, canvas, temperatures, place, length * float(p.hand_size.draw(rng)))
    if chance[2] < p.cable_chance:
        paint_cable(rng, canvas, temperatures)
