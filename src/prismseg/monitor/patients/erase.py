"""Erasing a patient on request: rows, files and old values are deleted; the audit chain stays whole and tells that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Database

from prismseg.base import Message
from prismseg.monitor.sessions.details import plain_code, similar_code
from prismseg.monitor.store import NotFound, SessionStore, erase_files
from prismseg.monitor.store.audit import ERASED
from prismseg.monitor.store.schema import (
    AuditRow,
    AuditValuesRow,
    CaptureRow,
    MaskRow,
    PixelRow,
    ResultRow,
    SessionRow,
)

Cause = Literal["request", "retention", "mistake"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
"""The patient's request; the time for which data are kept is over; entered by mistake. Free text might name her."""


@dataclass(frozen=True)
class Erased:
    """What was erased.

    Attributes
    ----------
    sessions, files : int
        How many.
    similar : tuple of str
        Codes that are written almost the same and were left: capitals or blanks differ.
    """

    sessions: int
    files: int
    similar: tuple[str, ...] = ()


def erase_patient(store: SessionStore, who: str, code: str, cause: Cause) -> Erased:
    """Delete all sessions of a code for ever: captures, masks, results, files, and what the audit knew of their values.

    The audit entries themselves stay, without a word that staff wrote; one more says which rows were erased, when and by
    whom.
    Copies that were made before are not reached.

    Raises
    ------
    NotFound
        When no session has that code.
    OutputError
        When the store cannot be written; then nothing is erased.
    """
    code = plain_code(code)
    with store.write() as transaction:
        db = transaction.db
        similar = _similar(db, code)
        sessions = list(db.scalars(select(SessionRow.id).where(SessionRow.code == code)))
        if not sessions:
            if similar:
                others = ", ".join(similar)
                raise NotFound(
                    Message(
                        "There is no session with the code {code}, but with {others}.", code=code, others=others
                    )
                )
            raise NotFound(Message("There is no session with the code {code}.", code=code))
        captures = list(db.scalars(select(CaptureRow.id).where(CaptureRow.session_id.in_(sessions))))
        masks = list(db.scalars(select(MaskRow.id).where(MaskRow.capture_id.in_(captures))))
        results = list(db.scalars(select(ResultRow.id).where(ResultRow.capture_id.in_(captures))))
        rows = {
            "sessions": sessions,
            "captures": captures,
            "masks": masks,
            "results": results,
        }
        subjects = [f"{table}/{key}" for table, keys in rows.items() for key in keys]
        files = sorted(
            {
                *db.scalars(select(CaptureRow.frame_sha256).where(CaptureRow.id.in_(captures))),
                *db.scalars(select(MaskRow.file_sha256).where(MaskRow.id.in_(masks))),
            }
        )
        _delete_values(db, subjects)
        for part in _parts(captures):
            db.execute(delete(PixelRow).where(PixelRow.capture_id.in_(part)))
        for kind, keys in ((ResultRow, results), (MaskRow, masks), (CaptureRow, captures), (SessionRow, sessions)):
            for part in _parts(keys):
                db.execute(delete(kind).where(kind.id.in_(part)))
        transaction.note(who, ERASED, f"sessions/{sessions[0]}", cause=cause, rows=subjects, files=files)
    return Erased(len(sessions), erase_files(store, files), similar)


def count_sessions(store: SessionStore, code: str) -> int:
    """Count the sessions of a code."""
    with store.read() as db:
        return db.scalar(select(func.count()).where(SessionRow.code == plain_code(code))) or 0


def find_similar(store: SessionStore, code: str) -> tuple[str, ...]:
    """List the codes that people would take for this one, but which are written in another way."""
    with store.read() as db:
        return _similar(db, code)


def _similar(db: Database, code: str) -> tuple[str, ...]:
    codes = db.scalars(select(SessionRow.code).distinct())
    return tuple(sorted(each for each in codes if each != code and similar_code(each) == similar_code(code)))


def expired_codes(store: SessionStore, days: float) -> list[str]:
    """List codes whose sessions are all closed or imported, and begun or imported longer ago than so many days."""
    before = store.clock() - timedelta(days=days)
    with store.read() as db:
        query = (
            select(SessionRow.code)
            .group_by(SessionRow.code)
            .having(func.max(SessionRow.created_at) < before)
            .having(func.count().filter(SessionRow.closed_at.is_(None), SessionRow.origin != "import") == 0)
        )
        return sorted(db.scalars(query))


def _delete_values(db: Database, subjects: list[str]) -> None:
    for part in _parts(subjects):
        sequence = select(AuditRow.seq).where(AuditRow.subject.in_(part))
        db.execute(delete(AuditValuesRow).where(AuditValuesRow.seq.in_(sequence)))


def _parts(keys: list[str]) -> Iterable[list[str]]:
    """Split what is asked for: databases take only so many at once."""
    return (keys[start : start + 500] for start in range(0, len(keys), 500))
