"""The live picture: one thread looks through the camera for all open pages."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    """

    number: int
    picture: bytes = b""
    size: tuple[int, int] = (0, 0)
    outlines: dict[Aim, dict[str, list[Line]]] = field(default_factory=dict)
    lights: dict[Aim, tuple[QualityLight, ...]] = field(default_factory=dict)
    failure: Message | None = None


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

    def after(self, number: int, timeout: float = 2.0) -> LiveFrame | None:
        """Wait for a picture newer than `number`; None when there is none in time."""
        with self._news:
            self._news.wait_for(lambda: self._live_frame.number > number or self._stopped, timeout)
            return self._live_frame if self._live_frame.number > number else None

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
                aims = list(+self._watchers)
            began = time.monotonic()
            live_frame = self._look(aims)
            with self._news:
                self._live_frame = live_frame
                self._news.notify_all()
            pause = _RETRY_SECONDS if live_frame.failure is not None else _FASTEST - (time.monotonic() - began)
            if pause > 0:
                time.sleep(pause)

    def _look(self, aims: list[Aim]) -> LiveFrame:
        number = self._live_frame.number + 1
        try:
            frame = self.camera.frame()
        except CameraError as error:
            self._previous.clear()
            text = error.args[0]
            return LiveFrame(
                number, failure=text if isinstance(text, Message) else Message("{text}", text=str(error))
            )
        probability = self._glance(frame)
        mask = np.zeros(frame.size, bool) if probability is None else probability > 0.5
        lines: dict[Aim, dict[str, list[Line]]] = {}
        lights: dict[Aim, tuple[QualityLight, ...]] = {}
        for aim in aims:
            view, feet = aim
            soles = Soles.from_mask(
                mask, check_view(view), self._previous.get(aim), feet=feet, probability=probability
            )
            self._previous[aim] = soles
            lines[aim] = outline_points(soles)
            lights[aim] = assess_frame(frame, soles)
        return LiveFrame(number, jpeg(coloured(frame, self._scale)), frame.size, lines, lights)


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
