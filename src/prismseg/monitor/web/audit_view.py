"""The audit as people read it: newest first, filtered, with old and new values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session as Database

from prismseg.monitor.report.tables.tidy import escape_formula
from prismseg.monitor.store.changes import without_invented_times
from prismseg.monitor.store.schema import (
    AuditRow,
    AuditValuesRow,
    Base,
    CaptureRow,
    MaskRow,
    ResultRow,
    SessionRow,
)

PAGE_SIZE = 100
_HASHES = frozenset({"values_sha256", "frame", "file"})
# What the measuring adds by itself after each change.
_MACHINE = "prismseg"


@dataclass(frozen=True)
class AuditFilter:
    """Which entries are shown.

    Attributes
    ----------
    who, action : str
        Exactly; empty for all.
    code : str
        Of the session, exactly; empty for all.
    first, last : date or None
        Days where the monitor is, both included.
    machine : bool
        Show what the measuring did by itself, too.
    """

    who: str = ""
    action: str = ""
    code: str = ""
    first: date | None = None
    last: date | None = None
    machine: bool = False


@dataclass(frozen=True)
class AuditLine:
    """One entry.

    Attributes
    ----------
    seq : int
        Its number in the chain.
    at : datetime
        When.
    who, action : str
        Who did what.
    subject : str
        What it is about, as stored: a row by its table and key, or a word.
    session, code : str
        Session that it is about, and its code; empty where there is none, or where its patient was erased.
    about : str
        What else it is about: a capture, a user, a log-in.
    changes : tuple of (str, str, str)
        Field, old value, new value.
    more : tuple of (str, str)
        Whatever else was written down.
    """

    seq: int
    at: datetime
    who: str
    action: str
    subject: str
    session: str
    code: str
    about: str
    changes: tuple[tuple[str, str, str], ...]
    more: tuple[tuple[str, str], ...]


def list_audit(db: Database, wanted: AuditFilter, page: int | None) -> tuple[list[AuditLine], int]:
    """One page of entries, the newest first, and how many there are; without a page all of them."""
    query = _filtered(db, wanted)
    total = db.scalar(select(func.count()).select_from(query.subquery())) or 0
    query = query.order_by(AuditRow.seq.desc())
    if page is not None:
        query = query.offset(page * PAGE_SIZE).limit(PAGE_SIZE)
    entries: list[AuditRow] = list(db.scalars(query))
    values = {
        row.seq: row.text
        for part in _parts([entry.seq for entry in entries])
        for row in db.scalars(select(AuditValuesRow).where(AuditValuesRow.seq.in_(part)))
    }
    subjects = list(dict.fromkeys(entry.subject for entry in entries))
    places, imported = _places(db, subjects), _imported(db, subjects)
    return [_line(entry, values.get(entry.seq), places, imported.get(entry.subject)) for entry in entries], total


def choices(db: Database) -> tuple[list[str], list[str]]:
    """List who has done something, and what."""
    who = sorted(db.scalars(select(AuditRow.who).distinct()))
    return who, sorted(db.scalars(select(AuditRow.action).distinct()))


def audit_csv(lines: Iterable[AuditLine]) -> bytes:
    """Write entries as CSV, one row for each field that was changed, in UTF-8 with a mark by which Excel knows it."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\r\n")
    table.writerow(("number", "at", "who", "action", "session", "code", "about", "field", "before", "after"))
    for line in lines:
        told = [*line.changes, *((name, "", value) for name, value in line.more)] or [("", "", "")]
        for change in told:
            row = (
                line.seq,
                line.at.astimezone().isoformat(),
                line.who,
                line.action,
                line.session,
                line.code,
                line.about,
                *change,
            )
            table.writerow([escape_formula(cell) for cell in row])
    return buffer.getvalue().encode("utf-8-sig")


def _filtered(db: Database, wanted: AuditFilter) -> Select[Any]:
    query = select(AuditRow)
    if not wanted.machine:
        query = query.where(AuditRow.who != _MACHINE)
    if wanted.who:
        query = query.where(AuditRow.who == wanted.who)
    if wanted.action:
        query = query.where(AuditRow.action == wanted.action)
    if wanted.first is not None:
        query = query.where(AuditRow.at >= _begin(wanted.first))
    if wanted.last is not None:
        query = query.where(AuditRow.at < _begin(wanted.last + timedelta(days=1)))
    if wanted.code:
        sessions = select(SessionRow.id).where(SessionRow.code == wanted.code)
        captures = select(CaptureRow.id).where(CaptureRow.session_id.in_(sessions))
        about = [
            AuditRow.subject.in_(select("sessions/" + SessionRow.id).where(SessionRow.code == wanted.code)),
            AuditRow.subject.in_(select("captures/" + CaptureRow.id).where(CaptureRow.session_id.in_(sessions))),
            AuditRow.subject.in_(select("masks/" + MaskRow.id).where(MaskRow.capture_id.in_(captures))),
            AuditRow.subject.in_(select("results/" + ResultRow.id).where(ResultRow.capture_id.in_(captures))),
        ]
        query = query.where(or_(*about))
    return query


def _begin(day: date) -> datetime:
    """Give the moment at which a day begins where the monitor is, which is not UTC's."""
    return datetime.combine(day, time()).astimezone()


def _parts(keys: list[Any]) -> Iterable[list[Any]]:
    """Split what is asked for: databases take only so many at once."""
    return (keys[start : start + 500] for start in range(0, len(keys), 500))


def _places(db: Database, subjects: list[str]) -> dict[str, tuple[str, str, int | None]]:
    """Find session, code and number of the capture of each subject that is in the database."""
    found: dict[str, tuple[str, str, int | None]] = {}
    keys: dict[str, list[str]] = {}
    for subject in subjects:
        table, _, key = subject.partition("/")
        keys.setdefault(table, []).append(key)
    columns = (SessionRow.id, SessionRow.code)
    captured = (*columns, CaptureRow.number)
    queries: dict[str, Any] = {
        "sessions": select(SessionRow.id, *columns),
        "captures": select(CaptureRow.id, *captured).join(SessionRow, SessionRow.id == CaptureRow.session_id),
        "masks": select(MaskRow.id, *captured)
        .join(CaptureRow, CaptureRow.id == MaskRow.capture_id)
        .join(SessionRow, SessionRow.id == CaptureRow.session_id),
        "results": select(ResultRow.id, *captured)
        .join(CaptureRow, CaptureRow.id == ResultRow.capture_id)
        .join(SessionRow, SessionRow.id == CaptureRow.session_id),
    }
    kinds: dict[str, Any] = {
        "sessions": SessionRow,
        "captures": CaptureRow,
        "masks": MaskRow,
        "results": ResultRow,
    }
    for table, query in queries.items():
        for part in _parts(keys.get(table, [])):
            for key, session, code, *number in db.execute(query.where(kinds[table].id.in_(part))):
                found[f"{table}/{key}"] = (session, code, number[0] if number else None)
    return found


def _imported(db: Database, subjects: list[str]) -> dict[str, Base]:
    """Find those of the subjects that are imported sessions, or captures of one."""
    found: dict[str, Base] = {}
    ours = select(SessionRow.id).where(SessionRow.origin == "import")
    for part in _parts([subject.partition("/")[2] for subject in subjects]):
        for row in db.scalars(select(SessionRow).where(SessionRow.id.in_(part), SessionRow.id.in_(ours))):
            found[f"sessions/{row.id}"] = row
        for capture in db.scalars(
            select(CaptureRow).where(CaptureRow.id.in_(part), CaptureRow.session_id.in_(ours))
        ):
            found[f"captures/{capture.id}"] = capture
    return found


def _line(
    entry: AuditRow, text: str | None, places: dict[str, tuple[str, str, int | None]], imported: Base | None
) -> AuditLine:
    detail: dict[str, Any] = json.loads(entry.detail)
    values: dict[str, list[Any]] = without_invented_times(json.loads(text) if text else {}, imported)
    changed = detail.pop("changed", {})
    if isinstance(changed, dict):  # of settings; of rows only the names, and the values are apart
        values |= changed
    detail.pop("settings", None)
    session, code, number = places.get(entry.subject, ("", "", None))
    number = number or detail.pop("capture", None) or detail.pop("number", None)
    about = f"#{number}" if number else "" if session else entry.subject.partition("/")[2] or entry.subject
    return AuditLine(
        entry.seq,
        entry.at,
        entry.who,
        entry.action,
        entry.subject,
        session,
        code,
        about,
        tuple((name, _text(before), _text(after)) for name, (before, after) in values.items()),
        tuple((name, _text(value)) for name, value in detail.items() if name not in _HASHES),
    )


def _text(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
