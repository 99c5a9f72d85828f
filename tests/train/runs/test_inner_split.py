"""Inner folds part the labelled cases of a run, by group, and never its test cases."""

import pytest
from tests.train.conftest import small_config

from prismseg.base import DataError
from prismseg.train.runs.data import open_configured
from prismseg.train.runs.partition import make_inner_split, make_partition


@pytest.mark.parametrize("split", [{"folds": 3, "fold": 1, "limit": 9}, {"folds": 3, "fold": 1}])
def test_inner_folds_are_the_labelled_cases_and_share_no_group(discs, split):
    config = small_config(discs, split=split)
    dataset = open_configured(config)
    outer = make_partition(config, dataset).split
    inner = [make_inner_split(config, dataset, folds=2, fold=fold) for fold in range(2)]
    labelled = sorted((*outer.train, *outer.validation))
    assert sorted((*inner[0].test, *inner[1].test)) == labelled
    for part in inner:
        assert sorted((*part.train, *part.validation, *part.test)) == labelled
        groups = [{dataset.groups[case] for case in cases} for cases in (part.train, part.validation, part.test)]
        assert not groups[0] & groups[2] and not groups[1] & groups[2] and not groups[0] & groups[1]
        assert bool(part.validation) == ("limit" not in split)


def test_more_folds_than_groups_are_refused(discs):
    config = small_config(discs, split={"folds": 3, "fold": 0, "limit": 4})
    with pytest.raises(DataError, match="groups"):
        make_inner_split(config, open_configured(config), folds=8, fold=0)
