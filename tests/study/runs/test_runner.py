"""Each run is done once, whatever is cut, killed or fails on the way."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

from prismseg.base import ConfigError, DataError
from prismseg.study import KINDS, Run, RunStore, StudyKind, execute
from prismseg.study.runs.provenance import Provenance
from prismseg.study.runs.runner import do_run

NOW = Provenance("prismseg 0", {})


class Settings(BaseModel):
    """What the runs of these tests do."""

    number: int = 0
    act: str = "work"
    log: str = ""


def act(settings, folder):
    if settings.log:
        with Path(settings.log).open("a") as file:
            file.write(f"{settings.number}\n")
    if settings.act == "fail":
        raise DataError("This run always fails.")
    if settings.act == "slow":
        (folder / "begun").touch()
        time.sleep(60)
    if settings.act == "die once" and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pd.DataFrame({"measure": ["square"], "value": [settings.number**2]})


@pytest.fixture(autouse=True)
def kind():
    with KINDS.temporarily("test", StudyKind(Settings, act, draw=lambda rows: {})):
        yield


def runs(count, **settings):
    return [Run({"number": str(n)}, {"number": n, **settings}, f"key{n}") for n in range(count)]


def test_each_run_is_done_once_and_found_again(tmp_path):
    log = tmp_path / "log"
    todo = runs(4, log=str(log))
    for _ in range(2):
        counts = execute("test", todo, tmp_path, backend="sequential", show_progress=False)
        assert counts == {"done": 4}
    assert sorted(log.read_text().split()) == ["0", "1", "2", "3"]
    table = RunStore(tmp_path).results(todo[3])
    assert table.to_dict("records") == [{"measure": "square", "value": 9, "number": "3"}]


def test_a_failure_is_reported_and_stops_nothing_and_is_repeated(tmp_path):
    todo = runs(3)
    todo[1].settings["act"] = "fail"
    assert execute("test", todo, tmp_path, backend="sequential", show_progress=False) == {"done": 2, "failed": 1}
    store = RunStore(tmp_path)
    assert store.state(todo[1]) == "failed" and "This run always fails." in store.failure(todo[1])
    todo[1].settings["act"] = "work"
    assert execute("test", todo, tmp_path, backend="sequential", show_progress=False) == {"done": 3}
    assert not (store.folder(todo[1]) / "failed.json").exists()


def test_the_seconds_of_all_attempts_add_up(tmp_path):
    """One that fails after 3 s, one that is killed 5 s after its beginning, one that ends."""
    store, run = RunStore(tmp_path), runs(1)[0]
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


def test_what_another_process_does_is_left_alone(tmp_path):
    """Two people: the second finds the run held, and it is free again when the first is killed."""
    todo = runs(1, act="slow")
    process = get_context("fork").Process(target=do_run, args=(KINDS["test"], todo[0], str(tmp_path), NOW))
    process.start()
    store = RunStore(tmp_path)
    while not (store.folder(todo[0]) / "work" / "begun").exists():
        time.sleep(0.02)
    assert store.state(todo[0]) == "running"
    start = time.perf_counter()
    assert execute("test", todo, tmp_path, backend="sequential", show_progress=False) == {"running": 1}
    assert time.perf_counter() - start < 30
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert store.state(todo[0]) == "cut"
    todo[0].settings["act"] = "work"
    assert execute("test", todo, tmp_path, backend="sequential", show_progress=False) == {"done": 1}


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
    todo = runs(1)
    execute("test", todo, tmp_path, backend="sequential", show_progress=False)
    store = RunStore(tmp_path)
    path = store.folder(todo[0]) / "results.csv"
    path.write_text("measure,value\n")
    with pytest.raises(DataError, match="has 0 rows and not 1"):
        store.results(todo[0])


def test_unknown_backends_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no backend 'slurm'"):
        execute("test", runs(1), tmp_path, backend="slurm")


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
import tests.study.runs.killing as killing
from prismseg.study import execute
print(dict(execute("killing", killing.runs({log!r}), Path({out!r}), backend={backend!r}, jobs=2, show_progress=False)))
"""


@pytest.mark.parametrize("backend", ["loky", "dask", "ray"])
def test_a_killed_worker_loses_nothing(backend, tmp_path):
    """Six runs of which one kills its worker the first time: all are done, and none that was finished is done twice."""
    module = {"ray": "ray", "dask": "distributed", "loky": "joblib"}[backend]
    pytest.importorskip(module, reason=f"the extra [cluster] with {module} is not installed")
    root = str(Path(__file__).parents[3])
    script = SCRIPT.format(root=root, log=str(tmp_path / "log"), out=str(tmp_path / "out"), backend=backend)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, str(Path(root, "src"))])}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "{'done': 6}" in done.stdout
    begun = Counter((tmp_path / "log").read_text().split())
    # Number 3 twice; what the other worker was at may fall with it (loky stops all), what was finished may not.
    assert begun.pop("3") == 2 and sorted(begun) == ["0", "1", "2", "4", "5"]
    assert sum(count - 1 for count in begun.values()) <= 1
