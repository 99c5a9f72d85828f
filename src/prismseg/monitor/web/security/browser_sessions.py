"""Browsers that have the page open: a cookie, who it belongs to, and the token that requests must carry."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "prismseg"
_MOST_BROWSERS = 500  # far more than a ward has; the one that was idle longest makes room


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
    """

    token: str
    csrf: str
    who: str
    proof: str | None
    touched: float


class BrowserSessions:
    """All browsers, in memory: when the monitor restarts, users log in again.

    Parameters
    ----------
    lock_seconds : float
        Without a touch, after which a browser with log-in is locked.
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, lock_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock_seconds = lock_seconds
        self._clock = clock
        self._by_token: dict[str, BrowserSession] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._by_token)

    def begin(self, who: str, proof: str | None = None) -> BrowserSession:
        """Begin a session under a new token."""
        with self._lock:
            while len(self._by_token) >= _MOST_BROWSERS:
                del self._by_token[min(self._by_token.values(), key=lambda each: each.touched).token]
            token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
            self._by_token[token] = BrowserSession(token, csrf, who, proof, self._clock())
            return self._by_token[token]

    def find(self, token: str | None) -> BrowserSession | None:
        """Find a session by its cookie."""
        with self._lock:
            return self._by_token.get(token or "")

    def end(self, token: str | None) -> None:
        """Forget a session."""
        with self._lock:
            self._by_token.pop(token or "", None)

    def touch(self, browser: BrowserSession) -> None:
        """Note that somebody did something."""
        browser.touched = self._clock()

    def is_locked(self, browser: BrowserSession) -> bool:
        """Tell whether nobody has touched the page for too long."""
        return self._clock() - browser.touched > self.lock_seconds
