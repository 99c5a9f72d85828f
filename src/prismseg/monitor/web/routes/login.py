"""Log-in and log-out."""

from __future__ import annotations

import logging
import math
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from prismseg.base import Message
from prismseg.monitor.web.dependencies import AttemptsDep, GuardDep, LanguageDep, RendererDep, StoreDep, UsersDep
from prismseg.monitor.web.security.guard import FOREIGN_REQUEST
from prismseg.monitor.web.security.record import record_login
from prismseg.monitor.web.security.responses import error_response, safe_path
from prismseg.monitor.web.security.users import UserDirectory

router = APIRouter()
_LOG = logging.getLogger(__name__)


@router.get("/login", response_class=HTMLResponse)
def login_page(
    request: Request,
    render: RendererDep,
    guard: GuardDep,
    users: UsersDep,
    language: LanguageDep,
    back: Annotated[str, Query(max_length=300)] = "/",
) -> Response:
    """Ask for name and password; afterwards the page from which somebody came is there again."""
    if not guard.login_required() or request.state.browser is not None:
        return RedirectResponse(safe_path(back), status_code=303)
    return render(request, "login.html", language, wrong="", name="", back=safe_path(back), pin=users.pin_only())


@router.post("/login", response_class=HTMLResponse)
def log_in(
    request: Request,
    render: RendererDep,
    guard: GuardDep,
    users: UsersDep,
    attempts: AttemptsDep,
    store: StoreDep,
    language: LanguageDep,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=400)] = "",
    back: Annotated[str, Form(max_length=300)] = "/",
) -> Response:
    """Check name and password."""
    if "origin" in request.headers and not guard.same_origin(request):
        return error_response(request, 403, FOREIGN_REQUEST)
    address = _address(request)
    seconds, first = attempts.begin(name, address)
    if seconds > 0:
        if first:
            record_login(store, _known(users, name), "log-in refused", address)
        _LOG.warning("log-in refused for %d s after wrong passwords, address %s", math.ceil(seconds), address)
        wrong = language(_waiting(seconds))
        answer = render(
            request, "login.html", language, wrong=wrong, name=name, back=safe_path(back), pin=users.pin_only()
        )
        answer.status_code, answer.headers["Retry-After"] = 429, f"{math.ceil(seconds)}"
        return answer
    proof = users.log_in(name, password)
    if proof is None:
        record_login(store, _known(users, name), "log-in failed", address)
        _LOG.warning("wrong name or password, address %s", address)
        wrong = language(Message("Name or password is wrong."))
        answer = render(
            request, "login.html", language, wrong=wrong, name=name, back=safe_path(back), pin=users.pin_only()
        )
        answer.status_code = 403
        return answer
    attempts.succeeded(name, address)
    record_login(store, name, "logged in", address)
    guard.browsers.end(guard.token_of(request))
    browser = guard.browsers.begin(name, proof)
    welcome = RedirectResponse(safe_path(back), status_code=303)
    guard.set_cookie(welcome, browser)
    return welcome


@router.post("/logout", response_class=HTMLResponse)
def log_out(request: Request, guard: GuardDep, store: StoreDep) -> Response:
    """End the browser's session."""
    if request.state.browser is not None:
        record_login(store, request.state.browser.who, "logged out", _address(request))
        guard.browsers.end(request.state.browser.token)
    return Response(status_code=204)


def _waiting(seconds: float) -> Message:
    """Say how long to wait, in the unit that people count in."""
    if seconds <= 90:
        return Message("Too many wrong passwords. Try again in {seconds} seconds.", seconds=math.ceil(seconds))
    return Message("Too many wrong passwords. Try again in {minutes} minutes.", minutes=math.ceil(seconds / 60))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _known(users: UserDirectory, name: str) -> str:
    """Name a user who exists; what else was typed may be a password in the wrong field."""
    return name if name in users.accounts() else "unknown"
