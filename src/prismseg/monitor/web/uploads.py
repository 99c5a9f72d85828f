"""Files that were sent and are not confirmed yet."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from prismseg.base import Message
from prismseg.monitor.store import NotFound
from prismseg.thermal import Frame

_KEPT_SECONDS = 3600.0  # somebody may be called away between sending and confirming
_MOST_PENDING = 4  # each may hold the frames of a whole session in memory


@dataclass
class UploadedFile:
    """One file that was sent: its frame, or why it has none."""

    name: str
    frame: Frame | None
    reason: Message
    minute: float | None


class PendingImports:
    """Files of sessions that wait to be confirmed; only frames are kept, in memory, and not for long.

    Parameters
    ----------
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pending: dict[str, tuple[float, list[UploadedFile]]] = {}
        self._lock = threading.Lock()

    def put(self, files: list[UploadedFile]) -> str:
        """Keep files and return the key under which they can be confirmed."""
        key = secrets.token_urlsafe(16)
        self._keep(key, self._clock(), files)
        return key

    def take(self, key: str) -> PendingImport:
        """Take files out, so that nobody confirms them a second time.

        Raises
        ------
        NotFound
            When they have waited too long, were taken, or never were.
        """
        with self._lock:
            if key not in self._pending:
                raise NotFound(Message("These files are not waiting any more. Send them again."))
            at, files = self._pending.pop(key)
        return PendingImport(key, at, files)

    def put_back(self, taken: PendingImport) -> None:
        """Keep files that were taken, under their key and with their age."""
        self._keep(taken.key, taken.at, taken.files)

    def _keep(self, key: str, at: float, files: list[UploadedFile]) -> None:
        with self._lock:
            now = self._clock()
            for old in [each for each, (begun, _) in self._pending.items() if now - begun > _KEPT_SECONDS]:
                del self._pending[old]
            while len(self._pending) >= _MOST_PENDING:
                del self._pending[next(iter(self._pending))]
            self._pending[key] = at, files


@dataclass(frozen=True)
class PendingImport:
    """Files of one session, with their key and when they were sent."""

    key: str
    at: float
    files: list[UploadedFile]
