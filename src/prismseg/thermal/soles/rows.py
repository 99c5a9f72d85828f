"""How the template's rows fit a sole: where heel and toes are, also unseen ones, and on which side the big toe is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import DataError, Message
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.template import edges

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RowFitSettings:
    """How the template's rows are fitted; chosen on simulated soles with ragged contours, cold toes and hidden heels.

    Attributes
    ----------
    min_pixels : int
        Of a sole; with fewer its rows are too short to place.
    rows : int
        Rows of the visible sole that are compared, heel to toes.
    blur : float
        Standard deviation along the sole, in its lengths, by which edges are smoothed: a contour's noise is averaged out,
        the arch is not.
    toe_row, toe_weight : float
        Place from which rows are toes, in foot lengths, and their weight: toes differ most from person to person and may
        be too cold to be seen.
    missing_toes, missing_heel : (float, float, float)
        First, end and step of how far the template may reach beyond what is seen, foot lengths: toes cut off or cold,
        heels behind a sheet.
    fine : (float, float, float)
        The same around the best of these.
    missing_price : float
        Added to the mean square (foot lengths) a squared missing share: of two fits that are nearly as good the one that
        misses less is right.
    min_width : float
        Smallest factor on the template's width.
    """

    min_pixels: int = 200
    rows: int = 61
    blur: float = 0.03
    toe_row: float = 0.80
    toe_weight: float = 0.25
    missing_toes: tuple[float, float, float] = (-0.04, 0.281, 0.02)
    missing_heel: tuple[float, float, float] = (-0.04, 0.161, 0.02)
    fine: tuple[float, float, float] = (-0.015, 0.0151, 0.005)
    missing_price: float = 0.001
    min_width: float = 0.2


_FIT = RowFitSettings()
MIN_PIXELS = _FIT.min_pixels


@dataclass(frozen=True, eq=False)
class Profile:
    """Edges of a sole in the frame of its principal axes.

    Attributes
    ----------
    centre, along, across : (2,) float
        Row and column of the centre; unit vectors (row, column) from heel to toes and to the medial side.
    places, lateral, medial : (N,) float
        Place along the axis and both edges of each row, pixels from the centre.
    """

    centre: Floats
    along: Floats
    across: Floats
    places: Floats
    lateral: Floats
    medial: Floats

    def mirrored(self) -> Profile:
        """Return the profile as if the big toe were on the other side."""
        return Profile(
            self.centre, self.along, -self.across, self.places, lateral=-self.medial, medial=-self.lateral
        )

    def reversed(self) -> Profile:
        """Return the profile as if the toes were at the other end."""
        return Profile(
            self.centre, -self.along, self.across, -self.places[::-1], self.lateral[::-1], self.medial[::-1]
        )


@dataclass(frozen=True)
class RowFit:
    """The template's rows laid over a sole.

    Attributes
    ----------
    heel : float
        Place of the template's heel along the sole's axis, pixels from the centre.
    length : float
        Length of the whole foot, pixels, also where toes or heel are not seen.
    width : float
        Factor on the template's width.
    shift, tilt : float
        Place of the template's axis across the sole's own at its centre, pixels, and its slope.
    missing_heel, missing_toes : float
        Share of the foot's length that is not seen.
    residual : float
        Root mean square distance of the edges, foot lengths.
    """

    heel: float
    length: float
    width: float
    shift: float
    tilt: float
    missing_heel: float
    missing_toes: float
    residual: float


def measure_profile(mask: Mask, medial: int, axis: Floats | None = None) -> Profile:
    """Measure the edges of a sole whose toes point up.

    An edge is the middle of a row plus or minus half its number of pixels. On a row without gaps these are its ends; a
    ragged contour moves them much less than it moves the outermost pixels.

    Parameters
    ----------
    mask : (H, W) bool
        One sole.
    medial : int
        1 where the big toe is to the image's right, -1 where it is to the left (`medial_direction`).
    axis : (2,) float, optional
        Direction from heel to toes; without it the principal axis.

    Raises
    ------
    DataError
        When the mask has fewer than `MIN_PIXELS` pixels.

    Examples
    --------
    >>> sole = np.zeros((120, 60), bool)
    >>> sole[10:110, 15:45] = True
    >>> profile = measure_profile(sole, medial=1)
    >>> round(float(profile.along[0])), round(float(profile.medial[50] - profile.lateral[50]))
    (-1, 30)
    """
    count_all = int(mask.sum())
    if count_all < MIN_PIXELS:
        raise DataError(
            Message(
                "A sole of {pixels} pixels is too small for nerve territories; {least} are needed. Move the camera "
                "closer.",
                pixels=count_all,
                least=MIN_PIXELS,
            )
        )
    points = np.argwhere(mask).astype(np.float64)
    centre = points.mean(axis=0)
    along = np.linalg.eigh(np.cov(points.T))[1][:, 1] if axis is None else axis / np.linalg.norm(axis)
    along = -along if along[0] > 0 else along
    across = np.array([along[1], -along[0]]) * medial  # a quarter turn to the image's right
    a, b = (points - centre) @ along, (points - centre) @ across
    row = np.floor(a - a.min()).astype(np.intp)
    sigma = _FIT.blur * (row.max() + 1)
    count, total = (
        ndimage.gaussian_filter1d(np.bincount(row, weights).astype(np.float64), sigma, mode="nearest")
        for weights in (None, b)
    )
    middle = total / np.maximum(count, 1e-9)
    places = a.min() + np.arange(len(count)) + 0.5
    return Profile(centre, along, across, places, middle - count / 2, middle + count / 2)


def fit_rows(profile: Profile) -> RowFit:
    """Fit the template's rows to a profile.

    Both edges of 61 rows are compared with the template's at every combination of missing heel and missing toes, first
    in steps of 2 % of the foot's length, then of 0.5 %; width, shift and tilt follow by weighted least squares.
    """
    coarse = _best_fit(profile, np.arange(*_FIT.missing_heel), np.arange(*_FIT.missing_toes))
    fine = np.arange(*_FIT.fine)
    return _best_fit(profile, coarse.missing_heel + fine, coarse.missing_toes + fine)


def handedness(profile: Profile) -> float:
    """Compare the fits of a profile as it is and mirrored.

    Returns
    -------
    float
        Natural logarithm of the ratio of residuals; above 0 where the profile fits better as it is.
    """
    return float(np.log(fit_rows(profile.mirrored()).residual / fit_rows(profile).residual))


def toes_up(profile: Profile) -> float:
    """Compare the fits of a profile as it is and with toes and heel exchanged.

    Returns
    -------
    float
        Natural logarithm of the ratio of residuals; above 0 where the profile fits better as it is.
    """
    turned = profile.reversed()
    other = min(fit_rows(turned).residual, fit_rows(turned.mirrored()).residual)
    here = min(fit_rows(profile).residual, fit_rows(profile.mirrored()).residual)
    return float(np.log(other / here))


def _best_fit(profile: Profile, heels: Floats, toes: Floats) -> RowFit:
    """Best of all combinations (C = len(heels) * len(toes)), solved at once."""
    heel_missing, toes_missing = (grid.ravel() for grid in np.meshgrid(heels, toes))
    first, last = profile.places[0] - 0.5, profile.places[-1] + 0.5
    length = (last - first) / (1 - heel_missing - toes_missing)
    heel = first - heel_missing * length
    places = first + np.linspace(0.0, 1.0, _FIT.rows) * (last - first)
    u = (places - heel[:, None]) / length[:, None]
    rows, lateral, medial = edges()
    weight = np.where(u > _FIT.toe_row, _FIT.toe_weight, 1.0) * ((u >= rows[0]) & (u <= rows[-1]))
    both = [np.interp(places, profile.places, edge) for edge in (profile.lateral, profile.medial)]
    seen = np.concatenate(both) / length[:, None]
    weight = np.concatenate([weight, weight], axis=1)
    expected = np.concatenate([np.interp(u, rows, edge) for edge in (lateral, medial)], axis=1)
    slope = np.concatenate([places, places]) / length[:, None]
    design = np.stack([expected, np.ones_like(expected), slope], axis=-1)
    weighted = design * weight[..., None]
    normal = np.einsum("cri,crj->cij", weighted, design)
    right = np.einsum("cri,cr->ci", weighted, seen)
    solution = np.linalg.solve(normal, right[..., None])[..., 0]
    errors = seen - np.einsum("cri,ci->cr", design, solution)
    square = (weight * errors**2).sum(axis=1) / weight.sum(axis=1)
    best = int(np.argmin(square + _FIT.missing_price * (heel_missing**2 + toes_missing**2)))
    width, shift, tilt = (float(value) for value in solution[best])
    return RowFit(
        heel=float(heel[best]),
        length=float(length[best]),
        width=max(width, _FIT.min_width),
        shift=shift * float(length[best]),
        tilt=tilt,
        missing_heel=float(heel_missing[best]),
        missing_toes=float(toes_missing[best]),
        residual=float(np.sqrt(square[best])),
    )
