"""JSON for the pages: sessions, captures, remarks, the clock."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from prismseg.monitor.languages import Language
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.demonstration import set_simulated_dose
from prismseg.monitor.sessions.details import Cold
from prismseg.monitor.store import get_row
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web.desk import Desk, Number, TheDesk, TheLanguage, Who
from prismseg.monitor.web.state import listed, state_of
from prismseg.thermal import View

router = APIRouter(prefix="/api")
State = dict[str, Any]


class StrictBody(BaseModel):
    """What a request may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        for text in value.values() if isinstance(value, dict) else [value]:
            if isinstance(text, str) and "\0" in text:
                raise ValueError("the character NUL cannot be kept")  # PostgreSQL takes it nowhere
        return value


class SessionBody(StrictBody):
    """Begin a session."""

    code: str = Field(min_length=1, max_length=40)
    view: View | None = None


class DetailsBody(StrictBody):
    """Any of `prismseg.monitor.sessions.details.Details`, checked there."""

    changed: dict[str, str | int | float | None] = Field(max_length=20)


class DoseBody(StrictBody):
    """The test dose was given, now or a while ago."""

    seconds_ago: float = Field(default=0.0, ge=0, le=12 * 3600, allow_inf_nan=False)


class CaptureBody(StrictBody):
    """Take a frame; the key makes a repeated request harmless."""

    key: str = Field(default_factory=lambda: uuid.uuid4().hex, min_length=8, max_length=64)


class ExclusionBody(StrictBody):
    """Why a capture is excluded."""

    reason: str = Field(min_length=1, max_length=200)


class RemarksBody(StrictBody):
    """Pain, cold test and note of a capture; what is left out stays."""

    pain: int | None = Field(default=None, ge=0, le=10)
    cold_left: Cold | None = None
    cold_right: Cold | None = None
    note: str = Field(default="", max_length=200)


class ViewBody(StrictBody):
    """How the camera sees the soles."""

    view: View


class ClosingBody(StrictBody):
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
def begin_session(desk: TheDesk, who: Who, body: SessionBody) -> State:
    """Begin a session."""
    view = body.view or desk.settings.view
    key = desk.service.begin(who, {"code": body.code}, view=view, camera=str(desk.camera.name))
    set_simulated_dose(desk.camera, None)
    return {"id": key}


@router.get("/sessions/{session}")
def show_session(desk: TheDesk, language: TheLanguage, session: str) -> State:
    """All that the page of a session shows."""
    return session_state(desk, language, session)


@router.patch("/sessions/{session}/details")
def change_details(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: DetailsBody) -> State:
    """Change details; all others stay."""
    desk.service.update_details(who, session, body.changed)
    return session_state(desk, language, session)


@router.patch("/sessions/{session}/view")
def change_view(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: ViewBody) -> State:
    """State how the camera sees the soles."""
    desk.service.set_view(who, session, body.view)
    return session_state(desk, language, session)


@router.post("/sessions/{session}/dose")
def give_dose(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: DoseBody) -> State:
    """Start the clock, or correct when it was started."""
    desk.service.record_dose(who, session, seconds_ago=body.seconds_ago)
    set_simulated_dose(desk.camera, body.seconds_ago)
    return session_state(desk, language, session)


@router.post("/sessions/{session}/closing")
def close_session(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: ClosingBody) -> State:
    """Close a session, or open it again."""
    desk.service.close(who, session, closed=body.closed)
    return session_state(desk, language, session)


@router.post("/sessions/{session}/captures", status_code=201)
def capture(desk: TheDesk, language: TheLanguage, who: Who, session: str, body: CaptureBody) -> State:
    """Take a frame, keep it, measure it."""
    # A repeated request is answered also when the camera has gone since.
    number = desk.service.find_capture(session, body.key)
    if number is None:
        frame = desk.camera.frame()
        new = NewCapture(frame, body.key, camera=str(desk.camera.name), taken_at=desk.clock())
        number = desk.service.capture(who, session, new)
    return {"number": number, "session": session_state(desk, language, session)}


@router.post("/sessions/{session}/captures/{number}/removal")
def exclude_capture(
    desk: TheDesk, language: TheLanguage, who: Who, session: str, number: Number, body: ExclusionBody
) -> State:
    """Exclude a capture, with the reason."""
    desk.service.exclude_capture(who, session, number, body.reason)
    return session_state(desk, language, session)


@router.patch("/sessions/{session}/captures/{number}/remarks")
def remark(
    desk: TheDesk, language: TheLanguage, who: Who, session: str, number: Number, body: RemarksBody
) -> State:
    """Change pain, cold test or note."""
    desk.service.update_remarks(who, session, number, body.model_dump(exclude_unset=True))
    return session_state(desk, language, session)


@router.post("/sessions/{session}/captures/{number}/mask/{step}")
def step_mask(
    desk: TheDesk, language: TheLanguage, who: Who, session: str, number: Number, step: Literal["undo", "redo"]
) -> State:
    """Undo or redo a correction of the mask."""
    (desk.service.undo_correction if step == "undo" else desk.service.redo_correction)(who, session, number)
    return session_state(desk, language, session)


@router.get("/status")
def status(desk: TheDesk, language: TheLanguage) -> State:
    """Camera, clock, audit file, versions."""
    made_with = desk.segmenter.provenance
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
