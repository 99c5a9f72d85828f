"""Intervals and the sign-flip test: by hand, against enumeration, and how often they hold."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prismseg.base import DataError
from prismseg.evaluation import SHARE, column_intervals, mean_interval, sign_flip_test
from prismseg.evaluation.statistics.intervals import group_sums, leave_one_out, pseudo_values


def clustered(rng, groups, cases, between, within, mean=0.0):
    """Values whose mean over an infinite population is `mean`, and their groups."""
    labels = np.repeat(np.arange(groups), cases)
    return mean + rng.normal(0, between, groups)[labels] + rng.normal(0, within, labels.size), labels


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_groups_have_a_range_and_no_interval(count):
    """The old 95 % interval held the truth in 48 % of the trials with two groups."""
    values, groups = clustered(np.random.default_rng(0), count, 4, 1.0, 0.5)
    found = mean_interval(values, groups)
    means = values.reshape(count, 4).mean(1)
    assert found.kind == "range" and found.n_groups == count
    assert (found.low, found.high) == pytest.approx((means.min(), means.max()))
    assert "no confidence interval" in found.statement or "too few for a confidence interval" in found.statement
    row = found.columns()
    assert math.isnan(row["ci_low"]) and math.isnan(row["ci_high"]) and row["range_low"] == found.low


def test_six_groups_by_hand():
    """Of the 32 partitions one has an empty part, 1/32 < 5 %; a second would make 6.25 %: the extremes of all others.

    Those are the lowest and highest group, alone in their part.
    """
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    found = mean_interval(values, range(6))
    assert (found.kind, found.low, found.high) == ("interval", 0.1, pytest.approx(0.6))
    assert math.isnan(found.columns()["range_low"])


def test_eight_groups_of_unequal_sizes_against_a_slow_search():
    rng = np.random.default_rng(3)
    sizes = [1, 2, 3, 9, 1, 4, 2, 2]
    groups = np.repeat(np.arange(8), sizes)
    values = rng.normal(0, 1, len(groups))
    found = mean_interval(values, groups)

    def p_value(theta):
        totals = np.bincount(groups, values - theta)
        flipped = np.abs([np.dot(signs, totals) for signs in product((1, -1), repeat=8)])
        return (flipped >= abs(totals.sum()) - 1e-12).mean()

    for end, inside in ((found.low, 1e-6), (found.high, -1e-6)):
        assert p_value(end + inside) > 0.05 >= p_value(end - inside)
    assert sign_flip_test(values, groups) == pytest.approx(p_value(0.0))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(6, 18), st.sampled_from([0.0, 0.3, 1.0]))
def test_the_test_rejects_where_the_interval_leaves_out_0(seed, count, mean):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(count), rng.integers(1, 6, count))
    values = mean + rng.normal(0, 1, labels.size)
    found = mean_interval(values, labels)
    assert (sign_flip_test(values, labels) <= 0.05) == (not found.low <= 0 <= found.high)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8)), min_size=2, max_size=40))
def test_ends_stay_within_the_groups_and_shares_within_their_bounds(pairs):
    values, groups = (np.array(part) for part in zip(*pairs, strict=True))
    means = [values[groups == group].mean() for group in set(groups)]
    found, share = mean_interval(values, groups), mean_interval(values, groups, bounds=SHARE)
    assert min(means) - 1e-9 <= found.low <= found.high <= max(means) + 1e-9
    assert 0 <= share.low <= found.low + 1e-12 and found.high - 1e-12 <= share.high <= 1
    if found.kind == "interval":
        assert found.low - 1e-9 <= values.mean() <= found.high + 1e-9


def test_six_successes_do_not_prove_a_rate_of_1():
    """All group means 1: without bounds the interval has no width; the failure not seen yet gives it one."""
    assert mean_interval([1.0] * 6, range(6)).low == 1
    assert mean_interval([1.0] * 6, range(6), bounds=SHARE).low < 0.6


def test_values_outside_their_bounds_are_refused():
    with pytest.raises(DataError, match="do not lie between 0 and 1"):
        mean_interval([0.5, 1.5], [1, 2], bounds=SHARE)


def test_scale_and_shift_carry_over():
    values, groups = clustered(np.random.default_rng(5), 9, 3, 1, 1)
    one, two = mean_interval(values, groups), mean_interval(7 - 3 * values, groups)
    assert (two.low, two.high) == pytest.approx((7 - 3 * one.high, 7 - 3 * one.low))


def test_copies_of_a_case_are_no_further_evidence():
    values = np.random.default_rng(6).normal(0.5, 1, 9)
    once, often = mean_interval(values, range(9)), mean_interval(np.repeat(values, 10), np.repeat(range(9), 10))
    assert (once.low, once.high) == pytest.approx((often.low, often.high))
    assert sign_flip_test(values, range(9)) == sign_flip_test(np.repeat(values, 10), np.repeat(range(9), 10))


def test_columns_are_those_of_each_alone_and_missing_cases_count_nowhere():
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(9), 3)
    values = rng.uniform(0, 1, (27, 3))
    values[rng.random((27, 3)) < 0.2] = np.nan
    values[groups < 4, 2] = np.nan  # five groups are left: no interval
    found = column_intervals(values, groups, bounds=SHARE)
    for column in range(3):
        known = ~np.isnan(values[:, column])
        alone = mean_interval(values[known, column], groups[known], bounds=SHARE)
        row = {name: ends[column] for name, ends in found.columns().items()}
        assert row == pytest.approx(alone.columns(), nan_ok=True)
        assert found.n_groups[column] == alone.n_groups
        assert found.means[column] == pytest.approx(values[known, column].mean())
    assert np.isnan(found.ci_low[2]) and np.isfinite(found.range_low[2])


def test_a_column_without_any_case_has_nothing():
    found = column_intervals(np.full((6, 1), np.nan), np.arange(6))
    assert np.isnan([found.means[0], found.ci_low[0], found.range_low[0]]).all() and found.n_groups[0] == 0


def test_pseudo_values_of_a_mean_of_equal_groups_are_the_group_means():
    values, groups = clustered(np.random.default_rng(8), 7, 4, 1, 1)
    sums, sizes = group_sums(values[:, None], groups)
    pseudo = pseudo_values(np.array([values.mean()]), leave_one_out(sums, sizes))
    np.testing.assert_allclose(pseudo[:, 0], values.reshape(7, 4).mean(1))


@pytest.mark.parametrize("count", [6, 15])
def test_the_interval_covers_the_truth_as_often_as_it_says(count):
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        found = mean_interval(*clustered(rng, count, rng.integers(1, 9, count), 1.0, 0.5))
        hits += found.low <= 0 <= found.high
    # 95 % of 300 with a standard error of 1.3 %.
    assert hits / 300 >= 0.91


def test_cases_taken_for_independent_cover_far_too_seldom():
    """What the groups are for: the same data with every case a group of its own."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        values, _ = clustered(rng, 10, 12, 1.0, 0.3)
        found = mean_interval(values, range(values.size))
        hits += found.low <= 0 <= found.high
    assert hits / 100 < 0.6


def test_equal_values_have_no_width():
    found = mean_interval([0.25] * 12, np.repeat(range(6), 2))
    assert (found.low, found.high) == (0.25, 0.25)


@pytest.mark.parametrize("wrong", [([], []), ([1.0], ["a", "b"]), ([1.0, math.nan], ["a", "b"])])
def test_values_that_cannot_be_averaged_are_refused(wrong):
    for function in (mean_interval, sign_flip_test):
        with pytest.raises(DataError):
            function(*wrong)


def test_no_difference_has_p_1():
    assert sign_flip_test([0, 0, 0], ["a", "b", "c"]) == 1
    assert sign_flip_test([1.0], ["a"]) == 1
    # 0.3 - 0.2 and 0.2 - 0.1 differ by rounding: totals sum to nothing.
    assert sign_flip_test([0.3 - 0.2, 0.2 - 0.1, -0.2], ["a", "b", "c"]) == 1
