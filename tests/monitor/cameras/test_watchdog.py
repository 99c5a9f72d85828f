"""What the watch over a camera lets through."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from prismseg.base import DataError, Message
from prismseg.monitor.cameras import CameraError, WatchedCamera
from prismseg.thermal import Frame

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAME = Message("Test camera")


class Scripted:
    """Gives the pictures of a list of (seconds, level), raising what is an exception."""

    name = NAME

    def __init__(self, *steps):
        self.steps = list(steps)
        self.now = 0.0
        self.closed = self.resets = 0

    def clock(self):
        return self.now

    def frame(self):
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        self.now, level = step[:2]
        celsius = np.full((10, 12), 20.0)
        celsius[3] = level
        return Frame(celsius, time=START + timedelta(seconds=step[2] if len(step) > 2 else self.now))

    def reset(self):
        self.resets += 1

    def close(self):
        self.closed += 1


def guarded(*steps, **settings):
    camera = Scripted(*steps)
    return WatchedCamera(camera, clock=camera.clock, **settings), camera


def test_same_picture_under_new_times_is_frozen():
    camera, scripted = guarded((0, 30), (1, 30), (1.5, 30), (1.6, 30), (1.9, 30), (2, 31), (2.1, 32))
    for _ in range(3):
        camera.frame()
    for _ in range(2):
        with pytest.raises(CameraError, match="frozen: the same picture for 2 s"):
            camera.frame()
        assert scripted.now < 2, "nobody looks at a frozen picture for 2 s"
    assert camera.frame().celsius[3, 0] == 31
    assert camera.frame().celsius[3, 0] == 32


def test_same_picture_of_the_same_time_is_shown_again_on_purpose():
    camera, _ = guarded(*[(second, 30, 0) for second in range(0, 100, 10)])
    assert [camera.frame().celsius[3, 0] for _ in range(10)] == [30] * 10


def test_pictures_that_differ_in_one_pixel_are_new():
    camera, _ = guarded(*[(second, 30 + second / 1000) for second in range(0, 100, 10)])
    assert len({float(camera.frame().celsius.max()) for _ in range(10)}) == 10


def test_missing_pixels_do_not_hide_a_freeze():
    camera, scripted = guarded()
    picture = np.eye(10)
    picture[3, 4] = np.nan
    scripted.frame = lambda: Frame(picture, time=START + timedelta(seconds=scripted.now))
    camera.frame()
    scripted.now = 10
    with pytest.raises(CameraError, match="frozen"):
        camera.frame()


@pytest.mark.parametrize("error", [DataError("half a file"), OSError("no device")])
def test_other_errors_become_camera_errors(error):
    camera, _ = guarded(error, (1, 30))
    with pytest.raises(CameraError, match="Test camera gives no usable picture") as caught:
        camera.frame()
    assert isinstance(caught.value.args[0], Message)
    assert camera.frame().celsius[3, 0] == 30


def test_reasons_stay_translatable():
    camera, _ = guarded(DataError(Message("{n} bytes", n=3)))
    with pytest.raises(CameraError) as caught:
        camera.frame()
    assert caught.value.args[0].translated(lambda text: text.replace("bytes", "octetos")).endswith("3 octetos")


def test_pictures_without_a_zone_are_refused():
    camera, scripted = guarded()
    scripted.frame = lambda: Frame(np.eye(10), time=datetime(2026, 1, 1))
    with pytest.raises(CameraError, match="does not say when"):
        camera.frame()


def test_the_last_patients_picture_is_never_given_again():
    camera, scripted = guarded((0, 30), (0.1, 30), (0.2, 30, 0.1), (9, 31), (9.1, 30))
    camera.frame()
    camera.reset()
    assert scripted.resets == 1
    for _ in range(2):
        with pytest.raises(CameraError, match="still gives the last patient's picture"):
            camera.frame()
    assert camera.frame().celsius[3, 0] == 31
    assert camera.frame().celsius[3, 0] == 30


def test_closed_once_and_for_all():
    camera, scripted = guarded((0, 30))
    camera.close()
    camera.close()
    assert scripted.closed == 1
    with pytest.raises(CameraError, match="closed"):
        camera.frame()


def test_failing_and_working_again_are_told_once():
    broken = CameraError(Message("The camera is not plugged in."))
    camera, _ = guarded((0, 30), broken, broken, DataError("torn"), (1, 31), (2, 32), broken, (3, 33))
    told = []
    camera.on_change = told.append
    for _ in range(8):
        with suppress(CameraError):
            camera.frame()
    assert told == [broken, None, broken, None]
