"""USB cameras that hang, break off and come back, driven by bytes; and OpenCV behind a stand-in."""

import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from prismseg.base import ConfigError, Message
from prismseg.monitor.cameras import CameraError, UvcCamera, WatchedCamera, open_recording
from prismseg.monitor.cameras.uvc import VideoStream


def raw(level=3031, width=160, height=120):
    counts = np.full((height, width), 29515, "<u2")
    counts[:, :60] = level * 10
    return counts.tobytes()


class Script:
    """A stream that gives what a list holds: bytes, an exception, or an event to hang on."""

    def __init__(self, steps, pause=0.01):
        self.steps = steps
        self.pause = pause
        self.closed = False

    def read(self):
        time.sleep(self.pause)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, threading.Event):
            step.wait()
            raise CameraError("released")
        if isinstance(step, Exception):
            raise step
        return step

    def close(self):
        self.closed = True


def camera_of(*streams, timeout=60, retry=0.05):
    streams = list(streams)

    def open_stream():
        stream = streams.pop(0) if len(streams) > 1 else streams[0]
        if isinstance(stream, Exception):
            raise stream
        return stream

    return UvcCamera(open_stream=open_stream, timeout=timeout, retry=retry)


@pytest.fixture
def closing():
    cameras = []
    yield lambda camera: cameras.append(camera) or camera
    for camera in cameras:
        camera.close()


def test_pictures_in_celsius_with_their_time(closing):
    stream = Script([raw()])
    camera = closing(camera_of(stream))
    frame = camera.frame()
    assert frame.size == (120, 160)
    assert frame.celsius[0, 0] == pytest.approx(29.95, abs=1e-3)
    assert frame.time.utcoffset() == timedelta(0)
    assert datetime.now(UTC) - frame.time < timedelta(minutes=5)
    assert all(isinstance(note, Message) for note in frame.notes)
    camera.close()
    assert stream.closed


def test_a_picture_is_never_older_than_the_question(closing):
    camera = closing(camera_of(Script([raw(3000 + n) for n in range(200)])))
    camera.frame()
    time.sleep(0.3)
    asked = datetime.now(UTC)
    assert camera.frame().time >= asked


def test_shutter_and_boot_frames_are_passed_over(closing):
    bad = np.full((120, 160), 29515, "<u2").tobytes()
    camera = closing(camera_of(Script([bytes(38_400), bad, bad, raw()])))
    assert camera.frame().size == (120, 160)


def test_a_reason_that_stays_is_said(closing):
    with pytest.raises(CameraError, match="100 bytes"):
        closing(camera_of(Script([bytes(100)]), timeout=3)).frame()


def test_a_camera_that_hangs_is_late_and_no_longer_waited_for(closing):
    hang = threading.Event()
    camera = closing(camera_of(Script([raw(), hang]), timeout=0.3))
    camera.frame()
    for _ in range(2):
        start = time.monotonic()
        with pytest.raises(CameraError, match="no picture for") as caught:
            camera.frame()
        assert time.monotonic() - start < 60
    assert isinstance(caught.value.args[0], Message)
    hang.set()


def test_unplugged_and_back(closing):
    gone = CameraError(Message("The camera stopped."))
    absent = CameraError(Message("There is no camera."))
    first = Script([raw(), gone])
    camera = closing(camera_of(first, absent, absent, Script([raw(3100)])))
    camera.frame()
    said = []
    for _ in range(20):
        try:
            frame = camera.frame()
        except CameraError as error:
            said.append(str(error))
            continue
        if frame.celsius[0, 0] > 36:
            break
    else:
        pytest.fail("the camera did not come back")
    assert said == ["The camera stopped.", "There is no camera.", "There is no camera."]
    assert first.closed


def test_whatever_a_driver_raises_is_a_camera_error(closing):
    camera = closing(camera_of(Script([RuntimeError("select() timeout")]), Script([raw()])))
    with pytest.raises(CameraError, match=r"driver failed .*select\(\) timeout"):
        camera.frame()
    assert camera.frame().size == (120, 160)


def test_frozen_camera_is_told_by_its_guard(closing):
    now = iter((0.0, 0.3, 0.3))
    camera = closing(WatchedCamera(camera_of(Script([raw()])), frozen_after=0.2, clock=lambda: next(now)))
    camera.frame()
    with pytest.raises(CameraError, match="frozen"):
        camera.frame()


def record(path, frames):
    path.write_bytes(b"".join(frames))
    return path


def test_recordings_play_and_start_again(tmp_path, closing):
    path = record(tmp_path / "lepton.raw", [raw(3000 + 10 * n) for n in range(3)])
    camera = closing(open_recording(path, rate=200))
    seen = {round(float(camera.frame().celsius[0, 0]), 2) for _ in range(40)}
    assert seen == {26.85, 27.85, 28.85}
    assert camera.name == "Recording lepton.raw"


def test_recordings_of_double_frames_and_of_telemetry(tmp_path, closing):
    counts = np.full((192, 256), 295 * 64, "<u2")
    counts[:, :90] = 305 * 64
    double = np.vstack([np.full((192, 256), 0x8010, "<u2"), counts]).tobytes()
    camera = closing(open_recording(record(tmp_path / "double", [double]), "tc001", rate=100))
    assert camera.frame().celsius[0, 0] == pytest.approx(31.85, abs=1e-3)
    lines = np.zeros((3, 80), "<u2").tobytes()
    path = record(tmp_path / "small", [raw(3031, 80, 60) + lines])
    camera = closing(open_recording(path, size=(80, 63), rate=100))
    assert camera.frame().size == (60, 80)


@pytest.mark.parametrize("content", [b"", raw()[:-1], raw() + b"x"])
def test_recordings_that_break_off_say_so(tmp_path, closing, content):
    path = tmp_path / "cut.raw"
    path.write_bytes(content)
    camera = closing(open_recording(path, rate=200))
    with pytest.raises(CameraError, match=r"cut\.raw ends within a frame"):
        for _ in range(5):
            camera.frame()


def test_missing_recordings_say_so(tmp_path, closing):
    with pytest.raises(CameraError, match="cannot be read"):
        closing(open_recording(tmp_path / "none.raw")).frame()


def test_what_recordings_cannot_be_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="160x120"):
        open_recording(tmp_path, size=(100, 100))
    with pytest.raises(ConfigError, match=r"0\.5 to 1000"):
        open_recording(tmp_path, rate=0)
    with pytest.raises(ConfigError, match="lepton, lepton-low, tc001"):
        open_recording(tmp_path, "canon")


class Capture:
    def __init__(self, pictures, opened=True):
        self.pictures = pictures
        self.opened = opened
        self.asked = {}
        self.released = False

    def isOpened(self):
        return self.opened

    def set(self, key, value):
        self.asked[key] = value

    def read(self):
        return (True, self.pictures.pop(0)) if self.pictures else (False, None)

    def release(self):
        self.released = True


def stand_in(capture):
    opened = []

    def video_capture(*arguments):
        opened.append(arguments)
        return capture

    names = ("CONVERT_RGB", "FOURCC", "BUFFERSIZE", "FRAME_WIDTH", "FRAME_HEIGHT")
    return SimpleNamespace(
        CAP_V4L2=200,
        CAP_DSHOW=700,
        CAP_ANY=0,
        VideoCapture=video_capture,
        VideoWriter=SimpleNamespace(fourcc=lambda *letters: "".join(letters)),
        opened=opened,
        **{f"CAP_PROP_{name}": name for name in names},
    )


@pytest.mark.parametrize(("device", "given"), [("0", 0), ("/dev/video2", "/dev/video2")])
def test_opencv_is_asked_for_raw_frames(device, given):
    from prismseg.monitor.cameras import FORMATS

    capture = Capture([np.frombuffer(raw(), "<u2").reshape(120, 160)])
    cv2 = stand_in(capture)
    stream = VideoStream(cv2, device, FORMATS["lepton"])
    assert cv2.opened[0][0] == given
    assert capture.asked == {
        "CONVERT_RGB": 0, "FOURCC": "Y16 ", "BUFFERSIZE": 1, "FRAME_WIDTH": 160, "FRAME_HEIGHT": 120,
    }  # fmt: skip
    assert stream.read() == raw()
    with pytest.raises(CameraError, match="stopped sending"):
        stream.read()
    stream.close()
    assert capture.released


def test_devices_that_are_absent_or_taken_say_so():
    from prismseg.monitor.cameras import FORMATS

    capture = Capture([], opened=False)
    with pytest.raises(CameraError, match="another program"):
        VideoStream(stand_in(capture), "7", FORMATS["lepton"])
    assert capture.released


def test_real_opencv_without_a_device_is_a_camera_error(closing):
    pytest.importorskip("cv2")
    with pytest.raises(CameraError):
        closing(UvcCamera("97", timeout=2.0)).frame()


def test_without_opencv_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(ConfigError, match=r"pip install 'prismseg\[camera\]'"):
        UvcCamera("0")
