"""Browsers that have the page open: a cookie, who it belongs to, and the token that requests must carry."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from prismseg.monitor.web.security.roles import EVERYBODY, Account

_MOST_BROWSERS = 500  # logged in; far more than a ward has, the one that was idle longest makes room
_MOST_OF_ONE = 20  # of one user, whose own oldest makes room: nobody can log the others out


@dataclass
class BrowserSession:
    """One browser.

    Attributes
    ----------
    token : str
        In the cookie.
    csrf : str
        In the page; requests that change something carry it in a header.
    who : str
        User; empty before log-in.
    proof : str or None
        Of the log-in, as the store had it then; None without log-in.
    touched : float
        When somebody last did something.
    account : Account
        What they may do, as the store has it at each request.
    board : bool
        Whether the ward's board stays on while all else is locked.
    """

    token: str
    csrf: str
    who: str
    proof: str | None
    touched: float
    account: Account = EVERYBODY
    board: bool = False


class BrowserSessions:
    """All browsers. Those with log-in are in memory: when the monitor restarts, users log in again.

    A visit without log-in is kept nowhere, its cookie is signed: no number of them takes room from anybody.

    Parameters
    ----------
    lock_seconds : float
        Without a touch, after which a browser with log-in is locked.
    port : int
        Of the page. Browsers keep cookies by host alone: two monitors of one machine need two names.
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, lock_seconds: float, port: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock_seconds = lock_seconds
        self.cookie = f"prismseg-{port}"
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._by_token: dict[str, BrowserSession] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._by_token)

    def visit(self, who: str) -> BrowserSession:
        """Begin a visit without log-in."""
        name = secrets.token_urlsafe(24)
        return self._visit(f"{name}.{self._sign('visit', name)}", who)

    def begin(self, who: str, proof: str) -> BrowserSession:
        """Begin a session with log-in under a new token."""
        with self._lock:
            own = [each for each in self._by_token.values() if each.who == who]
            for crowd, most in ((own, _MOST_OF_ONE), (list(self._by_token.values()), _MOST_BROWSERS)):
                if len(crowd) >= most:
                    # A board on the wall is touched by nobody.
                    self._by_token.pop(min(crowd, key=lambda each: (each.board, each.touched)).token, None)
            token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
            self._by_token[token] = BrowserSession(token, csrf, who, proof, self._clock())
            return self._by_token[token]

    def find(self, token: str | None, visitor: str) -> BrowserSession | None:
        """Find a session by its cookie; a visit's belongs to `visitor`."""
        with self._lock:
            found = self._by_token.get(token or "")
        if found is not None:
            return found
        name, _, mark = (token or "").partition(".")
        # In bytes: of text the comparison takes only ASCII, and a cookie may hold anything.
        if not mark or not hmac.compare_digest(mark.encode(), self._sign("visit", name).encode()):
            return None
        return self._visit(token or "", visitor)

    def end(self, token: str | None) -> None:
        """Forget a session."""
        with self._lock:
            self._by_token.pop(token or "", None)

    def touch(self, browser: BrowserSession) -> None:
        """Note that somebody did something, which opens nothing that is locked."""
        if not self.is_locked(browser):
            browser.touched = self._clock()

    def is_locked(self, browser: BrowserSession) -> bool:
        """Tell whether nobody has touched the page for too long."""
        return self.seconds_left(browser) < 0

    def seconds_left(self, browser: BrowserSession) -> float:
        """Tell in how many seconds a browser is locked if nobody touches it; negative where it is."""
        return browser.touched + self.lock_seconds - self._clock()

    def _visit(self, token: str, who: str) -> BrowserSession:
        return BrowserSession(token, self._sign("page", token), who, None, self._clock())

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose} {text}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
