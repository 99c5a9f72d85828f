"""Learning rates as plain functions of the step, so that a resumed run needs no scheduler state.

Each schedule takes ``t = step / steps``, the share of the steps that are done, and the largest learning rate.
"""

from __future__ import annotations

import math

from prismseg.train.registries import SCHEDULES

WARMUP_SHARE = 0.1  # of the steps, in which "onecycle" rises
ONECYCLE_START, ONECYCLE_END = 25, 1e4  # what the peak is divided by; 25 as in torch's OneCycleLR
POLY_POWER = 0.9  # Chen et al. 2017


def learning_rate(schedule: str, step: int, steps: int, peak: float) -> float:
    """Learning rate before an optimiser step.

    Parameters
    ----------
    schedule : str
        One of `prismseg.train.registries.SCHEDULES`.
    step, steps : int
        Number of the step, counted from 0, and how many there are.
    peak : float
        Largest learning rate.

    Raises
    ------
    ConfigError
        For an unknown schedule.

    Examples
    --------
    >>> [learning_rate("cosine", step, 4, 1.0) for step in (0, 2)]
    [1.0, 0.5]
    """
    return SCHEDULES[schedule](step / steps, peak)


def poly(t: float, peak: float) -> float:
    """Return ``peak (1 - t)^0.9`` (Chen et al. 2017, DeepLab, eq. 3)."""
    return peak * math.pow(1 - t, POLY_POWER)


def cosine(t: float, peak: float) -> float:
    """Return ``peak (1 + cos(pi t)) / 2`` (Loshchilov & Hutter 2017, eq. 5 without restarts)."""
    return peak * (1 + math.cos(math.pi * t)) / 2


def onecycle(t: float, peak: float) -> float:
    """Rise as half a cosine from peak / 25 over the first tenth, fall as half a cosine to peak / 10^4.

    After Smith & Topin 2018.
    """
    start, end = peak / ONECYCLE_START, peak / ONECYCLE_END
    if t < WARMUP_SHARE:
        return peak + (start - peak) * (1 + math.cos(math.pi * t / WARMUP_SHARE)) / 2
    fall = (t - WARMUP_SHARE) / (1 - WARMUP_SHARE)
    return end + (peak - end) * (1 + math.cos(math.pi * fall)) / 2


def constant(t: float, peak: float) -> float:
    """Return the peak, whatever `t` is."""
    return peak
