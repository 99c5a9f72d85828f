"""Runs on the disk: one folder a run, named by its hash, with settings, results and a done mark."""

from __future__ import annotations

import shutil
import socket
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from filelock import FileLock, Timeout

from prismseg.base import DataError, atomic_path, make_folder, read_json, write_json
from prismseg.base.machine import this_machine
from prismseg.base.version import VERSION
from prismseg.study.grid import Run
from prismseg.study.provenance import Made, keep, kept

State = Literal["done", "failed", "running", "cut", "waiting"]


@dataclass(frozen=True)
class Store:
    """Runs below ``root/runs``, which several processes and machines may share.

    A run's folder holds ``settings.json``, ``attempt.json`` (written when the run is begun or taken up), ``work/`` (what
    the run itself writes), ``results.csv``, then ``done.json``, or ``failed.json`` with the reason. ``root/made`` says
    what data, code and version each was made from. ``lock`` is held by the process that works on it, and is free again
    when it dies.
    """

    root: Path

    def folder(self, run: Run) -> Path:
        """Folder of a run."""
        return self.root / "runs" / run.key

    def state(self, run: Run) -> State:
        """How far a run has come."""
        folder = self.folder(run)
        if (folder / "done.json").exists():
            return "done"
        if not folder.exists():
            return "waiting"
        try:
            with FileLock(folder / "lock", blocking=False):
                pass
        except Timeout:
            return "running"
        return "failed" if (folder / "failed.json").exists() else "cut"

    @contextmanager
    def claim(self, run: Run) -> Iterator[Path | None]:
        """Hold a run while it is worked on; None where another process holds it."""
        folder = make_folder(self.folder(run))
        lock = FileLock(folder / "lock", blocking=False)
        try:
            lock.acquire()
        except Timeout:
            yield None
            return
        try:
            yield folder
        finally:
            lock.release()

    def begin(self, run: Run, made: Made) -> Path:
        """Write down what is done and from what; return the folder in which the run works.

        What an attempt with other data or code has left there is removed first.
        """
        folder = self.folder(run)
        mark = folder / "attempt.json"
        if any(folder.glob("*.json")) and made.changes(kept(self.root, read_json(mark) if mark.exists() else {})):
            for path in folder.iterdir():
                if path.name != "lock":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_json(mark, {"seconds_before": round(_spent(folder), 3), **keep(self.root, made)})
        write_json(folder / "settings.json", {"labels": run.labels, "settings": run.settings})
        return make_folder(folder / "work")

    def stale(self, run: Run, made: Made) -> list[str]:
        """Say why a finished run would have other numbers now; empty where it would not."""
        return made.changes(kept(self.root, read_json(self.folder(run) / "done.json")))

    def facts(self, run: Run) -> dict[str, Any]:
        """Read what is known of a finished run: software, machine, host, time, seconds."""
        return dict(read_json(self.folder(run) / "done.json"))

    def finish(self, run: Run, table: pd.DataFrame, seconds: float) -> None:
        """Write the results, and after them the mark that they are whole; `seconds` are those of this attempt."""
        folder = self.folder(run)
        with atomic_path(folder / "results.csv") as temporary:
            table.to_csv(temporary, index=False)
        (folder / "failed.json").unlink(missing_ok=True)
        total = _before(folder) + seconds
        mark = read_json(folder / "attempt.json")
        made = kept(self.root, mark)
        facts = self._facts() | {"seconds": round(total, 3), "rows": len(table), "machine": this_machine()}
        known = {} if made is None else {"software": made["software"], "made": mark["made"]}
        write_json(folder / "done.json", facts | known)

    def fail(self, run: Run, error: BaseException) -> None:
        """Write down why a run failed."""
        reason = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exception(error)}
        write_json(self.folder(run) / "failed.json", self._facts() | reason)

    def others(self, runs: Sequence[Run]) -> int:
        """Count runs in the folder whose settings none of `runs` has, such as those of a study that was edited."""
        names = {run.key for run in runs}
        folder = self.root / "runs"
        return sum(path.name not in names for path in folder.iterdir()) if folder.is_dir() else 0

    def failure(self, run: Run) -> str:
        """Why a run failed."""
        path = self.folder(run) / "failed.json"
        return str(read_json(path)["error"]) if path.exists() else ""

    def seconds(self, run: Run) -> float:
        """How long a finished run took, all attempts together."""
        return float(read_json(self.folder(run) / "done.json")["seconds"])

    def results(self, run: Run) -> pd.DataFrame:
        """Rows of a finished run, with its labels as columns.

        Raises
        ------
        DataError
            When the file is not whole.
        """
        folder = self.folder(run)
        rows = int(read_json(folder / "done.json")["rows"])
        # Only an empty cell is a missing one: a patient or a class may be called NA or None.
        table = pd.read_csv(
            folder / "results.csv", dtype={"case": str, "group": str}, keep_default_na=False, na_values=[""]
        )
        if len(table) != rows:
            raise DataError(
                f"{folder / 'results.csv'} has {len(table)} rows and not {rows}; remove {folder} to repeat the run."
            )
        return table.assign(**run.labels)

    def _facts(self) -> dict[str, Any]:
        return {
            "software": f"prismseg {VERSION}",
            "host": socket.gethostname(),
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }


def _before(folder: Path) -> float:
    """Seconds that attempts before the one that was begun last took."""
    path = folder / "attempt.json"
    return float(read_json(path)["seconds_before"]) if path.exists() else 0.0


def _spent(folder: Path) -> float:
    """Seconds of all attempts so far; one that was killed counts up to the last file that it wrote.

    Both times are the file system's, since the next attempt may be another machine's.
    """
    mark = folder / "attempt.json"
    if not mark.exists():
        return 0.0
    begun = mark.stat().st_mtime
    written = (path.stat().st_mtime for path in folder.rglob("*") if path.name != "lock" and path.is_file())
    return _before(folder) + max(written) - begun
