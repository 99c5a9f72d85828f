"""A disk that is full: the run is reported, nothing is torn, and repeating the command does what is missing."""

import errno
import os
import subprocess

import pandas as pd
import pytest
from pydantic import BaseModel

from prismseg.base import OutputError
from prismseg.study import KINDS, Run, RunStore, StudyKind, execute

ROWS = 60_000


class Settings(BaseModel):
    """A number whose square a run gives."""

    number: int


def square(settings, folder):
    """Give more rows than fit on the small disk if the number is odd."""
    count = ROWS if settings.number % 2 else 1
    return pd.DataFrame({"measure": "square", "value": [float(settings.number) ** 2] * count})


@pytest.fixture(autouse=True)
def kind():
    with KINDS.temporarily("test", StudyKind(Settings, square, draw=lambda rows: {})):
        yield


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB."""
    path = tmp_path / "disk"
    path.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(path)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here ({made.stderr.strip()})")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def runs(count=3):
    return [Run({"number": str(n)}, {"number": n}, f"key{n}") for n in range(count)]


def leftovers(root):
    return [path.name for path in root.rglob("*") if path.name.startswith(".")]


def do(todo, root):
    """States of the runs after they were tried."""
    return execute("test", todo, root, backend="sequential", show_progress=False)


def check_reported(root, todo):
    store = RunStore(root)
    failure, folder = store.failure(todo[1]), store.folder(todo[1])
    assert f"Cannot write {folder / 'results.csv'}: the disk is full; free some space" in failure
    assert not (folder / "results.csv").exists() and not (folder / "done.json").exists() and not leftovers(root)


def check_repaired(root, todo):
    assert [len(RunStore(root).results(run)) for run in todo] == [1, ROWS, 1]
    assert not (RunStore(root).folder(todo[1]) / "failed.json").exists()


def test_a_small_disk(small_disk):
    todo = runs()
    assert do(todo, small_disk) == {"done": 2, "failed": 1}
    check_reported(small_disk, todo)
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert do(todo, small_disk) == {"done": 3}
    check_repaired(small_disk, todo)


def test_a_disk_that_fills_in_the_middle_of_a_file(tmp_path, monkeypatch):
    """As above where nothing can be mounted: writing stops after half of the table."""
    todo, write = runs(), pd.DataFrame.to_csv

    def full(self, path, **options):
        if len(self) < ROWS:
            return write(self, path, **options)
        write(self.head(ROWS // 2), path, **options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    assert do(todo, tmp_path / "out") == {"done": 2, "failed": 1}
    check_reported(tmp_path / "out", todo)
    monkeypatch.setattr(pd.DataFrame, "to_csv", write)
    assert do(todo, tmp_path / "out") == {"done": 3}
    check_repaired(tmp_path / "out", todo)


def test_a_disk_on_which_not_even_the_failure_can_be_written(tmp_path, monkeypatch):
    """The study ends with what to do, and goes on from there."""
    todo = runs()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("tempfile.mkstemp", lambda **_: full())
        with pytest.raises(OutputError, match="the disk is full; free some space"):
            do(todo, tmp_path)
    assert do(todo, tmp_path) == {"done": 3}
    check_repaired(tmp_path, todo)
