"""Which nerve's territory each pixel of a sole belongs to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import TERRITORIES, Side
from prismseg.thermal.soles.choosing.outside import Placement
from prismseg.thermal.soles.pieces import Mask, as_mask, bounding_window
from prismseg.thermal.soles.registration import Registration, register
from prismseg.thermal.soles.rows import Floats
from prismseg.thermal.soles.sides import View, check_view, medial_direction
from prismseg.thermal.soles.template import territory_at

Method = Literal["registered", "carried"]


@dataclass(frozen=True)
class CarrySettings:
    """When territories may be carried from one picture to another; chosen on simulated sessions.

    Attributes
    ----------
    min_overlap : float
        Intersection over union of both outlines. A sole that overlaps less has changed its shape in the picture: toes
        covered, foot turned.
    min_overlap_cut : float
        The same for a sole at the border, measured on a reduced picture.
    max_turn : float
        Of the sole's axis, degrees.
    max_scale : float
        Factor on the sole's length, in picture heights.
    poor_fit : float
        Residual of the fit of rows from which a registration is doubtful, foot lengths; simulated soles with 3 pixels of
        noise stay below 0.03.
    """

    min_overlap: float = 0.88
    min_overlap_cut: float = 0.8
    max_turn: float = 25.0
    max_scale: float = 1.25
    poor_fit: float = 0.05


_CARRY = CarrySettings()


@dataclass(frozen=True, eq=False)
class Territories:
    """Territory map of one sole.

    Attributes
    ----------
    labels : (H, W) uint8
        0 off the sole, else 1 to 5: the place in `TERRITORIES` plus 1. Every pixel of the sole has exactly one.
    registration : Registration
        The map from pixels to sole coordinates.
    method : {"registered", "carried"}
        Registered to this sole's own outline, or carried from an earlier picture of it.
    overlap : float or None
        Intersection over union with the earlier picture's sole; None where there is none.
    """

    labels: NDArray[np.uint8]
    registration: Registration
    method: Method
    overlap: float | None = None

    @property
    def pixels(self) -> dict[str, int]:
        """Number of pixels of each territory."""
        counts = np.bincount(self.labels.ravel(), minlength=len(TERRITORIES) + 1)
        return {name: int(counts[number]) for number, name in enumerate(TERRITORIES, start=1)}

    @property
    def doubtful(self) -> bool:
        """Whether the template fits badly or its spline had to be given up."""
        return self.registration.folded or self.registration.fit.residual > _CARRY.poor_fit


def find_territories(mask: NDArray[np.generic], side: Side, view: View = "soles-to-camera") -> Territories:
    """Lay the template of nerve territories over one sole.

    Parameters
    ----------
    mask : (H, W) bool
        One sole, toes up within about 60°.
    side : {"left", "right"}
        The patient's side; with the view it says where the big toe is.
    view : {"soles-to-camera", "mirrored"}
        How the camera sees the soles.

    Raises
    ------
    DataError
        When the sole has too few pixels.
    ConfigError
        When there is no such view.

    Examples
    --------
    >>> from skimage.draw import polygon2mask
    >>> from prismseg.thermal.soles.template import sole_outline
    >>> sole = polygon2mask((120, 120), sole_outline() * (-100, 100) + (110, 60))
    >>> territories = find_territories(sole, "right")
    >>> territories.method, bool(((territories.labels > 0) == sole).all())
    ('registered', True)
    >>> max(territories.pixels, key=territories.pixels.get)
    'medial plantar'
    """
    sole = as_mask(mask)
    registration = register(sole, medial_direction(side, check_view(view)))
    return Territories(_label(registration, sole), registration, "registered")


def carry_territories(first: Territories, mask: NDArray[np.generic]) -> Territories | None:
    """Carry a sole's territories to another picture of the same sole by shift, turn and scale.

    Means of a territory are comparable over time only if it stays on the same skin: the outline may gain or lose a
    cold toe from picture to picture, and a fresh registration would then move every border.

    Parameters
    ----------
    first : Territories
        Of the same sole, at t0.
    mask : (H, W) bool
        The sole in the other picture; it may have another size.

    Returns
    -------
    Territories or None
        None where the pose does not allow it (`CarrySettings`): turned or scaled too much, or overlapping too little.

    Examples
    --------
    >>> from skimage.draw import polygon2mask
    >>> from prismseg.thermal.soles.template import sole_outline
    >>> sole = polygon2mask((120, 120), sole_outline() * (-100, 100) + (110, 60))
    >>> moved = carry_territories(find_territories(sole, "right"), np.roll(sole, 5, axis=1))
    >>> moved.method, round(moved.overlap, 2)
    ('carried', 1.0)
    """
    sole, before, old = as_mask(mask), first.labels > 0, first.registration
    (centre, along, length), (_, axis, old_length) = _moments(sole), _moments(before)
    scale = length / old_length
    enlarged = sole.shape[0] / before.shape[0]  # another number of pixels is no other distance
    largest = _CARRY.max_scale
    if along @ axis < np.cos(np.deg2rad(_CARRY.max_turn)) or not 1 / largest <= scale / enlarged <= largest:
        return None
    medial = np.sign(old.across @ _to_the_right(old.along))
    fit = replace(old.fit, length=old.fit.length * scale, heel=old.fit.heel * scale, shift=old.fit.shift * scale)
    # The first registration's axis keeps its angle with the principal one.
    along = (old.along @ axis) * along + (old.along @ _to_the_right(axis)) * _to_the_right(along)
    moved = replace(old, centre=centre, along=along, across=medial * _to_the_right(along), fit=fit)
    overlap = _overlap(sole, moved, before, old)
    if overlap < _CARRY.min_overlap:
        return None
    return Territories(_label(moved, sole), moved, "carried", overlap)


def place_territories(first: Territories, mask: NDArray[np.generic], placement: Placement) -> Territories | None:
    """Carry a sole's territories to a picture whose border cuts it.

    Parameters
    ----------
    first : Territories
        Of the same sole, in another picture of this size.
    mask : (H, W) bool
        What is visible of it.
    placement : Placement
        Where the sole of the other picture lies in this one (`place_same_foot`).

    Returns
    -------
    Territories or None
        None where the shapes overlap too little.
    """
    sole, old = as_mask(mask), first.registration
    if placement.overlap < _CARRY.min_overlap_cut:
        return None
    scale = float(np.sqrt(abs(np.linalg.det(placement.matrix))))
    fit = replace(old.fit, length=old.fit.length * scale, heel=old.fit.heel * scale, shift=old.fit.shift * scale)
    (centre,) = placement.forward(old.centre[None])
    along, across = (placement.matrix @ axis / scale for axis in (old.along, old.across))
    moved = replace(old, centre=centre, along=along, across=across, fit=fit)
    return Territories(_label(moved, sole), moved, "carried", placement.overlap)


def _label(registration: Registration, sole: Mask) -> NDArray[np.uint8]:
    window = bounding_window(sole)
    u, v = registration.over(*window)
    labels = np.zeros(sole.shape, np.uint8)
    labels[window] = territory_at(u, v) * sole[window]
    return labels


def _moments(sole: Mask) -> tuple[Floats, Floats, float]:
    """Centre, unit vector from heel to toes (up) and standard deviation along it."""
    points = np.argwhere(sole).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(points.T))
    along = vectors[:, 1] if vectors[0, 1] < 0 else -vectors[:, 1]
    return points.mean(axis=0), along, float(np.sqrt(values[1]))


def _to_the_right(along: Floats) -> Floats:
    return np.array([along[1], -along[0]])


def _overlap(sole: Mask, here: Registration, before: Mask, there: Registration) -> float:
    """Intersection over union of `sole`, laid over `before` by its frame, with it."""
    away = np.argwhere(sole) - here.centre
    scale = there.fit.length / here.fit.length
    placed = scale * (np.outer(away @ here.along, there.along) + np.outer(away @ here.across, there.across))
    at = np.rint(placed + there.centre).astype(np.intp)
    within = ((at >= 0) & (at < before.shape)).all(axis=1)
    common = scale**2 * np.count_nonzero(before[tuple(at[within].T)])
    return float(common / (scale**2 * len(at) + before.sum() - common))
