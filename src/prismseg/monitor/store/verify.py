"""Checks that nothing in the store was changed behind its back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from prismseg.base import DataError
from prismseg.monitor.store.audit import START, row_sha256, seal, subject_of
from prismseg.monitor.store.schema import AUDITED, AuditRow, CaptureRow, MaskRow
from prismseg.monitor.store.store import Store

_PATIENCE, _PAUSE = 5, 0.5


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes
    ----------
    entries, rows, files : int
        How many were checked.
    faults : tuple of str
        What is not as it was written; empty when all is well.
    unused : int
        Files nothing refers to: frames that were never confirmed because the program was stopped.
    """

    entries: int
    rows: int
    files: int
    faults: tuple[str, ...]
    unused: int

    @property
    def ok(self) -> bool:
        """Whether nothing was changed."""
        return not self.faults


def verify(store: Store, progress: Callable[[int, str], None] | None = None) -> Verdict:
    """Check the chain, its copy in the audit file, every row and every file.

    Parameters
    ----------
    store : Store
        An open one.
    progress : callable, optional
        Told how many files are done, and the last one's name.
    """
    faults: list[str] = []
    with store.read() as db:
        entries = list(db.scalars(select(AuditRow).order_by(AuditRow.seq)))
        last = _check_chain(entries, faults)
        _check_trail(store, entries, faults)
        rows = 0
        for kind in AUDITED:
            for row in db.scalars(select(kind)):
                rows += 1
                subject = subject_of(row)
                sealed = last.pop(subject, None)
                if sealed is None:
                    faults.append(f"{subject} is in the database, but no audit entry speaks of it.")
                elif sealed != row_sha256(row):
                    faults.append(f"{subject} was changed after its last audit entry.")
        faults += [f"{subject} has audit entries, but is gone from the database." for subject in sorted(last)]
        named: dict[str, str] = {}
        named |= {
            row.frame_sha256: f"frame of capture {row.number}, session {row.session_id}"
            for row in db.scalars(select(CaptureRow))
        }
        named |= {
            row.file_sha256: f"mask {row.number} of capture {row.capture_id}"
            for row in db.scalars(select(MaskRow))
        }
    for done, (sha256, what) in enumerate(named.items(), start=1):
        try:
            store.files.get(sha256)
        except DataError as error:
            faults.append(f"{what}: {error}")
        if progress is not None:
            progress(done, what)
    unused = sum(name not in named for name in store.files.names())
    return Verdict(len(entries), rows, len(named), tuple(faults), unused)


def _check_chain(entries: list[AuditRow], faults: list[str]) -> dict[str, str]:
    """Check each entry's seal and its place; return the last hash of each row."""
    previous, last = START, {}
    for number, entry in enumerate(entries, start=1):
        if entry.seq != number:
            faults.append(f"Audit entry {number} is missing.")
            break
        if entry.previous != previous:
            faults.append(f"Audit entry {number} does not follow the one before.")
        if seal(entry) != entry.sha256:
            faults.append(f"Audit entry {number} was changed.")
        previous = entry.sha256
        last[entry.subject] = entry.row_sha256
    return last


def _check_trail(store: Store, entries: list[AuditRow], faults: list[str]) -> None:
    sealed = {entry.seq: entry.sha256 for entry in entries}
    # Beside a running monitor the last entries may be on their way to the file, or have come after those that were read.
    for patience in range(_PATIENCE if store.reading else 1):
        number = 0
        try:
            for number, line in enumerate(store.trail.lines(), start=1):
                if number > len(entries) and store.reading:
                    return
                if not _same(line, sealed.get(number)):
                    faults.append(f"Line {number} of {store.trail.path} is not the database's entry {number}.")
                    return
        except DataError as error:
            faults.append(str(error))
            return
        if number >= len(entries):
            return
        if store.reading and patience < _PATIENCE - 1:
            time.sleep(_PAUSE)
    faults.append(f"{store.trail.path} ends at entry {number} of {len(entries)}.")


def _same(line: dict[str, Any], sha256: str | None) -> bool:
    if sha256 is None or line.get("sha256") != sha256:
        return False
    from datetime import datetime

    try:
        entry = AuditRow(**{**line, "at": datetime.fromisoformat(line["at"])})
        return seal(entry) == sha256
    except (KeyError, TypeError, ValueError):
        return False
