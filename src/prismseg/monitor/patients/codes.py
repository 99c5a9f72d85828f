"""Warnings about codes: used before, or perhaps a name. A warning, never a refusal: a ward knows its codes."""

from __future__ import annotations

import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from prismseg.base import Message
from prismseg.monitor.sessions.details import plain_code, similar_code
from prismseg.monitor.store.schema import SessionRow

_WORD = re.compile(r"[^\W\d_]{3,}")
_BIRTH = re.compile(r"\b(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2})\b")
_NATIONAL = re.compile(r"\b(?:\d{7,8}[ -]?[A-Za-z]|[XYZ][ -]?\d{7}[ -]?[A-Za-z]|\d{9,12})\b")
# Words that codes of studies and wards have.
_CODE_WORDS = frozenset(
    {
        *("case", "control", "demo", "group", "import", "patient", "pilot", "sample", "session", "study", "test"),
        *("bed", "epidural", "labor", "labour", "room", "ward"),
        *("cama", "caso", "grupo", "paciente", "piloto", "sala", "sesion", "sesión"),
    }
)


def code_warnings(db: Database, code: str, ward: str | None = None, session: str = "") -> list[Message]:
    """Say what speaks against a code for a new session, or for one that gets another code.

    Parameters
    ----------
    db : Database
        Open transaction.
    code : str
        As typed.
    ward : str, optional
        The only ward whose sessions may be spoken of.
    session : str
        Key of the session that gets the code; it is no other use of it.
    """
    code = plain_code(code)
    found: list[Message] = []
    query = select(SessionRow.code, func.count(), func.max(SessionRow.created_at)).group_by(SessionRow.code)
    query = query.where(SessionRow.id != session)
    if ward is not None:
        query = query.where((SessionRow.ward == ward) | SessionRow.ward.is_(None))
    # Compared here: databases know the capitals of ASCII alone.
    alike = [each for each in db.execute(query) if similar_code(each[0]) == similar_code(code)]
    if alike:
        count, day = sum(count for _, count, _ in alike), f"{max(last for *_, last in alike):%Y-%m-%d}"
        found.append(
            Message("This code was used before, on {day}. Another patient needs another code.", day=day)
            if count == 1
            else Message(
                "This code was used before: {count} sessions, the last on {day}. Another patient needs another code.",
                count=count,
                day=day,
            )
        )
    other = sorted(each for each, *_ in alike if each != code)
    if other:
        found.append(
            Message(
                "It was written {others}. If it is the same patient, write it the same way: else nobody finds both.",
                others=", ".join(other),
            )
        )
    if looks_like_name(code):
        found.append(Message("This looks like a name. State no names: use a code that only your ward can trace."))
    if _BIRTH.search(code) or _NATIONAL.search(code):
        found.append(
            Message("This looks like a date of birth or the number of a document. Use a code without either.")
        )
    return found


def looks_like_name(code: str) -> bool:
    """Tell whether a code has two words of letters beside each other, or one that is written like a name."""
    words = [word for word in _WORD.findall(code) if word.lower() not in _CODE_WORDS]
    if len(words) >= 2:
        return True
    return any(word[0].isupper() and word[1:].islower() for word in words)
