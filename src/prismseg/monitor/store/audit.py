"""The audit chain: every change, in order, each entry sealed by the hash of the one before.

The chain is in the database and once more in a file of JSON lines. Whoever changes a row, an entry or a file must change
both consistently from there to the end, and still differs from any copy of the file made before.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session as Database

from prismseg.base import DataError, OutputError
from prismseg.monitor.store.schema import AuditRow, Base

START = "0" * 64
_SEALED = ("seq", "at", "who", "action", "subject", "row_sha256", "detail", "previous")


def as_json(value: Any) -> str:
    """Write a value in the one form whose hash is kept."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} has no place in the store")


def row_sha256(row: Base) -> str:
    """Hash all columns of a row."""
    values = {column.key: _kept(getattr(row, column.key)) for column in inspect(type(row)).column_attrs}
    return hashlib.sha256(as_json(values).encode()).hexdigest()


def _kept(value: Any) -> Any:
    # SQLite keeps a negative zero as 0.
    return value + 0.0 if isinstance(value, float) else value


def subject_of(row: Base) -> str:
    """Name a row by its table and key."""
    (key,) = inspect(type(row)).primary_key
    return f"{row.__tablename__}/{getattr(row, str(key.key))}"


def seal(entry: AuditRow) -> str:
    """Hash an entry, the hash of the one before included."""
    return hashlib.sha256(as_json({name: getattr(entry, name) for name in _SEALED}).encode()).hexdigest()


def append(db: Database, at: datetime, who: str, action: str, row: Base, detail: dict[str, Any]) -> AuditRow:
    """Add an entry about a row as it is now. The caller holds the database's write lock."""
    db.flush()
    last = db.scalars(select(AuditRow).order_by(AuditRow.seq.desc()).limit(1)).first()
    entry = AuditRow(
        seq=1 if last is None else last.seq + 1,
        at=at,
        who=who,
        action=action,
        subject=subject_of(row),
        row_sha256=row_sha256(row),
        detail=as_json(detail),
        previous=START if last is None else last.sha256,
    )
    entry.sha256 = seal(entry)
    db.add(entry)
    db.flush()
    return entry


class AuditFile:
    """The chain as a file of JSON lines, written after each commit."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> Iterator[dict[str, Any]]:
        """Read the whole lines of the file.

        Raises
        ------
        DataError
            When a line cannot be read.
        """
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return  # cut off while it was written; `catch_up` writes it again
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise DataError(f"Line {number} of {self.path} is no audit entry: {error}.") from error

    def append(self, entries: list[AuditRow]) -> None:
        """Write entries and wait until they are on the disk."""
        try:
            with self.path.open("ab") as file:
                for entry in entries:
                    file.write((as_json(_columns(entry)) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"Cannot write the audit file {self.path}: {error.strerror}.") from error

    def catch_up(self, db: Database) -> None:
        """Write what was committed but had not reached the file when the program was stopped.

        Raises
        ------
        DataError
            When the file says something else than the database.
        """
        self._cut_torn_line()
        last = 0
        for last, line in enumerate(self.lines(), start=1):
            entry = db.get(AuditRow, last)
            if entry is None or line.get("sha256") != entry.sha256:
                raise DataError(
                    f"Entry {last} of {self.path} is not the database's: one of them was changed or brought back from "
                    "an older copy. Run `prismseg monitor verify`."
                )
        missing = list(db.scalars(select(AuditRow).where(AuditRow.seq > last).order_by(AuditRow.seq)))
        if missing:
            self.append(missing)

    def _cut_torn_line(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("r+b") as file:
            data = file.read()
            whole = data.rfind(b"\n") + 1
            if whole != len(data):
                file.truncate(whole)


def _columns(entry: AuditRow) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in (*_SEALED, "sha256")}
