"""Runs on the disk: one folder a run, named by its hash, with settings, results and a done mark."""

from __future__ import annotations

import shutil
import socket
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from filelock import FileLock, Timeout

from prismseg.base import DataError, atomic_path, make_folder, read_json, write_json
from prismseg.base.deprecation import renamed
from prismseg.base.provenance.machine import this_machine
from prismseg.base.version import VERSION
from prismseg.study.definition.run import Run
from prismseg.study.runs.provenance import Provenance, load_provenance, save_provenance

RunState = Literal["done", "failed", "running", "cut", "waiting"]


@renamed(others="count_others", stale="changes")
class RunStore:
    """Runs below ``root/runs``, which several processes and machines may share.

    A run's folder holds ``settings.json``, ``attempt.json`` (written when the run is started or continued), ``work/``
    (what the run itself writes), ``results.csv``, then ``done.json``, or ``failed.json`` with the reason. ``root/made``
    records what data, code and version each was made from. ``lock`` is held by the process that works on the run, and
    is free again when that dies.

    Parameters
    ----------
    root : str or Path
        Folder of the study.

    Examples
    --------
    >>> RunStore("runs/study-new").state(Run({}, {}, "0f3a"))
    'waiting'
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def folder(self, run: Run) -> Path:
        """Folder of a run."""
        return self.root / "runs" / run.key

    def work_folder(self, run: Run) -> Path:
        """Folder in which a run itself writes."""
        return self.folder(run) / "work"

    def is_done(self, run: Run) -> bool:
        """Whether a run is finished."""
        return (self.folder(run) / "done.json").exists()

    def state(self, run: Run) -> RunState:
        """How far a run has come; "cut" is one whose process died."""
        folder = self.folder(run)
        if self.is_done(run):
            return "done"
        if not folder.exists():
            return "waiting"
        try:
            with FileLock(folder / "lock", blocking=False):
                pass
        except Timeout:
            return "running"
        return "failed" if (folder / "failed.json").exists() else "cut"

    def count_ended(self, runs: Sequence[Run]) -> int:
        """Count runs that are done or have failed, without looking at locks."""
        return sum((self.folder(run) / mark).exists() for run in runs for mark in ("done.json", "failed.json"))

    def count_others(self, runs: Sequence[Run]) -> int:
        """Count runs in the folder whose settings none of `runs` has, such as those of a study that was edited."""
        keys = {run.key for run in runs}
        folder = self.root / "runs"
        return sum(path.name not in keys for path in folder.iterdir()) if folder.is_dir() else 0

    @contextmanager
    def claim(self, run: Run) -> Iterator[bool]:
        """Hold a run while it is worked on; yields whether it is ours, False where another process holds it."""
        lock = FileLock(make_folder(self.folder(run)) / "lock", blocking=False)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    @renamed(made="provenance")
    def begin(self, run: Run, provenance: Provenance) -> Path:
        """Record what is done and from what; return the folder in which the run works.

        What an attempt with other data or code has left there is removed first.
        """
        folder = self.folder(run)
        mark = folder / "attempt.json"
        before = load_provenance(self.root, read_json(mark) if mark.exists() else {})
        if any(folder.glob("*.json")) and provenance.changes_since(before):
            for path in folder.iterdir():
                if path.name != "lock":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_json(
            mark, {"seconds_before": round(_seconds_so_far(folder), 3), **save_provenance(self.root, provenance)}
        )
        write_json(folder / "settings.json", {"labels": run.labels, "settings": run.settings})
        return make_folder(self.work_folder(run))

    def finish(self, run: Run, table: pd.DataFrame, seconds: float) -> None:
        """Write the results, and after them the mark that they are whole; `seconds` are those of this attempt."""
        folder = self.folder(run)
        with atomic_path(folder / "results.csv") as temporary:
            table.to_csv(temporary, index=False)
        (folder / "failed.json").unlink(missing_ok=True)
        total = _seconds_before(folder) + seconds
        attempt = read_json(folder / "attempt.json")
        provenance = load_provenance(self.root, attempt)
        facts = _facts() | {"seconds": round(total, 3), "rows": len(table), "machine": this_machine()}
        known = {} if provenance is None else {"software": provenance["software"], "made": attempt["made"]}
        write_json(folder / "done.json", facts | known)

    def fail(self, run: Run, error: BaseException) -> None:
        """Record why a run failed."""
        reason = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exception(error)}
        write_json(self.folder(run) / "failed.json", _facts() | reason)

    def failure(self, run: Run) -> str:
        """Why a run failed."""
        path = self.folder(run) / "failed.json"
        return str(read_json(path)["error"]) if path.exists() else ""

    def facts(self, run: Run) -> dict[str, Any]:
        """Read what is known of a finished run: software, machine, host, time, seconds of all attempts together."""
        return dict(read_json(self.folder(run) / "done.json"))

    def made_from(self, run: Run) -> dict[str, Any] | None:
        """Read what a finished run was made from: software, code and data; None where it was not recorded."""
        return load_provenance(self.root, self.facts(run))

    def changes(self, run: Run, provenance: Provenance) -> list[str]:
        """Say why a finished run would have other numbers now; empty where it would not."""
        return provenance.changes_since(self.made_from(run))

    def results(self, run: Run) -> pd.DataFrame:
        """Rows of a finished run, with its labels as columns.

        Raises
        ------
        DataError
            When the file is not whole.
        """
        path = self.folder(run) / "results.csv"
        rows = int(self.facts(run)["rows"])
        # Only an empty cell is a missing one: a patient or a class may be called NA or None.
        table = pd.read_csv(path, dtype={"case": str, "group": str}, keep_default_na=False, na_values=[""])
        if len(table) != rows:
            raise DataError(
                f"{path} has {len(table)} rows and not {rows}; remove {path.parent} to repeat the run."
            )
        return table.assign(**run.labels)


def _facts() -> dict[str, Any]:
    return {
        "software": f"prismseg {VERSION}",
        "host": socket.gethostname(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _seconds_before(folder: Path) -> float:
    """Seconds that attempts before the current one took."""
    path = folder / "attempt.json"
    return float(read_json(path)["seconds_before"]) if path.exists() else 0.0


def _seconds_so_far(folder: Path) -> float:
    """Seconds of all attempts so far; one that was killed counts up to the last file that it wrote.

    Both times are the file system's, since the next attempt may be another machine's.
    """
    mark = folder / "attempt.json"
    if not mark.exists():
        return 0.0
    begun = mark.stat().st_mtime
    written = (path.stat().st_mtime for path in folder.rglob("*") if path.name != "lock" and path.is_file())
    return _seconds_before(folder) + max(written) - begun
