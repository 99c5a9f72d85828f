"""What stands before every request: host, browser, user and token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request, Response, WebSocket
from fastapi.responses import RedirectResponse
from starlette.requests import HTTPConnection

from prismseg.base import Message, PrismsegError
from prismseg.monitor.web.security.browser_sessions import BrowserSession, BrowserSessions
from prismseg.monitor.web.security.responses import error_response, headers_for, login_address
from prismseg.monitor.web.security.roles import Account, needed_permission, session_of
from prismseg.monitor.web.security.users import STAFF, UserDirectory
from prismseg.monitor.web.settings import MonitorSettings

OPEN_PATHS = ("/static/", "/login", "/language/", "/health")
# All that is left of a page that was locked, where somebody has let its board stay on.
BOARD_PATHS = frozenset({"/board", "/api/board", "/logout"})
FOREIGN_REQUEST = Message("The request does not come from this page. Load the page again.")
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)
_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


class RequestGuard:
    """Checks requests.

    Parameters
    ----------
    settings : MonitorSettings
        Names of the host, size of uploads.
    browsers : BrowserSessions
        All open ones.
    users : UserDirectory
        Who may log in.
    """

    def __init__(self, settings: MonitorSettings, browsers: BrowserSessions, users: UserDirectory) -> None:
        self.settings = settings
        self.browsers = browsers
        self.users = users

    async def __call__(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """Answer a request, or refuse it."""
        try:
            response = await self._answer(request, answer)
        except PrismsegError as error:  # the store cannot say who may log in
            response = error_response(request, 503, error.message)
        for name, value in headers_for(request).items():
            response.headers.setdefault(name, value)
        if request.scope["path"].startswith("/static/"):
            response.headers["Cache-Control"] = "no-cache"
        return response

    def known_host(self, host: str | None) -> bool:
        """Tell whether the page may be asked for under this name."""
        found = _HOST.fullmatch(host or "")
        return found is not None and found["name"].lower() in self.settings.hosts

    def login_required(self) -> bool:
        """Tell whether only users may see sessions. Whoever disables the last one opens the page to nobody."""
        return self._closed(self.users.accounts())

    def token_of(self, connection: HTTPConnection) -> str | None:
        """Read a browser's cookie."""
        return connection.cookies.get(self.browsers.cookie)

    def authorize(self, connection: HTTPConnection) -> BrowserSession | None:
        """Find the browser of a request that may see sessions; None when somebody must log in first."""
        browser = self.browsers.find(self.token_of(connection), STAFF)
        accounts = self.users.accounts()
        if browser is None or not self._closed(accounts):
            return browser
        account = accounts.get(browser.who)
        # The proof is another one when the user was disabled or has a new password since the log-in.
        if account is None or browser.proof is None or browser.proof != account.proof:
            return None
        if self.browsers.is_locked(browser) and not (browser.board and connection.scope["path"] in BOARD_PATHS):
            return None
        browser.account = account
        return browser

    def authorize_socket(self, socket: WebSocket) -> BrowserSession | None:
        """Find the browser of a socket that this very page opened."""
        if not self.known_host(socket.headers.get("host")) or not self.same_origin(socket):
            return None
        return self.authorize(socket)

    def same_origin(self, connection: Request | WebSocket) -> bool:
        """Tell whether the browser says that a page of this very monitor asks."""
        _, mark, host = connection.headers.get("origin", "").partition("://")
        return mark != "" and host == connection.headers.get("host")

    def set_cookie(self, response: Response, browser: BrowserSession) -> None:
        """Give a browser's cookie to the browser."""
        response.set_cookie(
            self.browsers.cookie,
            browser.token,
            httponly=True,
            samesite="strict",
            secure=self.settings.secure,
            path="/",
        )

    def _closed(self, accounts: Mapping[str, Account]) -> bool:
        return bool(accounts) or self.settings.sso is not None or not self.settings.local

    async def _answer(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if not self.known_host(request.headers.get("host")):
            return error_response(request, 421, Message("This address is not known to the monitor."))
        # Not from `request.url`, which is put together with the host that the request claims.
        path, query = request.scope["path"], request.scope["query_string"]
        if "\0" in path or b"%00" in query or not query.isascii():
            return error_response(request, 400, Message("This address cannot be read."))
        if path.startswith("/static/") or path == "/health":
            return await answer(request)
        browser = self.authorize(request)
        fresh: BrowserSession | None = None
        if browser is None and not self.login_required():
            if path.startswith("/api/"):
                return error_response(request, 401, Message("Open the page first."))
            browser = fresh = self.browsers.visit(STAFF)
        request.state.browser = browser
        if browser is None and not path.startswith(OPEN_PATHS):
            if path.startswith("/api/"):
                return error_response(request, 401, Message("Log in again."))
            return RedirectResponse(login_address(path), status_code=303)
        if browser is not None:
            refused = self._refused(request, browser.account)
            if refused is not None:
                return refused
        if request.method in _CHANGING:
            if browser is None or not _same(request.headers.get("x-csrf-token", ""), browser.csrf):
                if path != "/login":
                    return error_response(request, 403, FOREIGN_REQUEST)
            elif "x-unattended" not in request.headers:
                self.browsers.touch(browser)
        elif browser is not None and not path.startswith("/api/"):
            self.browsers.touch(browser)
        response = await answer(request)
        if fresh is not None:
            self.set_cookie(response, fresh)
        return response

    def _refused(self, request: Request, account: Account) -> Response | None:
        """Refuse what somebody's role does not allow, and sessions of other wards as if they did not exist."""
        path = request.scope["path"]
        if not account.may(needed_permission(request.method, path)):
            return error_response(request, 403, Message("Your role does not allow this."))
        session = session_of(path)
        if session is not None and account.sees_ward is not None and not account.sees(self.users.ward_of(session)):
            return error_response(request, 404, Message("There is no such session: {key}.", key=session))
        return None


def _same(stated: str, known: str) -> bool:
    # In bytes: of text the comparison takes only ASCII, and a header may hold anything.
    return hmac.compare_digest(stated.encode(), known.encode())
