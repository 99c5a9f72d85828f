"""How much of a sole lies outside the picture: a whole shape of it is laid over what is seen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage
from skimage.draw import polygon2mask

from prismseg.thermal.soles.pieces import Mask, bounding_window
from prismseg.thermal.soles.template import sole_outline

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlacementSettings:
    """How a shape is laid over a sole that the border cuts; chosen on simulated soles cut by each border.

    Attributes
    ----------
    rows : int
        Height to which pictures are reduced for the search.
    scales, turns : tuple of float
        Sizes and turns (degrees) that are tried for the same foot at another time.
    mirror_scales, mirror_turns : tuple of float
        The same for the other foot, mirrored.
    template_scales, template_turns, template_widths : tuple of float
        The same for the template, with factors on its width.
    price : float
        For each share that lies outside: of two places that fit alike the one with less outside is right.
    touching : float
        Length of the border that a sole may touch, in square roots of its area, without being cut.
    end : float
        Radius of a heel's round end, in square roots of the sole's area: what a straight end lacks at least.
    """

    rows: int = 80
    scales: tuple[float, ...] = (0.92, 0.96, 1.0, 1.04, 1.08)
    turns: tuple[float, ...] = (-12, -8, -4, 0, 4, 8, 12)
    mirror_scales: tuple[float, ...] = (0.9, 0.95, 1.0, 1.05, 1.1)
    mirror_turns: tuple[float, ...] = (-24, -16, -8, 0, 8, 16, 24)
    template_scales: tuple[float, ...] = (0.98, 1.03, 1.08, 1.14, 1.22, 1.32, 1.45, 1.6, 1.8)
    template_turns: tuple[float, ...] = (-30, -20, -10, 0, 10, 20, 30)
    template_widths: tuple[float, ...] = (0.85, 1.0, 1.2)
    price: float = 0.03
    touching: float = 0.02
    end: float = 0.25


_PLACEMENT = PlacementSettings()


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a shape lies in a picture.

    Attributes
    ----------
    origin : (2,) float
        Place in the shape's own picture, row and column, that lies at `centre`.
    centre : (2,) float
        The same place in this picture.
    matrix : (2, 2) float
        From offsets in the shape's picture to offsets in this one.
    outside : float
        Share of the shape beyond this picture's border.
    overlap : float
        Intersection over union with the sole, within the picture.
    """

    origin: Floats
    centre: Floats
    matrix: Floats
    outside: float
    overlap: float

    def forward(self, points: Floats) -> Floats:
        """Places (N, 2) in this picture of points in the shape's."""
        moved: Floats = (points - self.origin) @ self.matrix.T + self.centre
        return moved

    def backward(self, points: Floats) -> Floats:
        """Places (N, 2) in the shape's picture of points in this one."""
        moved: Floats = (points - self.centre) @ np.linalg.inv(self.matrix).T + self.origin
        return moved


def border_contacts(mask: Mask) -> tuple[int, int, int, int]:
    """Count the pixels of a mask on the upper, lower, left and right border of the picture."""
    top, bottom, left, right = (int(edge.sum()) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return top, bottom, left, right


def is_cut(mask: Mask) -> bool:
    """Whether a sole touches the border so far that a part of it may lie outside.

    Examples
    --------
    >>> mask = np.zeros((60, 40), bool)
    >>> mask[30:, 10:30] = True
    >>> is_cut(mask), is_cut(np.roll(mask, -10, axis=0))
    (True, False)
    """
    return max(border_contacts(mask)) > max(_PLACEMENT.touching * math.sqrt(mask.sum()), 1)


def place_same_foot(sole: Mask, earlier: Mask) -> Placement:
    """Lay a foot's shape at another time over what is seen of it now; see `Placement`."""
    return _place(sole, earlier, product(_PLACEMENT.scales, _PLACEMENT.turns), mirrored=False)


def place_other_foot(sole: Mask, other: Mask) -> Placement:
    """Lay the other foot's shape, mirrored, over what is seen of a foot; see `Placement`."""
    return _place(sole, other, product(_PLACEMENT.mirror_scales, _PLACEMENT.mirror_turns), mirrored=True)


def place_template(sole: Mask, medial: int) -> Placement:
    """Lay the template's shape over what is seen of a foot whose big toe is to the image's right (1) or left (-1)."""
    best: Placement | None = None
    for width in _PLACEMENT.template_widths:
        shape = _template(medial, width)
        fitting = math.sqrt(sole.sum() / shape.sum())
        scales = [scale * fitting for scale in _PLACEMENT.template_scales]
        found = _place(sole, shape, product(scales, _PLACEMENT.template_turns), mirrored=False)
        if best is None or found.overlap - found.outside * _PLACEMENT.price > (
            best.overlap - best.outside * _PLACEMENT.price
        ):
            best = found
    assert best is not None
    return best


def missing_end(sole: Mask) -> float:
    """Share of a sole that is missing at least where the border cuts it: the round end beyond the straight cut.

    Examples
    --------
    >>> mask = np.zeros((60, 40), bool)
    >>> mask[30:, 10:30] = True
    >>> 0.1 < missing_end(mask) < 0.3
    True
    """
    area, cut = float(sole.sum()), max(border_contacts(sole))
    radius = max(_PLACEMENT.end * math.sqrt(area), cut / 2)
    angle = 2 * math.asin(cut / 2 / radius)
    segment = radius**2 / 2 * (angle - math.sin(angle))
    return segment / (area + segment)


@lru_cache(maxsize=8)
def _template(medial: int, width: float) -> Mask:
    length = 60.0
    points = sole_outline() * np.array([-length, medial * width * length]) + np.array([length + 4, length / 2])
    shape: Mask = polygon2mask((int(length) + 8, int(length)), points)
    shape.setflags(write=False)
    return shape


def _place(sole: Mask, shape: Mask, tried: Iterable[tuple[float, float]], *, mirrored: bool) -> Placement:
    """Try scales and turns; shifts are found at once by correlation with the sole and with the picture."""
    step = max(1.0, sole.shape[0] / _PLACEMENT.rows)
    height, width = (max(1, round(side / step)) for side in sole.shape)
    small = ndimage.zoom(sole.astype(np.float32), (height / sole.shape[0], width / sole.shape[1]), order=1)
    points = np.argwhere(shape).astype(np.float64)
    origin = points.mean(axis=0)
    window = bounding_window(shape, margin=1)
    reach = float(np.sqrt(((points - origin) ** 2).sum(axis=1).max()))
    steps = np.array([height / sole.shape[0], width / sole.shape[1]])
    mirror = np.diag([1.0, -1.0 if mirrored else 1.0])
    seen = float(small.sum())
    best, least = None, math.inf
    transforms: dict[tuple[int, int], tuple[NDArray[np.complex128], NDArray[np.complex128]]] = {}
    for scale, turn in tried:
        angle = math.radians(turn)
        matrix = (
            scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ mirror
        )
        side = 2 * math.ceil(scale * reach * steps.max()) + 3
        drawn = _draw(shape, window, origin, matrix, steps, side)
        padded = tuple(fft.next_fast_len(length + side, real=True) for length in (height, width))
        if padded not in transforms:
            transforms[padded] = (fft.rfft2(small, padded), fft.rfft2(np.ones((height, width)), padded))
        kernel = np.conj(fft.rfft2(drawn, padded))
        # Element (i, j) belongs to the canvas's corner at (i, j) of the picture, negative ones wrapped round.
        common, within = (fft.irfft2(each * kernel, padded) for each in transforms[padded])
        area = float(drawn.sum())
        apart = (seen + within - 2 * common) / seen
        cost = apart + _PLACEMENT.price * (1 - within / area)
        at = np.unravel_index(int(np.argmin(cost)), padded)
        if cost[at] < least:
            least = float(cost[at])
            corner = [
                index - size if index > size - side else index for index, size in zip(at, padded, strict=True)
            ]
            centre = (np.array(corner) + (side - 1) / 2 + 0.5) / steps - 0.5
            union = seen + within[at] - common[at]
            outside = min(max(1 - float(within[at]) / area, 0.0), 1.0)
            best = Placement(origin, centre, matrix, outside, float(common[at] / union))
    assert best is not None
    return best


def _draw(
    shape: Mask, window: tuple[slice, slice], origin: Floats, matrix: Floats, steps: Floats, side: int
) -> NDArray[np.float32]:
    """Draw a shape turned and scaled around its centre, reduced like the picture, on a square canvas."""
    to_shape = np.linalg.inv(matrix) @ np.diag(1 / steps)
    corner = np.array([window[0].start, window[1].start])
    middle = np.full(2, (side - 1) / 2)
    smooth = ndimage.uniform_filter(shape[window].astype(np.float32), max(1, round(1 / steps[0])))
    drawn: NDArray[np.float32] = ndimage.affine_transform(
        smooth, to_shape, origin - corner - to_shape @ middle, (side, side), order=1
    )
    return drawn
