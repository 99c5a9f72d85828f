"""Comparison of two given networks on the same cases, which come in groups.

It says how the two trained networks differ on cases of further groups. It says nothing about the methods they were
made by: another training of either would differ, see `prismseg.evaluation.statistics.methods`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prismseg.base import DataError
from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS, clustered, mean_interval, sign_flip_test

TWO_NETWORKS = (
    "This compares these two trained networks and no more: another training of either would give another difference. "
    "Methods are compared by a study with several seeds."
)
NO_TEST = f"Fewer than {FEWEST_GROUPS} groups cannot give a p-value below .05, so none is given."
_EXACT_UP_TO = 16  # groups; half of the 2^16 sign patterns are enumerated
_DECIMALS = 12  # differences closer than this are ties: values that went through a CSV file are not exact


class Comparison(TypedDict):
    """Paired comparison of two networks; see `paired_comparison`."""

    difference: float
    ci_low: float
    ci_high: float
    range_low: float
    range_high: float
    p_value: float
    n: int
    n_groups: int


def paired_comparison(ours: ArrayLike, theirs: ArrayLike, groups: Iterable[object]) -> Comparison:
    """Compare two networks on the same cases.

    Parameters
    ----------
    ours, theirs : (n,) array_like
        Values of the two networks, in the same order of cases.
    groups : iterable of n labels
        Group of each case.

    Returns
    -------
    Comparison
        Mean difference over cases (ours minus theirs) with the 95 % interval of `mean_interval` and the two-sided
        p-value of `sign_flip_test`; with fewer than 6 groups the range of their mean differences instead of the
        interval, and no p-value (NaN). Numbers of cases and groups.

    Raises
    ------
    DataError
        As `mean_interval`, or where the numbers of values differ.

    Examples
    --------
    >>> ours, theirs = [0.9, 0.8, 0.9, 0.7, 0.8, 0.9], [0.8, 0.7, 0.7, 0.6, 0.7, 0.8]
    >>> result = paired_comparison(ours, theirs, "abcdef")
    >>> round(result["difference"], 3), result["p_value"], result["n_groups"]
    (0.117, 0.03125, 6)
    """
    left, right, labels = np.asarray(ours, float), np.asarray(theirs, float), list(groups)
    if left.shape != right.shape:
        raise DataError(f"A paired comparison needs the same cases twice, not {left.size} and {right.size}.")
    difference = left - right
    interval = mean_interval(difference, labels)
    ends = interval.columns()
    return Comparison(
        difference=float(difference.mean()),
        ci_low=ends["ci_low"],
        ci_high=ends["ci_high"],
        range_low=ends["range_low"],
        range_high=ends["range_high"],
        p_value=sign_flip_test(difference, labels) if interval.n_groups >= FEWEST_GROUPS else math.nan,
        n=difference.size,
        n_groups=interval.n_groups,
    )


def clustered_wilcoxon(differences: ArrayLike, groups: Iterable[object]) -> float:
    """Wilcoxon's signed-rank test for differences that come in groups.

    Signed ranks of all non-zero differences are summed by group; under the null hypothesis each group's sum S
    could as well have the other sign. With up to 16 groups all sign patterns are enumerated, beyond that the
    sum is normal with variance sum S² (Rosner, Glynn & Lee 2006, Biometrics 62, 185). With one case a group this
    is Wilcoxon's own test. Its null hypothesis is symmetry about 0, not a mean of 0: with skewed differences it
    rejects too often (`benchmarks/coverage.py`), which is why `paired_comparison` flips the groups' totals instead.

    Returns
    -------
    float
        Two-sided p-value; 1 when no difference is left. G groups cannot give less than 2^(1 - G).

    Raises
    ------
    DataError
        As `mean_interval`.

    Examples
    --------
    >>> clustered_wilcoxon([1, 2, 3, 4, 5, 6], "abcdef")
    0.03125
    """
    checked, index = clustered(differences, groups)
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
