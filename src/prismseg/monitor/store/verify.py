"""Checks that nothing in the store was changed behind its back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from prismseg.base import ConfigError, DataError, Message
from prismseg.monitor.store.audit import (
    ERASED,
    START,
    AuditFile,
    row_sha256,
    seal,
    subject_of,
    values_sha256,
)
from prismseg.monitor.store.schema import AUDITED, AuditRow, AuditValuesRow, CaptureRow, MaskRow
from prismseg.monitor.store.store import SessionStore

# Beside a running monitor the last entries may be on their way to the audit file, which takes as long as one fsync.
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes
    ----------
    entries, rows, files : int
        How many were checked.
    faults : tuple of Message
        What is not as it was written; empty when all is well.
    unused : int
        Files nothing refers to: frames that were never confirmed because the program was stopped.
    behind : int
        Entries of one change after which the program was stopped before they were in the audit file; the next start
        writes them.
    """

    entries: int
    rows: int
    files: int
    faults: tuple[Message, ...]
    unused: int
    behind: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was changed."""
        return not self.faults


def verify(
    store: SessionStore,
    progress: Callable[[int, str], None] | None = None,
    *,
    earlier: str | Path | None = None,
    pause: float = _PAUSE_SECONDS,
) -> Verdict:
    """Check the chain, its copy in the audit file, every row and every file.

    Parameters
    ----------
    store : Store
        An open one.
    progress : callable, optional
        Told how many files are done, and the last one's name.
    earlier : str or Path, optional
        Copy of the audit file that was made before and kept elsewhere. Only this shows when somebody has changed the
        chain, its file and the rows together, or has brought back an older state of all three.
    pause : float
        Seconds between two looks at the audit file of a running monitor whose last entries are not there yet.

    Raises
    ------
    ConfigError
        When there is no such copy.
    """
    earlier_file = None if earlier is None else AuditFile(earlier)
    if earlier_file is not None and not earlier_file.path.is_file():
        raise ConfigError(f"There is no audit file {earlier}.")
    faults: list[Message] = []
    with store.read() as db:
        entries = list(db.scalars(select(AuditRow).order_by(AuditRow.seq)))
        last = _check_chain(entries, faults)
        erased = _erased(entries)
        _check_values(db, entries, erased, faults)
        rows = 0
        for kind in AUDITED:
            for row in db.scalars(select(kind)):
                rows += 1
                subject = subject_of(row)
                sealed = last.pop(subject, None)
                if sealed is None:
                    faults.append(
                        Message("{row} is in the database, but no audit entry speaks of it.", row=subject)
                    )
                elif sealed != row_sha256(row):
                    faults.append(Message("{row} was changed after its last audit entry.", row=subject))
        faults += [
            Message("{row} has audit entries, but is gone from the database.", row=subject)
            for subject in sorted(last.keys() - erased)
        ]
        named: dict[str, Message] = {}
        named |= {
            row.frame_sha256: Message(
                "frame of capture {number}, session {session}", number=row.number, session=row.session_id
            )
            for row in db.scalars(select(CaptureRow))
        }
        named |= {
            row.file_sha256: Message(
                "mask {number} of capture {capture}", number=row.number, capture=row.capture_id
            )
            for row in db.scalars(select(MaskRow))
        }
    behind = _check_trail(store, entries, faults, pause)
    if earlier_file is not None:
        _check_lines(earlier_file, _hashes(store), faults)
    for done, (sha256, what) in enumerate(named.items(), start=1):
        try:
            store.files.get(sha256)
        except DataError as error:
            faults.append(Message("{what}: {reason}", what=what, reason=error.message))
        if progress is not None:
            progress(done, what)
    unused = sum(name not in named for name in store.files.names())
    return Verdict(len(entries), rows, len(named), tuple(faults), unused, behind)


def _check_chain(entries: list[AuditRow], faults: list[Message]) -> dict[str, str]:
    """Check each entry's seal and its place; return the last hash of each row."""
    number, previous, last = 0, START, {}
    for entry in entries:
        if entry.seq != number + 1:
            faults.append(
                Message("Audit entry {number} is missing.", number=number + 1)
                if entry.seq == number + 2
                else Message("Audit entries {first} to {last} are missing.", first=number + 1, last=entry.seq - 1)
            )
        elif entry.previous != previous:
            faults.append(Message("Audit entry {number} does not follow the one before.", number=entry.seq))
        if seal(entry) != entry.sha256:
            faults.append(Message("Audit entry {number} was changed.", number=entry.seq))
        number, previous = entry.seq, entry.sha256
        if entry.row_sha256:
            last[entry.subject] = entry.row_sha256
    return last


def _erased(entries: list[AuditRow]) -> set[str]:
    """Collect the rows that were erased on request."""
    return {
        str(subject) for entry in entries if entry.action == ERASED for subject in json.loads(entry.detail)["rows"]
    }


def _check_values(db: Database, entries: list[AuditRow], erased: set[str], faults: list[Message]) -> None:
    """Compare old and new values with the hashes in the chain."""
    stored = {row.seq: row for row in db.scalars(select(AuditValuesRow))}
    for entry in entries:
        sealed, row = json.loads(entry.detail).get("values_sha256"), stored.pop(entry.seq, None)
        if sealed is None and row is None:
            continue
        if row is None:
            if entry.subject not in erased:
                faults.append(Message("The values of audit entry {number} are gone.", number=entry.seq))
        elif sealed is None or values_sha256(row.salt, row.text) != sealed:
            faults.append(Message("The values of audit entry {number} were changed.", number=entry.seq))
    faults += [
        Message("There are values of an audit entry {number} that does not exist.", number=seq)
        for seq in sorted(stored)
    ]


def _check_trail(store: SessionStore, entries: list[AuditRow], faults: list[Message], pause: float) -> int:
    """Compare the audit file with entries that were read before; return how many of the last change it lacks."""
    sealed = {entry.seq: entry.sha256 for entry in entries}
    newest = max(sealed, default=0)
    for attempt in range(_ATTEMPTS if store.read_only else 1):
        if attempt:
            time.sleep(pause)
        try:
            length = sum(1 for _ in store.trail.lines())  # what is written after this is the next check's
        except DataError as error:
            faults.append(error.message)
            return 0
        if length >= newest:
            break
    if length > newest:  # written meanwhile, or taken out of the database
        sealed = _hashes(store)
    found = len(faults)
    _check_lines(store.trail, sealed, faults, length)
    missing = [entry for entry in entries if entry.seq > length]
    if len(faults) > found or not missing:
        return 0
    if store.read_only and len({entry.at for entry in missing}) == 1:
        return len(missing)
    faults.append(
        Message(
            "{file} ends at entry {number} of {newest}.", file=str(store.trail.path), number=length, newest=newest
        )
    )
    return 0


def _check_lines(
    trail: AuditFile, sealed: dict[int, str], faults: list[Message], count: int | None = None
) -> None:
    """Compare the first lines of an audit file with the hashes of the database's entries, up to one that differs."""
    try:
        for number, line in enumerate(islice(trail.lines(), count), start=1):
            if number not in sealed:
                faults.append(
                    Message(
                        "Line {number} of {file} is an entry that is gone from the database.",
                        number=number,
                        file=str(trail.path),
                    )
                )
                return
            if not _same(line, sealed[number]):
                faults.append(
                    Message(
                        "Line {number} of {file} is not the database's entry {number}.",
                        number=number,
                        file=str(trail.path),
                    )
                )
                return
    except DataError as error:
        faults.append(error.message)


def _hashes(store: SessionStore) -> dict[int, str]:
    with store.read() as db:
        return {row.seq: row.sha256 for row in db.execute(select(AuditRow.seq, AuditRow.sha256))}


def _same(line: dict[str, Any], sha256: str) -> bool:
    if line.get("sha256") != sha256:
        return False
    try:
        entry = AuditRow(**{**line, "at": datetime.fromisoformat(line["at"])})
        return seal(entry) == sha256
    except (KeyError, TypeError, ValueError):
        return False
