from __future__ import annotations

import io
import time
from datetime import UTC, datetime

import numpy as np
from PIL import Image

from prismseg.base import Message
from prismseg.monitor.cameras import CameraError
from prismseg.monitor.live import LiveView
from prismseg.thermal import Frame

from .test_lights import scene


class Scripted:
    """A camera that gives one scene, and fails when told to."""

    name = "scripted"

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    def frame(self) -> Frame:
        self.asked += 1
        time.sleep(0.01)
        if self.fails:
            raise CameraError(Message("The cable is out."))
        frame, _ = scene()
        return Frame(frame.celsius + self.asked * 1e-3, time=datetime.now(UTC), parameters=frame.parameters)

    def close(self) -> None:
        pass


def segment_live(_: Frame) -> np.ndarray:
    return scene()[1].astype(np.float32)


def test_pictures_outlines_and_lights_of_each_view() -> None:
    live = LiveView(Scripted(), segment_live, (20, 38))
    try:
        with live.watched("soles-to-camera"), live.watched("mirrored"):
            live_frame = live.after(0)
            while live_frame is not None and len(live_frame.outlines) < 2:
                live_frame = live.after(live_frame.number)
        assert Image.open(io.BytesIO(live_frame.picture)).size == (320, 240)
        usual, mirrored = (live_frame.outlines[view, "both"] for view in ("soles-to-camera", "mirrored"))
        assert usual["left"] == mirrored["right"] and usual["right"] == mirrored["left"]
        # The patient's left sole is on the right of the picture.
        assert np.mean([x for x, _ in usual["left"][0]]) > 160 > np.mean([x for x, _ in usual["right"][0]])
        assert [light.state for light in live_frame.lights["mirrored", "both"]] == ["good"] * 5
    finally:
        live.stop()


def test_nobody_watches_and_the_camera_rests() -> None:
    camera = Scripted()
    live = LiveView(camera, segment_live, (20, 38))
    try:
        time.sleep(0.1)
        assert camera.asked == 0
        with live.watched("mirrored"):
            assert live.after(0) is not None
        seen = [0]
        while seen[-1] != camera.asked:  # what was under way may still come
            seen.append(camera.asked)
            time.sleep(0.3)
        assert live.after(10**9, timeout=0.2) is None
        assert camera.asked == seen[-1]
    finally:
        live.stop()


def test_a_failure_is_said_and_passes() -> None:
    camera = Scripted()
    camera.fails = True
    live = LiveView(camera, segment_live, (20, 38))
    try:
        with live.watched("mirrored"):
            live_frame = live.after(0)
            assert live_frame.failure == "The cable is out." and live_frame.picture == b""
            camera.fails = False
            while live_frame is None or live_frame.failure is not None:
                live_frame = live.after(live_frame.number)
            assert live_frame.picture
    finally:
        live.stop()
