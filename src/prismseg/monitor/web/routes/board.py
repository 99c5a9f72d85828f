"""The ward's board of all running sessions, and captures that are skipped."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
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
from prismseg.monitor.web.routes.bodies import JsonObject, SkipBody, StayingBody
from prismseg.monitor.web.security.record import record_event
from prismseg.monitor.web.state import describe_board, format_time

router = APIRouter()


@router.get("/board", response_class=HTMLResponse)
def board_page(
    request: Request, render: RendererDep, settings: SettingsDep, language: LanguageDep
) -> HTMLResponse:
    """All running sessions on one screen."""
    stays = request.state.browser is not None and request.state.browser.board
    return render(request, "board.html", language, schedule=list(settings.schedule), stays=stays)


@router.get("/api/board")
def board(store: StoreDep, clock: ClockDep, account: AccountDep, language: LanguageDep) -> JsonObject:
    """Give what the board shows, asked for again and again."""
    now = clock()
    with store.read() as db:
        return {"now": format_time(now), "sessions": describe_board(db, language, now, account.sees_ward)}


@router.post("/api/board/staying", status_code=204)
def let_stay(request: Request, store: StoreDep, who: UserDep, body: StayingBody) -> Response:
    """Let this browser show the board, and nothing else, when it is locked; until log-out."""
    record_event(store, who, "board stays on" if body.on else "board is locked again", "board")
    request.state.browser.board = body.on
    return Response(status_code=204)


@router.post("/api/sessions/{session}/skips")
def skip(store: StoreDep, view: SessionViewDep, who: UserDep, session: str, body: SkipBody) -> JsonObject:
    """Say that a capture is not taken, and why."""
    skip_capture(store, who, session, body.minute, body.reason)
    return view(session)
