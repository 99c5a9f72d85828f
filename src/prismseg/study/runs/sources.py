"""Finding the data and code that runs have now, and the finished runs that are stale by them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from prismseg.base import PrismsegError, make_folder, read_json, write_json
from prismseg.base.provenance.sources import code_of
from prismseg.base.version import VERSION
from prismseg.study.definition.run import Run
from prismseg.study.kind import StudyKind
from prismseg.study.kinds import KINDS
from prismseg.study.runs.provenance import Provenance
from prismseg.study.runs.store import RunStore

# File systems date files as coarsely as this (FAT: 2 s): a file changed within it of being hashed may change again
# without another date.
_COARSEST_DATE = 2.0  # seconds


class ProvenanceFinder:
    """Finds the data, code and version that runs have now; reads each file once.

    Hashes of data files are kept in ``hashes.json`` with the facts of the file system: times, number, size. The
    time of change (ctime) gives away contents whose date (mtime) was set back.

    Parameters
    ----------
    root : str or Path
        Folder of the study.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._found: dict[tuple[Any, ...], Provenance] = {}

    def find(self, kind: StudyKind[Any], settings: dict[str, Any]) -> Provenance:
        """Hash the code and the data of a run with these settings."""
        unused = kind.list_unused(settings)
        try:
            files, unreadable = tuple(kind.list_inputs(settings)), ""
        except PrismsegError as error:
            files, unreadable = (), str(error)
        modules = kind.list_code(settings)
        key = (modules, unused, files, unreadable)
        if key not in self._found:
            code = {name: text for module in modules for name, text in code_of(module, without=unused).items()}
            self._found[key] = Provenance(f"prismseg {VERSION}", code, self._hash_files(files), unreadable)
        return self._found[key]

    def _hash_files(self, files: Sequence[Path]) -> dict[str, str]:
        if not files:
            return {}
        path = make_folder(self.root) / "hashes.json"
        with FileLock(self.root / "hashes.lock"):
            cached: dict[str, list[Any]] = read_json(path) if path.exists() else {}
            known = len(cached)
            hashed_anew = False
            hashes = {}
            for file in files:
                name, facts = str(file), file.stat()
                stamp = [facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_size]
                if name not in cached or cached[name][:-1] != stamp:
                    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
                    cached.pop(name, None)
                    if time.time() - facts.st_mtime > _COARSEST_DATE:
                        cached[name] = [*stamp, digest]
                    hashed_anew, hashes[name] = True, digest
                else:
                    hashes[name] = cached[name][-1]
            if hashed_anew or len(cached) != known:
                write_json(path, cached)
        return hashes


def stale_runs(kind: str, store: RunStore, runs: Sequence[Run]) -> dict[str, list[str]]:
    """Find the finished runs that would have other numbers now, because their data, code or version have changed.

    Parameters
    ----------
    kind : str
        One of `prismseg.study.KINDS`.
    store : RunStore
        With the runs.
    runs : sequence of Run
        Those of interest.

    Returns
    -------
    dict of str to list of str
        Reasons by the key of each stale run.
    """
    finder = ProvenanceFinder(store.root)
    reasons = {
        run.key: store.changes(run, finder.find(KINDS[kind], run.settings))
        for run in runs
        if store.state(run) == "done"
    }
    return {key: found for key, found in reasons.items() if found}
