"""What stands before every request: host, size, visit, token, and headers that keep the page to itself."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import Request, Response, WebSocket
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from prismseg.base import Message
from prismseg.monitor.languages import Language, pick
from prismseg.monitor.web.settings import MonitorSettings
from prismseg.monitor.web.visits import COOKIE, Visit, Visits

STAFF = "staff"  # whoever sits at a machine without log-in
OPEN_PATHS = ("/static/", "/login", "/language/", "/health")
_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


LANGUAGE_COOKIE = "language"


def language_of(connection: HTTPConnection) -> Language:
    """Choose the language: the one that was asked for, else the browser's."""
    return pick(connection.headers.get("accept-language", ""), connection.cookies.get(LANGUAGE_COOKIE))


class Guard:
    """Checks requests.

    Parameters
    ----------
    settings : MonitorSettings
        Names of the host, size of uploads.
    visits : Visits
        All open ones.
    must_log_in : callable
        Whether there are users.
    """

    def __init__(self, settings: MonitorSettings, visits: Visits, must_log_in: Callable[[], bool]) -> None:
        self.settings = settings
        self.visits = visits
        self.must_log_in = must_log_in

    async def __call__(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """Answer a request, or refuse it."""
        response = await self._answer(request, answer)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.url.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-cache"
        return response

    def known_host(self, host: str | None) -> bool:
        """Tell whether the page may be asked for under this name."""
        try:
            name = urlsplit(f"//{host or ''}").hostname or ""
        except ValueError:
            return False
        return name in self.settings.hosts or f"[{name}]" in self.settings.hosts

    def visitor(self, connection: HTTPConnection) -> Visit | None:
        """Find the visit of a request that may see sessions; None when somebody must log in first."""
        visit = self.visits.find(connection.cookies.get(COOKIE))
        if not self.must_log_in():
            return visit
        if visit is None or visit.who in ("", STAFF) or self.visits.locked(visit):
            return None
        return visit

    def allowed_socket(self, socket: WebSocket) -> Visit | None:
        """Find the visit of a socket that this very page opened."""
        origin = socket.headers.get("origin", "")
        host = socket.headers.get("host", "")
        if not self.known_host(host) or urlsplit(origin).netloc != host:
            return None
        return self.visitor(socket)

    def set_cookie(self, response: Response, visit: Visit) -> None:
        """Give a visit's cookie to the browser."""
        response.set_cookie(
            COOKIE, visit.token, httponly=True, samesite="strict", secure=self.settings.secure, path="/"
        )

    async def _answer(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if not self.known_host(request.headers.get("host")):
            return _refused(request, 421, Message("This address is not known to the monitor."))
        path = request.url.path
        if path.startswith("/static/") or path == "/health":
            return await answer(request)
        visit = self.visitor(request)
        fresh: Visit | None = None
        if visit is None and not self.must_log_in():
            if path.startswith("/api/"):
                return _refused(request, 401, Message("Open the page first."))
            visit = fresh = self.visits.begin(STAFF)
        request.state.visit = visit
        if visit is None and not path.startswith(OPEN_PATHS):
            if path.startswith("/api/"):
                return _refused(request, 401, Message("Log in again."))
            return RedirectResponse("/login", status_code=303)
        if request.method in _CHANGING:
            if visit is None or not hmac.compare_digest(request.headers.get("x-csrf-token", ""), visit.csrf):
                if path != "/login":
                    return _refused(
                        request, 403, Message("The request does not come from this page. Load the page again.")
                    )
            elif "x-unattended" not in request.headers:
                self.visits.touch(visit)
        elif visit is not None and not path.startswith("/api/"):
            self.visits.touch(visit)
        response = await answer(request)
        if fresh is not None:
            self.set_cookie(response, fresh)
        return response


class SizeLimit:
    """Refuses bodies that are too large, before and while they are read.

    Parameters
    ----------
    app : ASGIApp
        What answers the others.
    most : int
        Bytes.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > self.most:
            await _refused(Request(scope), 413, Message("The upload is too large."))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Event:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.most:
                raise TooLarge
            return message

        try:
            await self.app(scope, counted, send)
        except TooLarge:
            await _refused(Request(scope), 413, Message("The upload is too large."))(scope, receive, send)


class TooLarge(Exception):
    """A body went on beyond what is accepted."""


def _refused(request: Request, status: int, text: Message) -> JSONResponse:
    return JSONResponse({"error": language_of(request)(text)}, status_code=status, headers=HEADERS)
