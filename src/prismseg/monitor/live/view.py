"""The live picture: one thread looks through the camera for all open pages."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import Message
from prismseg.base.deprecation import renamed
from prismseg.monitor.cameras import Camera, CameraError
from prismseg.monitor.live.lights import QualityLight, assess_frame
from prismseg.monitor.live.pictures import coloured, jpeg
from prismseg.thermal import LEFT, RIGHT, Feet, Frame, Soles, View, check_view, trace_outlines

_RETRY_SECONDS = 0.5  # after a failure of the camera
FRESH_SECONDS = 2.0
"""Age up to which a picture shows what is there now; older, it is shown as old, and so are its lights."""
_FASTEST = 1 / 12  # more pictures a second than people see would only warm the machine
Line = list[tuple[float, float]]
Aim = tuple[View, Feet]
"""How the camera sees the soles, and which feet are looked for."""


@dataclass(frozen=True)
class LiveFrame:
    """One live picture.

    Attributes
    ----------
    number : int
        Grows with each.
    picture : bytes
        JPEG; empty after a failure.
    size : (int, int)
        Height and width.
    outlines : dict
        By aim and side: closed lines of (x, y) in pixels.
    lights : dict
        By aim.
    failure : Message or None
        Why there is no picture.
    taken_at : datetime or None
        When the picture was taken, by the monitor's clock.
    """

    number: int
    picture: bytes = b""
    size: tuple[int, int] = (0, 0)
    outlines: dict[Aim, dict[str, list[Line]]] = field(default_factory=dict)
    lights: dict[Aim, tuple[QualityLight, ...]] = field(default_factory=dict)
    failure: Message | None = None
    taken_at: datetime | None = None


@renamed(glance="segment_live")
class LiveView:
    """Looks through a camera as long as somebody watches.

    Parameters
    ----------
    camera : Camera
        What is looked through.
    segment_live : callable
        Probability of sole in a frame, None where it cannot be told.
    scale : tuple of float
        Lowest and highest °C of the colours.
    """

    def __init__(
        self,
        camera: Camera,
        segment_live: Callable[[Frame], NDArray[np.float32] | None],
        scale: tuple[float, float],
    ) -> None:
        self.camera = camera
        self._glance = segment_live
        self._scale = scale
        self._news = threading.Condition()
        self._live_frame = LiveFrame(0)
        self._watchers: Counter[Aim] = Counter()
        self._previous: dict[Aim, Soles] = {}
        self._patient = 0  # a picture that was under way when another patient came is nobody's
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="live view", daemon=True)
        self._thread.start()

    @contextmanager
    def watched(self, view: View, feet: Feet = "both") -> Iterator[None]:
        """Keep looking while the block runs."""
        aim = (view, feet)
        with self._news:
            self._watchers[aim] += 1
            self._news.notify_all()
        try:
            yield
        finally:
            with self._news:
                self._watchers[aim] -= 1

    @property
    def last(self) -> LiveFrame:
        """The newest picture, however old."""
        with self._news:
            return self._live_frame

    def after(self, number: int, timeout: float = 2.0) -> LiveFrame | None:
        """Wait for a picture newer than `number`; None when there is none in time."""
        with self._news:
            self._news.wait_for(lambda: self._live_frame.number > number or self._stopped, timeout)
            return self._live_frame if self._live_frame.number > number else None

    def forget(self) -> None:
        """Forget picture, outlines and the soles' track: the camera comes to another patient, or has left one."""
        self.camera.reset()
        with self._news:
            self._patient += 1
            self._previous = {}
            self._live_frame = LiveFrame(self._live_frame.number + 1)

    def stop(self) -> None:
        """End the thread."""
        with self._news:
            self._stopped = True
            self._news.notify_all()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._stopped or +self._watchers)
                if self._stopped:
                    return
                aims, patient, number = list(+self._watchers), self._patient, self._live_frame.number + 1
                previous = dict(self._previous)
            began = time.monotonic()
            live_frame, found = self._look(aims, number, previous)
            with self._news:
                if patient == self._patient:
                    self._live_frame, self._previous = live_frame, found
                    self._news.notify_all()
            pause = _RETRY_SECONDS if live_frame.failure is not None else _FASTEST - (time.monotonic() - began)
            if pause > 0:
                time.sleep(pause)

    def _look(
        self, aims: list[Aim], number: int, previous: dict[Aim, Soles]
    ) -> tuple[LiveFrame, dict[Aim, Soles]]:
        try:
            frame = self.camera.frame()
        except CameraError as error:
            text = error.args[0]
            failure = text if isinstance(text, Message) else Message("{text}", text=str(error))
            return LiveFrame(number, failure=failure), {}
        probability = self._glance(frame)
        mask = np.zeros(frame.size, bool) if probability is None else probability > 0.5
        lines: dict[Aim, dict[str, list[Line]]] = {}
        lights: dict[Aim, tuple[QualityLight, ...]] = {}
        for aim in aims:
            view, feet = aim
            soles = Soles.from_mask(mask, check_view(view), previous.get(aim), feet=feet, probability=probability)
            previous[aim] = soles
            lines[aim] = outline_points(soles)
            lights[aim] = assess_frame(frame, soles)
        picture = jpeg(coloured(frame, self._scale))
        return LiveFrame(number, picture, frame.size, lines, lights, taken_at=frame.time), previous


def outline_points(soles: Soles) -> dict[str, list[Line]]:
    """Outlines of both soles, or of what was found instead (``unnamed``), with every other point left out."""
    if not soles.ok:
        found: dict[int, Any] = trace_outlines(soles.cleaned)
        return {"unnamed": [_thin_out(line) for line in found.get(1, [])]}
    found = trace_outlines(soles.labels())
    return {
        name: [_thin_out(line) for line in found.get(label, [])]
        for name, label in (("left", LEFT), ("right", RIGHT))
    }


def _thin_out(line: NDArray[np.float64]) -> Line:
    return [(round(float(column), 1), round(float(row), 1)) for row, column in line[::2]]
