"""Comparison of methods over groups and trainings: by hand, its parts, and how often it errs."""

import math

import numpy as np
import pytest
from scipy import stats

from prismseg.base import DataError
from prismseg.evaluation import mean_interval, sign_flip_test
from prismseg.evaluation.statistics.methods import (
    METHODS,
    ONE_SEED,
    compare_methods,
    compare_trainings,
    method_sentence,
)

GROUPS = np.repeat(np.arange(8), 2)


def draw(rng, seeds, *, seed_noise=0.5, groups=GROUPS):
    """Two equally good methods that differ by group, training and case."""
    taste = rng.normal(0, 0.5, groups.max() + 1)[groups]
    ours, theirs = (
        rng.normal(0, seed_noise, (seeds, 1)) + rng.normal(0, 0.3, (seeds, groups.size)) for _ in range(2)
    )
    return ours + taste, theirs


def test_both_errors_are_joined():
    ours, theirs = draw(np.random.default_rng(0), 3)
    found = compare_methods(ours, theirs, GROUPS)
    difference = ours.mean(0) - theirs.mean(0)
    of_groups = mean_interval(difference, GROUPS)
    of_seeds = stats.ttest_ind(ours.mean(1), theirs.mean(1), equal_var=False).confidence_interval()
    centre = difference.mean()
    reach = (of_seeds.high - of_seeds.low) / 2
    assert found["difference"] == pytest.approx(centre)
    assert found["ci_low"] == pytest.approx(centre - math.hypot(centre - of_groups.low, reach))
    assert found["ci_high"] == pytest.approx(centre + math.hypot(of_groups.high - centre, reach))
    assert found["aa"] == pytest.approx(math.sqrt((ours.mean(1).var(ddof=1) + theirs.mean(1).var(ddof=1)) / 3))
    assert (found["n"], found["n_groups"], found["n_seeds"], found["note"]) == (16, 8, 3, "")
    assert math.isnan(found["range_low"])


def test_the_p_value_is_where_the_interval_just_holds_0():
    ours, theirs = draw(np.random.default_rng(1), 4)
    ours = ours + 0.4
    p = compare_methods(ours, theirs, GROUPS)["p_value"]
    assert 0.001 < p < 0.9
    for level, holds in ((1 - p + 1e-3, True), (1 - p - 1e-3, False)):
        found = compare_methods(ours, theirs, GROUPS, confidence=level)
        assert (found["ci_low"] <= 0 <= found["ci_high"]) == holds


def test_trainings_that_do_not_differ_leave_the_test_of_the_groups():
    ours, theirs = draw(np.random.default_rng(2), 1)
    found = compare_methods(np.repeat(ours + 1, 3, 0), np.repeat(theirs, 3, 0), GROUPS)
    assert found["aa"] == 0
    assert found["p_value"] == pytest.approx(sign_flip_test((ours + 1 - theirs)[0], GROUPS), abs=1e-6)


def test_one_training_of_a_method_gives_neither_interval_nor_p_value():
    ours, theirs = draw(np.random.default_rng(3), 3)
    for left, right in ((ours[:1], theirs), (ours, theirs[:1]), (ours[0], theirs[0])):
        found = compare_methods(left, right, GROUPS)
        assert found["note"] == "one seed" and found["n_seeds"] == 1
        assert np.isnan([found["ci_low"], found["ci_high"], found["p_value"], found["aa"]]).all()
        assert found["range_low"] < found["range_high"]


def test_few_groups_give_neither_interval_nor_p_value():
    groups = np.arange(16) % 5
    ours, theirs = draw(np.random.default_rng(4), 3, groups=groups)
    found = compare_methods(ours, theirs, groups)
    assert found["note"] == "few groups" and found["aa"] > 0
    assert np.isnan([found["ci_low"], found["p_value"]]).all() and found["range_low"] < found["range_high"]


def test_the_sides_can_be_exchanged():
    ours, theirs = draw(np.random.default_rng(5), 3)
    forth, back = compare_methods(ours, theirs, GROUPS), compare_methods(theirs, ours, GROUPS)
    assert forth["p_value"] == pytest.approx(back["p_value"]) and forth["aa"] == pytest.approx(back["aa"])
    assert (forth["ci_low"], forth["ci_high"]) == pytest.approx((-back["ci_high"], -back["ci_low"]))


def test_numbers_of_whole_test_sets_are_compared_as_by_scipy():
    ours, theirs = np.array([0.71, 0.74, 0.69, 0.75]), np.array([0.66, 0.70, 0.69])
    found = compare_trainings(ours, theirs)
    wanted = stats.ttest_ind(ours, theirs, equal_var=False)
    ends = wanted.confidence_interval()
    assert found["p_value"] == pytest.approx(wanted.pvalue)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((ends.low, ends.high))
    assert math.isnan(compare_trainings(ours, theirs[:1])["p_value"])
    alike = compare_trainings([1, 1], [0, 0])
    assert math.isnan(alike["p_value"]) and math.isnan(alike["ci_low"]) and alike["note"] == "one seed"
    assert compare_trainings([1, 1], [1, 1])["p_value"] == 1


def test_seeds_of_one_method_are_not_two_methods():
    """The A/A control: what v0.1 called significant in 2 of 6 cases. A test of the groups alone must fail it."""
    rng = np.random.default_rng(6)
    trials, wrong, ignoring = 200, 0, 0
    for _ in range(trials):
        ours, theirs = draw(rng, 3)
        wrong += compare_methods(ours, theirs, GROUPS)["p_value"] <= 0.05
        ignoring += sign_flip_test(ours.mean(0) - theirs.mean(0), GROUPS) <= 0.05
    # 5 % of 200 is 10, with a standard error of 3.
    assert wrong <= 19 and ignoring > 30


def test_sentences_say_what_is_missing():
    assert method_sentence([""], [8]) == METHODS
    assert ONE_SEED in method_sentence(["one seed", ""], [8, 8])
    assert "4 groups are too few" in method_sentence(["few groups"], [4])


def test_methods_need_the_same_cases():
    with pytest.raises(DataError, match="the same cases, not on 3 and 2"):
        compare_methods([[1, 2, 3]], [[1, 2]], [1, 2, 3])
    with pytest.raises(DataError, match="missing or infinite"):
        compare_methods([[1, np.nan]], [[1, 2]], [1, 2])
