"""Paired comparisons of two networks on the same cases, which come in groups."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prismseg.base import DataError
from prismseg.evaluation.intervals import RESAMPLES, bootstrap_ci, clustered

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
