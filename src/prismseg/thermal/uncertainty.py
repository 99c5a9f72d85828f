"""Mean temperature of a region and how far it may be from the true one: noise, contour, placing of borders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import ConfigError, DataError
from prismseg.thermal.pieces import Mask, Window, window_of
from prismseg.thermal.registration import Registration
from prismseg.thermal.template import TERRITORIES, territory_at

Contours = tuple[Mask, NDArray[np.float64], NDArray[np.float64]]

WHOLE = "whole sole"
REGIONS = (WHOLE, *TERRITORIES)
Z95 = 1.959964
_ONE_SD = (0.16, 0.84)  # of a normal law


@dataclass(frozen=True)
class Errors:
    """Standard deviations of what makes a mean wrong.

    Attributes
    ----------
    netd : float
        Noise of one pixel, °C (noise-equivalent temperature difference). Handheld cameras have 0.05–0.08.
    pixels_sharing : float
        Pixels that share one value of the noise: 4 for 320 × 240 enlarged to 640 × 480.
    common : float
        Error that all pixels of one frame share and the next frame does not: drift since the last shutter, °C. It does
        not shrink with the number of pixels, and it cancels in the difference of two soles of one frame.
    contour : float
        Distance of the mask's contour from the true one, pixels, the same all around: the worst case, since errors that
        change sign along the contour average out. Replaced by the model's own where probabilities are given.
    least_contour : float
        The model's own is not believed below this, pixels: networks are surer of themselves than they should be.
    placing : float
        Distance of territory borders from where they would be, foot lengths.

    What is wrong by the same amount in all frames (emissivity, calibration) is not in it: it cancels in deltas.
    """

    netd: float = 0.06
    pixels_sharing: float = 1.0
    common: float = 0.05
    contour: float = 1.5
    least_contour: float = 0.5
    placing: float = 0.015

    def __post_init__(self) -> None:
        values = (self.netd, self.common, self.contour, self.least_contour, self.placing)
        if not all(math.isfinite(value) and value >= 0 for value in values) or not self.pixels_sharing >= 1:
            raise ConfigError(
                "Errors are standard deviations of 0 or more, and at least one pixel shares a value of noise; got "
                f"{self}."
            )


@dataclass(frozen=True)
class Estimate:
    """Temperature of one region in one frame.

    Attributes
    ----------
    pixels : int
        How many pixels; with 0 the temperatures are NaN.
    mean, sd, median : float
        Over the pixels, °C.
    noise, mask, common : float
        Standard errors of the mean by noise, by contour and placing, and by what the whole frame shares, °C.
    """

    pixels: int
    mean: float
    sd: float
    median: float
    noise: float
    mask: float
    common: float

    @property
    def own(self) -> float:
        """Standard error without what the whole frame shares, °C."""
        return math.hypot(self.noise, self.mask)

    @property
    def error(self) -> float:
        """Standard error of the mean, °C."""
        return math.hypot(self.noise, self.mask, self.common)


def measure_sole(
    celsius: NDArray[np.floating],
    sole: Mask,
    registration: Registration | None = None,
    *,
    errors: Errors | None = None,
    probability: NDArray[np.floating] | None = None,
) -> Mapping[str, Estimate]:
    """Measure one sole and its nerve territories.

    The mask's part of the error: the mean is taken again within a contour drawn in and one drawn out by a standard
    deviation (or at the model's probabilities 0.84 and 0.16), and for territories with their borders moved by a standard
    deviation along and across the sole. Each pair adds the mean square of its two changes to the variance.

    Parameters
    ----------
    celsius : (H, W) float
        Temperatures.
    sole : (H, W) bool
        One sole.
    registration : Registration, optional
        For the territories; without it only the whole sole is measured.
    errors : Errors, optional
        Standard deviations to reckon with.
    probability : (H, W) float, optional
        The model's probability that a pixel is sole.

    Returns
    -------
    mapping of str to Estimate
        By name of the region (`REGIONS`).

    Raises
    ------
    DataError
        When shapes differ, the sole is empty or a temperature on it is not finite.
    """
    reckoned = errors or Errors()
    if celsius.shape != sole.shape or (probability is not None and probability.shape != sole.shape):
        raise DataError(f"Temperatures, mask and probabilities differ in shape: {celsius.shape}, {sole.shape}.")
    if not sole.any():
        raise DataError("The sole has no pixel; there is no mean.")
    window = window_of(sole, margin=math.ceil(6 * max(reckoned.contour, reckoned.least_contour)) + 2)
    values, inside = celsius[window].astype(np.float64), sole[window]
    if not np.isfinite(values[inside]).all():
        raise DataError("A temperature on the sole is missing or infinite; there is no mean.")
    contours = _contours(
        inside, np.isfinite(values), reckoned, None if probability is None else probability[window]
    )
    everywhere = np.ones(inside.shape, bool)
    found = {WHOLE: _estimate(values, everywhere, contours, [], reckoned)}
    if registration is None:
        return found
    labels, moved = _borders(registration, window, reckoned.placing)
    for number, name in enumerate(TERRITORIES, start=1):
        pairs = [(one == number, other == number) for one, other in moved]
        found[name] = _estimate(values, labels == number, contours, pairs, reckoned)
    return found


def _estimate(
    values: NDArray[np.float64],
    region: Mask,
    contours: Contours,
    moved: list[tuple[Mask, Mask]],
    errors: Errors,
) -> Estimate:
    contour, drawn_in, drawn_out = contours
    here = values[region & contour]
    if here.size == 0:
        return Estimate(0, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)
    mean = float(here.mean())
    pairs = [(region * drawn_in, region * drawn_out), *((one * contour, other * contour) for one, other in moved)]
    variance = 0.0
    for pair in pairs:
        changes = [_weighted_mean(values, weights) - mean for weights in pair if weights.any()]
        variance += sum(change**2 for change in changes) / max(len(changes), 1)
    return Estimate(
        pixels=here.size,
        mean=mean,
        sd=float(here.std()),
        median=float(np.median(here)),
        noise=errors.netd * math.sqrt(min(1.0, errors.pixels_sharing / here.size)),
        mask=math.sqrt(variance),
        common=errors.common,
    )


def _weighted_mean(values: NDArray[np.float64], weights: NDArray[np.bool_] | NDArray[np.float64]) -> float:
    counted = weights > 0  # what has no temperature has no weight
    return float(np.average(values[counted], weights=weights[counted]))


def _contours(inside: Mask, finite: Mask, errors: Errors, probability: NDArray[np.floating] | None) -> Contours:
    """Give the mask, and the share of each pixel within it drawn in and drawn out by one standard deviation."""
    # The contour runs half a pixel from the centres on both sides of it.
    signed = np.where(
        inside, ndimage.distance_transform_edt(inside) - 0.5, 0.5 - ndimage.distance_transform_edt(~inside)
    )
    moved = errors.contour if probability is None else errors.least_contour
    drawn_in, drawn_out = (np.clip(signed + shift + 0.5, 0.0, 1.0) for shift in (-moved, moved))
    if probability is not None:
        near = signed > -6 * errors.contour
        drawn_in = np.where(inside & (probability > _ONE_SD[1]), drawn_in, 0.0)
        drawn_out = np.where(inside | (near & (probability > _ONE_SD[0])), 1.0, drawn_out)
    return inside, drawn_in, drawn_out * finite


def _borders(
    registration: Registration, window: Window, placing: float
) -> tuple[NDArray[np.uint8], list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]]:
    """Territories of a window, and two pairs of them moved along and across the sole."""
    u, v = registration.over(*window)
    along = (territory_at(u - placing, v), territory_at(u + placing, v))
    across = (territory_at(u, v - placing), territory_at(u, v + placing))
    return territory_at(u, v), [along, across]
