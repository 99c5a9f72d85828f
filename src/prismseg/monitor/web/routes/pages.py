"""Pages: sessions, one session, one capture, import, about; and what their scripts load."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from prismseg.monitor.languages import languages
from prismseg.monitor.live.pictures import colours
from prismseg.monitor.report import REPORT_FORMATS
from prismseg.monitor.sessions.admission import find_holder, name_session, shown_to
from prismseg.monitor.store import get_capture
from prismseg.monitor.web.dependencies import (
    AccountDep,
    CaptureNumber,
    HealthDep,
    LanguageDep,
    RendererDep,
    SegmenterDep,
    SessionViewDep,
    SettingsDep,
    StoreDep,
)
from prismseg.monitor.web.routes.bodies import JsonObject
from prismseg.monitor.web.security.responses import LANGUAGE_COOKIE, safe_path
from prismseg.monitor.web.state import PAGE_SIZE, list_sessions
from prismseg.thermal import FRAME_SUFFIXES

router = APIRouter()
_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another
_YEAR_SECONDS = 365 * 86400


@router.get("/", response_class=HTMLResponse)
def sessions_page(
    request: Request,
    render: RendererDep,
    store: StoreDep,
    account: AccountDep,
    language: LanguageDep,
    text: Annotated[str, Query(max_length=40)] = "",
    page: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> HTMLResponse:
    """All sessions, the newest first."""
    with store.read() as db:
        rows, total = list_sessions(db, text.strip(), page, account.sees_ward)
    return render(
        request,
        "sessions.html",
        language,
        sessions=rows,
        total=total,
        page=page,
        text=text,
        pages=-(-total // PAGE_SIZE),
    )


@router.get("/new", response_class=HTMLResponse)
def new_page(
    request: Request,
    render: RendererDep,
    settings: SettingsDep,
    store: StoreDep,
    account: AccountDep,
    language: LanguageDep,
) -> HTMLResponse:
    """Begin a session."""
    with store.read() as db:
        holder = find_holder(db)
        named = holder and language(name_session(holder, code=shown_to(holder, account.sees_ward)))
    code = "E-" + "".join(secrets.choice(_CODE_LETTERS) for _ in range(5))
    return render(request, "new.html", language, code=code, view=settings.view, holder=named)


@router.get("/import", response_class=HTMLResponse)
def import_page(
    request: Request, render: RendererDep, settings: SettingsDep, language: LanguageDep
) -> HTMLResponse:
    """Import files recorded elsewhere."""
    suffixes = ",".join(sorted(FRAME_SUFFIXES))
    return render(request, "import.html", language, suffixes=suffixes, view=settings.view)


@router.get("/sessions/{session}", response_class=HTMLResponse)
def session_page(
    request: Request,
    render: RendererDep,
    view: SessionViewDep,
    settings: SettingsDep,
    language: LanguageDep,
    session: str,
) -> HTMLResponse:
    """One session: live picture, captures, curves, flags, details."""
    return render(
        request,
        "session.html",
        language,
        state=view(session),
        schedule=list(settings.schedule),
        formats=[(each, language(each.title)) for each in REPORT_FORMATS.values() if each.available()],
    )


@router.get("/sessions/{session}/captures/{number}", response_class=HTMLResponse)
def capture_page(
    request: Request,
    render: RendererDep,
    view: SessionViewDep,
    store: StoreDep,
    language: LanguageDep,
    session: str,
    number: CaptureNumber,
) -> HTMLResponse:
    """One capture: outline and its correction, evidence, remarks."""
    with store.read() as db:
        get_capture(db, session, number)
    state = view(session)
    shown = sorted(capture["number"] for capture in state["captures"])
    others = [*[each for each in shown if each < number][-1:], *[each for each in shown if each > number][:1]]
    return render(request, "capture.html", language, state=state, number=number, others=others)


@router.get("/about", response_class=HTMLResponse)
def about_page(
    request: Request, render: RendererDep, segmenter: SegmenterDep, language: LanguageDep
) -> HTMLResponse:
    """Say what the monitor is and is not, and with what it measures."""
    return render(request, "about.html", language, made_with=segmenter.provenance)


@router.get("/language/{code}")
def choose_language(code: str, back: Annotated[str, Query(max_length=300)] = "/") -> Response:
    """Remember a language and go back."""
    answer = RedirectResponse(safe_path(back), status_code=303)
    if code in languages():
        answer.set_cookie(LANGUAGE_COOKIE, code, max_age=_YEAR_SECONDS, samesite="strict", path="/")
    return answer


@router.get("/static/words/{code}.json")
def translations(code: str) -> Response:
    """Give translations to the pages' scripts."""
    known = languages()
    if code not in known:
        return JSONResponse({}, status_code=404)
    return JSONResponse(dict(known[code].texts))


@router.get("/static/scale.json")
def colour_scale() -> Response:
    """Colours of the temperature scale, 256 of them."""
    return JSONResponse([f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colours()])


@router.get("/health")
def health(health: HealthDep) -> JsonObject:
    """Tell that the monitor runs, and how its parts are."""
    return health()
