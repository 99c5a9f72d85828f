"""A learning rate that is chosen on inner folds: by labelled cases alone, shared by seeds, the best one."""

import numpy as np
import pandas as pd
import pytest
import yaml

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset
from prismseg.study import KINDS, RunStore, execute, expand, read_study
from prismseg.study.kinds.segmentation.run import choose_value
from prismseg.study.kinds.segmentation.settings import SegmentationSettings, Tuning
from prismseg.train import RunFolder

STUDY = {
    "title": "Tuned",
    "kind": "segmentation",
    "base": {
        "size": [32, 32],
        "model": {"width": 0.25},
        "optim": {"steps": 4, "batch_size": 2},
        "split": {"folds": 3, "limit": 8},
        "compile": "no",
        "tune": {"values": [1.0e-9, 1.0e-2], "folds": 2},
    },
    "grid": {
        "skip": {"none": {"model.skip": "none"}},
        "seed": {"seed": [1, 2]},
        "fold": {"split.fold": [0]},
    },
    "measures": ["dice"],
}


def write(folder, data, **changes):
    base = STUDY["base"] | {"data": {"path": str(data)}} | changes
    (folder / "tuned.yaml").write_text(yaml.safe_dump(STUDY | {"base": base}))
    return folder / "tuned.yaml"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, discs):
    root = tmp_path_factory.mktemp("tuned")
    runs = expand(read_study(write(root, discs)))
    counts = execute("segmentation", runs, root / "out", backend="sequential", show_progress=False)
    store = RunStore(root / "out")
    assert counts == {"done": 2}, [store.failure(run) for run in runs]
    return store, runs, KINDS["segmentation"].list_first("segmentation", runs[0].settings)


def test_trials_are_those_of_each_value_and_inner_fold_and_are_shared_by_seeds(finished):
    store, runs, trials = finished
    assert [(each.settings["optim"]["lr"], each.settings["inner"]["fold"]) for each in trials] == [
        (1e-9, 0), (1e-9, 1), (1e-2, 0), (1e-2, 1),
    ]  # fmt: skip
    assert {each.settings["seed"] for each in trials} == {0}
    assert trials == KINDS["segmentation"].list_first("segmentation", runs[1].settings)
    assert store.count_others([*runs, *trials]) == 0 and all(store.is_done(each) for each in trials)


def test_trials_see_the_training_cases_of_the_run_and_none_of_its_test_cases(finished, discs):
    store, runs, trials = finished
    dataset = open_dataset(discs)
    outer = RunFolder(store.folder(runs[0]) / "work" / "run").read_split(dataset)
    assert len(outer.train) == 8 and outer.validation == ()
    tested = []
    for trial in trials[:2]:
        inner = RunFolder(store.folder(trial) / "work" / "run").read_split(dataset)
        assert inner.validation == () and set(inner.train) | set(inner.test) == set(outer.train)
        groups = [{dataset.groups[case] for case in part} for part in (inner.train, inner.test)]
        assert not groups[0] & groups[1]
        tested += inner.test
        assert set(store.results(trial)["case"]) == {dataset.ids[case] for case in inner.test}
    assert sorted(tested) == sorted(outer.train)


def test_the_value_that_is_trained_with_is_the_best_of_the_trials(finished):
    store, runs, trials = finished
    scores = [store.results(each).query("measure == 'dice'")["value"] for each in trials]
    means = [pd.concat(scores[:2]).mean(), pd.concat(scores[2:]).mean()]
    best = (1e-9, 1e-2)[int(np.argmax(means))]
    for run in runs:
        table = store.results(run)
        assert table.query("measure == 'optim.lr'")["value"].tolist() == [best]
        config = RunFolder(store.folder(run) / "work" / "run").read_config()
        assert config.optim.lr == best and config.seed == run.settings["seed"]
        assert len(table.query("measure == 'dice'")) == 6


def test_a_run_that_is_not_tuned_is_the_same_with_the_value_that_was_chosen(finished, discs, tmp_path):
    store, runs, _ = finished
    chosen = store.results(runs[0]).query("measure == 'optim.lr'")["value"].item()
    plain = expand(read_study(write(tmp_path, discs, tune=None, optim=STUDY["base"]["optim"] | {"lr": chosen})))[0]
    assert execute("segmentation", [plain], tmp_path, backend="sequential", show_progress=False) == {"done": 1}
    columns = ["case", "class", "measure", "value"]
    ours = store.results(runs[0]).query("measure != 'optim.lr'")[columns]
    pd.testing.assert_frame_equal(ours, RunStore(tmp_path).results(plain)[columns])


def test_seeds_may_choose_each_for_themselves():
    tune = {"values": [0.1, 0.01], "folds": 2, "seed": None}
    settings = {"data": {"path": "d"}, "tune": tune, "seed": 7}
    trials = SegmentationSettings.model_validate(settings).trials()
    assert {each["seed"] for each in trials.values()} == {7} and len(trials) == 4
    assert "optim.lr 0.1, inner fold 1" in trials


def test_the_mean_is_over_cases_and_each_is_the_mean_of_its_classes():
    def trial(**dice):
        rows = [
            {"case": case, "measure": "dice", "value": value} for case, values in dice.items() for value in values
        ]
        return pd.DataFrame([*rows, {"case": "a", "measure": "hd95", "value": 99.0}])

    tune = Tuning(values=(1, 2), folds=2)
    # Value 1: cases 0.5, 0.6, 0.6; value 2: 0.9, 0.3, 0.3, though its folds have the higher mean.
    trials = [trial(a=[0.2, 0.8]), trial(b=[0.6], c=[0.6]), trial(a=[0.9, 0.9]), trial(b=[0.3], c=[0.3])]
    assert choose_value(tune, trials) == 1
    assert choose_value(tune, trials[2:] + trials[:2]) == 2
    assert choose_value(tune, [trials[0]] * 4) == 1  # the first of equals
    with pytest.raises(DataError, match=r"No trial has a dice, so no optim\.lr"):
        choose_value(tune, [each.assign(value=np.nan) for each in trials])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"tune": {"values": [0.1]}}, "at least 2"),
        ({"tune": {"values": [1, 2], "setting": "optim.rate"}}, r"'optim\.rate' is no setting"),
        ({"tune": {"values": [1, 2], "measure": "hd95"}}, "dice"),
        ({"tune": {"values": [1, 2]}, "inner": {"folds": 2, "fold": 0}}, "cannot have trials itself"),
        ({"tune": {"values": [1, 2]}, "split": {"folds": 3}}, r"split\.fold"),
    ],
)
def test_impossible_tuning_is_refused(changes, word):
    with pytest.raises(ConfigError, match=word):
        KINDS["segmentation"].check({"data": {"path": "d"}} | changes)


def test_settings_that_are_not_used_leave_the_name_of_a_run_as_it_was():
    kind, settings = KINDS["segmentation"], {"data": {"path": "d"}}
    plain = kind.hash("segmentation", kind.check(settings))
    assert plain == kind.hash("segmentation", kind.check(settings | {"tune": None, "inner": None}))
    tuned = kind.hash("segmentation", kind.check(settings | {"tune": {"values": [1, 2]}}))
    assert tuned != plain
