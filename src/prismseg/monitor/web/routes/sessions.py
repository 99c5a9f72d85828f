"""Sessions: begin, list, show, describe, dose, close."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from prismseg.monitor.sessions.admission import bring_camera
from prismseg.monitor.sessions.demonstration import set_simulated_dose
from prismseg.monitor.sessions.times import DoseStatement
from prismseg.monitor.web.dependencies import (
    AccountDep,
    CameraDep,
    ClockDep,
    GuardDep,
    LanguageDep,
    LiveDep,
    SegmenterDep,
    SessionsDep,
    SessionViewDep,
    SettingsDep,
    StoreDep,
    UserDep,
)
from prismseg.monitor.web.routes.bodies import (
    ClosingBody,
    DetailsBody,
    DoseBody,
    JsonObject,
    SessionBody,
    SignatureBody,
    ViewBody,
)
from prismseg.monitor.web.state import list_sessions

router = APIRouter(prefix="/api")


@router.get("/sessions")
def get_sessions(
    store: StoreDep,
    account: AccountDep,
    text: Annotated[str, Query(max_length=40)] = "",
    page: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> JsonObject:
    """One page of sessions, the newest first."""
    with store.read() as db:
        rows, total = list_sessions(db, text.strip(), page, account.sees_ward)
    return {"sessions": rows, "total": total, "page": page}


@router.post("/sessions", status_code=201)
def begin_session(
    sessions: SessionsDep,
    camera: CameraDep,
    live: LiveDep,
    settings: SettingsDep,
    who: UserDep,
    account: AccountDep,
    body: SessionBody,
) -> JsonObject:
    """Begin a session; the camera comes to it, from another running one only where that is asked for."""
    key = sessions.begin(
        who,
        {"code": body.code, "one_foot": body.one_foot},
        view=body.view or settings.view,
        camera=str(camera.name),
        ward=account.ward,
        take_camera=body.take_camera,
    )
    live.forget()
    set_simulated_dose(camera, None)
    return {"id": key}


@router.post("/sessions/{session}/camera")
def take_camera(
    store: StoreDep, view: SessionViewDep, camera: CameraDep, live: LiveDep, who: UserDep, session: str
) -> JsonObject:
    """Bring the camera to a running session, from whichever has it."""
    bring_camera(store, who, session, str(camera.name))
    live.forget()
    shown = view(session)
    set_simulated_dose(camera, _seconds_since(shown["test_dose_at"], shown["now"]))
    return shown


@router.get("/sessions/{session}")
def show_session(view: SessionViewDep, session: str) -> JsonObject:
    """All that the page of a session shows."""
    return view(session)


@router.patch("/sessions/{session}/details")
def change_details(
    sessions: SessionsDep, view: SessionViewDep, who: UserDep, session: str, body: DetailsBody
) -> JsonObject:
    """Change details; all others stay."""
    sessions.update_details(who, session, body.changed)
    return view(session)


@router.patch("/sessions/{session}/view")
def change_view(
    sessions: SessionsDep, view: SessionViewDep, who: UserDep, session: str, body: ViewBody
) -> JsonObject:
    """State how the camera sees the soles."""
    sessions.set_view(who, session, body.view)
    return view(session)


@router.post("/sessions/{session}/dose")
def record_dose(
    sessions: SessionsDep,
    view: SessionViewDep,
    camera: CameraDep,
    who: UserDep,
    session: str,
    body: DoseBody,
) -> JsonObject:
    """Start the clock, or correct when it was started."""
    shown = (body.before,) if "before" in body.model_fields_set else None
    sessions.record_dose(who, session, stated=DoseStatement(body.seconds_ago, body.at, shown))
    described = view(session)
    set_simulated_dose(camera, _seconds_since(described["test_dose_at"], described["now"]))
    return described


@router.post("/sessions/{session}/closing")
def close_session(
    sessions: SessionsDep, view: SessionViewDep, live: LiveDep, who: UserDep, session: str, body: ClosingBody
) -> JsonObject:
    """Close a session, which locks it, or open it again and say why."""
    had_camera = view(session)["has_camera"]
    if body.closed:
        sessions.close(who, session)
    else:
        sessions.reopen(who, session, body.reason)
    described = view(session)
    if had_camera or described["has_camera"]:
        live.forget()  # what the camera shows now is of another session; to others' pictures nothing has happened
    return described


@router.post("/sessions/{session}/signature")
def sign_session(
    sessions: SessionsDep, view: SessionViewDep, who: UserDep, session: str, body: SignatureBody
) -> JsonObject:
    """Answer for the record of a closed session."""
    sessions.sign(who, session, body.name)
    return view(session)


@router.get("/status")
def status(
    camera: CameraDep, clock: ClockDep, store: StoreDep, segmenter: SegmenterDep, language: LanguageDep
) -> JsonObject:
    """Camera, clock, audit file, versions."""
    made_with = segmenter.provenance
    return {
        "camera": language(camera.name),
        "now": clock().isoformat(timespec="milliseconds"),
        "clock_jump": clock.jump,
        "trail_fault": language(store.trail_fault),
        "application": made_with.application,
        "model": made_with.model,
        "model_hash": made_with.model_hash,
        "template_hash": made_with.template_hash,
    }


@router.get("/lock")
def lock(request: Request, guard: GuardDep) -> JsonObject:
    """Tell in how many seconds the pages of this browser are locked; asking touches nothing."""
    return {"seconds": max(0.0, guard.browsers.seconds_left(request.state.browser))}


@router.post("/touch")
def touch() -> Response:
    """Keep the page unlocked."""
    return Response(status_code=204)


def _seconds_since(moment: str | None, now: str) -> float | None:
    return (
        None if moment is None else (datetime.fromisoformat(now) - datetime.fromisoformat(moment)).total_seconds()
    )
