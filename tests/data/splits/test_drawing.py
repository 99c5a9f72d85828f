from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prismseg.base import ConfigError, DataError
from prismseg.data.splits.drawing import holdout, kfold, nested_kfold, scarce
from prismseg.data.splits.split import Split, check_split, join_groups

SIZES = st.lists(st.integers(1, 15), min_size=6, max_size=25)
SEEDS = st.integers(0, 2**32 - 1)


def make_groups(sizes, seed=0):
    """One label a case, the cases of a group scattered over the data set."""
    groups = [f"p{number:02d}" for number, size in enumerate(sizes) for _ in range(size)]
    return [str(name) for name in np.random.default_rng(seed).permutation(groups)]


def groups_of(cases, groups):
    return {groups[case] for case in cases}


def assert_is_partition(parts, count):
    assert sorted(case for part in parts for case in part) == list(range(count))


@settings(deadline=None)
@given(SIZES, SEEDS)
def test_a_holdout_parts_all_cases_and_shares_no_group(sizes, seed):
    groups = make_groups(sizes, seed)
    split = holdout(groups, seed=seed)
    parts = [split.train, split.validation, split.test]
    assert_is_partition(parts, len(groups))
    assert all(parts)
    assert sum(len(groups_of(part, groups)) for part in parts) == len(sizes)
    check_split(split, groups)


def test_a_holdout_of_single_images_has_exactly_the_asked_sizes():
    split = holdout([str(case) for case in range(200)], seed=3)
    assert (len(split.train), len(split.validation), len(split.test)) == (160, 20, 20)


def test_a_holdout_of_unequal_patients_comes_close_to_the_asked_sizes():
    groups = make_groups([3, 5, 8, 12, 4, 9, 7, 10, 6, 2, 11, 3, 5, 8, 4, 3])
    for seed in range(20):
        split = holdout(groups, (0.6, 0.2, 0.2), seed=seed)
        assert len(split.test) == pytest.approx(20, abs=2)
        assert len(split.validation) == pytest.approx(20, abs=2)


def test_equal_groups_are_shared_out_to_the_nearest_group():
    # 17 groups of 12: a tenth is 20.4 images, nearer to two groups than to one.
    for seed in range(5):
        split = holdout(make_groups([12] * 17), seed=seed)
        assert (len(split.train), len(split.validation), len(split.test)) == (156, 24, 24)


def test_a_holdout_tests_large_patients_too():
    """A deal by size would hold out the same small patients whatever the seed."""
    sizes = [4] * 10 + [8] * 10
    groups = make_groups(sizes)
    held_out = Counter(name for seed in range(60) for name in groups_of(holdout(groups, seed=seed).test, groups))
    large = sum(count for name, count in held_out.items() if int(name[1:]) >= 10)
    assert large > 20
    assert len(held_out) == 20


def test_a_holdout_depends_on_its_seed_alone():
    groups = make_groups([4] * 12)
    assert holdout(groups, seed=1) == holdout(groups, seed=1)
    assert len({holdout(groups, seed=seed).test for seed in range(20)}) > 5


def test_which_groups_are_held_out_does_not_depend_on_the_order_of_the_files():
    groups = make_groups([4, 6, 2, 7, 3, 5])
    reverse = groups[::-1]
    assert groups_of(holdout(groups).test, groups) == groups_of(holdout(reverse).test, reverse)


def test_a_part_of_share_zero_is_empty():
    split = holdout(make_groups([3] * 6), (0.5, 0.0, 0.5))
    assert split.validation == ()
    assert len(split.train) == len(split.test) == 9


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.2), (1.1, -0.1, 0.0), (0.0, 0.5, 0.5)])
def test_impossible_fractions_are_refused(fractions):
    with pytest.raises(ConfigError, match="fractions"):
        holdout(make_groups([1] * 9), fractions)


def test_one_group_cannot_be_split():
    with pytest.raises(DataError, match=r"groups \(patients\) in these data is 1, .* at least 3"):
        holdout(["only"] * 30)


@settings(deadline=None)
@given(SIZES, st.integers(3, 5), SEEDS)
def test_kfold_tests_every_case_once_and_shares_no_group(sizes, folds, seed):
    groups = make_groups(sizes, seed)
    splits = kfold(groups, folds, seed=seed)
    assert_is_partition([split.test for split in splits], len(groups))
    for split in splits:
        assert_is_partition([split.train, split.validation, split.test], len(groups))
        assert split.validation
        assert split.train
        check_split(split, groups)


@settings(deadline=None)
@given(SIZES, st.integers(2, 5), SEEDS)
def test_folds_differ_by_at_most_the_largest_group(sizes, folds, seed):
    counts = [len(split.test) for split in kfold(make_groups(sizes, seed), folds, seed=seed, validation=0)]
    assert max(counts) - min(counts) <= max(sizes)


def test_the_largest_groups_are_dealt_first():
    # 9 | 5+4 | 6+3 is the only perfect deal of these; dealing 3 before 9 would miss it.
    splits = kfold(make_groups([3, 4, 5, 6, 9]), 3, validation=0)
    assert [len(split.test) for split in splits] == [9, 9, 9]


def test_the_validation_part_of_a_fold_is_about_a_tenth_of_what_is_left():
    for split in kfold(make_groups([2] * 50), 5):
        assert len(split.validation) == 8
        assert len(split.train) == 72


def test_folds_depend_on_their_seed_alone():
    groups = make_groups([4] * 12)
    assert kfold(groups, 4, seed=1) == kfold(groups, 4, seed=1)
    assert kfold(groups, 4, seed=1) != kfold(groups, 4, seed=2)


def test_too_few_groups_for_the_folds_are_refused():
    with pytest.raises(DataError, match="cross-validation of 5 folds needs at least 5"):
        kfold(make_groups([20, 20, 20, 20]), 5)


def test_a_fold_that_leaves_one_group_has_no_room_for_a_validation_part():
    with pytest.raises(DataError, match="outside its test part is 1"):
        kfold(make_groups([5, 5]), 2)
    assert [split.validation for split in kfold(make_groups([5, 5]), 2, validation=0)] == [(), ()]


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"folds": 3, "validation": 1.0}])
def test_impossible_folds_are_refused(wrong):
    with pytest.raises(ConfigError):
        kfold(make_groups([3] * 9), **wrong)


@settings(deadline=None)
@given(SIZES, SEEDS)
def test_nested_folds_never_see_the_outer_test_groups(sizes, seed):
    groups = make_groups(sizes, seed)
    for fold in nested_kfold(groups, 3, 2, seed=seed):
        hidden = groups_of(fold.outer.test, groups)
        pool = sorted(fold.outer.train + fold.outer.validation)
        assert sorted(case for split in fold.inner for case in split.validation) == pool
        for split in fold.inner:
            assert split.test == ()
            assert sorted(split.train + split.validation) == pool
            assert not hidden & groups_of(split.train + split.validation, groups)
            check_split(split, groups)


def test_a_leak_is_refused_and_named():
    groups = ["anna", "anna", "ben", "carl"]
    with pytest.raises(DataError, match="training and test share 'anna'"):
        check_split(Split(train=(0, 2), validation=(3,), test=(1,)), groups)
    with pytest.raises(DataError, match="validation and test share 'ben'"):
        check_split(Split(train=(0, 1), validation=(2,), test=(2, 3)), groups)
    check_split(Split(train=(0, 1), validation=(2,), test=(3,)), groups)


def test_a_split_of_other_data_is_refused():
    with pytest.raises(DataError, match="case number 4"):
        check_split(Split(train=(0, 4), validation=(), test=()), ["a", "b"])
    with pytest.raises(DataError, match="more than once"):
        check_split(Split(train=(0, 0), validation=(), test=()), ["a", "b"])


@settings(deadline=None)
@given(SIZES, SEEDS)
def test_scarce_subsets_are_nested_and_exact(sizes, seed):
    groups = make_groups(sizes, seed)
    pool = range(0, len(groups), 2)
    whole = scarce(pool, groups, limit=len(pool), seed=seed)
    assert sorted(whole) == list(pool)
    for limit in range(1, len(pool)):
        assert scarce(pool, groups, limit=limit, seed=seed) == whole[:limit]


@settings(deadline=None)
@given(SIZES, st.integers(1, 60), SEEDS)
def test_a_scarce_subset_takes_from_every_group_in_turn(sizes, limit, seed):
    groups = make_groups(sizes, seed)
    kept = scarce(range(len(groups)), groups, limit=min(limit, len(groups)), seed=seed)
    taken = Counter(groups[case] for case in kept)
    rounds = max(taken.values())
    for number, size in enumerate(sizes):
        assert taken[f"p{number:02d}"] in (min(size, rounds - 1), min(size, rounds))


def test_a_scarce_subset_by_share_is_rounded():
    groups = make_groups([5] * 6)
    assert len(scarce(range(30), groups, fraction=0.1)) == 3
    assert len(scarce(range(30), groups, fraction=0.001)) == 1
    assert len(scarce(range(30), groups, fraction=1.0)) == 30


def test_scarce_subsets_of_other_seeds_differ():
    groups = make_groups([5] * 6)
    assert len({scarce(range(30), groups, limit=8, seed=seed) for seed in range(10)}) == 10


def test_asking_for_more_than_there_is_is_refused():
    with pytest.raises(DataError, match="40 training images were asked for"):
        scarce(range(30), make_groups([5] * 6), limit=40)


@pytest.mark.parametrize("wrong", [{}, {"limit": 3, "fraction": 0.5}, {"limit": 0}, {"fraction": 0.0}])
def test_impossible_scarcity_is_refused(wrong):
    with pytest.raises(ConfigError):
        scarce(range(30), make_groups([5] * 6), **wrong)


def seen_groups(groups, share=0.5, part="train"):
    names = sorted(set(groups))
    return dict.fromkeys(names[: int(len(names) * share)], part)


@settings(deadline=None)
@given(SIZES, SEEDS, st.sampled_from([0.2, 0.5, 0.7]), st.sampled_from(["train", "validation"]))
def test_a_holdout_tests_no_group_that_the_network_has_met(sizes, seed, share, part):
    groups = make_groups(sizes, seed)
    seen = seen_groups(groups, share, part)
    split = holdout(groups, seed=seed, seen=seen)
    assert_is_partition([split.train, split.validation, split.test], len(groups))
    check_split(split, groups)
    assert split.train and split.validation and split.test
    assert not groups_of(split.test, groups) & set(seen)
    learnt = {name for name, known in seen.items() if known == "train"}
    assert not groups_of(split.validation, groups) & learnt


def test_a_holdout_around_nothing_met_is_the_plain_one():
    groups = make_groups([3, 5, 8, 12, 4, 9, 7])
    assert holdout(groups, seed=4, seen={"somebody else": "train"}) == holdout(groups, seed=4)


def test_a_holdout_with_all_groups_met_has_no_test():
    groups = ["a", "a", "b", "c"]
    with pytest.raises(DataError, match="has not seen is 0"):
        holdout(groups, seen=dict.fromkeys("abc", "train"))
    assert holdout(groups, (1, 0, 0), seen=dict.fromkeys("abc", "train")).train == (0, 1, 2, 3)


@settings(deadline=None)
@given(SIZES, SEEDS, st.sampled_from([0.2, 0.5]))
def test_kfold_trains_on_what_the_network_has_met_and_tests_the_rest_once(sizes, seed, share):
    groups = make_groups(sizes, seed)
    seen = seen_groups(groups, share)
    folds = kfold(groups, 3, seed=seed, seen=seen)
    known = {case for case, name in enumerate(groups) if name in seen}
    for fold in folds:
        assert_is_partition([fold.train, fold.validation, fold.test], len(groups))
        check_split(fold, groups)
        assert known <= set(fold.train)
    assert sorted(case for fold in folds for case in fold.test) == sorted(set(range(len(groups))) - known)


def test_the_same_picture_in_two_parts_is_refused():
    split = Split(train=(0, 1), validation=(), test=(2,))
    check_split(split, ["a", "b", "c"], ["x", "y", "z"])
    with pytest.raises(DataError, match="training and test share 1"):
        check_split(split, ["a", "b", "c"], ["x", "y", "x"])


def test_groups_are_joined_transitively():
    groups = ["a", "b", "c", "d", "b", "e"]
    assert join_groups(groups, [(1, 2), (3, 4)]) == ["a", "b", "b", "b", "b", "e"]
    assert join_groups(groups, []) == groups
    assert join_groups(["z", "y", "x"], [(0, 1), (1, 2)]) == ["x"] * 3
