"""A cell: its training images, its test at the images' own size, its curve; and how studies treat it."""

import numpy as np
import pandas as pd
import pytest
from contest.kind import KIND
from contest.methods import METHODS
from contest.plan import OWN, OpenSet, Question, list_cells
from contest.sets import ContestSet, open_set

from prismseg.base import ConfigError, read_json
from prismseg.base.provenance.sources import code_of
from prismseg.study import KINDS, RunStore, Study, execute, expand


@pytest.fixture
def data(discs):
    _, groups = open_set(discs, {})
    return OpenSet(ContestSet("discs", discs, {}, 32), groups, [5, 10])


def run_cells(data, root, methods, images=5, **terms):
    runs = [cell.run for cell in list_cells(Question(OWN, images, (0, 1)), data, methods)]
    execute(KIND, runs, root, backend="sequential", show_progress=False)
    store = RunStore(root)
    reasons = {run.name: store.failure(run) for run in runs if run.labels["method"] != "broken"}
    assert not any(reasons.values()), reasons
    return runs, store


def test_dice_is_that_of_the_masks_at_their_own_size(data, tmp_path):
    runs, store = run_cells(data, tmp_path, ["ours", "all"])
    dataset, groups = open_set(data.each.path, {})
    place = {name: case for case, name in enumerate(dataset.ids)}
    for run in runs:
        table = store.results(run)
        dice = table[table["measure"] == "dice"]
        assert len(dice) > 2
        for row in dice.to_dict("records"):
            truth = dataset[place[row["case"]]].mask
            if run.labels["method"] == "all":
                assert row["value"] == pytest.approx(2 * truth.sum() / (truth.sum() + truth.size))
            else:
                assert row["value"] > 0.98
            assert row["group"] == groups[place[row["case"]]] and row["class"] == "foreground"


def test_methods_learn_from_the_same_images_which_are_nested_and_apart_from_the_test(data, tmp_path):
    few, store = run_cells(data, tmp_path, ["ours", "all"], 5)
    more, _ = run_cells(data, tmp_path, ["ours", "all"], 10)
    trained = {}
    for run in (*few, *more):
        facts = read_json(store.work_folder(run) / "facts.json")
        trained[run.labels["method"], run.labels["images"], run.labels["fold"]] = facts["train"]
        tested = set(store.results(run)["case"].dropna())
        assert tested.isdisjoint(facts["train"]) and len(tested) > 2
        assert {name.partition("_")[0] for name in tested}.isdisjoint(
            name.partition("_")[0] for name in facts["train"]
        )
    for fold in ("0", "1"):
        assert trained["ours", "5", fold] == trained["all", "5", fold]
        assert trained["ours", "10", fold][:5] == trained["ours", "5", fold]
    assert trained["ours", "5", "0"] != trained["ours", "5", "1"]


def test_the_curve_and_the_costs_are_recorded(data, tmp_path):
    runs, store = run_cells(data, tmp_path, ["ours"])
    table = store.results(runs[0])
    curve = table[table["measure"] == "watched"]
    assert curve["x"].tolist() == [0, 20] and curve["value"].tolist()[0] == 0 and curve["value"].tolist()[1] > 0.98
    facts = table[table["case"].isna() & table["x"].isna()].set_index("measure")["value"]
    assert facts["steps"] == 20 and facts["images"] == 5 and facts["seconds"] >= 0


def test_finished_cells_are_not_repeated_and_failed_ones_say_why(data, tmp_path):
    runs, store = run_cells(data, tmp_path, ["ours", "broken"])
    times = {run.key: store.facts(run)["time"] for run in runs if store.is_done(run)}
    assert {run.labels["method"] for run in runs if store.is_done(run)} == {"ours"}
    failed = [run for run in runs if run.labels["method"] == "broken"]
    assert store.failure(failed[0]) == "RuntimeError: this method never works"
    run_cells(data, tmp_path, ["ours", "broken"])
    assert {run.key: store.facts(run)["time"] for run in runs if store.is_done(run)} == times


def test_a_change_of_one_method_leaves_the_cells_of_others_as_they_are():
    def code(method):
        settings = {"data": {"path": "x"}, "method": method}
        (run,) = expand(Study(title="one", kind=KIND, base=settings))
        kind = KINDS[KIND]
        unused = kind.list_unused(run.settings)
        return {name for module in kind.list_code(run.settings) for name in code_of(module, without=unused)}

    smp, ours = code("smp"), code("prismseg")
    assert {"contest.cell", "contest.sets", "contest.methods.smp", "contest.methods.network"} <= smp
    assert "prismseg.evaluation.metrics" in smp
    assert not any(
        name.startswith(("prismseg.train", "contest.methods.ours", "contest.methods.dynunet")) for name in smp
    )
    assert {"prismseg.train.loop", "contest.methods.ours"} <= ours and "contest.methods.smp" not in ours


def test_impossible_terms_are_refused():
    for wrong, message in (
        ({"choice": "twice as good"}, "no choice 'twice as good'"),
        ({"fold": 5}, "fold 5 does not exist"),
        ({"method": "nnunett"}, "method"),
    ):
        with pytest.raises(ConfigError, match=message):
            expand(Study(title="one", kind=KIND, base={"data": {"path": "x"}, "method": "smp", **wrong}))


def test_a_method_of_ones_own_competes(data, tmp_path):
    from contest.methods.method import Cost, Method
    from contest.task import Fitted

    seen = []

    def fit(task):
        images, masks = task.arrays(task.preprocess("unit"))
        seen.append((tuple(images.shape), tuple(masks.shape), task.classes, pd.read_csv(task.write_table()).shape))
        return Fitted(lambda image: np.zeros(image.shape[:2], np.uint8))

    with METHODS.temporarily("mine", Method(fit, "nothing", Cost())):
        runs, store = run_cells(data, tmp_path, ["mine"])
    assert seen[0] == ((5, 1, 32, 32), (5, 32, 32), 2, (5, 3))
    assert store.results(runs[0]).query("measure == 'dice'")["value"].tolist()[0] == 0
