"""How often a wrong password may be tried."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

# Slower than any list of common passwords could be tried, and no burden for who mistypes.
MOST_FAILURES = 5
WINDOW_SECONDS = 300.0


class LoginAttempts:
    """Counts attempts to log in by name and by address: five wrong ones in five minutes, then a wait.

    Parameters
    ----------
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def begin(self, *keys: str) -> float:
        """Count an attempt, or say in how many seconds another is allowed.

        It counts as wrong until it `succeeded`: of a hundred attempts at the same moment, five are made.
        """
        with self._lock:
            moment = self._clock()
            for key in list(self._failed):
                while self._failed[key] and self._failed[key][0] <= moment - WINDOW_SECONDS:
                    self._failed[key].popleft()
                if not self._failed[key]:
                    del self._failed[key]
            full = [times for key in keys if len(times := self._failed.get(key, deque())) >= MOST_FAILURES]
            if full:
                return max(times[-MOST_FAILURES] + WINDOW_SECONDS - moment for times in full)
            for key in keys:
                self._failed.setdefault(key, deque()).append(moment)
            return 0.0

    def succeeded(self, *keys: str) -> None:
        """Count an attempt no longer."""
        with self._lock:
            for key in keys:
                if self._failed.get(key):
                    self._failed[key].pop()
