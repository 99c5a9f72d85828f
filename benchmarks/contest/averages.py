"""The interval of a difference that is averaged over data sets, each of which counts as much as the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class MeanOverSets:
    """Mean of the sets' mean differences.

    Attributes
    ----------
    difference : float
    low, high : float
        95 % interval over groups within these sets; NaN where a set has one group.
    better : int
        Sets in which the difference is above 0.
    sets : int
    """

    difference: float
    low: float
    high: float
    better: int
    sets: int


def mean_over_sets(differences: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> MeanOverSets:
    r"""Average differences over data sets.

    Sets are strata: the interval is about other groups (patients) of the same sets, not about other sets. Within a set of
    n cases whose mean is m, the totals $T_g = \sum_{i \in g} (x_i - m)$ of its G groups vary, and

    $$v = \frac{G}{G - 1} \frac{\sum_g T_g^2}{n^2}$$

    estimates the variance of m (clusters of unequal sizes, Cochran 1977, Sampling Techniques, chapter 9A). The mean
    over S sets has the variance $\sum_s v_s / S^2$, with Satterthwaite's degrees of freedom of $G_s - 1$ each.

    Parameters
    ----------
    differences : mapping
        By set: differences of cases (n,), and the group of each.

    Examples
    --------
    >>> one = ([0.1, 0.2, 0.3], ["a", "b", "c"])
    >>> result = mean_over_sets({"one": one, "two": ([0.4, 0.5, 0.6], ["a", "b", "c"])})
    >>> round(result.difference, 3), round(result.low, 3), round(result.high, 3), result.better
    (0.35, 0.237, 0.463, 2)
    """
    means, variances, freedoms = [], [], []
    for values, groups in differences.values():
        array = np.asarray(values, float)
        _, index = np.unique(np.asarray(groups), return_inverse=True)
        count = int(index.max()) + 1
        totals = np.bincount(index, array - array.mean())
        means.append(array.mean())
        variances.append(count / (count - 1) * (totals**2).sum() / array.size**2 if count > 1 else np.nan)
        freedoms.append(count - 1)
    sets = len(means)
    shares = np.array(variances) / sets**2
    variance = shares.sum()
    below = float((shares**2 / np.array(freedoms)).sum()) if np.isfinite(variance) else np.nan
    freedom = variance**2 / below if below > 0 else 1.0
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance) if variance > 0 else variance
    centre = float(np.mean(means))
    return MeanOverSets(
        centre, centre - float(reach), centre + float(reach), sum(mean > 0 for mean in means), sets
    )
