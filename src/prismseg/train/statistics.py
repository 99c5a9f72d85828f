"""Intervals and tests over groups (patients): cases of one patient are not independent of each other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from prismseg.base import DataError

RESAMPLES = 2000
CONFIDENCE = 0.95
_EXACT_UP_TO = 16  # groups; half of the 2^16 sign patterns are enumerated
_DECIMALS = 12  # differences closer than this are ties: values that went through a CSV file are not exact


class Comparison(TypedDict):
    """Paired comparison of two networks; see `paired_comparison`."""

    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    n: int
    n_groups: int


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
    checked, index = _clustered(values, groups)
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


def paired_comparison(
    ours: ArrayLike, theirs: ArrayLike, groups: Iterable[object], *, resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Compare two networks on the same cases.

    Parameters
    ----------
    ours, theirs : (n,) array_like
        Values of the two networks, in the same order of cases.
    groups : iterable of n labels
        Group of each case.
    resamples, seed : int
        As in `bootstrap_ci`.

    Returns
    -------
    Comparison
        Mean difference (ours minus theirs), its 95 % interval over groups (`bootstrap_ci`), the two-sided p-value
        of `clustered_wilcoxon`, numbers of cases and groups.

    Raises
    ------
    DataError
        As `bootstrap_ci`.
    """
    left, right, labels = np.asarray(ours, float), np.asarray(theirs, float), list(groups)
    if left.shape != right.shape:
        raise DataError(f"A paired comparison needs the same cases twice, not {left.size} and {right.size}.")
    difference = left - right
    low, high = bootstrap_ci(difference, labels, resamples=resamples, seed=seed)
    return Comparison(
        difference=float(difference.mean()),
        ci_low=low,
        ci_high=high,
        p_value=clustered_wilcoxon(difference, labels),
        n=difference.size,
        n_groups=len(set(labels)),
    )


def clustered_wilcoxon(differences: ArrayLike, groups: Iterable[object]) -> float:
    """Wilcoxon's signed-rank test for differences that come in groups.

    Signed ranks of all non-zero differences are summed by group; under the null hypothesis each group's sum S
    could as well have the other sign. With up to 16 groups all sign patterns are enumerated, beyond that the
    sum is normal with variance sum S² (Rosner, Glynn & Lee 2006, Biometrics 62, 185). With one case a group this
    is Wilcoxon's own test.

    Returns
    -------
    float
        Two-sided p-value; 1 when no difference is left. G groups cannot give less than 2^(1 - G).

    Raises
    ------
    DataError
        As `bootstrap_ci`.
    """
    checked, index = _clustered(differences, groups)
    checked = checked.round(_DECIMALS)
    nonzero = checked != 0
    if not nonzero.any():
        return 1.0
    signed = np.sign(checked[nonzero]) * stats.rankdata(np.abs(checked[nonzero]))
    sums = np.bincount(index[nonzero], signed)
    sums = sums[np.unique(index[nonzero])]
    observed = abs(sums.sum())
    if sums.size > _EXACT_UP_TO:
        return float(2 * stats.norm.sf(observed / math.sqrt((sums**2).sum())))
    # By symmetry the first sign may stay; ranks are multiples of 1/2, so sums are exact.
    patterns = np.array([(1, *signs) for signs in product((1, -1), repeat=sums.size - 1)])
    possible = np.abs(patterns @ sums)
    return float((possible >= observed).mean())


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values adjusted for their number (Holm 1979): all below alpha may be called significant together."""
    p = np.asarray(p_values, float)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def _clustered(values: ArrayLike, groups: Iterable[object]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
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
