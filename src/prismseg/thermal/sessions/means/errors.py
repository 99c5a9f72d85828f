"""The errors that a mean is reckoned to have."""

from __future__ import annotations

import math
from dataclasses import dataclass

from prismseg.base import ConfigError, Message
from prismseg.base.deprecation import renamed


@renamed(least_contour="min_contour", shared="correlation", shared_stated="mask_correlation")
@dataclass(frozen=True)
class ErrorModel:
    """Standard deviations of the errors of a mean.

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
        change sign along the contour average out. Where probabilities are given they tell it.
    min_contour : float
        Smallest distance where probabilities tell it, pixels: networks are surer of themselves than they should be.
    placing : float
        Distance along the sole of territory borders from where they would be, foot lengths: people differ.
    placing_across : float
        The same across the sole.
    placing_correlation : float
        Correlation of its error in two frames of a session: borders stay on the same skin, whose pattern changes little.
    correlation : float
        Correlation of the contour's error in two frames of a session where a network's probabilities are given: it errs
        alike in all frames, which cancels in changes. Chosen on simulated sessions (`benchmarks/thermal.py`).
    mask_correlation : float
        The same where masks are given: one hand's bias is much the same in all frames, and what changes sign along the
        contour averages out (1.5 pixels over some fifty independent stretches leave 0.2, or 2 % of the variance).

    What is wrong by the same amount in all frames (emissivity, calibration) is not in it: it cancels in deltas.

    Raises
    ------
    ConfigError
        When one of them is negative, not finite, or a correlation is not within 0 to 1.

    Examples
    --------
    >>> ErrorModel(netd=0.05).netd
    0.05
    """

    netd: float = 0.06
    pixels_sharing: float = 1.0
    common: float = 0.05
    contour: float = 1.5
    min_contour: float = 0.5
    placing: float = 0.045
    placing_across: float = 0.018
    placing_correlation: float = 0.9
    correlation: float = 0.88
    mask_correlation: float = 0.98

    def __post_init__(self) -> None:
        values = (self.netd, self.common, self.contour, self.min_contour, self.placing, self.placing_across)
        if not all(math.isfinite(value) and value >= 0 for value in values) or not self.pixels_sharing >= 1:
            raise ConfigError(
                Message(
                    "Errors are standard deviations of 0 or more, and at least one pixel shares a value of noise; got "
                    "{errors}.",
                    errors=self,
                )
            )
        if not all(
            0 <= value <= 1 for value in (self.correlation, self.mask_correlation, self.placing_correlation)
        ):
            raise ConfigError(
                Message("The errors that frames share are correlations from 0 to 1; got {errors}.", errors=self)
            )
