"""Files that were sent and wait to be confirmed."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

from prismseg.base import Message
from prismseg.monitor.store import NotFound
from prismseg.thermal import Frame

_KEPT_SECONDS, _KEPT = 3600.0, 4


@dataclass
class Sent:
    """One file that was sent: a frame, or why it is none."""

    name: str
    frame: Frame | None
    reason: Message
    minute: float | None


@dataclass
class Batch:
    """Files that were sent together and wait to be confirmed."""

    files: list[Sent]
    at: float = field(default_factory=time.monotonic)


class Waiting:
    """Batches that wait; only frames are kept, in memory, and not for long."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._thread_lock = threading.Lock()

    def put(self, batch: Batch) -> str:
        """Keep a batch and name it."""
        key = secrets.token_urlsafe(16)
        self.put_back(key, batch)
        return key

    def put_back(self, key: str, batch: Batch) -> None:
        """Keep a batch that was taken under its name."""
        with self._thread_lock:
            old = [key for key, each in self._batches.items() if time.monotonic() - each.at > _KEPT_SECONDS]
            for each in old:
                del self._batches[each]
            while len(self._batches) >= _KEPT:
                del self._batches[next(iter(self._batches))]
            self._batches[key] = batch

    def take(self, key: str) -> Batch:
        """Take a batch out, so that nobody takes it a second time.

        Raises
        ------
        NotFound
            When it has waited too long, was taken, or never was.
        """
        with self._thread_lock:
            if key not in self._batches:
                raise NotFound(Message("These files are not waiting any more. Send them again."))
            return self._batches.pop(key)
