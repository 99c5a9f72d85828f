"""Files that were sent and are not confirmed yet."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.base import Message
from prismseg.monitor.store import NotFound
from prismseg.thermal import Frame

_KEPT_SECONDS = 3600.0  # somebody may be called away between sending and confirming
_GONE = Message("These files are not waiting any more. Send them again.")
_MOST_PENDING = 4  # each may hold the frames of a whole session in memory


@dataclass
class UploadedFile:
    """One file that was sent.

    Attributes
    ----------
    name : str
        As shown.
    frame : Frame or None
        What was read from it.
    reason : Message
        Why it is left out: it cannot be read, or its picture is there already; empty where it may be kept.
    minute : float or None
        Since the test dose, as proposed.
    probability : (H, W) ndarray or None
        Of sole, for the preview.
    """

    name: str
    frame: Frame | None
    reason: Message
    minute: float | None
    probability: NDArray[np.float32] | None = None

    @property
    def usable(self) -> bool:
        """Whether it may be kept."""
        return self.frame is not None and not self.reason


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
                raise NotFound(_GONE)
            at, files = self._pending.pop(key)
        return PendingImport(key, at, files)

    def look(self, key: str) -> list[UploadedFile]:
        """Give files that wait, and let them wait on.

        Raises
        ------
        NotFound
            As `take`.
        """
        with self._lock:
            if key not in self._pending:
                raise NotFound(_GONE)
            return self._pending[key][1]

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
