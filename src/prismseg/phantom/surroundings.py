"""What is in the picture besides the soles: room, bed, the patient's body and legs behind, the sheet in front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from prismseg.phantom.pose import LEFT_SIDE, RIGHT_SIDE, Placement
from prismseg.phantom.raster import Curve, Field, paint, smooth_noise

ROUND = 24  # points of a half circle


@dataclass(frozen=True)
class Limb:
    """A calf with its knee, as the camera sees it from the foot end.

    Attributes
    ----------
    rise : float
        How far above the heel the knee appears, foot lengths.
    inward : float
        How far the knee lies towards the middle from the foot, foot lengths.
    ankle, knee : float
        Half widths there, foot lengths.
    excess : float
        Temperature above that of the body's other skin, °C.
    """

    rise: float
    inward: float
    ankle: float
    knee: float
    excess: float


@dataclass(frozen=True)
class Trunk:
    """The covered body behind the legs; lengths in foot lengths, heights above the heels.

    Attributes
    ----------
    base, shoulders : float
        Heights of the hips on the bed and of the shoulders.
    hip_width, shoulder_width : float
        Half widths there.
    shift : float
        How far the body lies to the right of the feet's middle.
    face : float
        Temperature of the face above that of the covered trunk, °C.
    """

    base: float
    shoulders: float
    hip_width: float
    shoulder_width: float
    shift: float
    face: float

    def outlines(self) -> tuple[Curve, Curve]:
        """Return closed curves (N, 2) of the head and of the trunk as (height, to the right)."""
        half = np.linspace(0, np.pi, ROUND)
        # A superellipse on a broader foot: shoulders are rounder than a box and flatter than an arc.
        rise = np.sin(half) ** 0.6
        width = self.hip_width + (self.shoulder_width - self.hip_width) * rise
        trunk = np.column_stack(
            [
                self.base + (self.shoulders - self.base) * rise,
                width * np.sign(np.cos(half)) * np.abs(np.cos(half)) ** 0.7,
            ]
        )
        turn = np.linspace(0, 2 * np.pi, ROUND, endpoint=False)
        radius = 0.45 * self.shoulder_width
        head = np.column_stack([self.shoulders + radius * (0.7 + 1.2 * np.sin(turn)), radius * np.cos(turn)])
        shift = np.array((0.0, self.shift))
        return head + shift, trunk + shift


@dataclass(frozen=True)
class Surroundings:
    """One patient's bed, seen from the foot end; temperatures in °C, lengths in foot lengths.

    Attributes
    ----------
    room, bed, sheet : float
        Temperatures of the wall, of the mattress behind the feet and of the sheet before them.
    skin : float
        Temperature of the legs.
    gown : float
        Temperature of the covered body.
    horizon : float
        Height above the heels at which the bed ends and the wall begins.
    tilt : float
        Slope of the bed's edges, radians.
    cut : float
        How much of the heels the sheet hides; negative where they stand free above its edge.
    trunk : Trunk or None
        The covered body behind the feet, where it is seen.
    limbs : (left, right)
        The legs.
    glow : float
        Warming of the bed around the body, °C.
    focus : float
        Blur of everything behind the soles, foot lengths.
    folds : int
        Seed of the folds of bed and gown, which stay from picture to picture.
    """

    room: float
    bed: float
    sheet: float
    skin: float
    gown: float
    horizon: float
    tilt: float
    cut: float
    trunk: Trunk | None
    limbs: tuple[Limb, Limb]
    glow: float
    focus: float
    folds: int

    def behind(self, rows: Field, columns: Field, left: Placement, right: Placement) -> Field:
        """Scene behind the soles (H, W), °C."""
        rng = np.random.default_rng(self.folds)
        size = (rows.shape[0], columns.shape[1])
        length = left.length
        middle, heel = (left.column + right.column) / 2, (left.row + right.row) / 2
        # In foot lengths from the feet, so that folds stay where they are on the patient.
        down, across = (rows - np.float32(heel)) / length, (columns - np.float32(middle)) / length
        edge = self._line(columns, left, right, self.horizon)
        below = _step(rows - edge, 1.5)
        scene = self.room + (self.bed - self.room) * below + 0.15 * (rows / size[0] - 0.5)
        scene = scene + smooth_noise(rng, down / 0.12, across / 0.12) * (0.08 + 0.25 * below)
        curves, values = self._bodies(left, right)
        warm = paint(curves, values, size)
        cover = paint(curves, [1.0] * len(curves), size)
        broad = ndimage.uniform_filter(
            ndimage.uniform_filter(cover, max(1, round(0.3 * length))), max(1, round(0.2 * length))
        )
        scene = scene + self.glow * broad * below
        # Round limbs look warmer in their middle, where the skin faces the camera.
        folds = smooth_noise(rng, down / 0.12, across / 0.12) + 0.4 * smooth_noise(rng, down / 0.05, across / 0.05)
        folds = 0.6 * folds + 2.5 * (broad - 0.6)
        scene = scene * (1 - cover) + warm + cover * folds
        blurred: Field = ndimage.gaussian_filter(
            scene, max(0.6, self.focus * length), mode="nearest", truncate=3.0
        )
        return blurred

    def free_of_sheet(self, rows: Field, columns: Field, left: Placement, right: Placement) -> Field:
        """Share of each pixel (H, W) that the sheet in front leaves visible."""
        share: Field = np.clip(self._line(columns, left, right, self.cut) - rows + 0.5, 0, 1).astype(np.float32)
        return share

    def _line(self, columns: Field, left: Placement, right: Placement, height: float) -> Field:
        middle, heel = (left.column + right.column) / 2, max(left.row, right.row)
        line: Field = (heel - height * left.length + np.tan(self.tilt) * (columns - middle)).astype(np.float32)
        return line

    def _bodies(self, left: Placement, right: Placement) -> tuple[list[Curve], list[float]]:
        length, middle, heel = left.length, (left.column + right.column) / 2, (left.row + right.row) / 2
        curves: list[Curve] = []
        values: list[float] = []
        if self.trunk is not None:
            curves += [(heel, middle) + curve * (-length, length) for curve in self.trunk.outlines()]
            values += [self.gown + self.trunk.face, self.gown]
        for limb, foot in zip(self.limbs, (left, right), strict=True):
            ankle = (foot.row - 0.28 * length, foot.column + 0.28 * length * np.sin(foot.lean))
            knee = (foot.row - limb.rise * length, foot.column - foot.side * limb.inward * length)
            curves.append(_capsule(ankle, knee, limb.ankle * length, limb.knee * length))
            values.append(self.skin + limb.excess)
        return curves, values


def _step(distance: Field, softness: float) -> Field:
    share: Field = 1 / (1 + np.exp(-np.clip(distance / softness, -30, 30)))
    return share


def _capsule(start: tuple[float, float], end: tuple[float, float], first: float, second: float) -> Curve:
    """Outline of a limb from `start` to `end` (row, column) with the half widths `first` and `second`."""
    direction = np.arctan2(end[0] - start[0], end[1] - start[1])
    half = np.linspace(-np.pi / 2, np.pi / 2, ROUND)
    curve = []
    for (row, column), radius, turn in ((end, second, 0.0), (start, first, np.pi)):
        angle = direction + half + turn
        curve.append(np.column_stack([row + radius * np.sin(angle), column + radius * np.cos(angle)]))
    return np.vstack(curve)


def draw_surroundings(rng: np.random.Generator, *, coldest: float, warmest: float) -> Surroundings:
    """Draw the surroundings of feet whose temperatures lie between `coldest` and `warmest` at the start, °C."""
    room = float(min(rng.normal(21.8, 1.3), coldest - 1.0))
    bed = float(room + abs(rng.normal(0.9, 0.7)))
    skin = float(np.clip(max(rng.normal(30.0, 1.3), warmest + rng.uniform(-0.3, 1.5)), 26, 35))
    horizon = float(rng.uniform(0.1, 0.55))
    trunk = _draw_trunk(rng, horizon) if rng.random() < 0.6 else None
    inward = rng.normal(0.05, 0.25)
    rise = rng.uniform(0.4, 0.85)
    limbs = [
        Limb(
            rise=float(rise + rng.normal(0, 0.05)),
            inward=float(inward + rng.normal(0, 0.06)),
            ankle=float(rng.uniform(0.1, 0.14)),
            knee=float(rng.uniform(0.15, 0.24)),
            excess=float(rng.normal(0, 0.4)),
        )
        for _ in (LEFT_SIDE, RIGHT_SIDE)
    ]
    return Surroundings(
        room=room,
        bed=bed,
        sheet=float(bed - abs(rng.normal(0.2, 0.4))),
        skin=skin,
        gown=float(skin - rng.uniform(0.5, 4.0)),
        horizon=horizon,
        tilt=float(rng.normal(0, 0.025)),
        cut=float(rng.uniform(0.0, 0.07) if rng.random() < 0.75 else -0.1),
        trunk=trunk,
        limbs=(limbs[0], limbs[1]),
        glow=float(rng.uniform(0.3, 2.0)),
        focus=float(rng.uniform(0.004, 0.015)),
        folds=int(rng.integers(2**32)),
    )


def _draw_trunk(rng: np.random.Generator, horizon: float) -> Trunk:
    shoulder_width = float(rng.uniform(0.3, 0.6))
    return Trunk(
        base=horizon - float(rng.uniform(0.0, 0.1)),
        shoulders=float(rng.uniform(0.75, 1.15)),
        hip_width=shoulder_width * float(rng.uniform(1.0, 1.4)),
        shoulder_width=shoulder_width,
        shift=float(rng.normal(0, 0.12)),
        face=float(rng.uniform(0.5, 3.0)),
    )
