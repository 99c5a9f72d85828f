"""The newest raw frame of a stream that blocks, may hang, and may break off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

from prismseg.base import Message, PrismsegError
from prismseg.monitor.cameras.protocol import CameraError, Now, utc_now

RETRY = 1.0  # seconds before a stream that failed is opened anew


class Stream(Protocol):
    """An open device or file of raw frames."""

    def read(self) -> bytes:
        """Block until the next raw frame; a `CameraError` ends the stream."""

    def close(self) -> None:
        """Release it."""


class RawFrame(NamedTuple):
    """A raw frame and when it came, in UTC."""

    buffer: bytes
    time: datetime


class LatestFrameReader:
    """Reads a stream in a thread and hands out only what arrives from now on.

    Drivers queue frames: one that is read only when a picture is wanted gives a picture of seconds or minutes ago. And
    their reads cannot be interrupted, so waiting with a limit needs a thread.

    Parameters
    ----------
    open_stream : callable
        Opens the stream, in the thread; called again when the stream has ended.
    retry : float
        Seconds between the end of a stream and its reopening.
    now : callable
        Tells when a frame came.
    """

    def __init__(self, open_stream: Callable[[], Stream], *, retry: float = RETRY, now: Now = utc_now) -> None:
        self._now = now
        self._open = open_stream
        self._retry = retry
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._count = 0
        self._raw: RawFrame | None = None
        self._error: CameraError | None = None
        self._failed_at = -float("inf")

    def next(self, deadline: float) -> RawFrame | None:
        """Wait for the next frame until `deadline` (of `time.monotonic`); None when there was none.

        Raises
        ------
        CameraError
            When the stream cannot be opened or ends; the next call opens it anew.
        """
        with self._change:
            seen = self._count
            if not self._start(deadline):
                return None
            while self._count == seen and self._error is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._change.wait(left)
            if self._count > seen:
                return self._raw
            error, self._error, self._thread = self._error, None, None
            assert error is not None
            raise error

    def close(self) -> None:
        """End the thread; one that hangs in the driver is left to end by itself."""
        with self._change:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None:
            thread.join(1.0)

    def _start(self, deadline: float) -> bool:
        if self._thread is not None:
            return True
        pause = self._failed_at + self._retry - time.monotonic()
        if pause > 0:
            if pause > deadline - time.monotonic():
                return False
            self._change.wait(pause)
        self._stop = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(self._stop,), name="camera", daemon=True)
        self._thread.start()
        return True

    def _run(self, stop: threading.Event) -> None:
        try:
            stream = self._open()
            try:
                while not stop.is_set():
                    raw = RawFrame(stream.read(), self._now())
                    with self._change:
                        if not stop.is_set():
                            self._raw, self._count = raw, self._count + 1
                            self._change.notify_all()
            finally:
                stream.close()
        except CameraError as error:
            self._fail(error, stop)
        except Exception as error:  # drivers raise anything, and a thread that dies unheard leaves staff waiting
            reason = str(error) if isinstance(error, PrismsegError) else f"{type(error).__name__}: {error}"
            self._fail(
                CameraError(
                    Message(
                        "The camera's driver failed ({reason}). Unplug the camera and plug it in again.",
                        reason=reason,
                    )
                ),
                stop,
            )

    def _fail(self, error: CameraError, stop: threading.Event) -> None:
        with self._change:
            if not stop.is_set():
                self._error = error
                self._failed_at = time.monotonic()
                self._change.notify_all()
