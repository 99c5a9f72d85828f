"""Paired comparisons of two networks, Wilcoxon's test for groups, Holm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prismseg.base import DataError
from prismseg.evaluation import clustered_wilcoxon, holm, paired_comparison


def clustered(rng, groups, cases, between, within, mean=0.0):
    """Values whose mean over an infinite population is `mean`, and their groups."""
    labels = np.repeat(np.arange(groups), cases)
    return mean + rng.normal(0, between, groups)[labels] + rng.normal(0, within, labels.size), labels


@pytest.mark.parametrize("count", [5, 9, 14])
def test_wilcoxon_with_a_case_a_group_is_wilcoxons_own(count):
    rng = np.random.default_rng(count)
    for _ in range(10):
        differences = rng.normal(0.3, 1, count)
        expected = stats.wilcoxon(differences, method="exact").pvalue
        assert clustered_wilcoxon(differences, range(count)) == pytest.approx(expected)


def test_wilcoxon_of_many_groups_is_the_normal_approximation():
    rng = np.random.default_rng(3)
    differences = rng.normal(0.3, 1, 40).round(1)  # ties and zeros
    expected = stats.wilcoxon(differences, method="approx", correction=False).pvalue
    assert clustered_wilcoxon(differences, range(40)) == pytest.approx(expected)


def test_wilcoxon_of_groups_by_hand():
    # Signed ranks 1, 2 | 3, -4 | 5: sums 3, -1, 5, total 7. Of the 4 patterns up to the common sign,
    # |±3 ± 1 + 5| = 7, 1, 9, 3: two of four are at least 7.
    assert clustered_wilcoxon([0.1, 0.2, 0.3, -0.4, 0.5], ["a", "a", "b", "b", "c"]) == 0.5


def test_copies_of_a_case_are_no_further_evidence():
    differences = np.array([0.3, 0.5, -0.1, 0.8, 0.2, 0.6])
    once = clustered_wilcoxon(differences, range(6))
    assert clustered_wilcoxon(np.repeat(differences, 10), np.repeat(range(6), 10)) == pytest.approx(once)
    assert stats.wilcoxon(np.repeat(differences, 10)).pvalue < once / 10


def test_wilcoxon_keeps_its_level_on_clustered_data():
    rng = np.random.default_rng(4)
    for groups in (8, 25):
        p = [clustered_wilcoxon(*clustered(rng, groups, 6, 1.0, 0.5)) for _ in range(400)]
        assert np.mean(np.array(p) <= 0.05) <= 0.075


def test_no_difference_has_p_1():
    assert clustered_wilcoxon([0, 0, 0], ["a", "b", "c"]) == 1
    assert clustered_wilcoxon([1.0], ["a"]) == 1


def test_rounding_is_no_difference():
    assert clustered_wilcoxon([1e-16, -1e-17, 3e-16], ["a", "b", "c"]) == 1
    # 0.3 - 0.2 and 0.2 - 0.1 are a tie: signed ranks 1.5, 1.5, -3 sum to nothing.
    assert clustered_wilcoxon([0.3 - 0.2, 0.2 - 0.1, -0.5], ["a", "b", "c"]) == 1


def test_a_paired_comparison_by_hand():
    ours = np.array([0.9, 0.8, 0.7, 0.9, 0.9, 0.9, 0.9])
    result = paired_comparison(ours, [0.8, 0.6, 0.6, 0.6, 0.5, 0.4, 0.3], "abbcdef")
    assert result["difference"] == pytest.approx(2.2 / 7)
    # Six groups: from the lowest to the highest of their means, .1 (a) and .6 (f); all differ the same way: p = 1/32.
    assert (result["ci_low"], result["ci_high"]) == pytest.approx((0.1, 0.6))
    assert (result["n"], result["n_groups"], result["p_value"]) == (7, 6, 1 / 32)


def test_a_comparison_of_few_groups_has_neither_interval_nor_p_value():
    result = paired_comparison([0.9, 0.8, 0.7], [0.8, 0.6, 0.6], ["a", "b", "b"])
    assert result["difference"] == pytest.approx(0.4 / 3)
    assert np.isnan([result["ci_low"], result["ci_high"], result["p_value"]]).all()
    assert (result["range_low"], result["range_high"]) == pytest.approx((0.1, 0.15))
    assert (result["n"], result["n_groups"]) == (3, 2)


def test_a_paired_comparison_is_antisymmetric():
    rng = np.random.default_rng(5)
    ours, groups = clustered(rng, 12, 4, 0.1, 0.1, mean=0.8)
    theirs = ours - rng.normal(0.05, 0.05, ours.size)
    forth, back = paired_comparison(ours, theirs, groups), paired_comparison(theirs, ours, groups)
    assert forth["difference"] == -back["difference"]
    assert forth["p_value"] == back["p_value"]
    assert (forth["ci_low"], forth["ci_high"]) == pytest.approx((-back["ci_high"], -back["ci_low"]))
    assert forth["ci_low"] > 0
    assert forth["p_value"] < 0.01


def test_pairing_needs_the_same_cases():
    with pytest.raises(DataError, match="the same cases twice, not 2 and 3"):
        paired_comparison([1, 2], [1, 2, 3], ["a", "b"])


def test_holm_by_hand():
    # Sorted .01, .02, .03, .04 times 4, 3, 2, 1 and never falling: .04, .06, .06, .06
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1, 1])
    np.testing.assert_allclose(holm([0.03]), [0.03])


def test_what_was_not_tested_costs_the_others_nothing():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_the_raw_values_and_bonferroni(p_values):
    raw = np.array(p_values)
    adjusted = holm(raw)
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(raw * raw.size, 1) + 1e-12).all()
    assert adjusted[raw.argmin()] == min(raw.min() * raw.size, 1)
    order = raw.argsort()
    assert (np.diff(adjusted[order]) >= 0).all()
