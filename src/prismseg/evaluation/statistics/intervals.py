"""Intervals of means over cases that come in groups (patients), and when there is none.

The estimand is the mean over cases of the population from which the groups were drawn: a case of a new patient, each
image counting once, as in the mean that tables print. Patients with many images weigh more; what may vary from one
data set to the next is which patients are in it, so groups are the unit, never cases.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prismseg.base import DataError

CONFIDENCE = 0.95
FEWEST_GROUPS = 6  # with 5, no test of whole groups reaches p = .05: 2^(1 - 5) = .0625
SHARE = (0.0, 1.0)  # bounds of Dice, rho and other shares
METHOD = "sign flips of whole groups"
_EXACT_UP_TO = 14  # groups; all 2^13 partitions into two parts are enumerated
_DRAWN = 8191  # partitions with more groups
_OUTSIDE = 1e-5  # of its bounds may a share lie that was computed in single precision
_ROUNDING = 1e-9  # values that went through a CSV file are not exact

Array = NDArray[np.float64]
Bounds = tuple[float, float] | None


@dataclass(frozen=True)
class Interval:
    """What the groups say of a mean: a 95 % confidence interval, or, with few groups, no more than their range.

    Attributes
    ----------
    kind : {"interval", "range"}
        A range is the lowest and highest mean of a group. It is no confidence interval and must not be called one.
    low, high : float
        Its ends.
    n_groups : int
        How many groups there are.
    method : str
        How the ends were found.
    statement : str
        A sentence for the reader.
    """

    kind: Literal["interval", "range"]
    low: float
    high: float
    n_groups: int
    method: str
    statement: str

    def columns(self) -> dict[str, Any]:
        """Give the entries of a table: ``ci_low`` and ``ci_high`` are NaN for a range, and the other way round."""
        ends, missing = (self.low, self.high), (math.nan, math.nan)
        interval, spread = (ends, missing) if self.kind == "interval" else (missing, ends)
        return {"ci_low": interval[0], "ci_high": interval[1], "range_low": spread[0], "range_high": spread[1]}


@dataclass(frozen=True)
class Intervals:
    """Those of many means at once, as arrays (k,): NaN where a mean has the other kind.

    Attributes
    ----------
    means : (k,) array
        Over cases; NaN where a column has none.
    ci_low, ci_high : (k,) array
        95 % confidence intervals.
    range_low, range_high : (k,) array
        Lowest and highest mean of a group, where there is no interval.
    n_groups : (k,) array of int
        Groups to which the column applies.
    """

    means: Array
    ci_low: Array
    ci_high: Array
    range_low: Array
    range_high: Array
    n_groups: NDArray[np.intp]

    def columns(self) -> dict[str, Array]:
        """Give the four columns of a table."""
        return {name: getattr(self, name) for name in ("ci_low", "ci_high", "range_low", "range_high")}


def mean_interval(
    values: ArrayLike, groups: Iterable[object], *, bounds: Bounds = None, confidence: float = CONFIDENCE
) -> Interval:
    r"""Compute the interval of a mean over cases, or the range of its groups where they are too few.

    All values that the sign-flip test of whole groups does not reject: were the true mean $\theta$, each
    group's total $\sum_i (x_i - \theta)$ could as well have the other sign. Flipping the groups of a set F
    makes the sum no smaller exactly where $\theta$ lies between the mean of F and that of the other groups, so
    the ends are order statistics of those two means over all F (Hartigan 1969, JASA 64, 1303). The interval is
    exact where groups scatter symmetrically, whatever their sizes, and stays within their range. Values that have
    bounds pile up there, and a failure that has not been seen yet would move the mean most, so the interval also
    covers what it would be with one more case, a group of its own, at either bound. `benchmarks/coverage.py` shows
    how often it holds, on skewed and binary values too.

    Parameters
    ----------
    values : (n,) array_like
        One value a case.
    groups : iterable of n labels
        Group of each case.
    bounds : pair of float, optional
        Lowest and highest possible value, `SHARE` for Dice and other shares.
    confidence : float
        Level of the interval.

    Returns
    -------
    Interval
        A range with fewer than `FEWEST_GROUPS` groups.

    Raises
    ------
    DataError
        When a value is missing or infinite, there is none, or the lengths differ; or a value lies outside `bounds`.

    Examples
    --------
    >>> interval = mean_interval([0.8, 0.9, 0.7, 0.8, 0.9, 0.7], range(6))
    >>> interval.kind, interval.low, interval.high
    ('interval', 0.7, 0.9)
    >>> print(mean_interval([0.8, 0.9, 0.7], ["a", "a", "b"]).statement)
    2 groups are too few for a confidence interval (6 are needed); the lowest and highest mean of a group are given.
    """
    checked, index = clustered(values, groups)
    interval = column_intervals(checked[:, None], index, bounds=bounds, confidence=confidence)
    count = int(interval.n_groups[0])
    if count < FEWEST_GROUPS:
        low, high = float(interval.range_low[0]), float(interval.range_high[0])
        return Interval("range", low, high, count, "range of the groups", few_groups(count))
    statement = f"{confidence:.0%} confidence interval of the mean over cases, from {count} groups ({METHOD})."
    return Interval("interval", float(interval.ci_low[0]), float(interval.ci_high[0]), count, METHOD, statement)


def few_groups(count: int) -> str:
    """Say why so few groups have no interval; empty where they are enough."""
    if count >= FEWEST_GROUPS:
        return ""
    if count < 2:
        return "One group says nothing about others, so there is no confidence interval."
    return (
        f"{count} groups are too few for a confidence interval ({FEWEST_GROUPS} are needed); the lowest and highest "
        "mean of a group are given."
    )


def column_intervals(
    values: Array, index: NDArray[np.intp], *, bounds: Bounds = None, confidence: float = CONFIDENCE
) -> Intervals:
    """Compute `mean_interval` of columns (n, k); NaN in a column where it does not apply to a case.

    Parameters
    ----------
    values : (n, k) array
        One row a case.
    index : (n,) array of int
        Number of each case's group, from 0 on.
    bounds, confidence
        As in `mean_interval`.

    Raises
    ------
    DataError
        When a value lies outside `bounds`.
    """
    sums, sizes = group_sums(values, index)
    with np.errstate(invalid="ignore", divide="ignore"):
        means, own = sums.sum(0) / sizes.sum(0), sums / sizes
    present = sizes > 0
    count = present.sum(0)
    enough = count >= FEWEST_GROUPS
    low, high = np.full((2, means.size), np.nan)
    if enough.any():
        low[enough], high[enough] = _limits(sums[:, enough], sizes[:, enough], confidence)
    if bounds is not None:
        _require_within(values, bounds)
        one = np.ones((1, int(enough.sum())))
        if enough.any():
            some, many = sums[:, enough], np.vstack([sizes[:, enough], one])
            low[enough] = np.fmin(low[enough], _limits(np.vstack([some, bounds[0] * one]), many, confidence)[0])
            high[enough] = np.fmax(high[enough], _limits(np.vstack([some, bounds[1] * one]), many, confidence)[1])
    return Intervals(
        means,
        low,
        high,
        np.where(enough | (count == 0), np.nan, np.where(present, own, np.inf).min(0)),
        np.where(enough | (count == 0), np.nan, np.where(present, own, -np.inf).max(0)),
        count,
    )


def flip_limits(low: Array, high: Array, confidence: float) -> tuple[Array, Array]:
    """Take the ends (k,) of sign-flip intervals from `part_means`; infinite where the groups cannot tell."""
    beyond = _beyond(len(low), confidence)
    return np.partition(low, beyond, axis=0)[beyond], np.partition(high, -1 - beyond, axis=0)[-1 - beyond]


def sorted_limits(low: Array, high: Array, confidence: float) -> tuple[float, float]:
    """Take the ends of one interval from `part_means` (partitions,) that are sorted, for many levels."""
    beyond = _beyond(len(low), confidence)
    return float(low[beyond]), float(high[-1 - beyond])


def _beyond(partitions: int, confidence: float) -> int:
    """How many partitions may lie wholly on one side of a value that is not rejected."""
    return min(int((1 - confidence) * partitions + _ROUNDING), partitions - 1)


def pseudo_values(statistics: Array, left_out: Array) -> Array:
    """Jackknife pseudo-values (G, k) of statistics (k,) from their values without each group (G, k).

    Their mean over groups behaves as the statistic does, so that `column_intervals` gives an interval for one that is
    no mean of cases (Miller 1974, Biometrika 61, 1).
    """
    count = len(left_out)
    return count * statistics - (count - 1) * left_out


def sign_flip_test(values: ArrayLike, groups: Iterable[object]) -> float:
    """Test whether a mean over cases is 0, by flipping the signs of whole groups.

    Exact where groups scatter symmetrically about 0, whatever their sizes; all patterns are enumerated with up to 14
    groups and 8,191 drawn with more. G groups cannot give less than 2^(1 - G).

    Returns
    -------
    float
        Two-sided p-value; 1 when all values are 0. It is below 5 % where the interval of `mean_interval` without
        bounds leaves out 0.

    Raises
    ------
    DataError
        As `mean_interval`.
    """
    checked, index = clustered(values, groups)
    sums, sizes = group_sums(checked[:, None], index)
    low, high = part_means(sums, sizes)
    slack = _ROUNDING * max(1.0, float(np.abs(checked).max()))
    return float(((low <= slack) & (high >= -slack)).mean())


def group_sums(values: Array, index: NDArray[np.intp]) -> tuple[Array, Array]:
    """Add up columns (n, k) by group: sums and numbers of cases (G, k); NaN counts nowhere."""
    count = int(index.max()) + 1
    member = np.zeros((count, index.size))
    member[index, np.arange(index.size)] = 1
    applies = ~np.isnan(values)
    return member @ np.where(applies, values, 0.0), member @ applies.astype(float)


def leave_one_out(sums: Array, sizes: Array) -> Array:
    """Means (G, k) of the cases outside each group; NaN where none is left."""
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Array = (sums.sum(0) - sums) / (sizes.sum(0) - sizes)
    return means


def clustered(values: ArrayLike, groups: Iterable[object]) -> tuple[Array, NDArray[np.intp]]:
    """Values as an array and the number of each one's group, from 0 on.

    Raises
    ------
    DataError
        When a value is missing or infinite, there is none, or the lengths differ.
    """
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


def _limits(sums: Array, sizes: Array, confidence: float) -> tuple[Array, Array]:
    return flip_limits(*part_means(sums, sizes), confidence)


def part_means(sums: Array, sizes: Array) -> tuple[Array, Array]:
    """Compute the lower and higher mean (partitions, k) of the two parts of each partition of the groups.

    Infinite where one part is empty.
    """
    part = _partitions(len(sums))
    inside, count = part @ sums, part @ sizes
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = inside / count, (sums.sum(0) - inside) / (sizes.sum(0) - count)
    empty = (count < 0.5) | (sizes.sum(0) - count < 0.5)
    return np.where(empty, -np.inf, np.minimum(first, second)), np.where(empty, np.inf, np.maximum(first, second))


@cache
def _partitions(count: int) -> Array:
    """Partitions of groups into two parts, as 0 and 1 (partitions, count); the first has an empty part."""
    if count <= _EXACT_UP_TO:
        return (np.arange(2 ** max(count - 1, 0))[:, None] >> np.arange(count) & 1).astype(float)
    drawn = np.random.default_rng(0).integers(0, 2, (_DRAWN, count))
    return np.vstack([np.zeros(count), drawn]).astype(float)


def _require_within(values: Array, bounds: tuple[float, float]) -> None:
    lowest, highest = np.nanmin(values, initial=bounds[1]), np.nanmax(values, initial=bounds[0])
    if lowest < bounds[0] - _OUTSIDE or highest > bounds[1] + _OUTSIDE:
        raise DataError(
            f"Values from {lowest:g} to {highest:g} do not lie between {bounds[0]:g} and {bounds[1]:g}."
        )
