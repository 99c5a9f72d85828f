"""Log-in at the hospital's provider: out to it, and back."""

from __future__ import annotations

import logging
from html import escape
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from prismseg.base import Message, PrismsegError
from prismseg.monitor.upkeep.log import kind_of
from prismseg.monitor.web.dependencies import GuardDep, LanguageDep, RendererDep, SsoDep, StoreDep, UsersDep
from prismseg.monitor.web.routes.login import NO_DIRECTORY, address_of, begin_browser, show_login
from prismseg.monitor.web.security.record import record_login
from prismseg.monitor.web.security.responses import safe_path

router = APIRouter()
_LOG = logging.getLogger(__name__)
_SECONDS = 600  # that the mark of a browser on its way lives
_AGAIN = Message("The log-in did not work. Begin it again.")
_NOT_LET_IN = Message("The hospital knows you, but you may not use this monitor. Ask who looks after it.")


@router.get("/login/provider")
def depart(
    request: Request,
    render: RendererDep,
    guard: GuardDep,
    users: UsersDep,
    sso: SsoDep,
    language: LanguageDep,
    back: Annotated[str, Query(max_length=300)] = "/",
) -> Response:
    """Send the browser to the provider."""
    if sso.provider is None:
        raise HTTPException(404)
    try:
        departure = sso.provider.depart(safe_path(back))
    except PrismsegError as error:
        _LOG.error("log-in at the provider: %(error)s", {"error": kind_of(error)})
        answer = show_login(request, render, users, sso, language, wrong=NO_DIRECTORY, back=back)
        answer.status_code = 503
        return answer
    away = RedirectResponse(departure.address, status_code=303)
    # Lax: the browser must send it when it comes back from another site.
    away.set_cookie(
        _cookie(guard.browsers.cookie),
        departure.mark,
        max_age=_SECONDS,
        httponly=True,
        samesite="lax",
        secure=guard.settings.secure,
        path="/login",
    )
    return away


@router.get("/login/callback", response_class=HTMLResponse)
def arrive(
    request: Request,
    render: RendererDep,
    guard: GuardDep,
    users: UsersDep,
    sso: SsoDep,
    store: StoreDep,
    language: LanguageDep,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """Check what a browser brings back from the provider, and let its user in."""
    if sso.provider is None:
        raise HTTPException(404)

    def refuse(status: int, wrong: Message) -> Response:
        record_login(store, "unknown", "log-in failed", address_of(request))
        answer = show_login(request, render, users, sso, language, wrong=wrong)
        answer.status_code = status
        return answer

    try:
        found, back = sso.provider.arrive(state, request.cookies.get(_cookie(guard.browsers.cookie), ""), code)
        proof = None if found is None else users.admit(found.name, role=found.role, ward=found.ward)
    except PrismsegError as error:
        _LOG.warning("log-in at the provider: %(error)s", {"error": kind_of(error)})
        return refuse(403, _AGAIN)
    if found is None or proof is None:
        return refuse(403, _NOT_LET_IN)
    # A page and no redirect: browsers would keep the new cookie back on a way that began at another site.
    onward, link = escape(back, quote=True), escape(language(Message("All sessions")))
    welcome = HTMLResponse(
        f'<!doctype html><html lang="{language.code}"><meta charset="utf-8"><title>prismseg</title>'
        f'<meta http-equiv="refresh" content="0;url={onward}"><a href="{onward}">{link}</a></html>'
    )
    welcome.delete_cookie(_cookie(guard.browsers.cookie), path="/login")
    begin_browser(request, welcome, guard, store, found.name, proof)
    return welcome


def _cookie(name: str) -> str:
    return f"{name}-provider"
