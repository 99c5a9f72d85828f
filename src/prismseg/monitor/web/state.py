"""Sessions as the pages see them: plain data, sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session as Database

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.monitor.languages.flag_texts import caveat_of, threshold_of, title_of, value_of
from prismseg.monitor.sessions.admission import find_holder, is_import, shown_to
from prismseg.monitor.sessions.details import Details
from prismseg.monitor.store import SessionStore, get_row, latest_results, list_captures
from prismseg.monitor.store.schema import CaptureRow, MaskRow, ResultRow, SessionRow
from prismseg.thermal import REGIONS, SIDES

PAGE_SIZE = 50


def list_sessions(db: Database, text: str, page: int, ward: str | None = None) -> tuple[list[dict[str, Any]], int]:
    """One page of sessions, the newest first, and how many there are.

    Parameters
    ----------
    text : str
        Part of a code or of a note; empty for all.
    page : int
        From 0.
    ward : str, optional
        Leave out those of other wards.
    """
    query = select(SessionRow)
    if ward is not None:
        query = query.where(or_(SessionRow.ward == ward, SessionRow.ward.is_(None)))
    if text:
        query = query.where(or_(SessionRow.code.icontains(text, autoescape=True), SessionRow.id == text))
    total = db.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = list(
        db.scalars(
            query.order_by(SessionRow.created_at.desc(), SessionRow.id).offset(page * PAGE_SIZE).limit(PAGE_SIZE)
        )
    )
    counts = dict(
        db.execute(
            select(CaptureRow.session_id, func.count())
            .where(CaptureRow.session_id.in_([row.id for row in rows]), CaptureRow.deleted_at.is_(None))
            .group_by(CaptureRow.session_id)
        ).all()
    )
    return [
        {
            "id": row.id,
            "code": row.code,
            "created_at": format_time(row.created_at),
            "test_dose_at": format_time(row.test_dose_at),
            "closed_at": format_time(row.closed_at),
            "origin": row.origin,
            "state": state_of(row),
            "has_camera": row.camera_since is not None,
            "captures": counts.get(row.id, 0),
            "flags": [(flag["name"], flag["level"]) for flag in row.flags if flag["name"] != "quality"],
        }
        for row in rows
    ], total


@dataclass(frozen=True)
class SessionView:
    """Describes sessions as they are now, in the language of whoever asks, without codes of wards they do not see."""

    store: SessionStore
    clock: Callable[[], datetime]
    language: Language
    ward: str | None = None

    def __call__(self, session: str) -> dict[str, Any]:
        """Describe a session with all that its page shows.

        Raises
        ------
        NotFound
            When there is no such session.
        """
        with self.store.read() as db:
            return describe_session(db, get_row(db, SessionRow, session), self.language, self.clock(), self.ward)


def state_of(session: SessionRow) -> Literal["running", "closed", "imported"]:
    """Tell what can be done with a session: only a running one has a clock, a live picture and captures to come."""
    if is_import(session):
        return "imported"
    return "running" if session.closed_at is None else "closed"


def describe_session(
    db: Database, session: SessionRow, language: Language, now: datetime, ward: str | None = None
) -> dict[str, Any]:
    """All that the page of a session shows; of a session that `ward` does not see only that it has the camera."""
    captures = list_captures(db, session.id, deleted=True)
    holder = find_holder(db)
    results = latest_results(db, session.id)
    masks = _masks(db, session.id)
    shown = [
        _capture(row, results.get(row.id), masks.get(row.id, []), language)
        for row in captures
        if row.deleted_at is None
    ]
    return {
        "id": session.id,
        "code": session.code,
        "details": session.details,
        "bmi": Details.model_validate(session.details).bmi,
        "view": session.view,
        "camera": session.camera,
        "origin": session.origin,
        "state": state_of(session),
        "has_camera": session.camera_since is not None,
        "camera_with": None if holder is None else _holder(holder, ward),
        "created_at": format_time(session.created_at),
        "dosed": is_import(session) or session.test_dose_at is not None,
        "test_dose_at": format_time(session.test_dose_at),
        "closed_at": format_time(session.closed_at),
        "signed_at": format_time(session.signed_at),
        "signed_by": session.signed_by,
        "signed_typed": bool(session.signed_typed),
        "revision": session.revision,
        "now": format_time(now),
        "has_baseline": any(each["baseline"] for each in shown),
        "captures": shown,
        "skipped": session.skipped or [],
        "deleted": [
            {
                "number": row.number,
                "taken_at": format_time(row.taken_at),
                "deleted_at": format_time(row.deleted_at),
                "by": row.deleted_by,
                "reason": row.deleted_reason,
            }
            for row in captures
            if row.deleted_at is not None
        ],
        "flags": [describe_flag(flag, language) for flag in session.flags],
        "regions": [{"name": name, "title": language(Message(name))} for name in REGIONS],
        "sides": [{"name": name, "title": language(Message(name))} for name in SIDES],
    }


def describe_board(
    db: Database, language: Language, now: datetime, ward: str | None = None
) -> list[dict[str, Any]]:
    """Describe what the ward's board shows of each running session, the newest first; `ward` leaves out others'."""
    query = select(SessionRow).where(SessionRow.closed_at.is_(None))
    if ward is not None:
        query = query.where(or_(SessionRow.ward == ward, SessionRow.ward.is_(None)))
    rows = db.scalars(query.order_by(SessionRow.created_at.desc(), SessionRow.id).limit(PAGE_SIZE))
    return [_bed(describe_session(db, row, language, now, ward)) for row in rows if state_of(row) == "running"]


def _holder(session: SessionRow, ward: str | None) -> dict[str, str | None]:
    shown = shown_to(session, ward)
    return {"id": session.id if shown else None, "code": session.code if shown else None}


def _bed(session: Mapping[str, Any]) -> dict[str, Any]:
    measured = [each for each in session["captures"] if each["measured"]]
    last = measured[-1] if measured and session["has_baseline"] else None
    whole = session["regions"][0]["name"]
    kept = ("id", "code", "test_dose_at", "has_baseline", "has_camera", "flags")
    return {
        **{name: session[name] for name in kept},
        "skipped": [skip["minute"] for skip in session["skipped"]],  # whose reasons and names are no board's
        "minutes": [each["minute"] for each in session["captures"] if each["minute"] is not None],
        "last": last
        and {
            "minute": last["minute"],
            **{side: {name: last["values"][side][whole][name] for name in ("delta", "rate")} for side in SIDES},
        },
    }


def describe_flag(flag: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Describe a flag with its value, threshold, source and what it does not mean."""
    value, threshold = value_of(flag), threshold_of(flag)
    return {
        "name": flag["name"],
        "title": language(title_of(flag["name"])),
        "level": flag["level"],
        "side": flag["side"],
        "minutes": flag["minutes"],
        "sentence": translate_stored(flag["sentence"], language),
        "value": None if value is None else language(value),
        "threshold": None if threshold is None else language(threshold),
        "source": translate_stored(flag["source"], language),
        "caveat": language(caveat_of(flag["name"])),
    }


def translate_stored(data: Mapping[str, Any], language: Language) -> str:
    """Write a kept sentence in a language."""
    return language(Message.from_json(data))


def format_time(moment: datetime | None) -> str | None:
    """Write a time as JSON has it."""
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def _masks(db: Database, session: str) -> dict[str, list[MaskRow]]:
    query = (
        select(MaskRow)
        .join(CaptureRow, CaptureRow.id == MaskRow.capture_id)
        .where(CaptureRow.session_id == session)
        .order_by(MaskRow.number)
    )
    found: dict[str, list[MaskRow]] = {}
    for row in db.scalars(query):
        found.setdefault(row.capture_id, []).append(row)
    return found


def _capture(
    row: CaptureRow,
    result: ResultRow | None,
    masks: list[MaskRow],
    language: Language,
) -> dict[str, Any]:
    outcome = {} if result is None else result.outcome
    return {
        "number": row.number,
        "taken_at": format_time(row.taken_at),
        "size": [row.height, row.width],
        "minute": None if result is None else result.minute,
        "status": "" if result is None else result.status,
        "measured": result is not None and result.status == "measured",
        "reason": [translate_stored(each, language) for each in outcome.get("reason", [])],
        "cautions": [translate_stored(each, language) for each in outcome.get("cautions", [])],
        "baseline": outcome.get("baseline", False),
        "comparable": outcome.get("comparable", True),
        "values": outcome.get("values"),
        "differences": outcome.get("differences"),
        "parameters": row.parameters,
        "frame": row.frame_sha256,
        "remarks": row.remarks,
        "mask": _mask(row, masks),
    }


def _mask(row: CaptureRow, masks: list[MaskRow]) -> dict[str, Any] | None:
    chosen = next((mask for mask in masks if mask.id == row.mask_id), None)
    if chosen is None:
        return None
    by_hand = chosen.origin == "edited"
    return {
        "id": chosen.id,
        "number": chosen.number,
        "origin": chosen.origin,
        "edited_by": chosen.created_by if by_hand else "",
        "edited_at": format_time(chosen.created_at) if by_hand else None,
        "can_undo": chosen.parent_id is not None,
        "can_redo": any(mask.parent_id == chosen.id for mask in masks),
    }
