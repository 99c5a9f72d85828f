"""What stands before every request: host, size, visit, token, and headers that keep the page to itself."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request, Response, WebSocket
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from prismseg.base import Message, PrismsegError
from prismseg.monitor.languages import Language, pick
from prismseg.monitor.web.settings import MonitorSettings
from prismseg.monitor.web.visits import COOKIE, Visit, Visits

STAFF = "staff"  # whoever sits at a machine without log-in
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)
OPEN_PATHS = ("/static/", "/login", "/language/", "/health")
_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
FOREIGN = Message("The request does not come from this page. Load the page again.")
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
    users : callable
        Everybody that was ever added, with the proof of who may log in now; see `prismseg.monitor.web.users.proofs`.
    """

    def __init__(
        self, settings: MonitorSettings, visits: Visits, users: Callable[[], Mapping[str, str | None]]
    ) -> None:
        self.settings = settings
        self.visits = visits
        self.users = users

    async def __call__(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """Answer a request, or refuse it."""
        try:
            response = await self._answer(request, answer)
        except PrismsegError as error:  # the store cannot say who may log in
            response = refused(request, 503, error.message)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.scope["path"].startswith("/static/"):
            response.headers["Cache-Control"] = "no-cache"
        return response

    def known_host(self, host: str | None) -> bool:
        """Tell whether the page may be asked for under this name."""
        found = _HOST.fullmatch(host or "")
        return found is not None and found["name"].lower() in self.settings.hosts

    def must_log_in(self) -> bool:
        """Tell whether only users may see sessions. Whoever disables the last one opens the page to nobody."""
        return self._closed(self.users())

    def visitor(self, connection: HTTPConnection) -> Visit | None:
        """Find the visit of a request that may see sessions; None when somebody must log in first."""
        visit = self.visits.find(connection.cookies.get(COOKIE))
        users = self.users()
        if visit is None or not self._closed(users):
            return visit
        # The proof is another one when the user was disabled or has a new password since the log-in.
        if visit.proof is None or visit.proof != users.get(visit.who) or self.visits.locked(visit):
            return None
        return visit

    def allowed_socket(self, socket: WebSocket) -> Visit | None:
        """Find the visit of a socket that this very page opened."""
        if not self.known_host(socket.headers.get("host")) or not self.same_origin(socket):
            return None
        return self.visitor(socket)

    def same_origin(self, connection: Request | WebSocket) -> bool:
        """Tell whether the browser says that a page of this very monitor asks."""
        _, mark, host = connection.headers.get("origin", "").partition("://")
        return mark != "" and host == connection.headers.get("host")

    def set_cookie(self, response: Response, visit: Visit) -> None:
        """Give a visit's cookie to the browser."""
        response.set_cookie(
            COOKIE, visit.token, httponly=True, samesite="strict", secure=self.settings.secure, path="/"
        )

    def _closed(self, users: Mapping[str, str | None]) -> bool:
        return bool(users) or not self.settings.local

    async def _answer(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if not self.known_host(request.headers.get("host")):
            return refused(request, 421, Message("This address is not known to the monitor."))
        # Not from `request.url`, which is put together with the host that the request claims.
        path, query = request.scope["path"], request.scope["query_string"]
        if "\0" in path or b"%00" in query or not query.isascii():
            return refused(request, 400, Message("This address cannot be read."))
        if path.startswith("/static/") or path == "/health":
            return await answer(request)
        visit = self.visitor(request)
        fresh: Visit | None = None
        if visit is None and not self.must_log_in():
            if path.startswith("/api/"):
                return refused(request, 401, Message("Open the page first."))
            visit = fresh = self.visits.begin(STAFF)
        request.state.visit = visit
        if visit is None and not path.startswith(OPEN_PATHS):
            if path.startswith("/api/"):
                return refused(request, 401, Message("Log in again."))
            return RedirectResponse("/login", status_code=303)
        if request.method in _CHANGING:
            if visit is None or not _same(request.headers.get("x-csrf-token", ""), visit.csrf):
                if path != "/login":
                    return refused(request, 403, FOREIGN)
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
    uploads : mapping of str to int
        Bytes for the paths that take more.
    """

    def __init__(self, app: ASGIApp, most: int, uploads: Mapping[str, int]) -> None:
        self.app = app
        self.most = most
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.uploads.get(scope["path"], self.most)
        too_large = refused(HTTPConnection(scope), 413, Message("The upload is too large."))
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > most:
            await too_large(scope, receive, send)
            return
        seen, answered = 0, False

        async def counted() -> Event:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLarge
            return message

        async def first(message: Event) -> None:
            # Whoever reads the body takes the error for one of its own, and would answer that the body is damaged.
            nonlocal answered
            if answered or seen <= most:
                answered = True
                await send(message)

        try:
            await self.app(scope, counted, first)
        except Exception:  # `TooLarge`, or a group with it
            if seen <= most or answered:
                raise
        if seen > most and not answered:
            await too_large(scope, receive, send)


class TooLarge(Exception):
    """A body went on beyond what is accepted."""


def refused(connection: HTTPConnection, status: int, text: Message) -> JSONResponse:
    """Answer with a sentence, and with the headers that every answer has."""
    return JSONResponse({"error": language_of(connection)(text)}, status_code=status, headers=HEADERS)


def _same(stated: str, known: str) -> bool:
    # In bytes: of text the comparison takes only ASCII, and a header may hold anything.
    return hmac.compare_digest(stated.encode(), known.encode())
