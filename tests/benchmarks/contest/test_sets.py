"""Every method gets the same images of the same folds; smaller sizes are part of larger ones."""

import pytest
from contest.sets import find_sets, part_cases, sizes_of
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import ConfigError

GROUPS = st.lists(st.integers(0, 12), min_size=30, max_size=90).filter(lambda names: len(set(names)) >= 6)


@given(GROUPS, st.integers(0, 4))
def test_training_parts_are_nested_and_share_no_group_with_the_test(numbers, fold):
    groups = [f"patient {number}" for number in numbers]
    whole = part_cases(groups, fold, None)
    assert sorted((*whole.train, *whole.test)) == list(range(len(groups)))
    assert {groups[case] for case in whole.train}.isdisjoint(groups[case] for case in whole.test)
    for images in (5, 10, 20):
        parts = part_cases(groups, fold, images)
        assert parts.train == whole.train[:images] and parts.test == whole.test
        assert set(parts.watched).isdisjoint(parts.train)
        assert set(parts.watched) <= (set(whole.train) if parts.spare else set(whole.test))


def test_folds_test_every_case_once():
    groups = [str(case // 3) for case in range(60)]
    tested = [case for fold in range(5) for case in part_cases(groups, fold, 20).test]
    assert sorted(tested) == list(range(60))


def test_curves_of_all_sizes_with_spare_images_are_drawn_on_the_same():
    groups = [str(case) for case in range(100)]
    watched = {images: part_cases(groups, 0, images) for images in (20, 40, 79, None)}
    assert watched[20].watched == watched[40].watched and len(watched[20].watched) == 8
    assert not watched[79].spare and not watched[None].spare, "one image is left, and none"


def test_a_set_with_too_few_images_is_trained_with_what_there_is():
    groups = [str(case) for case in range(23)]
    assert sizes_of(groups, [0]) == [20]
    assert len(part_cases(groups, 0, 20).train) == 18
    assert sizes_of([str(case) for case in range(56)], [0]) == [20, None], "40 are nearly all 44"


def test_sets_that_are_not_there_are_named(tmp_path):
    with pytest.raises(ConfigError, match="knows no set 'nerves'"):
        find_sets(tmp_path, ["nerves"])
    with pytest.raises(ConfigError, match=r"There is no folder .*chase_db1"):
        find_sets(tmp_path, ["chase_db1"])
    with pytest.raises(ConfigError, match="holds none of"):
        find_sets(tmp_path)
    (tmp_path / "chase_db1").mkdir()
    (tmp_path / "mine" / "chase_db1").mkdir(parents=True)
    assert [each.name for each in find_sets(tmp_path)] == ["chase_db1"]
    with pytest.raises(ConfigError, match="Two sets are called chase_db1"):
        find_sets(tmp_path, added=[tmp_path / "mine" / "chase_db1"])
