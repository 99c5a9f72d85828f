"""Temperature of one region in one frame, with the parts of its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from prismseg.base.deprecation import renamed

# Percentiles of a region's pixels that are kept: the middle half and the middle nine tenths of it.
PERCENTILES = (5, 25, 75, 95)


@renamed(shared="correlation")
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
        Standard errors of the mean by noise, by the contour, and by what the whole frame shares, °C.
    outward : float
        Change of the mean when the contour is drawn out by one standard deviation, °C; its sign tells whether two frames
        err in the same direction.
    correlation : float
        Correlation of the mask's error with that in the session's other frames.
    lowest, highest : float
        Over the pixels, °C. A single pixel of background or a warm vessel decides them: percentiles are steadier.
    percentiles : tuple of float
        The `PERCENTILES` of the pixels, °C.
    cut : float
        Standard error by what of the region lies outside the picture, °C: the mean is that of the visible part. Changes
        are taken over the part that both frames show, so that it is not in theirs.
    placing : float
        Standard error by the place of a territory's borders, °C.
    placing_correlation : float
        Its correlation with that in the session's other frames.
    leg : float
        Standard error by where a foot that is seen from above ends, °C, with the sign of the change that less of its
        upper end would make: it is much the same in the session's other frames.
    parts : float
        Standard error by parts that lie apart and may be no foot, °C, with the sign of the change without them: it is the
        same in frames that have the same ones.
    unlike : float
        Standard error by toes that this foot seems to lack beside the other one, °C, with the sign of the change with
        them: it is the same in frames that lack the same ones.
    """

    pixels: int
    mean: float
    sd: float
    median: float
    noise: float
    mask: float
    common: float
    outward: float = 0.0
    correlation: float = 0.0
    lowest: float = math.nan
    highest: float = math.nan
    percentiles: tuple[float, ...] = (math.nan,) * len(PERCENTILES)
    cut: float = 0.0
    placing: float = 0.0
    placing_correlation: float = 0.0
    leg: float = 0.0
    parts: float = 0.0
    unlike: float = 0.0

    @property
    def own(self) -> float:
        """Standard error without what the whole frame shares, °C."""
        return math.hypot(self.noise, self.mask, self.placing, self.leg, self.parts, self.unlike)

    @property
    def error(self) -> float:
        """Standard error of the mean, °C."""
        return math.hypot(
            self.noise, self.mask, self.placing, self.common, self.cut, self.leg, self.parts, self.unlike
        )
