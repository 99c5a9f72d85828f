"""Learning rates as plain functions of the step, so that a resumed run needs no scheduler state."""

from __future__ import annotations

import math

from prismseg.base import ConfigError

WARMUP_SHARE = 0.1


def learning_rate(schedule: str, step: int, steps: int, peak: float) -> float:
    r"""Learning rate before optimiser step `step` (counted from 0) of `steps`.

    Parameters
    ----------
    schedule : {"poly", "cosine", "onecycle", "constant"}
        ``poly`` is ``peak (1 - t)^0.9`` (Chen et al. 2017, DeepLab, eq. 3), ``cosine`` is
        ``peak (1 + cos(pi t)) / 2`` (Loshchilov & Hutter 2017, eq. 5 without restarts), ``onecycle`` rises
        as half a cosine from ``peak / 25`` over the first tenth and falls as half a cosine to
        ``peak / 10^4`` (Smith & Topin 2018); ``t = step / steps``.
    step, steps : int
        Position and length in optimiser steps.
    peak : float
        Largest learning rate.

    Raises
    ------
    ConfigError
        For an unknown schedule.
    """
    t = step / steps
    if schedule == "poly":
        return peak * math.pow(1 - t, 0.9)
    if schedule == "cosine":
        return peak * (1 + math.cos(math.pi * t)) / 2
    if schedule == "onecycle":
        start, end = peak / 25, peak / 1e4
        if t < WARMUP_SHARE:
            return peak + (start - peak) * (1 + math.cos(math.pi * t / WARMUP_SHARE)) / 2
        fall = (t - WARMUP_SHARE) / (1 - WARMUP_SHARE)
        return end + (peak - end) * (1 + math.cos(math.pi * fall)) / 2
    if schedule == "constant":
        return peak
    raise ConfigError(f"There is no schedule {schedule!r}; choose poly, cosine, onecycle or constant.")
