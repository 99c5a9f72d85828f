"""A sole in the picture laid over the template's: principal axes, a fit of rows, a thin-plate spline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from prismseg.thermal.soles.pieces import Mask, as_mask, bounding_window
from prismseg.thermal.soles.rows import Floats, Profile, RowFit, fit_rows, measure_profile
from prismseg.thermal.soles.template import edges


@dataclass(frozen=True)
class RegistrationSettings:
    """How the template is laid over a sole; chosen on simulated soles with 3 pixels of noise on their contours.

    Attributes
    ----------
    landmark_rows : tuple of float
        Rows whose edges are landmarks, foot lengths from the heel; toes have none, since they differ from person to
        person.
    smoothing : float
        Of the thin-plate spline: noise of the contour must not bend the borders.
    grid_step : float
        Distance of the nodes between which the spline is interpolated, foot lengths; it is so smooth that this costs less
        than 0.001.
    refinements : int
        Times that the axis is corrected by the fit: a sole without its heel or its toes has another principal axis, and
        on slanted rows a straight cut looks like a round heel.
    folded : float
        Smallest determinant of the map's Jacobian, in shares of the median one, from which the map is taken as folded.
    """

    landmark_rows: tuple[float, ...] = (0.06, 0.13, 0.20, 0.27, 0.34, 0.41, 0.48, 0.55, 0.62, 0.69, 0.76)
    smoothing: float = 0.1
    grid_step: float = 1 / 32
    refinements: int = 2
    folded: float = 0.15


_REGISTRATION = RegistrationSettings()


@dataclass(frozen=True, eq=False)
class Registration:
    """Map from pixels to sole coordinates.

    Attributes
    ----------
    centre, along, across : (2,) float
        Frame of the sole: row and column of its centre, unit vectors from heel to toes and to the medial side.
    fit : RowFit
        The fit of the rows.
    source, target : (K, 2) float
        Landmarks in the frame (foot lengths along and across) and in sole coordinates.
    folded : bool
        The spline folded and was replaced by the fit of the rows alone.
    """

    centre: Floats
    along: Floats
    across: Floats
    fit: RowFit
    source: Floats
    target: Floats
    folded: bool = False

    @cached_property
    def _spline(self) -> RBFInterpolator:
        return RBFInterpolator(
            self.source, self.target, smoothing=_REGISTRATION.smoothing, kernel="thin_plate_spline"
        )

    def to_sole(self, points: Floats) -> Floats:
        """Sole coordinates u and v (N, 2) of points (N, 2) (row, column), exactly."""
        away = points - self.centre
        placed = np.column_stack([away @ self.along, away @ self.across]) / self.fit.length
        sole: Floats = _linear(self.fit, placed) if self.folded else self._spline(placed)
        return sole

    def over(self, rows: slice, columns: slice) -> Floats:
        """Sole coordinates (2, h, w) of a window's pixels: `to_sole` on a coarse grid, linear in between."""
        step = max(self.fit.length * _REGISTRATION.grid_step, 1.0)
        # Nodes lie at multiples of the step in the picture, so that a pixel's place is the same in every window.
        first = [int(part.start // step) for part in (rows, columns)]
        last = [int((part.stop - 1) // step) + 1 for part in (rows, columns)]
        nodes = [step * np.arange(one, other + 1) for one, other in zip(first, last, strict=True)]
        grid = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1)
        coarse = self.to_sole(grid.reshape(-1, 2)).T.reshape(2, *grid.shape[:2])
        places = [
            np.arange(part.start, part.stop) / step - one for part, one in zip((rows, columns), first, strict=True)
        ]
        return np.stack([_interpolate(plane, places) for plane in coarse])


def register(mask: NDArray[np.generic], medial: int) -> Registration:
    """Lay the template over a sole whose toes point up, within about 60° of upright.

    The axes of the sole are its principal ones, corrected by a fit of the template's rows (`fit_rows`); a smoothed
    thin-plate spline (Bookstein 1989) then maps the edges of landmark rows to the template's.

    Parameters
    ----------
    mask : (H, W) bool
        One sole, without holes.
    medial : int
        1 where the big toe is to the image's right, -1 where it is to the left (`medial_direction`).

    Raises
    ------
    DataError
        When the mask has too few pixels.

    Examples
    --------
    >>> from skimage.draw import polygon2mask
    >>> from prismseg.thermal.soles.template import sole_outline
    >>> outline = sole_outline() * (-100, 100) + (110, 60)  # 100 pixels long, heel at row 110, big toe to the right
    >>> registration = register(polygon2mask((120, 120), outline), medial=1)
    >>> u, v = registration.to_sole(np.array([[60.0, 60.0]]))[0]
    >>> bool(abs(u - 0.5) < 0.02 and abs(v) < 0.02)
    True
    """
    sole = as_mask(mask)
    profile = measure_profile(sole, medial)
    fit = fit_rows(profile)
    for _ in range(_REGISTRATION.refinements):
        profile = measure_profile(sole, medial, profile.along + fit.tilt * profile.across)
        fit = fit_rows(profile)
    source, target = _landmarks(fit, profile)
    registration = Registration(profile.centre, profile.along, profile.across, fit, source, target)
    return replace(registration, folded=True) if folds(registration, sole) else registration


def folds(registration: Registration, mask: Mask) -> bool:
    """Whether the map turns inside out, or nearly so, anywhere on the sole.

    It does where the determinant of its Jacobian falls below 0.15 of its median.
    """
    window = bounding_window(mask)
    u, v = registration.over(*window)
    u_rows, u_columns = np.gradient(u)
    v_rows, v_columns = np.gradient(v)
    determinant = (u_rows * v_columns - u_columns * v_rows)[mask[window]]
    middle = float(np.median(determinant))
    return middle == 0 or bool((determinant / middle).min() < _REGISTRATION.folded)


def _landmarks(fit: RowFit, profile: Profile) -> tuple[Floats, Floats]:
    """Edges of the rows that are seen, in the sole's frame and on the template."""
    rows, lateral, medial = edges()
    landmark_rows = np.array(_REGISTRATION.landmark_rows)
    places = fit.heel + landmark_rows * fit.length
    seen = (places >= profile.places[0]) & (places <= profile.places[-1])
    u, places = landmark_rows[seen], places[seen]
    source, target = [], []
    for found, expected in ((profile.lateral, lateral), (profile.medial, medial)):
        source.append(np.column_stack([places, np.interp(places, profile.places, found)]))
        target.append(np.column_stack([u, np.interp(u, rows, expected)]))
    return np.vstack(source) / fit.length, np.vstack(target)


def _linear(fit: RowFit, placed: Floats) -> Floats:
    """Sole coordinates by the fit of the rows alone."""
    a, b = placed.T
    return np.column_stack([a - fit.heel / fit.length, (b - fit.shift / fit.length - fit.tilt * a) / fit.width])


def _interpolate(nodes: Floats, places: list[Floats]) -> Floats:
    """Bilinear interpolation at places counted in nodes, one axis after the other."""
    for axis, place in enumerate(places):
        low = np.clip(place.astype(np.intp), 0, nodes.shape[axis] - 2)
        share = np.expand_dims(place - low, 1 - axis)
        nodes = nodes.take(low, axis) * (1 - share) + nodes.take(low + 1, axis) * share
    return nodes
