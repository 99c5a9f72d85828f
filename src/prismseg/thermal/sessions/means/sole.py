"""Mean temperature of a region and its standard error: noise, contour of the mask, placing of borders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import DataError, Message
from prismseg.base.constants import Z95
from prismseg.base.deprecation import renamed
from prismseg.thermal.anatomy import WHOLE_SOLE
from prismseg.thermal.regions.nerves import NERVES
from prismseg.thermal.regions.region_set import RegionSet
from prismseg.thermal.sessions.means.errors import ErrorModel
from prismseg.thermal.sessions.means.estimate import PERCENTILES, Estimate
from prismseg.thermal.soles.brightening import search_radius
from prismseg.thermal.soles.leg import leg_shares, on_leg, shares_from_leg
from prismseg.thermal.soles.pieces import Mask, bounding_window
from prismseg.thermal.soles.registration import Registration

# Weights of a contour's two sides, drawn in and drawn out by one and by two standard deviations.
Drawn = list[tuple[NDArray[np.float64], NDArray[np.float64]]]

# Mean of a function of a normal variate from its values at 0, ±1 and ±2 standard deviations, exact up to its fifth power:
# steps, weights of each of a pair, and the model's probabilities at which the contour lies there. With one step alone the
# error of a mask that lies well within the foot would not know of the foot's edge.
_STEPS = ((1.0, 1 / 6, (0.841, 0.159)), (2.0, 1 / 12, (0.977, 0.023)))
# The rule is exact around the true contour and is used around the mask's. Simulated soles 2 to 6 °C warmer than the
# background need this factor on the mask's error, else 95 % intervals hold the true mean in only 92 %.
_AROUND_MASK = 1.1
# Standard deviation between the mean of a sole's unseen part and that of the rest, in standard deviations over the pixels
# of the rest; chosen on simulated soles cut by the border (`benchmarks/thermal.py`).
_UNSEEN = 1.3
# Standard deviations from the contour within which pixels can count; beyond them no step reaches.
_FARTHEST = 6


@renamed(second="brightened")
def measure_sole(
    celsius: NDArray[np.floating],
    sole: Mask,
    registration: Registration | None = None,
    *,
    regions: Sequence[RegionSet] = (NERVES,),
    errors: ErrorModel | None = None,
    probability: NDArray[np.floating] | None = None,
    brightened: Mask | None = None,
    outside: float = 0.0,
    with_leg: bool = False,
    leg_entry: tuple[float, float] | None = None,
    doubtful: Mask | None = None,
    unlike: Mask | None = None,
) -> Mapping[str, Estimate]:
    """Measure one sole and its regions.

    The mask's part of the error: the mean is taken again within contours drawn in and out by one and by two standard
    deviations (or at the model's probabilities 0.84 and 0.16, 0.98 and 0.02), and for regions with their borders
    moved by a standard deviation along and across the sole. The mean squares of the changes add to the variance.

    Parameters
    ----------
    celsius : (H, W) float
        Temperatures.
    sole : (H, W) bool
        One sole.
    registration : Registration, optional
        For the regions; without it only the whole sole is measured.
    regions : sequence of RegionSet
        Regions beyond the whole sole; by default the nerve territories.
    errors : ErrorModel, optional
        Standard deviations to reckon with.
    probability : (H, W) float, optional
        The model's probability that a pixel is sole.
    brightened : (H, W) bool, optional
        The sole found in the brightened frame (`find_brightened_sole`): by as much as a mean changes there, it
        may be wrong.
    outside : float
        Share of the sole that lies outside the picture.
    with_leg : bool
        Whether the foot is seen from above, so that its leg goes on where the mask ends.
    leg_entry : (row, column), optional
        Where the leg enters; without it at the foot's upper end.
    doubtful : (H, W) bool, optional
        Parts of the mask that may be no foot (`find_doubtful_parts`): by as much as the mean changes without them, it may
        be wrong.
    unlike : (H, W) bool, optional
        What the other foot has here and this one lacks (`find_unlike_toes`): by as much as the mean changes with it,
        it may be wrong.

    Returns
    -------
    mapping of str to Estimate
        By name of the region.

    Raises
    ------
    DataError
        When shapes differ, the sole is empty or a temperature on it is not finite.

    Examples
    --------
    >>> sole = np.zeros((100, 80), bool)
    >>> sole[20:80, 20:50] = True
    >>> estimate = measure_sole(np.where(sole, 30.0, 22.0), sole)["whole sole"]
    >>> estimate.pixels, estimate.mean, estimate.error > 0.05
    (1800, 30.0, True)
    """
    model = errors or ErrorModel()
    if any(
        given is not None and given.shape != sole.shape
        for given in (celsius, probability, brightened, doubtful, unlike)
    ):
        raise DataError(
            Message(
                "Temperatures, mask and probabilities differ in shape: {temperatures}, {mask}.",
                temperatures=celsius.shape,
                mask=sole.shape,
            )
        )
    if not sole.any():
        raise DataError(Message("The sole has no pixel; there is no mean."))
    margin = math.ceil(_FARTHEST * max(model.contour, model.min_contour)) + 2
    margin = margin if brightened is None else max(margin, search_radius(sole))
    window = bounding_window(sole if unlike is None else sole | unlike, margin=margin)
    values, inside = celsius[window].astype(np.float64), sole[window]
    if not np.isfinite(values[inside]).all():
        raise DataError(Message("A temperature on the sole is missing or infinite; there is no mean."))
    shares = shares_from_leg(sole, window, leg_entry) if with_leg else None
    fixed = np.zeros(inside.shape, bool) if shares is None else on_leg(values, inside, shares)
    contours = _contours(inside, np.isfinite(values), model, None if probability is None else probability[window])
    contours = [(np.where(fixed, inside, one), np.where(fixed, inside, other)) for one, other in contours]
    brighter = None if brightened is None else np.where(fixed, inside, brightened[window] & np.isfinite(values))
    correlation = model.mask_correlation if probability is None else model.correlation
    edge = _picture_edge(sole)[window] if outside > 0 else np.zeros(inside.shape, bool)
    doubt = None if doubtful is None else doubtful[window] & inside
    lacking = None if unlike is None else unlike[window] & np.isfinite(values)
    cropped = _CroppedSole(
        values, inside, brighter, contours, model, correlation, edge, outside, shares, doubt, lacking
    )
    found = {WHOLE_SOLE: cropped.estimate(np.ones(inside.shape, bool), [])}
    if registration is None:
        return found
    u, v = registration.over(*window)
    for regions_of_set in regions:
        labels, moved = _borders(regions_of_set, u, v, model)
        for region in regions_of_set.regions:
            pairs = [(region.within(one), region.within(other)) for one, other in moved]
            found[region.name] = cropped.estimate(region.within(labels), pairs)
    return found


@dataclass(frozen=True, eq=False)
class _CroppedSole:
    """A window of the picture around one sole, with what its regions are measured by."""

    values: NDArray[np.float64]
    inside: Mask
    brightened: Mask | None
    contours: Drawn
    errors: ErrorModel
    correlation: float
    edge: Mask
    outside: float
    from_leg: NDArray[np.float64] | None
    doubtful: Mask | None
    unlike: Mask | None

    def estimate(self, region: Mask, moved: list[tuple[Mask, Mask]]) -> Estimate:
        """Measure a region of the window, of which pairs are the same with its borders moved."""
        values, inside = self.values, self.inside
        here = values[region & inside]
        if here.size == 0:
            return Estimate(0, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)
        mean = float(here.mean())
        variance = 0.0
        for (_, weight, _), (drawn_in, drawn_out) in zip(_STEPS, self.contours, strict=True):
            variance += weight * _square_changes(values, mean, region * drawn_in, region * drawn_out)
        inward, outward = (_change(values, mean, region * drawn) or 0.0 for drawn in self.contours[0])
        if self.brightened is not None:
            variance += _square_changes(values, mean, region & self.brightened)
        placing = sum(0.5 * _square_changes(values, mean, one * inside, other * inside) for one, other in moved)
        return Estimate(
            pixels=here.size,
            mean=mean,
            sd=float(here.std()),
            median=float(np.median(here)),
            noise=self.errors.netd * math.sqrt(min(1.0, self.errors.pixels_sharing / here.size)),
            mask=_AROUND_MASK * math.sqrt(variance),
            common=self.errors.common,
            outward=(outward - inward) / 2,
            correlation=self.correlation,
            lowest=float(here.min()),
            highest=float(here.max()),
            percentiles=tuple(float(value) for value in np.percentile(here, PERCENTILES)),
            placing=math.sqrt(placing),
            placing_correlation=self.errors.placing_correlation,
            leg=self._leg_error(region & inside, mean),
            parts=self._parts_error(region & inside, mean),
            unlike=self._unlike_error(region, mean),
            cut=_UNSEEN * self._share_outside(region & inside) * float(here.std()),
        )

    def _leg_error(self, part: Mask, mean: float) -> float:
        """Root mean square change of a mean without the shares that may be leg, with the sign of the mean change."""
        if self.from_leg is None:
            return 0.0
        found = [
            (weight, _change(self.values, mean, part & (self.from_leg >= share)))
            for share, weight in leg_shares(self.inside)
        ]
        changes = [(weight, change) for weight, change in found if change is not None]
        total = math.sqrt(sum(weight * change**2 for weight, change in changes))
        return math.copysign(total, sum(weight * change for weight, change in changes))

    def _parts_error(self, part: Mask, mean: float) -> float:
        """Give the standard error whose 95 % interval ends at the mean without what may be no foot, with its sign."""
        if self.doubtful is None or not (self.doubtful & part).any():
            return 0.0
        change = _change(self.values, mean, part & ~self.doubtful)
        return 0.0 if change is None else change / Z95

    def _unlike_error(self, region: Mask, mean: float) -> float:
        """Change of a mean with what the other foot has here and this one lacks."""
        if self.unlike is None or not (self.unlike & region).any():
            return 0.0
        return _change(self.values, mean, region & (self.inside | self.unlike)) or 0.0

    def _share_outside(self, part: Mask) -> float:
        """Share of a region outside the picture: of what the sole lacks, as much as it has of the straight edge."""
        along = int((self.edge & self.inside).sum())
        if self.outside <= 0 or along == 0:
            return 0.0
        lacking = self.outside / (1 - min(self.outside, 0.9)) * float(self.inside.sum())
        lacking *= float((self.edge & part).sum()) / along
        return lacking / (lacking + float(part.sum()))


def _picture_edge(sole: Mask) -> Mask:
    """Pixels of a sole along the picture's border."""
    inner = np.zeros(sole.shape, bool)
    inner[1:-1, 1:-1] = True
    edge: Mask = sole & ~inner
    return edge


def _square_changes(values: NDArray[np.float64], mean: float, *regions: NDArray[np.generic]) -> float:
    """Sum of the squared changes of the mean over regions; what is empty changes like the others on average."""
    found = (_change(values, mean, region) for region in regions)
    changes = [change for change in found if change is not None]
    return len(regions) * sum(change**2 for change in changes) / max(len(changes), 1)


def _change(values: NDArray[np.float64], mean: float, region: NDArray[np.generic]) -> float | None:
    """Mean over the weights of a region less another mean; None where the region is empty."""
    weights = np.asarray(region, np.float64)
    counted = weights > 0  # what has no temperature has no weight
    return float(np.average(values[counted], weights=weights[counted])) - mean if counted.any() else None


def _contours(inside: Mask, finite: Mask, errors: ErrorModel, probability: NDArray[np.floating] | None) -> Drawn:
    """Share of each pixel that lies within the mask drawn in and drawn out, for each step."""
    # The contour runs half a pixel from the centres on both sides of it.
    signed = np.where(
        inside, ndimage.distance_transform_edt(inside) - 0.5, 0.5 - ndimage.distance_transform_edt(~inside)
    )
    sd = errors.contour if probability is None else errors.min_contour
    near = signed > -_FARTHEST * max(errors.contour, sd)
    drawn = []
    for step, _, (sure, possible) in _STEPS:
        shrunk, grown = (np.clip(signed + shift + 0.5, 0.0, 1.0) for shift in (-step * sd, step * sd))
        if probability is not None:
            shrunk = np.where(inside & (probability > sure), shrunk, 0.0)
            grown = np.where(inside | (near & (probability > possible)), 1.0, grown)
        drawn.append((shrunk, grown * finite))
    return drawn


def _borders(
    regions: RegionSet, u: NDArray[np.float64], v: NDArray[np.float64], model: ErrorModel
) -> tuple[NDArray[np.uint8], list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]]:
    """Labels of places, and two pairs of them with the borders moved along and across the sole."""
    along, across = model.placing, model.placing_across
    moved = [
        (regions.label_at(u - along, v), regions.label_at(u + along, v)),
        (regions.label_at(u, v - across), regions.label_at(u, v + across)),
    ]
    return regions.label_at(u, v), moved
