"""Log-in and log-out."""

from __future__ import annotations

import logging
import math
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from prismseg.base import ConfigError, Message, PrismsegError
from prismseg.monitor.languages import Language
from prismseg.monitor.store import SessionStore
from prismseg.monitor.upkeep.log import kind_of
from prismseg.monitor.web.dependencies import (
    AttemptsDep,
    GuardDep,
    LanguageDep,
    RendererDep,
    SsoDep,
    StoreDep,
    UsersDep,
)
from prismseg.monitor.web.rendering import PageRenderer
from prismseg.monitor.web.security.guard import FOREIGN_REQUEST, RequestGuard
from prismseg.monitor.web.security.record import record_login
from prismseg.monitor.web.security.responses import error_response, safe_path
from prismseg.monitor.web.security.users import UserDirectory
from prismseg.monitor.web.sso.settings import Identity
from prismseg.monitor.web.sso.sign_on import SingleSignOn

router = APIRouter()
_LOG = logging.getLogger(__name__)
NO_DIRECTORY = Message("The hospital’s directory does not answer. Users of this monitor can still log in.")


@router.get("/login", response_class=HTMLResponse)
def login_page(
    request: Request,
    render: RendererDep,
    guard: GuardDep,
    users: UsersDep,
    sso: SsoDep,
    language: LanguageDep,
    back: Annotated[str, Query(max_length=300)] = "/",
) -> Response:
    """Ask for name and password; afterwards the page from which somebody came is there again."""
    if not guard.login_required() or request.state.browser is not None:
        return RedirectResponse(safe_path(back), status_code=303)
    return show_login(request, render, users, sso, language, back=back)


@router.post("/login", response_class=HTMLResponse)
def log_in(
    request: Request,
    render: RendererDep,
    guard: GuardDep,
    users: UsersDep,
    sso: SsoDep,
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
    address = address_of(request)

    def refuse(status: int, wrong: Message) -> Response:
        answer = show_login(request, render, users, sso, language, wrong=wrong, name=name, back=back)
        answer.status_code = status
        return answer

    pin = users.pin_only()
    seconds, first = attempts.begin(name, address, pin=pin)
    if seconds > 0:
        if first:
            record_login(store, _known(users, name), "log-in refused", address)
        facts = {"seconds": math.ceil(seconds), "address": address}
        _LOG.warning("log-in refused for %(seconds)d s after wrong passwords, address %(address)s", facts)
        answer = refuse(429, _waiting(seconds))
        answer.headers["Retry-After"] = f"{math.ceil(seconds)}"
        return answer
    who, proof = name, users.log_in(name, password)
    if proof is None and sso.directory is not None and not users.has_password(name):
        try:
            found = sso.directory.check(name, password)
        except PrismsegError as error:
            _LOG.error("the directory cannot be asked: %(error)s", {"error": kind_of(error)})
            record_login(store, _known(users, name), "log-in failed", address)
            return refuse(503, NO_DIRECTORY)
        if found is not None:
            who, proof = found.name, _admit(users, found)
    if proof is None:
        record_login(store, _known(users, name), "log-in failed", address)
        _LOG.warning("wrong name or password, address %(address)s", {"address": address})
        return refuse(403, Message("Name or password is wrong."))
    attempts.succeeded(name, address, pin=pin)
    welcome = RedirectResponse(safe_path(back), status_code=303)
    begin_browser(request, welcome, guard, store, who, proof)
    return welcome


def show_login(
    request: Request,
    render: PageRenderer,
    users: UserDirectory,
    sso: SingleSignOn,
    language: Language,
    *,
    wrong: Message | None = None,
    name: str = "",
    back: str = "/",
) -> Response:
    """Show the page that asks who it is, with what was wrong."""
    return render(
        request,
        "login.html",
        language,
        wrong="" if wrong is None else language(wrong),
        name=name,
        back=safe_path(back),
        pin=users.pin_only(),
        elsewhere=sso.provider is not None,
    )


def begin_browser(
    request: Request, response: Response, guard: RequestGuard, store: SessionStore, who: str, proof: str
) -> None:
    """Begin the session of a browser whose user has logged in."""
    record_login(store, who, "logged in", address_of(request))
    guard.browsers.end(guard.token_of(request))
    guard.set_cookie(response, guard.browsers.begin(who, proof))


def address_of(request: Request) -> str:
    """Tell from which address a request comes."""
    return request.client.host if request.client else ""


@router.post("/logout", response_class=HTMLResponse)
def log_out(request: Request, guard: GuardDep, store: StoreDep) -> Response:
    """End the browser's session."""
    if request.state.browser is not None:
        record_login(store, request.state.browser.who, "logged out", address_of(request))
        guard.browsers.end(request.state.browser.token)
    return Response(status_code=204)


def _admit(users: UserDirectory, found: Identity) -> str | None:
    """Let in whom the directory knows, unless the audit trail calls nobody so."""
    try:
        return users.admit(found.name, role=found.role, ward=found.ward)
    except ConfigError as error:
        _LOG.warning("whom the directory knows cannot log in: %(error)s", {"error": kind_of(error)})
        return None


def _waiting(seconds: float) -> Message:
    """Say how long to wait, in the unit that people count in."""
    if seconds <= 90:
        return Message("Too many wrong passwords. Try again in {seconds} seconds.", seconds=math.ceil(seconds))
    return Message("Too many wrong passwords. Try again in {minutes} minutes.", minutes=math.ceil(seconds / 60))


def _known(users: UserDirectory, name: str) -> str:
    """Name a user who exists; what else was typed may be a password in the wrong field."""
    return name if name in users.accounts() else "unknown"
