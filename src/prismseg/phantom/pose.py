"""Where the feet lie in the picture: supine patient, soles to the camera, toes up, side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prismseg.phantom.raster import Curve, Field

RIGHT_SIDE, LEFT_SIDE = -1, 1


@dataclass(frozen=True)
class Placement:
    """Where one sole lies.

    Attributes
    ----------
    row, column : float
        Position of the heel (u = v = 0), pixels.
    lean : float
        Angle by which the foot leans to the image's right, radians.
    length : float
        Length of the foot, pixels.
    taper : float
        Perspective: relative gain of width from heel to toes.
    side : int
        -1 for the foot on the image's left (the patient's right one), +1 for the other.
    """

    row: float
    column: float
    lean: float
    length: float
    taper: float
    side: int

    def to_pixels(self, curve: Curve) -> Curve:
        """Map points (u, v) of the sole to (row, column), (N, 2)."""
        up = curve[:, 0] * self.length
        right = -self.side * curve[:, 1] * (1 + self.taper * (curve[:, 0] - 0.5)) * self.length
        cos, sin = np.cos(self.lean), np.sin(self.lean)
        return np.column_stack([self.row - up * cos + right * sin, self.column + up * sin + right * cos])

    def to_sole(self, rows: Field, columns: Field) -> tuple[Field, Field]:
        """Sole coordinates u and v of pixels: the inverse of `to_pixels`."""
        cos, sin = np.float32(np.cos(self.lean)), np.float32(np.sin(self.lean))
        up, right = np.float32(self.row) - rows, columns - np.float32(self.column)
        u = (up * cos + right * sin) / np.float32(self.length)
        v = (
            (up * sin - right * cos)
            * np.float32(self.side / self.length)
            / (1 + np.float32(self.taper) * (u - 0.5))
        )
        return u.astype(np.float32), v.astype(np.float32)


@dataclass(frozen=True)
class Pose:
    """How a patient lies in front of the camera, relative to the picture, so that any size shows the same.

    Attributes
    ----------
    length : float
        Length of a foot, picture heights.
    heel : float
        Row of the heels, picture heights.
    middle : float
        Column half way between the feet, picture widths.
    gap : float
        Distance of the heels from each other, foot lengths.
    lean_left, lean_right : float
        Outward turn of each foot, radians.
    shift : float
        How much lower in the picture the left heel lies than the right one, foot lengths.
    taper : float
        Perspective, see `Placement`.
    """

    length: float
    heel: float
    middle: float
    gap: float
    lean_left: float
    lean_right: float
    shift: float
    taper: float

    def moved(self, rng: np.random.Generator) -> Pose:
        """Return the pose in the next picture: people stir, and so do hand-held cameras."""
        return replace(
            self,
            length=self.length * (1 + rng.normal(0, 0.03)),
            heel=self.heel + rng.normal(0, 0.012),
            middle=self.middle + rng.normal(0, 0.02),
            gap=self.gap + rng.normal(0, 0.025),
            lean_left=self.lean_left + rng.normal(0, 0.05),
            lean_right=self.lean_right + rng.normal(0, 0.05),
        )

    def placement(self, side: int, size: tuple[int, int]) -> Placement:
        """Place one sole in a picture of `size` (height, width)."""
        height, width = size
        length = self.length * height
        return Placement(
            row=self.heel * height + side * self.shift * length / 2,
            column=self.middle * width + side * self.gap * length / 2,
            lean=side * (self.lean_left if side == LEFT_SIDE else self.lean_right),
            length=length,
            taper=self.taper,
            side=side,
        )


def draw_pose(rng: np.random.Generator, *, width: float) -> Pose:
    """Draw a pose for feet of the given `width` factor."""
    length = float(np.clip(rng.normal(0.71, 0.10), 0.45, 0.9))
    leans = np.deg2rad(np.clip(rng.normal(7, 5) + rng.normal(0, 4, size=2), -3, 25))
    return Pose(
        length=length,
        heel=float(np.clip(rng.normal(0.9, 0.05), length + 0.03, 0.97)),
        middle=float(rng.normal(0.5, 0.03)),
        # Feet that lean inward or not at all need room for the balls, those that lean outward only for the heels.
        gap=float(rng.uniform(0.02, 0.3) + 0.4 * width - 0.75 * max(0.0, float(leans.min()))),
        lean_left=float(leans[0]),
        lean_right=float(leans[1]),
        shift=float(rng.normal(0, 0.03)),
        taper=float(rng.uniform(-0.05, 0.15)),
    )
