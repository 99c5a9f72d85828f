"""A watchdog over any camera: frozen pictures, errors of other kinds, calls from several threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import numpy as np

from prismseg.base import Message, PrismsegError
from prismseg.monitor.cameras.protocol import Camera, CameraError, Now, utc_now
from prismseg.thermal import Frame

FROZEN_AFTER = (
    1.5  # seconds; a shutter calibration holds the picture for about one, and 2 are too long to look at it
)


class WatchedCamera:
    """A camera whose pictures are certainly new ones.

    Noise makes every exposure unlike the one before. Equal pixels under a new time are therefore no new picture, but
    the same time says that a picture is shown again on purpose, as a `FolderWatcher` does.

    Parameters
    ----------
    camera : Camera
        What is watched.
    frozen_after : float
        Seconds that a picture may stay the same.
    clock : callable
        Seconds that only increase.
    now : callable
        Tells the time.

    Attributes
    ----------
    asked_at, given_at : datetime or None
        When a picture was last asked for, and given; the former is the later one while the camera fails.
    on_change : callable
        Told when the camera begins to fail, with the error, and when it works again, with None.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        frozen_after: float = FROZEN_AFTER,
        clock: Callable[[], float] = time.monotonic,
        now: Now = utc_now,
    ) -> None:
        self.camera = camera
        self.asked_at: datetime | None = None
        self.given_at: datetime | None = None
        self.on_change: Callable[[CameraError | None], object] = lambda _: None
        self._fails = False
        self._now = now
        self._frozen_after = frozen_after
        self._clock = clock
        self._lock = threading.Lock()
        self._first: Frame | None = None  # of those that look the same
        self._since = 0.0
        self._left = False  # the picture is the last one of another patient
        self._closed = False

    @property
    def name(self) -> str:
        """Name of the camera that is watched."""
        return self.camera.name

    def frame(self) -> Frame:
        """Give the next picture; see `Camera.frame`.

        Raises
        ------
        CameraError
            Also when the picture has not changed for `frozen_after` seconds, and for what the adapter raised instead.
        """
        with self._lock:
            self.asked_at = self._now()
            if self._closed:
                raise CameraError(Message("{camera} has been closed; choose a camera again.", camera=self.name))
            try:
                frame = self._next()
            except CameraError as error:
                self._tell(error)
                raise
            self._tell(None)
            self.given_at = self._now()
            return frame

    def reset(self) -> None:
        """Let the camera forget its pictures; the last one given is remembered, to be refused if it comes again."""
        with self._lock:
            self._left = self._first is not None
            self.camera.reset()

    def close(self) -> None:
        """Close the camera; a picture under way is waited for."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self.camera.close()

    def _tell(self, error: CameraError | None) -> None:
        """Say once that the camera fails, and once that it works again."""
        if self._fails != (error is not None):
            self._fails = error is not None
            self.on_change(error)

    def _next(self) -> Frame:
        try:
            frame = self.camera.frame()
        except CameraError:
            raise
        except (PrismsegError, OSError) as error:
            reason = error.args[0] if error.args and isinstance(error.args[0], Message) else str(error)
            raise CameraError(
                Message("{camera} gives no usable picture: {reason}", camera=self.name, reason=reason)
            ) from error
        if not isinstance(frame.time, datetime) or frame.time.tzinfo is None:
            raise CameraError(
                Message("{camera} does not say when its picture was taken; it cannot be used.", camera=self.name)
            )
        self._watch(frame)
        return frame

    def _watch(self, frame: Frame) -> None:
        first = self._first
        if first is None or not np.array_equal(frame.celsius, first.celsius, equal_nan=True):
            self._first, self._since, self._left = frame, self._clock(), False
            return
        if self._left:
            raise CameraError(
                Message(
                    "{camera} still gives the last patient's picture. Take a new one; if it stays, unplug the camera and "
                    "plug it in again.",
                    camera=self.name,
                )
            )
        still = self._clock() - self._since
        if frame.time != first.time and still > self._frozen_after:
            raise CameraError(
                Message(
                    "{camera} is frozen: the same picture for {seconds:.0f} s. Unplug it, plug it in again, and wait "
                    "until the picture moves.",
                    camera=self.name,
                    seconds=still,
                )
            )
