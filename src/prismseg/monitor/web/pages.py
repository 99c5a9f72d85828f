"""Pages: sessions, one session, one capture, import, log-in, about."""

from __future__ import annotations

import json
import math
import secrets
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from prismseg.base import Message
from prismseg.base.version import VERSION
from prismseg.monitor.languages import Language, languages
from prismseg.monitor.live.pictures import colours
from prismseg.monitor.report import dicom_installed
from prismseg.monitor.store import get_capture, get_row
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web import users
from prismseg.monitor.web.desk import Number, TheDesk, TheLanguage
from prismseg.monitor.web.guard import FOREIGN, LANGUAGE_COOKIE, STAFF, refused
from prismseg.monitor.web.state import PAGE, listed, state_of
from prismseg.monitor.web.visits import COOKIE
from prismseg.thermal import FRAME_SUFFIXES

router = APIRouter()
_HERE = Path(__file__).parent
_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.filters["data"] = lambda value: Markup(json.dumps(value).replace("<", "\\u003c").replace("&", "\\u0026"))
    return made


_PAGES = _environment()


def _page(request: Request, template: str, language: Language, **values: Any) -> HTMLResponse:
    desk = request.app.state.desk
    visit = getattr(request.state, "visit", None)
    text = _PAGES.get_template(template).render(
        _=language,
        language=language,
        languages=languages().values(),
        path=request.scope["path"],
        csrf="" if visit is None else visit.csrf,
        who="" if visit is None or visit.who == STAFF else visit.who,
        version=VERSION,
        scale=list(desk.settings.scale),
        lock_seconds=desk.guard.visits.lock_seconds if desk.guard.must_log_in() else 0,
        **values,
    )
    return HTMLResponse(text)


@router.get("/", response_class=HTMLResponse)
def sessions_page(
    request: Request,
    desk: TheDesk,
    language: TheLanguage,
    text: Annotated[str, Query(max_length=40)] = "",
    page: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> HTMLResponse:
    """All sessions, the newest first."""
    with desk.store.read() as db:
        rows, total = listed(db, text.strip(), page)
    return _page(
        request,
        "sessions.html",
        language,
        sessions=rows,
        total=total,
        page=page,
        text=text,
        pages=-(-total // PAGE),
    )


@router.get("/new", response_class=HTMLResponse)
def new_page(request: Request, desk: TheDesk, language: TheLanguage) -> HTMLResponse:
    """Begin a session."""
    code = "E-" + "".join(secrets.choice(_CODE_LETTERS) for _ in range(5))
    return _page(request, "new.html", language, code=code, view=desk.settings.view)


@router.get("/import", response_class=HTMLResponse)
def import_page(request: Request, desk: TheDesk, language: TheLanguage) -> HTMLResponse:
    """Take over files recorded elsewhere."""
    suffixes = ",".join(sorted(FRAME_SUFFIXES))
    return _page(request, "import.html", language, suffixes=suffixes, view=desk.settings.view)


@router.get("/sessions/{session}", response_class=HTMLResponse)
def session_page(request: Request, desk: TheDesk, language: TheLanguage, session: str) -> HTMLResponse:
    """One session: live picture, captures, curves, flags, details."""
    with desk.store.read() as db:
        state = state_of(db, get_row(db, SessionRow, session), language, desk.clock())
    schedule = list(desk.settings.schedule)
    return _page(request, "session.html", language, state=state, schedule=schedule, dicom=dicom_installed())


@router.get("/sessions/{session}/captures/{number}", response_class=HTMLResponse)
def capture_page(
    request: Request, desk: TheDesk, language: TheLanguage, session: str, number: Number
) -> HTMLResponse:
    """One capture: outline and its correction, evidence, remarks."""
    with desk.store.read() as db:
        get_capture(db, session, number)
        state = state_of(db, get_row(db, SessionRow, session), language, desk.clock())
    shown = sorted(capture["number"] for capture in state["captures"])
    others = [*[each for each in shown if each < number][-1:], *[each for each in shown if each > number][:1]]
    return _page(request, "capture.html", language, state=state, number=number, others=others)


@router.get("/about", response_class=HTMLResponse)
def about_page(request: Request, desk: TheDesk, language: TheLanguage) -> HTMLResponse:
    """Say what the monitor is and is not, and with what it measures."""
    return _page(request, "about.html", language, made_with=desk.segmenter.provenance)


@router.get("/login", response_class=HTMLResponse)
def login_page(request: Request, desk: TheDesk, language: TheLanguage) -> Response:
    """Ask for name and password."""
    if not desk.guard.must_log_in() or request.state.visit is not None:
        return RedirectResponse("/", status_code=303)
    return _page(request, "login.html", language, wrong="", name="")


@router.post("/login", response_class=HTMLResponse)
def log_in(
    request: Request,
    desk: TheDesk,
    language: TheLanguage,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Check name and password."""
    if "origin" in request.headers and not desk.guard.same_origin(request):
        return refused(request, 403, FOREIGN)
    keys = (f"name {name}", f"address {request.client.host if request.client else ''}")
    seconds = desk.attempts.begin(*keys)
    if seconds > 0:
        wrong = language(Message("Too many attempts. Wait {minutes:.0f} minutes.", minutes=max(seconds / 60, 1)))
        answer = _page(request, "login.html", language, wrong=wrong, name=name)
        answer.status_code, answer.headers["Retry-After"] = 429, f"{math.ceil(seconds)}"
        return answer
    proof = users.log_in(desk.store, name, password)
    if proof is None:
        answer = _page(
            request, "login.html", language, wrong=language(Message("Name or password is wrong.")), name=name
        )
        answer.status_code = 403
        return answer
    desk.attempts.succeeded(*keys)
    desk.guard.visits.end(request.cookies.get(COOKIE))
    visit = desk.guard.visits.begin(name, proof)
    welcome = RedirectResponse("/", status_code=303)
    desk.guard.set_cookie(welcome, visit)
    return welcome


@router.post("/logout", response_class=HTMLResponse)
def log_out(request: Request, desk: TheDesk) -> Response:
    """End the visit."""
    if request.state.visit is not None:
        desk.guard.visits.end(request.state.visit.token)
    return Response(status_code=204)


@router.get("/language/{code}")
def choose_language(code: str, back: Annotated[str, Query(max_length=300)] = "/") -> Response:
    """Remember a language and go back."""
    target = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
    answer = RedirectResponse(target, status_code=303)
    if code in languages():
        answer.set_cookie(LANGUAGE_COOKIE, code, max_age=365 * 86400, samesite="strict", path="/")
    return answer


@router.get("/static/words/{code}.json")
def words(code: str) -> Response:
    """Give translations to the pages' scripts."""
    known = languages()
    if code not in known:
        return JSONResponse({}, status_code=404)
    return JSONResponse(dict(known[code].texts))


@router.get("/static/scale.json")
def scale_colours() -> Response:
    """Colours of the temperature scale, 256 of them."""
    return JSONResponse([f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colours()])


@router.get("/health")
def health() -> dict[str, str]:
    """Tell that the monitor runs."""
    return {"status": "running", "version": VERSION}
