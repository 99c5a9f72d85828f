"""JSON for the pages: sessions, captures, remarks, the clock."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from prismseg.monitor.languages import Language
from prismseg.monitor.sessions.keeping import Shot
from prismseg.monitor.sessions.records import Cold
from prismseg.monitor.sessions.rehearsal import rehearse
from prismseg.monitor.store import get_row
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web.desk import Desk, Number, TheDesk, TheLanguage, Who
from prismseg.monitor.web.state import listed, state_of
from prismseg.thermal import View

router = APIRouter(prefix="/api")
State = dict[str, Any]


class Strict(BaseModel):
    """What a request may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        for text in value.values() if isinstance(value, dict) else [value]:
            if isinstance(text, str) and "\0" in text:
                raise ValueError("the character NUL cannot be kept")  # PostgreSQL takes it nowhere
        return value


class NewSession(Strict):
    """Begin a session."""

    code: str = Field(min_length=1, max_length=40)
    view: View | None = None


class ChangedDetails(Strict):
    """Any of `prismseg.monitor.sessions.records.Details`, checked there."""

    changed: dict[str, str | int | float | None] = Field(max_length=20)


class Dose(Strict):
    """The test dose was given, now or a while ago."""

    seconds_ago: float = Field(default=0.0, ge=0, le=12 * 3600, allow_inf_nan=False)


class NewCapture(Strict):
    """Take a frame; the key makes a repeated request harmless."""

    key: str = Field(default_factory=lambda: uuid.uuid4().hex, min_length=8, max_length=64)


class Reason(Strict):
    """Why a capture is taken out."""

    reason: str = Field(min_length=1, max_length=200)


class ChangedRemarks(Strict):
    """Pain, cold test and note of a capture; what is left out stays."""

    pain: int | None = Field(default=None, ge=0, le=10)
    cold_left: Cold | None = None
    cold_right: Cold | None = None
    note: str = Field(default="", max_length=200)


class ChangedView(Strict):
    """How the camera sees the soles."""

    view: View


class Closing(Strict):
    """Close a session, or open it again."""

    closed: bool = True


@router.get("/sessions")
def list_sessions(
    desk: TheDesk,
    text: Annotated[str, Query(max_length=40)] = "",
    page: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> State:
    """One page of sessions, the newest first."""
    with desk.store.read() as db:
        rows, total = listed(db, text.strip(), page)
    return {"sessions": rows, "total": total, "page": page}


@router.post("/sessions", status_code=201)
def begin_session(desk: TheDesk, who: Who, body: NewSession) -> State:
    """Begin a session."""
    view = body.view or desk.settings.view
    key = desk.ward.begin(who, {"code": body.code}, view=view, camera=str(desk.camera.name))
    rehearse(desk.camera, None)
    return {"id": key}


@router.get("/sessions/{session}")
def show_session(desk: TheDesk, language: TheLanguage, session: str) -> State:
    """All that the page of a session shows."""
    return session_state(desk, language, session)


@router.patch("/sessions/{session}/details")
def change_details(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: ChangedDetails) -> State:
    """Change details; all others stay."""
    desk.ward.describe(who, session, body.changed)
    return session_state(desk, language, session)


@router.patch("/sessions/{session}/view")
def change_view(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: ChangedView) -> State:
    """State how the camera sees the soles."""
    desk.ward.set_view(who, session, body.view)
    return session_state(desk, language, session)


@router.post("/sessions/{session}/dose")
def give_dose(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: Dose) -> State:
    """Start the clock, or correct when it was started."""
    desk.ward.give_dose(who, session, seconds_ago=body.seconds_ago)
    rehearse(desk.camera, body.seconds_ago)
    return session_state(desk, language, session)


@router.post("/sessions/{session}/closing")
def close_session(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: Closing) -> State:
    """Close a session, or open it again."""
    desk.ward.close(who, session, closed=body.closed)
    return session_state(desk, language, session)


@router.post("/sessions/{session}/captures", status_code=201)
def capture(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: NewCapture) -> State:
    """Take a frame, keep it, measure it."""
    # A repeated request is answered also when the camera has gone since.
    number = desk.ward.captured(session, body.key)
    if number is None:
        frame = desk.camera.frame()
        shot = Shot(frame, body.key, camera=str(desk.camera.name), taken_at=desk.clock())
        number = desk.ward.capture(who, session, shot)
    return {"number": number, "session": session_state(desk, language, session)}


@router.post("/sessions/{session}/captures/{number}/removal")
def take_out(desk: TheDesk, language: TheLanguage, who: Who, session: str, number: Number, body: Reason) -> State:
    """Take a capture out, with the reason."""
    desk.ward.take_out(who, session, number, body.reason)
    return session_state(desk, language, session)


@router.patch("/sessions/{session}/captures/{number}/remarks")
def remark(
    desk: TheDesk, language: TheLanguage, who: Who, session: str, number: Number, body: ChangedRemarks
) -> State:
    """Change pain, cold test or note."""
    desk.ward.remark(who, session, number, body.model_dump(exclude_unset=True))
    return session_state(desk, language, session)


@router.post("/sessions/{session}/captures/{number}/mask/{step}")
def step_mask(
    desk: TheDesk, language: TheLanguage, who: Who, session: str, number: Number, step: Literal["undo", "redo"]
) -> State:
    """Undo or redo a correction of the mask."""
    (desk.ward.undo if step == "undo" else desk.ward.redo)(who, session, number)
    return session_state(desk, language, session)


@router.get("/status")
def status(desk: TheDesk, language: TheLanguage) -> State:
    """Camera, clock, audit file, versions."""
    made_with = desk.measurer.provenance
    return {
        "camera": language(desk.camera.name),
        "now": desk.clock().isoformat(timespec="milliseconds"),
        "clock_jump": desk.clock.jump,
        "trail_fault": desk.store.trail_fault,
        "application": made_with.application,
        "model": made_with.model,
        "model_hash": made_with.model_hash,
        "template_hash": made_with.template_hash,
    }


@router.post("/touch")
def touch() -> Response:
    """Keep the page unlocked."""
    return Response(status_code=204)


def session_state(desk: Desk, language: Language, session: str) -> State:
    """Describe a session as it is now."""
    with desk.store.read() as db:
        return state_of(db, get_row(db, SessionRow, session), language, desk.clock())
