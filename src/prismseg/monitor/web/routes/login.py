"""Log-in and log-out."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from prismseg.base import Message
from prismseg.monitor.web.dependencies import AttemptsDep, GuardDep, LanguageDep, RendererDep, UsersDep
from prismseg.monitor.web.security.browser_sessions import COOKIE
from prismseg.monitor.web.security.guard import FOREIGN_REQUEST
from prismseg.monitor.web.security.responses import error_response, safe_path

router = APIRouter()


@router.get("/login", response_class=HTMLResponse)
def login_page(
    request: Request,
    render: RendererDep,
    guard: GuardDep,
    language: LanguageDep,
    back: Annotated[str, Query(max_length=300)] = "/",
) -> Response:
    """Ask for name and password; afterwards the page from which somebody came is there again."""
    if not guard.login_required() or request.state.browser is not None:
        return RedirectResponse(safe_path(back), status_code=303)
    return render(request, "login.html", language, wrong="", name="", back=safe_path(back))


@router.post("/login", response_class=HTMLResponse)
def log_in(
    request: Request,
    render: RendererDep,
    guard: GuardDep,
    users: UsersDep,
    attempts: AttemptsDep,
    language: LanguageDep,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=400)] = "",
    back: Annotated[str, Form(max_length=300)] = "/",
) -> Response:
    """Check name and password."""
    if "origin" in request.headers and not guard.same_origin(request):
        return error_response(request, 403, FOREIGN_REQUEST)
    keys = (f"name {name}", f"address {request.client.host if request.client else ''}")
    seconds = attempts.begin(*keys)
    if seconds > 0:
        wrong = language(Message("Too many attempts. Wait {minutes:.0f} minutes.", minutes=max(seconds / 60, 1)))
        answer = render(request, "login.html", language, wrong=wrong, name=name, back=safe_path(back))
        answer.status_code, answer.headers["Retry-After"] = 429, f"{math.ceil(seconds)}"
        return answer
    proof = users.log_in(name, password)
    if proof is None:
        wrong = language(Message("Name or password is wrong."))
        answer = render(request, "login.html", language, wrong=wrong, name=name, back=safe_path(back))
        answer.status_code = 403
        return answer
    attempts.succeeded(*keys)
    guard.browsers.end(request.cookies.get(COOKIE))
    browser = guard.browsers.begin(name, proof)
    welcome = RedirectResponse(safe_path(back), status_code=303)
    guard.set_cookie(welcome, browser)
    return welcome


@router.post("/logout", response_class=HTMLResponse)
def log_out(request: Request, guard: GuardDep) -> Response:
    """End the browser's session."""
    if request.state.browser is not None:
        guard.browsers.end(request.state.browser.token)
    return Response(status_code=204)
