"""Comparison of two methods, each trained several times: what differs may be the patients, and the trainings.

Two trainings of one method differ too. A difference of methods is one that other patients and other trainings would
show again, so both are sampled: groups of cases, crossed with seeds. What is exchangeable under the null hypothesis are
the trainings of a method, whole (with all their folds), and the groups; cases are neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal, TypedDict

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from prismseg.base import DataError
from prismseg.evaluation.statistics.intervals import (
    CONFIDENCE,
    FEWEST_GROUPS,
    Array,
    clustered,
    few_groups,
    group_sums,
    part_means,
    sorted_limits,
)

FEWEST_SEEDS = 2
METHODS = (
    "Methods are compared over groups and over trainings (seeds): the interval allows for other patients and for other "
    "seeds. A/A is how far two repetitions of one method, with as many seeds each, typically differ: a difference of "
    "that size says nothing."
)
ONE_SEED = (
    "With one training of each method, a difference of the methods cannot be told from that of two trainings of one "
    "method, so there is no interval and no p-value. Run several seeds; two given networks are compared by "
    "`prismseg evaluate --against`."
)
Note = Literal["", "one seed", "few groups"]
_STEPS = 40  # bisections of a p-value


class MethodComparison(TypedDict):
    """Comparison of two methods; see `compare_methods`."""

    difference: float
    ci_low: float
    ci_high: float
    range_low: float
    range_high: float
    p_value: float
    aa: float
    n: int
    n_groups: int
    n_seeds: int
    note: Note


def compare_methods(
    ours: ArrayLike, theirs: ArrayLike, groups: Iterable[object], *, confidence: float = CONFIDENCE
) -> MethodComparison:
    r"""Compare two methods by the values of their trainings on the same cases.

    The difference d of the means has two errors. That of the groups is seen in the sign-flip interval (l, u) of the
    differences averaged over seeds (`mean_interval`), that of the trainings in how far the mean of a method
    differs between its S seeds, $v = s_1^2 / S_1 + s_2^2 / S_2$, with Welch's degrees of freedom. The interval
    joins the two half widths,

    $$d - \sqrt{(d - l)^2 + t^2 v},\; d + \sqrt{(u - d)^2 + t^2 v},$$

    which holds at least what it states for sums of independent normal errors whose variances are estimated
    (Banerjee 1960, Sankhya 22, 361; Zou & Donner 2008, Stat. Med. 27, 1693), also with two seeds. Seeds of the two
    methods are not taken for pairs: where they share part of their noise, the interval is too wide rather than too
    narrow.

    Parameters
    ----------
    ours, theirs : (seeds, cases) array_like
        Values of each training, the same cases in the same order.
    groups : iterable of labels
        Group of each case.
    confidence : float
        Level of the interval.

    Returns
    -------
    MethodComparison
        Mean difference (ours minus theirs); its interval and two-sided p-value, NaN with one seed of a method or
        fewer than 6 groups (``note`` says which); the range of the groups' differences where there is no interval;
        ``aa``, the typical (root mean square) difference of two repetitions of one method with as many seeds; numbers
        of cases, groups, and seeds of the method that has fewer.

    Raises
    ------
    DataError
        When a value is missing or infinite, or the cases differ in number.
    """
    left, right = (np.atleast_2d(np.asarray(values, float)) for values in (ours, theirs))
    if left.shape[1] != right.shape[1] or not left.shape[0] or not right.shape[0]:
        raise DataError(
            f"Methods are compared on the same cases, not on {left.shape[1]} and {right.shape[1]}; each needs a training."
        )
    difference, index = clustered(left.mean(0) - right.mean(0), groups)
    sums, sizes = group_sums(difference[:, None], index)
    count, centre = len(sums), float(difference.mean())
    freedom, variance = _seed_noise(left.mean(1), right.mean(1))
    seeds = min(len(left), len(right))
    note: Note = "one seed" if seeds < FEWEST_SEEDS else "few groups" if count < FEWEST_GROUPS else ""

    low_means, high_means = (np.sort(means[:, 0]) for means in part_means(sums, sizes))

    def limits(level: float) -> tuple[float, float]:
        low, high = sorted_limits(low_means, high_means, level)
        reach = float(special.stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance)
        return centre - math.hypot(centre - low, reach), centre + math.hypot(high - centre, reach)

    own = sums[:, 0] / sizes[:, 0]
    nothing = (math.nan, math.nan)
    ends, spread = (nothing, (float(own.min()), float(own.max()))) if note else (limits(confidence), nothing)
    return MethodComparison(
        difference=centre,
        ci_low=ends[0],
        ci_high=ends[1],
        range_low=spread[0],
        range_high=spread[1],
        p_value=math.nan if note else _p_value(limits),
        aa=math.sqrt(variance) if seeds >= FEWEST_SEEDS else math.nan,
        n=difference.size,
        n_groups=count,
        n_seeds=seeds,
        note=note,
    )


def compare_trainings(ours: ArrayLike, theirs: ArrayLike, *, confidence: float = CONFIDENCE) -> MethodComparison:
    """Compare two methods by one number a training, such as the accuracy on a whole test set.

    Only trainings are sampled: Welch's test of two samples. Nothing is said about other test
    sets.

    Parameters
    ----------
    ours, theirs : (seeds,) array_like
        A number of each training.
    confidence : float
        Level of the interval.

    Returns
    -------
    MethodComparison
        As `compare_methods`, with trainings in place of groups; the range is that of any two trainings. Where each
        method's trainings all gave the same number, they tell as little of its noise as one, and there is no p-value.

    Raises
    ------
    DataError
        When a value is missing or infinite, or a method has none.
    """
    left, right = (clustered(values, range(np.size(values)))[0] for values in (ours, theirs))
    centre = float(left.mean() - right.mean())
    freedom, variance = _seed_noise(left, right)
    seeds = min(left.size, right.size)
    error = math.sqrt(variance)
    # Trainings that are all alike show no more of their noise than one does.
    note: Note = "one seed" if seeds < FEWEST_SEEDS or (error == 0 and centre != 0) else ""
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    spread = (float(left.min() - right.max()), float(left.max() - right.min())) if note else (math.nan, math.nan)
    return MethodComparison(
        difference=centre,
        ci_low=math.nan if note else centre - reach,
        ci_high=math.nan if note else centre + reach,
        range_low=spread[0],
        range_high=spread[1],
        p_value=math.nan if note else _student(centre, error, freedom),
        aa=math.nan if note else error,
        n=seeds,
        n_groups=seeds,
        n_seeds=seeds,
        note=note,
    )


def method_sentence(notes: Iterable[str], counts: Iterable[int]) -> str:
    """Say what the comparisons of a table are, from their notes and numbers of groups."""
    parts = [METHODS]
    if "one seed" in set(notes):
        parts.append(ONE_SEED)
    few = max((count for count in counts if count < FEWEST_GROUPS), default=0)
    if few and "few groups" in set(notes):
        parts.append(few_groups(few))
    return " ".join(parts)


def _seed_noise(left: Array, right: Array) -> tuple[float, float]:
    """Variance that trainings give a difference of means, after Welch's degrees of freedom; NaN with one training."""
    if min(left.size, right.size) < FEWEST_SEEDS:
        return math.nan, math.nan
    ours, theirs = (float(side.var(ddof=1)) / side.size for side in (left, right))
    below = ours**2 / (left.size - 1) + theirs**2 / (right.size - 1)
    return (ours + theirs) ** 2 / below if below > 0 else 1.0, ours + theirs


def _student(centre: float, error: float, freedom: float) -> float:
    if error == 0:
        return 1.0
    return float(2 * stats.t.sf(abs(centre) / error, freedom))


def _p_value(limits: Callable[[float], tuple[float, float]]) -> float:
    """Find the largest 1 - level whose interval still holds 0."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        ends = limits(1 - middle)
        if ends[0] <= 0 <= ends[1]:
            low = middle
        else:
            high = middle
    return high
