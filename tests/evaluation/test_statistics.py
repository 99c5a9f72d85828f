import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from prismseg.base import DataError
from prismseg.evaluation import bootstrap_ci, holm, paired_comparison
from prismseg.evaluation.intervals import expanded_tail
from prismseg.evaluation.paired import clustered_wilcoxon


def clustered(rng, groups, cases, between, within, mean=0.0):
    """Values whose mean over an infinite population is `mean`, and their groups."""
    labels = np.repeat(np.arange(groups), cases)
    return mean + rng.normal(0, between, groups)[labels] + rng.normal(0, within, labels.size), labels


@pytest.mark.parametrize("groups", [8, 30])
def test_the_interval_covers_the_truth_as_often_as_it_says(groups):
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(500):
        low, high = bootstrap_ci(*clustered(rng, groups, 5, 1.0, 0.5), resamples=1000, seed=trial)
        hits += low <= 0 <= high
    # 95 % of 500 with a standard error of 1 %.
    assert 0.92 <= hits / 500 <= 0.98


def test_cases_taken_for_independent_cover_far_too_seldom():
    """What the groups are for: the same data with every case a group of its own."""
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        values, _ = clustered(rng, 10, 12, 1.0, 0.3)
        low, high = bootstrap_ci(values, range(values.size), resamples=500, seed=trial)
        hits += low <= 0 <= high
    assert hits / 200 < 0.6


def test_groups_of_one_case_agree_with_scipy():
    values = np.random.default_rng(1).beta(8, 2, 25)
    low, high = bootstrap_ci(values, range(25), resamples=40_000)
    level = 1 - 2 * expanded_tail(25)
    theirs = stats.bootstrap(
        (values,), np.mean, confidence_level=level, n_resamples=40_000, method="percentile", rng=2
    ).confidence_interval
    width = theirs.high - theirs.low
    assert low == pytest.approx(theirs.low, abs=0.03 * width)
    assert high == pytest.approx(theirs.high, abs=0.03 * width)


def test_the_interval_of_normal_values_is_that_of_student():
    """The widening is what makes up for few groups: it restores t quantiles and the unbiased deviation."""
    count = 12
    values = stats.norm.ppf((np.arange(count) + 0.5) / count)
    low, high = bootstrap_ci(values, range(count), resamples=100_000)
    half = stats.t.ppf(0.975, count - 1) * values.std(ddof=1) / math.sqrt(count)
    assert (low, high) == pytest.approx((-half, half), rel=0.04)


def test_the_expanded_level_by_hand():
    # t of 9 degrees of freedom at 2.5 % is 2.262157.
    assert expanded_tail(10) == pytest.approx(stats.norm.cdf(-math.sqrt(10 / 9) * 2.262157), rel=1e-5)
    assert expanded_tail(10**6) == pytest.approx(0.025, rel=1e-3)


def test_two_groups_by_hand():
    # Drawn together the mean is (1 + 2 + 6) / 3, twice the first 1.5, twice the second 6.
    assert bootstrap_ci([1, 2, 6], ["a", "a", "b"]) == pytest.approx((1.5, 6))


def test_equal_values_have_no_width():
    assert bootstrap_ci([0.25] * 9, [1, 1, 1, 2, 2, 2, 3, 3, 3]) == (0.25, 0.25)


def test_one_group_has_no_interval():
    assert all(math.isnan(end) for end in bootstrap_ci([0.1, 0.9], ["a", "a"]))


def test_the_interval_depends_on_its_seed_alone():
    values, groups = clustered(np.random.default_rng(2), 9, 3, 1, 1)
    assert bootstrap_ci(values, groups, seed=1) == bootstrap_ci(values, groups, seed=1)
    assert bootstrap_ci(values, groups, seed=1) != bootstrap_ci(values, groups, seed=2)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=2, max_size=40))
def test_the_interval_stays_within_the_values(pairs):
    values, groups = zip(*pairs, strict=True)
    low, high = bootstrap_ci(values, groups, resamples=200)
    if len(set(groups)) > 1:
        assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12


@pytest.mark.parametrize("wrong", [([], []), ([1.0], ["a", "b"]), ([1.0, math.nan], ["a", "b"])])
def test_values_that_cannot_be_averaged_are_refused(wrong):
    with pytest.raises(DataError):
        bootstrap_ci(*wrong)


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
    result = paired_comparison([0.9, 0.8, 0.7], [0.8, 0.6, 0.6], ["a", "b", "b"])
    assert result["difference"] == pytest.approx(0.4 / 3)
    assert (result["ci_low"], result["ci_high"]) == pytest.approx((0.1, 0.15))
    assert (result["n"], result["n_groups"]) == (3, 2)
    assert result["p_value"] == 0.5


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


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_the_raw_values_and_bonferroni(p_values):
    raw = np.array(p_values)
    adjusted = holm(raw)
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(raw * raw.size, 1) + 1e-12).all()
    assert adjusted[raw.argmin()] == min(raw.min() * raw.size, 1)
    order = raw.argsort()
    assert (np.diff(adjusted[order]) >= 0).all()
