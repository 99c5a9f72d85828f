"""Simulated patients: who they are, what the block does, what the camera shows."""

import itertools
import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from prismseg.base import ConfigError, Message
from prismseg.monitor.cameras import PATIENTS, CameraError, Simulator, WatchedCamera, find_simulator
from prismseg.thermal.phantom import LEFT, RIGHT


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def made(seed=0, kind="working", **settings):
    clock = Clock()
    return Simulator(seed, kind, clock=clock, sleep=clock.sleep, **settings), clock


def means(camera):
    celsius = camera.frame().celsius
    return tuple(float(celsius[camera.labels == label].mean()) for label in (LEFT, RIGHT))


def after(camera, clock, minutes):
    camera.start_dose()
    clock.sleep(60 * minutes)
    return means(camera)


def test_equal_seeds_give_equal_pictures():
    first, second, other = made(3)[0], made(3)[0], made(4)[0]
    for _ in range(3):
        one = first.frame().celsius
        np.testing.assert_array_equal(one, second.frame().celsius)
        assert not np.array_equal(one, other.frame().celsius)


def test_no_two_pictures_are_equal_and_the_patient_lies_still():
    camera, _ = made()
    frames = [camera.frame().celsius for _ in range(20)]
    for before, following in itertools.pairwise(frames):
        difference = following - before
        assert (difference == 0).mean() < 0.01
        assert np.abs(difference).std() < 0.3
        assert abs(float(difference.mean())) < 0.02


def test_noise_is_that_of_the_camera():
    camera, _ = made(rate=60)
    noise = (camera.frame().celsius - camera.frame().celsius).std() / np.sqrt(2)
    assert noise == pytest.approx(camera.subject.camera.noise, rel=0.1)


@pytest.mark.parametrize("kind", sorted(PATIENTS))
@pytest.mark.parametrize("seed", [0, 1])
def test_soles_stand_apart_right_foot_on_the_left(kind, seed):
    camera, _ = made(seed, kind)
    columns = [np.nonzero(camera.labels == label)[1] for label in (LEFT, RIGHT)]
    assert columns[1].mean() < columns[0].mean()
    assert not camera.labels[:, 0].any()
    assert not camera.labels[:, -1].any()


def test_truth_is_where_the_feet_are_and_has_their_temperature():
    camera, _ = made(1, "one-sided")
    expected = [course.temperature(0) for course in camera.subject.courses]
    assert means(camera) == pytest.approx(expected, abs=1.0)


def test_mirrored_camera_flips_picture_and_truth():
    plain, mirrored = made(2)[0], made(2, mirrored=True)[0]
    np.testing.assert_array_equal(mirrored.frame().celsius, plain.frame().celsius[:, ::-1])
    np.testing.assert_array_equal(mirrored.labels, plain.labels[:, ::-1])
    assert np.nonzero(mirrored.labels == RIGHT)[1].mean() > np.nonzero(mirrored.labels == LEFT)[1].mean()


def test_both_feet_warm_after_the_dose_only():
    camera, clock = made(kind="working")
    before = means(camera)
    clock.sleep(3600)
    assert camera.minute == 0
    assert means(camera) == pytest.approx(before, abs=0.1)
    rises = np.subtract(after(camera, clock, 30), before)
    truth = [course.temperature(30) - course.temperature(0) for course in camera.subject.courses]
    np.testing.assert_allclose(rises, truth, atol=0.5)
    assert rises.min() > 1.5


def test_one_foot_warms_and_it_is_the_right_one():
    camera, clock = made(kind="one-sided")
    before = means(camera)
    rises = np.subtract(after(camera, clock, 30), before)
    courses = camera.subject.courses
    assert int(np.argmax(rises)) == int(np.argmax([course.rise for course in courses]))
    assert rises.max() - rises.min() > 1.5


def test_a_failed_block_warms_nothing_and_warm_feet_have_no_room():
    camera, clock = made(kind="none")
    before = means(camera)
    assert np.subtract(after(camera, clock, 30), before).max() < 1.2
    camera, clock = made(kind="warm")
    assert min(course.baseline for course in camera.subject.courses) >= 33.5
    before = means(camera)
    assert np.subtract(after(camera, clock, 30), before).max() < 1.2


def test_temperatures_change_without_steps():
    camera, clock = made(kind="working", rate=60)
    camera.start_dose()
    clock.sleep(60 * 9.9)
    curve = []
    for _ in range(40):
        clock.sleep(1)
        curve.append(means(camera)[0])
    assert np.abs(np.diff(curve)).max() < 0.05


def test_speed_makes_minutes_short_but_the_time_of_a_frame_is_real():
    camera, clock = made(speed=20)
    camera.start_dose()
    clock.sleep(60)
    assert camera.minute == pytest.approx(20)
    time = camera.frame().time
    assert time.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - time) < timedelta(seconds=5)


def test_sessions_are_taken_up_again_and_begun_anew():
    camera, _ = made()
    camera.start_dose(seconds_ago=600)
    assert camera.minute == pytest.approx(10)
    camera.clear_dose()
    assert camera.minute == 0


def test_pictures_come_at_the_rate():
    camera, clock = made(rate=10)
    start = clock.now
    for _ in range(11):
        camera.frame()
    assert clock.now - start == pytest.approx(1.0, abs=0.01)


def test_unplugged_and_plugged_in_again():
    camera, _ = made()
    camera.frame()
    camera.unplug()
    for _ in range(2):
        with pytest.raises(CameraError, match="unplugged") as caught:
            camera.frame()
    assert isinstance(caught.value.args[0], Message)
    camera.plug_in()
    assert camera.frame().size == (240, 320)


def test_size_and_name():
    camera, _ = made(size=(120, 160))
    assert camera.frame().size == camera.labels.shape == (120, 160)
    assert isinstance(camera.name, Message)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "dead"}, "working, one-sided"),
        ({"speed": 0.0}, "speed"),
        ({"speed": float("nan")}, "speed"),
        ({"rate": 0.0}, "rate"),
        ({"seed": -1}, "seed"),
        ({"size": (10, 320)}, "height"),
    ],
)
def test_what_cannot_be_is_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        made(**settings)


def test_simulator_is_found_through_its_guard():
    camera, _ = made()
    assert find_simulator(camera) is camera
    assert find_simulator(WatchedCamera(camera)) is camera
    assert find_simulator(WatchedCamera(object())) is None


def test_several_threads_may_ask_at_once():
    camera = WatchedCamera(Simulator(rate=60))
    frames = []

    def ask():
        frames.extend(camera.frame() for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({frame.celsius.tobytes() for frame in frames}) == 15
