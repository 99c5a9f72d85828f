"""Finished runs are repeated when their data, their code or the version has changed, and only then."""

import os
import time
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

from prismseg.base import sources
from prismseg.base.sources import code_of
from prismseg.nets import create_model
from prismseg.study import Run, Store, execute, stale_runs
from prismseg.study.kind import KINDS, Kind
from prismseg.study.kinds.segmentation.run import SegmentationSettings, data_files, unused_rooms
from prismseg.study.kinds.weights.run import WeightsSettings, source_files
from prismseg.study.provenance import UNKNOWN, Made, Provenance


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
def run(monkeypatch, tmp_path):
    names = {"Settings": Settings, "act": act, "files": files}
    monkeypatch.setattr(Kind, "_get", lambda self, name: names[name])
    monkeypatch.setitem(KINDS, "test", Kind("unused", "Settings", "act", "draw", files="files"))
    data = tmp_path / "data"
    data.mkdir()
    write(data / "a.txt", "one")
    write(data / "b.txt", "two")
    return Run({"number": "0"}, {"folder": str(data)}, "key")


def write(path, text):
    """Write a file that was not changed just now."""
    path.write_text(text)
    old = time.time() - 100 - len(text)
    os.utime(path, (old, old))


def value(root, run, **options):
    execute("test", [run], root, backend="sequential", show_progress=False, **options)
    return Store(root).results(run)["value"].item()


def test_other_data_repeat_a_run_and_are_named(run, tmp_path):
    """The old numbers came back after all masks were inverted."""
    data, root = Path(run.settings["folder"]), tmp_path / "out"
    assert value(root, run) == 3
    assert stale_runs("test", Store(root), [run]) == {}
    write(data / "a.txt", "three")
    assert stale_runs("test", Store(root), [run]) == {"key": ["data changed: data/a.txt"]}
    assert value(root, run, keep_stale=True) == 3, "kept because it was asked for"
    assert value(root, run) == 5
    assert stale_runs("test", Store(root), [run]) == {}
    write(data / "c.txt", "new")
    (data / "b.txt").unlink()
    (reason,) = stale_runs("test", Store(root), [run])["key"]
    assert reason == "data changed: new data/c.txt; gone data/b.txt"


def test_the_same_size_with_other_content_is_seen_and_a_new_time_alone_is_not(run, tmp_path):
    data, root = Path(run.settings["folder"]), tmp_path / "out"
    value(root, run)
    os.utime(data / "a.txt")
    assert stale_runs("test", Store(root), [run]) == {}
    (data / "a.txt").write_text("eno")
    assert stale_runs("test", Store(root), [run])


def test_other_content_behind_an_old_date_is_seen(run, tmp_path):
    """The same size and the same time of change, as a copy tool that keeps dates leaves them."""
    file, root = Path(run.settings["folder"]) / "a.txt", tmp_path / "out"
    value(root, run)
    before = file.stat()
    file.write_text("eno")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_mtime_ns, file.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert stale_runs("test", Store(root), [run]) == {"key": ["data changed: data/a.txt"]}


def test_data_are_read_once(run, tmp_path, monkeypatch):
    root = tmp_path / "out"
    value(root, run)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read again"))
    assert stale_runs("test", Store(root), [run]) == {}


def test_a_cut_attempt_with_other_data_begins_anew(run, tmp_path):
    store, root = Store(tmp_path / "out"), tmp_path / "out"
    made = Provenance(root).of(KINDS["test"], run.settings)
    (store.begin(run, made) / "checkpoint").touch()
    assert (store.begin(run, made) / "checkpoint").exists(), "the same sources: it goes on"
    write(Path(run.settings["folder"]) / "a.txt", "other")
    again = store.begin(run, Provenance(root).of(KINDS["test"], run.settings))
    assert not (again / "checkpoint").exists()


def test_version_and_code_are_named():
    before = {
        "software": "prismseg 1",
        "code": {"prismseg.evaluation.metrics": "a", "prismseg.x": "b"},
        "data": {},
    }
    now = Made("prismseg 2", {"prismseg.evaluation.metrics": "c", "prismseg.x": "b"}, {})
    assert now.changes(before) == ["version: prismseg 1, now prismseg 2", "code changed: evaluation.metrics"]
    assert now.changes(None) == [UNKNOWN]


def test_runs_of_an_older_store_are_stale(run, tmp_path):
    root = tmp_path / "out"
    value(root, run)
    for path in (root / "made").iterdir():
        path.unlink()
    assert stale_runs("test", Store(root), [run]) == {"key": [UNKNOWN]}


def test_the_code_of_a_segmentation_run_holds_its_metrics_and_not_its_figures():
    code = code_of("prismseg.study.kinds.segmentation.run")
    assert {
        "prismseg.evaluation.metrics",
        "prismseg.train.loop",
        "prismseg.nets.unet",
        "prismseg.data.preparation.augment",
    } <= set(code)
    assert {"prismseg.explain.measures.relevance", "prismseg.features.crffg"} <= set(code)
    shown = ("_figures", ".report", ".figures", ".page")
    assert not [
        name for name in code if name.endswith(shown) or name.startswith(("prismseg.cli", "prismseg.monitor"))
    ]
    assert "prismseg.study.kinds.fashion.run" not in code
    small = code_of("prismseg.study.kinds.segmentation.run", without=("explain", "thermal"))
    assert not [name for name in small if name.startswith(("prismseg.explain", "prismseg.thermal"))]


def test_documentation_changes_nothing_and_a_metric_does(tmp_path, monkeypatch):
    root = tmp_path / "prismseg"
    (root / "study").mkdir(parents=True)
    (root / "study" / "kind.py").write_text('"""Doc."""\n\nfrom prismseg.study.metric import share\n')
    metric = root / "study" / "metric.py"
    metric.write_text('def share(a, b):\n    """Old words."""\n    return a / b\n')
    monkeypatch.setattr(sources, "_ROOT", root)
    before = code_of("prismseg.study.kind")
    assert list(before) == ["prismseg.study.kind", "prismseg.study.metric"]
    code_of.cache_clear()
    metric.write_text('# A comment.\ndef share(a, b):\n    """New words."""\n\n    return (a / b)\n')
    assert code_of("prismseg.study.kind") == before
    code_of.cache_clear()
    metric.write_text('def share(a, b):\n    """Old words."""\n    return b / a\n')
    changed = code_of("prismseg.study.kind")
    assert changed["prismseg.study.metric"] != before["prismseg.study.metric"]
    assert changed["prismseg.study.kind"] == before["prismseg.study.kind"]


def test_names_of_packages_lead_to_the_module_that_defines_them(tmp_path, monkeypatch):
    """Packages that load their names on first use tell where these are for type checkers."""
    root = tmp_path / "prismseg"
    for room in ("room", "kind"):
        (root / room).mkdir(parents=True)
    (root / "room" / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from prismseg.room.one import first as first\n"
        "    from prismseg.room.two import second as second\n"
    )
    (root / "room" / "one.py").write_text("first = 1\n")
    (root / "room" / "two.py").write_text("second = 2\n")
    (root / "kind" / "__init__.py").write_text(
        "def run():\n    from prismseg.room import second\n    return second\n"
    )
    monkeypatch.setattr(sources, "_ROOT", root)
    assert list(code_of("prismseg.kind")) == ["prismseg.kind", "prismseg.room.two"]


def test_segmentation_reads_images_masks_and_tables(tmp_path):
    for name in ("images/a.png", "masks/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"0")
    (tmp_path / "dataset.csv").write_text("image,mask,group\nimages/a.png,masks/a.png,p\n")
    (tmp_path / "README.md").write_text("words")
    settings = SegmentationSettings.model_validate({"data": {"path": str(tmp_path)}})
    assert [path.name for path in data_files(settings)] == ["dataset.csv", "a.png", "a.png"]
    assert unused_rooms(settings) == ("thermal", "explain")
    simulated = settings.model_copy(update={"simulate": {"sessions": 1}, "explain": True})
    assert data_files(simulated) == [] and unused_rooms(simulated) == ()


def test_a_study_of_given_weights_reads_their_network(tmp_path):
    """Another network under the same name is other data; one that is trained on phantoms reads none."""
    create_model("unet", skip="crffg", width=0.25).save_pretrained(tmp_path / "model")
    given = WeightsSettings.model_validate({"source": str(tmp_path / "model")})
    assert "model.safetensors" in [path.name for path in source_files(given)]
    assert source_files(WeightsSettings()) == []
