"""The audit chain: every change, in order, each entry sealed by the hash of the one before.

The chain is in the database and once more in a file of JSON lines. Whoever changes a row, an entry or a file must change
both consistently from there to the end, and still differs from any copy of the file made before.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session as Database

from prismseg.base import DataError, Message, OutputError
from prismseg.base.files import sync
from prismseg.monitor.store.schema import AuditRow, AuditValuesRow, Base

START = "0" * 64
ERASED = "patient erased"  # the action after which rows and values may be missing
# Columns that younger versions added: where they are empty a row has the hash that it was sealed with before.
ADDED_COLUMNS = frozenset(
    {
        "captures.stated_minute",
        "sessions.camera_since",
        "sessions.skipped",
        "sessions.ward",
        "sessions.signed_at",
        "sessions.signed_by",
        "sessions.signed_typed",
        "users.role",
        "users.ward",
    }
)
_BLOCK = 1 << 14  # bytes read at a time from the end of the file
_SEALED = ("seq", "at", "who", "action", "subject", "row_sha256", "detail", "previous")


def as_json(value: Any) -> str:
    """Write a value in the one form whose hash is kept."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} has no place in the store")


def row_sha256(row: Base) -> str:
    """Hash all columns of a row, without those that were added to its table and are empty."""
    return columns_sha256(
        row.__tablename__,
        {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs},
    )


def columns_sha256(table: str, columns: Mapping[str, Any]) -> str:
    """Hash all columns of a row of a table, without those that were added to it and are empty."""
    values = {
        name: _as_stored(value)
        for name, value in columns.items()
        if value is not None or f"{table}.{name}" not in ADDED_COLUMNS
    }
    return hashlib.sha256(as_json(values).encode()).hexdigest()


def _as_stored(value: Any) -> Any:
    # SQLite keeps a negative zero as 0.
    return value + 0.0 if isinstance(value, float) else value


def subject_of(row: Base) -> str:
    """Name a row by its table and key."""
    (key,) = inspect(type(row)).primary_key
    return f"{row.__tablename__}/{getattr(row, str(key.key))}"


def seal(entry: AuditRow) -> str:
    """Hash an entry, the hash of the one before included."""
    return hashlib.sha256(as_json({name: getattr(entry, name) for name in _SEALED}).encode()).hexdigest()


def append_entry(
    db: Database,
    at: datetime,
    who: str,
    action: str,
    row: Base | str,
    detail: dict[str, Any],
    values: Mapping[str, Any] | None = None,
) -> AuditRow:
    """Add an entry. The caller holds the database's write lock.

    Parameters
    ----------
    db : Database
        Open transaction.
    at, who, action
        What the entry says.
    row : Base or str
        The row that it is about, as it is now, or what else.
    detail : dict
        More; stays for ever, so it says nothing of a patient.
    values : mapping, optional
        Old and new values. The entry seals their hash; they themselves can be erased.
    """
    db.flush()
    about, sha256 = (row, "") if isinstance(row, str) else (subject_of(row), row_sha256(row))
    return append_sealed(db, at, who, action, about, sha256, detail, values)


def append_sealed(
    db: Database,
    at: datetime,
    who: str,
    action: str,
    subject: str,
    row_sha256: str,
    detail: dict[str, Any],
    values: Mapping[str, Any] | None = None,
) -> AuditRow:
    """Add an entry about a row whose hash is known; the rest is as of `append_entry`."""
    if values:
        text, salt = as_json(values), secrets.token_hex(32)
        detail = {**detail, "values_sha256": values_sha256(salt, text)}
    last = db.scalars(select(AuditRow).order_by(AuditRow.seq.desc()).limit(1)).first()
    entry = AuditRow(
        seq=1 if last is None else last.seq + 1,
        at=at,
        who=who,
        action=action,
        subject=subject,
        row_sha256=row_sha256,
        detail=as_json(detail),
        previous=START if last is None else last.sha256,
    )
    entry.sha256 = seal(entry)
    db.add(entry)
    db.flush()
    if values:
        db.add(AuditValuesRow(seq=entry.seq, salt=salt, text=text))
        db.flush()
    return entry


def values_sha256(salt: str, text: str) -> str:
    """Hash the values of a change."""
    return hashlib.sha256(f"{salt} {text}".encode()).hexdigest()


class AuditFile:
    """The chain as a file of JSON lines, written after each commit."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Read the whole lines of the file.

        Raises
        ------
        DataError
            When a line cannot be read.
        """
        if not self.path.exists():
            return
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if not line.endswith(b"\n"):
                        return  # cut off while it was written; `catch_up` writes it again
                    yield _entry(line, Message("Line {number} of {file}", number=number, file=str(self.path)))
        except OSError as error:
            raise DataError(
                Message(
                    "The audit file {file} cannot be read: {reason}.", file=str(self.path), reason=error.strerror
                )
            ) from error

    def compare(self, db: Database) -> None:
        """Read the whole file beside the database.

        Raises
        ------
        DataError
            When the file says something else than the database.
        """
        entries = iter(db.execute(select(AuditRow.seq, AuditRow.sha256).order_by(AuditRow.seq)))
        for number, line in enumerate(self.lines(), start=1):
            if tuple(next(entries, ())) != (number, line.get("sha256")):
                raise self._other(number)

    def catch_up(self, db: Database) -> None:
        """Write the entries that were committed and are not in the file yet, and wait until they are on the disk.

        Only the file's last entry is compared, which is enough to go on from. Nobody else may be writing.

        Raises
        ------
        OutputError
            When the file cannot be written.
        DataError
            When its last entry is not the database's.
        """
        try:
            seq, sha256 = self._last()
            if seq and db.scalar(select(AuditRow.sha256).where(AuditRow.seq == seq)) != sha256:
                raise self._other(seq)
            missing = list(db.scalars(select(AuditRow).where(AuditRow.seq > seq).order_by(AuditRow.seq)))
            if missing:
                self.append(missing)
        except OSError as error:
            raise OutputError(
                Message(
                    "Cannot write the audit file {file}: {reason}.", file=str(self.path), reason=error.strerror
                )
            ) from error

    def append(self, entries: list[AuditRow]) -> None:
        """Write entries and wait until they are on the disk."""
        new = not self.path.exists()
        with self.path.open("ab") as file:
            file.write(b"".join(f"{as_json(_columns(entry))}\n".encode() for entry in entries))
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync(self.path.parent)

    def _last(self) -> tuple[int, str]:
        """Give number and hash of the last whole line, and cut off what is torn after it."""
        if not self.path.exists():
            return 0, ""
        with self.path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            start, tail, end = size, b"", 0
            while start and tail.count(b"\n", 0, end) < 2:  # until the last whole line is there from its beginning
                start = max(0, start - _BLOCK)
                file.seek(start)
                tail = file.read(size - start)
                end = tail.rfind(b"\n") + 1
            if start + end < size:
                file.truncate(start + end)
        if not end:
            return 0, ""
        line = tail[tail.rfind(b"\n", 0, end - 1) + 1 : end]
        entry = _entry(line, Message("The last line of {file}", file=str(self.path)))
        return int(entry.get("seq", 0)), str(entry.get("sha256"))

    def _other(self, number: int) -> DataError:
        return DataError(
            Message(
                "Entry {number} of {file} is not the database's: one of them was changed or brought back from an older "
                "copy. Check the whole record.",
                number=number,
                file=str(self.path),
            )
        )


def _entry(line: bytes, name: Message) -> dict[str, Any]:
    try:
        found = json.loads(line)
        if not isinstance(found, dict):
            raise ValueError("it is no object")
    except ValueError as error:
        raise DataError(Message("{line} is no audit entry.", line=name)) from error
    return found


def _columns(entry: AuditRow) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in (*_SEALED, "sha256")}
