"""Intervals over groups (patients): cases of one patient are not independent of each other."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from prismseg.base import DataError

RESAMPLES = 2000
CONFIDENCE = 0.95


def bootstrap_ci(
    values: ArrayLike,
    groups: Iterable[object],
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[float, float]:
    """Confidence interval of the mean over cases, by a bootstrap that draws whole groups.

    The expanded percentile interval (Hesterberg 2015, The American Statistician 69, 371): percentiles of the
    bootstrap means at levels that make up for the bootstrap's too small spread and for the unknown variance
    when groups are few, alpha'/2 = Phi(-sqrt(G / (G - 1)) t_{alpha/2, G - 1}) for G groups. Unlike an interval
    of the form mean ± t SE it stays within the range of the values. In simulations with groups of 2 to 8 cases,
    95 % intervals held the truth in 90 % of the trials with 5 groups, 94 % with 12, 95 % with 30.

    Parameters
    ----------
    values : (n,) array_like
        One value a case.
    groups : iterable of n labels
        Group of each case.
    resamples : int
        Number of bootstrap means.
    confidence : float
        Level of the interval.
    seed : int
        Of a generator of its own; NumPy's and torch's global ones are not touched.

    Returns
    -------
    low, high : float
        NaN with fewer than two groups: one patient says nothing about others.

    Raises
    ------
    DataError
        When a value is missing or infinite, there is none, or the lengths differ.
    """
    checked, index = clustered(values, groups)
    resampled = resampled_means(checked[:, None], index, resamples=resamples, seed=seed)
    low, high = percentile_interval(resampled, np.array([index.max() + 1]), confidence=confidence)
    return float(low[0]), float(high[0])


def resampled_means(
    values: NDArray[np.float64], index: NDArray[np.intp], *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Means of columns over cases, in bootstrap samples of whole groups.

    Parameters
    ----------
    values : (n, k) array
        NaN where a column does not apply to a case.
    index : (n,) array of int
        Number of each case's group, from 0 on.
    resamples, seed : int
        As in `bootstrap_ci`. All columns see the same samples, so that they can be compared within each.

    Returns
    -------
    (resamples, k) array
        NaN where a sample has no case to which the column applies.
    """
    count = int(index.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    member = np.zeros((count, index.size))
    member[index, np.arange(index.size)] = 1
    applies = ~np.isnan(values)
    sums, sizes = member @ np.where(applies, values, 0), member @ applies
    with np.errstate(invalid="ignore"):
        means: NDArray[np.float64] = (drawn @ sums) / (drawn @ sizes)
    return means


def percentile_interval(
    resampled: NDArray[np.float64], counts: NDArray[np.integer], *, confidence: float = CONFIDENCE
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute expanded percentile intervals (k,) of columns (resamples, k) that stand for `counts` (k,) groups.

    NaN for a column of fewer than two groups.
    """
    low, high = np.full((2, resampled.shape[1]), math.nan)
    for count in np.unique(counts[counts >= 2]):
        tail = expanded_tail(int(count), confidence)
        chosen = counts == count
        low[chosen], high[chosen] = np.nanquantile(resampled[:, chosen], [tail, 1 - tail], axis=0)
    return low, high


def expanded_tail(count: int, confidence: float = CONFIDENCE) -> float:
    """Percentile level below (and above) the expanded percentile interval of `count` independent units."""
    t = stats.t.ppf((1 - confidence) / 2, count - 1)
    return float(stats.norm.cdf(math.sqrt(count / (count - 1)) * t))


def clustered(values: ArrayLike, groups: Iterable[object]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Values as an array and the number of each one's group."""
    checked = np.asarray(values, float)
    labels = [str(group) for group in groups]
    if checked.ndim != 1 or checked.size == 0 or checked.size != len(labels):
        raise DataError(
            f"One value and one group a case are needed, and at least one case; there are {checked.size} values "
            f"and {len(labels)} groups."
        )
    if not np.isfinite(checked).all():
        raise DataError("A value is missing or infinite; no case may be dropped, so there is no mean to give.")
    return checked, np.unique(labels, return_inverse=True)[1]
