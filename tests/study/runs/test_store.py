"""What the folders of runs hold."""

import os

import pandas as pd
import pytest

from prismseg.base import DataError
from prismseg.study import Run, RunStore
from prismseg.study.runs.provenance import Provenance

NOW = Provenance("prismseg 0", {})


def test_the_seconds_of_all_attempts_add_up(tmp_path):
    """One that fails after 3 s, one that is killed 5 s after its beginning, one that ends."""
    store, run = RunStore(tmp_path), Run({}, {}, "key")
    for ended, file in ((3, "failed.json"), (5, "work/checkpoint")):
        folder = store.begin(run, NOW).parent
        store.fail(run, ValueError("broken")) if file == "failed.json" else (folder / file).touch()
        begun = (folder / "attempt.json").stat().st_mtime
        os.utime(folder / file, (begun + ended, begun + ended))
        for old in {folder / "settings.json", folder / "failed.json"} - {folder / file}:
            os.utime(old, (begun - 60, begun - 60))
    store.begin(run, NOW)
    store.finish(run, pd.DataFrame({"measure": ["a"], "value": [1.0]}), 7.0)
    assert store.facts(run)["seconds"] == pytest.approx(15, abs=0.01)


def test_a_patient_may_be_called_na(tmp_path):
    """Only an empty cell is a missing one."""
    store, run = RunStore(tmp_path), Run({}, {}, "key")
    store.begin(run, NOW)
    table = pd.DataFrame(
        {"case": ["None", "1"], "group": ["NA", "null"], "class": ["nan", "a"], "value": [1, None]}
    )
    store.finish(run, table, 0)
    found = store.results(run)
    assert found[["case", "group", "class"]].to_numpy().tolist() == [["None", "NA", "nan"], ["1", "null", "a"]]
    assert found["value"].isna().tolist() == [False, True]


def test_torn_results_are_noticed(tmp_path):
    store, run = RunStore(tmp_path), Run({}, {}, "key")
    store.begin(run, NOW)
    store.finish(run, pd.DataFrame({"measure": ["a"], "value": [1.0]}), 0)
    (store.folder(run) / "results.csv").write_text("measure,value\n")
    with pytest.raises(DataError, match="has 0 rows and not 1"):
        store.results(run)


def test_states_and_counts(tmp_path):
    store, runs = RunStore(str(tmp_path)), [Run({}, {}, f"key{n}") for n in range(4)]
    for run in runs[:3]:
        store.begin(run, NOW)
    store.finish(runs[0], pd.DataFrame({"measure": ["a"], "value": [1.0]}), 2.0)
    store.fail(runs[1], ValueError("broken"))
    assert [store.state(run) for run in runs] == ["done", "failed", "cut", "waiting"]
    assert store.failure(runs[1]) == "ValueError: broken" and store.failure(runs[0]) == ""
    assert store.count_ended(runs) == 2 and store.count_others(runs[1:]) == 1
    with store.claim(runs[3]) as first, store.claim(runs[3]) as second:
        assert first and not second and store.state(runs[3]) == "running"


def test_the_former_name_is_deprecated():
    import prismseg.study

    with pytest.warns(DeprecationWarning, match="RunStore"):
        assert prismseg.study.Store is RunStore
