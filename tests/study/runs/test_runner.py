"""Each run is done once, whatever is cut, killed or fails on the way."""

import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

from prismseg.base import DataError
from prismseg.study import KINDS, Run, RunStore, StudyKind, execute
from prismseg.study.runs.provenance import Provenance
from prismseg.study.runs.runner import StudyInterrupted, do_run
from prismseg.train import TrainingInterrupted

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
        while True:
            time.sleep(1)
    if settings.act == "stop":
        raise TrainingInterrupted("Stopped at step 1 of 2.")
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


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_a_request_to_stop_is_no_failure_and_begins_no_other_run(tmp_path, backend):
    """A training takes the first Ctrl-C as a wish to stop after its step, so that the study hears of it by an error."""
    todo = runs(3, log=str(tmp_path / "log"))
    todo[1].settings["act"] = "stop"
    with pytest.raises(StudyInterrupted, match="repeat the command") as caught:
        execute("test", todo, tmp_path, backend=backend, jobs=1, show_progress=False)
    assert caught.value.exit_code == 130
    store = RunStore(tmp_path)
    assert [store.state(run) for run in todo] == ["done", "cut", "waiting"]
    todo[1].settings["act"] = "work"
    assert execute("test", todo, tmp_path, backend="sequential", show_progress=False) == {"done": 3}


def test_what_another_process_does_is_left_alone(tmp_path):
    """Two people: the second finds the run held, and it is free again when the first is killed."""
    todo = runs(1, act="slow")
    process = get_context("fork").Process(target=do_run, args=(KINDS["test"], todo[0], str(tmp_path), NOW))
    process.start()
    store = RunStore(tmp_path)
    while not (store.folder(todo[0]) / "work" / "begun").exists():
        time.sleep(0.02)
    assert store.state(todo[0]) == "running"
    assert execute("test", todo, tmp_path, backend="sequential", show_progress=False) == {"running": 1}
    assert process.is_alive(), "nobody waited for it"
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert store.state(todo[0]) == "cut"
    todo[0].settings["act"] = "work"
    assert execute("test", todo, tmp_path, backend="sequential", show_progress=False) == {"done": 1}
