"""The interval of a mean over data sets, against closed forms and simulation."""

import numpy as np
import pytest
from contest.averages import mean_over_sets
from scipy import stats


def test_one_set_of_groups_of_one_case_is_students_interval():
    values = np.array([0.1, 0.4, 0.2, 0.5, 0.3])
    found = mean_over_sets({"one": (values, range(5))})
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_two_sets_of_groups_of_one_case_is_welchs_interval():
    left, right = np.array([0.1, 0.4, 0.2]), np.array([-0.5, 0.3, 0.9, 0.1])
    found = mean_over_sets({"left": (left, range(3)), "right": (right, range(4))})
    welch = stats.ttest_ind(left, -right, equal_var=False).confidence_interval(0.95)
    assert (2 * found.low, 2 * found.high) == pytest.approx((welch.low, welch.high))
    assert found.difference == pytest.approx((left.mean() + right.mean()) / 2)
    assert (found.better, found.sets) == (2, 2)


def test_copies_of_a_case_within_its_group_prove_nothing_more():
    values, groups = [0.1, 0.4, 0.2], ["a", "b", "c"]
    once, thrice = mean_over_sets({"s": (values, groups)}), mean_over_sets({"s": (values * 3, groups * 3)})
    assert (once.low, once.high) == pytest.approx((thrice.low, thrice.high))


def test_sets_count_alike_whatever_their_size():
    found = mean_over_sets({"large": ([0.2] * 50 + [0.0] * 50, [*range(100)]), "small": ([-0.4, -0.2], [0, 1])})
    assert found.difference == pytest.approx((0.1 - 0.3) / 2)
    assert (found.better, found.sets) == (1, 2)


def test_a_set_of_one_group_leaves_no_interval():
    found = mean_over_sets({"one": ([0.1, 0.2], ["a", "a"]), "two": ([0.1, 0.2], ["a", "b"])})
    assert found.difference == pytest.approx(0.15) and np.isnan(found.low) and np.isnan(found.high)


def test_intervals_hold_what_they_state():
    rng, held, trials = np.random.default_rng(0), 0, 400
    for _ in range(trials):
        sets = {}
        for name, mean in (("a", 0.1), ("b", -0.2), ("c", 0.4)):
            groups = np.repeat(np.arange(9), rng.integers(1, 5, 9))
            sets[name] = (mean + rng.normal(0, 0.2, 9)[groups] + rng.normal(0, 0.1, groups.size), groups)
        found = mean_over_sets(sets)
        held += found.low <= 0.1 <= found.high
    assert 0.92 <= held / trials <= 0.98
