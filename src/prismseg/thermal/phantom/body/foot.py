"""One foot in the image: outlines with foot coordinates, and how a temperature pattern is painted into them.

A point of a foot has a place ``u`` along it, 0 at the heel (seen from above: at the ankle) and 1 at the tip of the
longest toe, and ``v`` across it, positive towards the medial (big toe's) side, both in foot lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.body.territories import territory_map
from prismseg.thermal.phantom.painting.canvas import SHARPEST, Canvas
from prismseg.thermal.phantom.painting.raster import BLUR_REACH, Curve, Field, Window
from prismseg.thermal.phantom.painting.shapes import clip_half_plane, smoothstep

LATERAL_SIGN = {LEFT: 1, RIGHT: -1}  # to the image's right or left, for a patient who faces the camera
TAPER_LIMITS = (0.2, 3.0)  # of the relative width, beyond the foot: there the taper would turn it inside out
SOFT_FLOOR = 0.3  # °C over which temperatures bend towards the coldest that skin can have
COVER_MARGIN = 4  # pixels around a foot in which its pattern is computed, for blurs at its edge
THINNEST_LINE = 0.4  # pixels; SD of the blur that keeps drawn lines from being jagged
THINNEST_RIM = 0.5  # pixels; SD of the blur of rims and creases
RIM_REACH = 2.0  # standard deviations after which a rim's blur is cut off
LEAST_COVER = 0.05  # share of a pixel; a blur at the very edge of a foot is divided by this at least
# A number for each toe, big toe first, such that neighbours differ: creases lie where the number jumps.
TOE_NUMBERS = (1.0, 3.0, 2.0, 4.0, 1.5)
CREASE_JUMP = 4  # Sobel response to a jump that counts as a full crease
CHILLED = (0.6, 0.9)  # u between which cold toes and forefoot set in
CREASES_FROM, CREASE_RAMP = 5, 8  # creases begin at u = 5/8 and are full 1/8 further, at the toes' roots


@dataclass(frozen=True)
class Placement:
    """An affine map, with perspective across, from the foot's plane to the image in scene coordinates.

    Attributes
    ----------
    row, column : float
        Position of u = v = 0.
    lean : float
        Angle by which the foot's axis leans to the image's right from straight up, radians.
    length : float
        Length of the foot, image heights.
    outward : int
        +1 for the foot whose lateral side is on the image's right, else -1.
    taper : float
        Perspective: relative gain of width from heel to toes.
    shear : float
        Oblique view: how far the toes are shifted medially, foot lengths.

    Examples
    --------
    The tip of the longest toe of an upright foot lies one length above the heel:

    >>> place = Placement(row=0.9, column=0.5, lean=0.0, length=0.7, outward=1)
    >>> place.to_image(np.array([[1.0, 0.0]])).round(3)
    array([[0.2, 0.5]])
    """

    row: float
    column: float
    lean: float
    length: float
    outward: int
    taper: float = 0.0
    shear: float = 0.0

    def to_image(self, curve: Curve) -> Curve:
        """Map points (u, v) to scene coordinates, (N, 2)."""
        up = curve[:, 0] * self.length
        medial = (curve[:, 1] + self.shear * curve[:, 0]) * (1 + self.taper * (curve[:, 0] - 0.5))
        right = -self.outward * medial * self.length
        cos, sin = np.cos(self.lean), np.sin(self.lean)
        return np.column_stack([self.row - up * cos + right * sin, self.column + up * sin + right * cos])

    def to_foot(self, rows: Field, columns: Field) -> tuple[Field, Field]:
        """Foot coordinates u and v of places in the image: the inverse of `to_image`."""
        cos, sin = np.float32(np.cos(self.lean)), np.float32(np.sin(self.lean))
        up, right = np.float32(self.row) - rows, columns - np.float32(self.column)
        u = (up * cos + right * sin) / np.float32(self.length)
        scale = np.clip(1 + np.float32(self.taper) * (u - np.float32(0.5)), *TAPER_LIMITS)
        v = (up * sin - right * cos) * np.float32(self.outward / self.length) / scale
        return u.astype(np.float32), (v - np.float32(self.shear) * u).astype(np.float32)


@dataclass(frozen=True)
class Foot:
    """Outlines (N, 2) of one foot, scene coordinates.

    Attributes
    ----------
    body : tuple of curves
        The foot without its toes; their union counts.
    toes : tuple of five curves
        Big toe first.
    to_foot, to_image : callable
        Give u and v of rows and columns, and the reverse for curves (N, 2).
    length : float
        Image heights.
    label : int
        `LEFT` or `RIGHT`.
    fourth_toe : float
        Place v of the fourth toe's middle.
    """

    body: tuple[Curve, ...]
    toes: tuple[Curve, ...]
    to_foot: Callable[[Field, Field], tuple[Field, Field]]
    to_image: Callable[[Curve], Curve]
    length: float
    label: int
    fourth_toe: float

    @property
    def curves(self) -> tuple[Curve, ...]:
        """All outlines."""
        return self.body + self.toes


def place_foot(body: Sequence[Curve], toes: Sequence[Curve], place: Placement, label: int) -> Foot:
    """Put outlines in foot coordinates into the image."""
    return Foot(
        body=tuple(place.to_image(curve) for curve in body),
        toes=tuple(place.to_image(curve) for curve in toes),
        to_foot=place.to_foot,
        to_image=place.to_image,
        length=place.length,
        label=label,
        fourth_toe=float(toes[3][:, 1].mean()),
    )


@dataclass(frozen=True)
class Skin:
    """What a temperature pattern is painted on.

    Attributes
    ----------
    u, v : (h, w) float32
        Foot coordinates; seen from above, the leg has negative u.
    cover : (h, w) float32
        Share of each pixel that the foot covers, with the leg where it is bare.
    window : Window
        The part of the image.
    canvas : Canvas
        Where textures come from.
    foot : Foot
        The outlines.
    """

    u: Field
    v: Field
    cover: Field
    window: Window
    canvas: Canvas
    foot: Foot

    def toes(self, values: Sequence[float], softness: float) -> Field:
        """Values on the toes, big toe first, that end within `softness` foot lengths at the ball, not outside."""
        painted = self.canvas.rasterize(self.foot.toes, values, self.window)
        sigma = self._pixels(softness)
        if sigma < SHARPEST:
            return painted
        around = ndimage.gaussian_filter(self.cover, sigma, truncate=BLUR_REACH)
        inner: Field = ndimage.gaussian_filter(painted, sigma, truncate=BLUR_REACH) / np.maximum(
            around, LEAST_COVER
        )
        return inner

    def inside(self, curves: Sequence[Curve], values: Sequence[float], softness: float) -> Field:
        """Values in closed curves in foot coordinates (vessels), blurred over `softness` foot lengths."""
        if not curves:
            return np.zeros_like(self.u)
        placed = [self.foot.to_image(curve) for curve in curves]
        sigma = max(THINNEST_LINE, self._pixels(softness))
        painted = self.canvas.rasterize(placed, values, self.window)
        soft: Field = ndimage.gaussian_filter(painted, sigma, truncate=BLUR_REACH)
        return soft

    def rim(self, width: float) -> Field:
        """0 well inside, falling to -1 at the outline over `width` foot lengths."""
        inner = ndimage.gaussian_filter(self.cover, max(THINNEST_RIM, self._pixels(width)), truncate=RIM_REACH)
        fall: Field = 2 * np.clip(inner, 0.5, 1) - 2
        return fall

    def creases(self, width: float) -> Field:
        """About 1 on the lines between neighbouring toes, 0 elsewhere."""
        numbers = self.canvas.rasterize(self.foot.toes, TOE_NUMBERS, self.window)
        jump = np.hypot(ndimage.sobel(numbers, 0), ndimage.sobel(numbers, 1))
        at_toes = np.clip(self.u * CREASE_RAMP - CREASES_FROM, 0, 1)
        lines = np.clip(jump / CREASE_JUMP, 0, 1).astype(np.float32) * at_toes
        soft: Field = ndimage.gaussian_filter(lines, max(THINNEST_RIM, self._pixels(width)), truncate=BLUR_REACH)
        return soft

    def _pixels(self, length: float) -> float:
        """Pixels in `length` foot lengths."""
        return length * self.foot.length * self.canvas.pixels_per_unit


Pattern = Callable[[Skin], Field]


@dataclass(frozen=True)
class Ankle:
    """The leg that a foot seen from above continues without an edge, and where the foot begins.

    Attributes
    ----------
    leg : tuple of curves
        Outlines of the leg, scene coordinates.
    place : (float, float)
        A point of the straight line at which the foot begins: that border is anatomy, it is not seen.
    towards_toes : (float, float)
        Direction across that line, from the leg to the toes.
    spots : (H, W) float32 or float
        What is added to the temperature of the leg, °C.
    """

    leg: tuple[Curve, ...]
    place: tuple[float, float]
    towards_toes: tuple[float, float]
    spots: Field | float = 0.0


def chill_toes(pattern: Pattern, depth: float) -> Pattern:
    """Make toes and forefoot colder by `depth` °C than a pattern has them."""
    if not depth:
        return pattern
    return lambda skin: pattern(skin) - np.float32(depth) * smoothstep(skin.u, *CHILLED)


def paint_foot(
    canvas: Canvas, foot: Foot, pattern: Pattern, mean: float, floor: float, *, ankle: Ankle | None = None
) -> None:
    """Paint a foot, and the bare leg that it continues without an edge.

    Parameters
    ----------
    canvas : Canvas
        Where to.
    foot : Foot
        Outlines.
    pattern : callable
        Departure from the mean on a `Skin`, °C; its own mean does not matter.
    mean : float
        Mean temperature of the whole foot, °C.
    floor : float
        Temperature below which no skin falls, °C.
    ankle : Ankle, optional
        The leg, which is painted with the foot and no part of it.
    """
    curves = [*foot.curves, *(ankle.leg if ankle else ())]
    window, share = canvas.coverage(curves, margin=COVER_MARGIN)
    if 0 in share.shape:
        return
    u, v = foot.to_foot(canvas.rows[window], canvas.columns[window])
    parts = curves
    if ankle:
        clipped = (clip_half_plane(curve, ankle.place, ankle.towards_toes) for curve in curves)
        parts = [curve for curve in clipped if len(curve)]
    part_window, part_share = canvas.coverage(parts)
    inside = np.zeros(canvas.size, np.bool_)
    inside[part_window] = part_share >= 0.5
    field = pattern(Skin(u, v, share, window, canvas, foot))
    field = _centre(field, mean, inside[window])
    bent = np.float32(floor) + SOFT_FLOOR * np.logaddexp(0, (field - np.float32(floor)) / SOFT_FLOOR)
    # Raising the coldest toes to the floor has warmed the foot a little: its mean is what the course says.
    field = _centre(bent.astype(np.float32), mean, inside[window])
    whole = np.zeros(canvas.size, np.float32)
    whole[window] = field
    if ankle:
        canvas.paint(curves, whole + ankle.spots)
    canvas.paint(parts, whole, label=foot.label, cover=(part_window, part_share))
    if not ankle:
        territories = territory_map(u, v, inside[window], foot.fourth_toe)
        canvas.territories[window] = np.where(inside[window], territories, canvas.territories[window])


def _centre(field: Field, mean: float, inside: NDArray[np.bool_]) -> Field:
    """Shift `field` so that it has the `mean` over the pixels `inside`."""
    if not inside.any():
        return field + np.float32(mean)
    centred: Field = field + np.float32(mean - field[inside].mean(dtype=np.float64))
    return centred
