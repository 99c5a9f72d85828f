"""Finished runs are repeated when their data, their code or the version has changed, and only then."""

import os
import time
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

from prismseg.base import DataError
from prismseg.base.provenance.sources import code_of
from prismseg.study import KINDS, Run, RunStore, StudyKind, execute, stale_runs
from prismseg.study.runs.provenance import UNKNOWN
from prismseg.study.runs.sources import ProvenanceFinder


class Settings(BaseModel):
    """One file, whose length is the result."""

    folder: str


def act(settings, folder):
    (folder / "seen").touch()
    return pd.DataFrame({"measure": ["length"], "value": [float(len(Path(settings.folder, "a.txt").read_text()))]})


def files(settings):
    return sorted(Path(settings.folder).glob("*.txt"))


@pytest.fixture(autouse=True)
def fresh():
    """Other tests of this process have hashed its code."""
    code_of.cache_clear()
    yield
    code_of.cache_clear()


@pytest.fixture
def run(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write(data / "a.txt", "one")
    write(data / "b.txt", "two")
    with KINDS.temporarily("test", StudyKind(Settings, act, draw=lambda rows: {}, input_files=files)):
        yield Run({"number": "0"}, {"folder": str(data)}, "key")


def write(path, text):
    """Write a file that was not changed just now."""
    path.write_text(text)
    old = time.time() - 100 - len(text)
    os.utime(path, (old, old))


def value(root, run, **options):
    execute("test", [run], root, backend="sequential", show_progress=False, **options)
    return RunStore(root).results(run)["value"].item()


def test_other_data_repeat_a_run_and_are_named(run, tmp_path):
    """The old numbers came back after all masks were inverted."""
    data, root = Path(run.settings["folder"]), tmp_path / "out"
    assert value(root, run) == 3
    assert stale_runs("test", RunStore(root), [run]) == {}
    write(data / "a.txt", "three")
    assert stale_runs("test", RunStore(root), [run]) == {"key": ["data changed: data/a.txt"]}
    assert value(root, run, keep_stale=True) == 3, "kept because it was asked for"
    assert value(root, run) == 5
    assert stale_runs("test", RunStore(root), [run]) == {}
    write(data / "c.txt", "new")
    (data / "b.txt").unlink()
    (reason,) = stale_runs("test", RunStore(root), [run])["key"]
    assert reason == "data changed: new data/c.txt; gone data/b.txt"


def test_the_same_size_with_other_content_is_seen_and_a_new_time_alone_is_not(run, tmp_path):
    data, root = Path(run.settings["folder"]), tmp_path / "out"
    value(root, run)
    os.utime(data / "a.txt")
    assert stale_runs("test", RunStore(root), [run]) == {}
    (data / "a.txt").write_text("eno")
    assert stale_runs("test", RunStore(root), [run])


def test_other_content_behind_an_old_date_is_seen(run, tmp_path):
    """The same size and the same time of change, as a copy tool that keeps dates leaves them."""
    file, root = Path(run.settings["folder"]) / "a.txt", tmp_path / "out"
    value(root, run)
    before = file.stat()
    file.write_text("eno")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_mtime_ns, file.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert stale_runs("test", RunStore(root), [run]) == {"key": ["data changed: data/a.txt"]}


def test_data_are_read_once(run, tmp_path, monkeypatch):
    root = tmp_path / "out"
    value(root, run)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read again"))
    assert stale_runs("test", RunStore(root), [run]) == {}


def test_a_cut_attempt_with_other_data_begins_anew(run, tmp_path):
    store, root = RunStore(tmp_path / "out"), tmp_path / "out"
    now = ProvenanceFinder(root).find(KINDS["test"], run.settings)
    (store.begin(run, now) / "checkpoint").touch()
    assert (store.begin(run, now) / "checkpoint").exists(), "the same sources: it goes on"
    write(Path(run.settings["folder"]) / "a.txt", "other")
    again = store.begin(run, ProvenanceFinder(root).find(KINDS["test"], run.settings))
    assert not (again / "checkpoint").exists()


def test_runs_of_an_older_store_are_stale(run, tmp_path):
    root = tmp_path / "out"
    value(root, run)
    for path in (root / "made").iterdir():
        path.unlink()
    assert stale_runs("test", RunStore(root), [run]) == {"key": [UNKNOWN]}


def test_nothing_is_begun_where_no_data_can_be_read(run, tmp_path):
    root = tmp_path / "new"
    absent = tmp_path / "absent"
    settings = {"data": {"path": str(absent)}, "optim": {"steps": 1}}
    lost = Run({"data": "absent"}, KINDS["segmentation"].check(settings), "0" * 12)
    with pytest.raises(DataError, match=str(absent)):
        execute("segmentation", [lost], root, backend="sequential", show_progress=False)
    assert not root.exists()


def test_code_modules_stand_in_place_of_the_module_of_the_run(tmp_path, monkeypatch):
    """Two runs of one kind: what one alone uses changes, and the other stays as it is."""
    package = tmp_path / "planted_modules"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("one", "two"):
        (package / f"{name}.py").write_text("LENGTH = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    kind = StudyKind(
        Settings, act, draw=lambda rows: {}, code_modules=lambda settings: (f"planted_modules.{settings.folder}",)
    )
    before = {name: ProvenanceFinder(tmp_path).find(kind, {"folder": name}) for name in ("one", "two")}
    assert list(before["one"].code) == ["planted_modules.one"]
    (package / "one.py").write_text("LENGTH = 2\n")
    code_of.cache_clear()
    after = {name: ProvenanceFinder(tmp_path).find(kind, {"folder": name}) for name in ("one", "two")}
    assert before["one"].code != after["one"].code and before["two"].code == after["two"].code
