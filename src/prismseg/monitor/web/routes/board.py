"""The ward's board of all running sessions, and captures that are skipped."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from prismseg.monitor.sessions.admission import skip_capture
from prismseg.monitor.web.dependencies import (
    AccountDep,
    ClockDep,
    LanguageDep,
    RendererDep,
    SessionViewDep,
    SettingsDep,
    StoreDep,
    UserDep,
)
from prismseg.monitor.web.routes.bodies import JsonObject, SkipBody
from prismseg.monitor.web.state import describe_board, format_time

router = APIRouter()


@router.get("/board", response_class=HTMLResponse)
def board_page(
    request: Request, render: RendererDep, settings: SettingsDep, language: LanguageDep
) -> HTMLResponse:
    """All running sessions on one screen."""
    return render(request, "board.html", language, schedule=list(settings.schedule))


@router.get("/api/board")
def board(store: StoreDep, clock: ClockDep, account: AccountDep, language: LanguageDep) -> JsonObject:
    """Give what the board shows, asked for again and again."""
    now = clock()
    with store.read() as db:
        return {"now": format_time(now), "sessions": describe_board(db, language, now, account.sees_ward)}


@router.post("/api/sessions/{session}/skips")
def skip(store: StoreDep, view: SessionViewDep, who: UserDep, session: str, body: SkipBody) -> JsonObject:
    """Say that a capture is not taken, and why."""
    skip_capture(store, who, session, body.minute, body.reason)
    return view(session)
