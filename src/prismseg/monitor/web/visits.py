"""Visits: one cookie a browser, who it belongs to, and the token that its requests must carry."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "prismseg"
_MOST = 500


@dataclass
class Visit:
    """One browser's visit.

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


class Visits:
    """All visits, in memory: who restarts the monitor logs in again.

    Parameters
    ----------
    lock_seconds : float
        Without a touch, after which a visit with log-in is locked.
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, lock_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock_seconds = lock_seconds
        self._clock = clock
        self._visits: dict[str, Visit] = {}
        self._thread_lock = threading.Lock()

    def begin(self, who: str, proof: str | None = None) -> Visit:
        """Begin a visit under a new token."""
        with self._thread_lock:
            while len(self._visits) >= _MOST:
                del self._visits[min(self._visits.values(), key=lambda each: each.touched).token]
            visit = Visit(secrets.token_urlsafe(32), secrets.token_urlsafe(32), who, proof, self._clock())
            self._visits[visit.token] = visit
            return visit

    def find(self, token: str | None) -> Visit | None:
        """Find a visit by its cookie."""
        with self._thread_lock:
            return self._visits.get(token or "")

    def end(self, token: str | None) -> None:
        """Forget a visit."""
        with self._thread_lock:
            self._visits.pop(token or "", None)

    def touch(self, visit: Visit) -> None:
        """Note that somebody did something."""
        visit.touched = self._clock()

    def locked(self, visit: Visit) -> bool:
        """Tell whether nobody has touched the page for too long."""
        return self._clock() - visit.touched > self.lock_seconds
