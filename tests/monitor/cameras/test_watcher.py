"""Pictures that come into a folder: whole, half, broken, in a wrong order, with a wrong clock."""

import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest

from prismseg.base import DataError, Message
from prismseg.monitor.cameras import CameraError, FolderWatcher, WatchedCamera
from prismseg.thermal import Frame


def scene(level):
    celsius = 22.0 + 0.13 * np.arange(24 * 32).reshape(24, 32) % 3.0
    celsius[8:, 6:14] = level
    return celsius


def text(level):
    return "\n".join(",".join(f"{value:.2f}" for value in row) for row in scene(level)) + "\n"


def put(folder, name, level):
    (folder / name).write_text(text(level))
    return folder / name


class Clock:
    """Seconds that pass only while somebody waits; each wait may let something happen."""

    def __init__(self):
        self.seconds = 0.0
        self.events = []

    def __call__(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds
        if self.events:
            self.events.pop(0)()


def watch(folder, clock=None, **settings):
    clock = clock or Clock()
    limits = {"settled": 0.05, "timeout": 0.6, "patience": 0.3, **settings}
    return FolderWatcher(folder, clock=clock, sleep=clock.sleep, **limits)


def level(frame):
    return float(frame.celsius[-1, 8])


class Wall:
    """The monitor's clock: it stands until a test lets it go on."""

    def __init__(self):
        self.now = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)


def until(watcher, wanted, newer=None):
    """Ask until a picture of this level, and newer than that, comes."""
    for _ in range(50):
        try:
            frame = watcher.frame()
        except CameraError:
            continue
        if level(frame) == pytest.approx(wanted) and (newer is None or frame.time > newer):
            return frame
    pytest.fail(f"no picture of {wanted} °C came")


def test_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(CameraError, match=r"No picture has come into .* Take one") as caught:
        watch(tmp_path).frame()
    assert isinstance(caught.value.args[0], Message)


def test_what_was_there_before_is_another_patients(tmp_path):
    put(tmp_path, "yesterday.csv", 36)
    watcher = watch(tmp_path)
    with pytest.raises(CameraError, match="No picture has come"):
        watcher.frame()
    put(tmp_path, "now.csv", 30)
    assert level(watcher.frame()) == 30


def test_the_newest_comes_and_then_comes_again_with_its_own_time(tmp_path):
    watcher = watch(tmp_path)
    put(tmp_path, "b.csv", 30)
    first = watcher.frame()
    assert first.time.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - first.time) < timedelta(seconds=10)
    again = watcher.frame()
    assert again is first
    put(tmp_path, "a.csv", 31)  # the order is that of arrival, not that of names
    second = until(watcher, 31)
    assert second.time > first.time
    assert level(watcher.frame()) == 31


def test_a_folder_is_not_frozen_for_its_guard(tmp_path):
    camera = WatchedCamera(watch(tmp_path), frozen_after=0.0)
    put(tmp_path, "a.csv", 30)
    assert [level(camera.frame()) for _ in range(3)] == [30, 30, 30]


def test_files_of_one_moment_are_taken_by_their_times(tmp_path):
    watcher = watch(tmp_path)
    now = time.time()
    for name, value, age in (("c.csv", 31, 20), ("a.csv", 33, 1), ("b.csv", 32, 10)):
        put(tmp_path, name, value)
        os.utime(tmp_path / name, (now - age, now - age))
    assert level(watcher.frame()) == 33
    for _ in range(3):
        assert level(watcher.frame()) == 33


def test_a_name_that_is_written_anew_is_a_new_picture(tmp_path):
    watcher = watch(tmp_path)
    put(tmp_path, "live.csv", 30)
    assert level(watcher.frame()) == 30
    put(tmp_path, "live.csv", 34)
    until(watcher, 34)


def test_a_half_written_file_is_not_read(tmp_path):
    whole = text(33)
    read = []

    def spy(path):
        read.append(path.read_text())
        return Frame(np.loadtxt(path, delimiter=","))

    clock = Clock()
    watcher = watch(tmp_path, clock, read=spy, settled=0.4, timeout=3.0)

    def write(start):
        with (tmp_path / "slow.csv").open("a") as file:
            file.write(whole[start : start + len(whole) // 8])

    clock.events = [partial(write, start) for start in range(0, len(whole), len(whole) // 8)]
    assert level(watcher.frame()) == 33
    assert not clock.events
    assert set(read) == {whole}


def test_a_file_that_becomes_whole_later_is_read_then(tmp_path):
    watcher = watch(tmp_path, patience=3.0)
    np.save(tmp_path / "whole.tmp.npy", scene(32))
    data = (tmp_path / "whole.tmp.npy").read_bytes()
    (tmp_path / "whole.tmp.npy").unlink()
    (tmp_path / "stalled.npy").write_bytes(data[:500])
    with pytest.raises(CameraError):
        watcher.frame()
    assert not watcher.unreadable
    (tmp_path / "stalled.npy").write_bytes(data)
    until(watcher, 32)


def test_a_sidecar_may_come_after_its_picture(tmp_path):
    from PIL import Image

    watcher = watch(tmp_path, patience=3.0)
    Image.fromarray((scene(30) * 8).astype(np.uint8)).save(tmp_path / "grey.png")
    with pytest.raises(CameraError):
        watcher.frame()
    (tmp_path / "grey.json").write_text('{"low": 20, "high": 40}')
    assert watcher.frame().kind == "grey"


def test_a_corrupt_file_is_named_and_counted_until_a_better_one_comes(tmp_path):
    watcher = watch(tmp_path)
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY nonsense")
    with pytest.raises(CameraError, match=r"broken\.npy cannot be used \(1 such so far\)") as caught:
        for _ in range(30):
            try:
                watcher.frame()
            except CameraError as error:
                if "broken" in str(error):
                    raise
    assert isinstance(caught.value.args[0], Message)
    assert [path.name for path in watcher.unreadable] == ["broken.npy"]
    put(tmp_path, "good.csv", 30)
    until(watcher, 30)
    assert len(watcher.unreadable) == 1


def test_the_photograph_beside_a_thermal_picture_does_no_harm(tmp_path):
    clock = Clock()
    watcher = watch(tmp_path, clock)
    put(tmp_path, "ir.csv", 30)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0 a photograph")
    while clock() < 1.0:
        assert level(watcher.frame()) == 30
    assert [path.name for path in watcher.unreadable] == ["photo.jpg"]


def test_an_old_picture_is_not_shown_for_a_newer_unreadable_one(tmp_path):
    clock = Clock()
    watcher = watch(tmp_path, clock, companion=0.2)
    put(tmp_path, "t0.csv", 30)
    watcher.frame()
    clock.sleep(0.4)
    (tmp_path / "t5.csv").write_text("no,numbers\nat,all\n")
    with pytest.raises(CameraError, match=r"t5\.csv"):
        for _ in range(20):
            watcher.frame()


@pytest.mark.parametrize("name", [".hidden.csv", "notes.docx", "grey.json"])
def test_other_files_are_left_alone(tmp_path, name):
    watcher = watch(tmp_path, timeout=0.3, patience=0.0)
    (tmp_path / name).write_text("x")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CameraError, match="No picture has come"):
        watcher.frame()
    assert not watcher.unreadable


def test_a_folder_that_vanishes_and_comes_back(tmp_path):
    folder = tmp_path / "drive"
    folder.mkdir()
    watcher = watch(folder)
    put(folder, "a.csv", 30)
    watcher.frame()
    folder.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(CameraError, match=r"cannot be read .* Plug its drive in"):
            watcher.frame()
    (tmp_path / "away").rename(folder)
    assert level(watcher.frame()) == 30
    put(folder, "b.csv", 31)
    until(watcher, 31)


def test_a_folder_that_is_not_there_yet(tmp_path):
    watcher = watch(tmp_path / "later")
    with pytest.raises(CameraError, match="cannot be read"):
        watcher.frame()
    (tmp_path / "later").mkdir()
    put(tmp_path / "later", "old.csv", 36)
    with pytest.raises(CameraError, match="No picture has come"):
        watcher.frame()
    put(tmp_path / "later", "new.csv", 30)
    until(watcher, 30)


def test_no_new_picture_for_too_long(tmp_path):
    clock = Clock()
    watcher = watch(tmp_path, clock, stale=0.5)
    put(tmp_path, "a.csv", 30)
    watcher.frame()
    clock.sleep(0.7)
    with pytest.raises(CameraError, match="No new picture"):
        watcher.frame()
    put(tmp_path, "b.csv", 31)
    until(watcher, 31)


def test_the_cameras_clock_counts_where_it_is_right(tmp_path):
    stated = datetime.now(UTC) - timedelta(seconds=20)
    watcher = watch(tmp_path, read=lambda _: Frame(scene(30), time=stated))
    put(tmp_path, "a.csv", 30)
    assert watcher.frame().time == stated
    local = stated.astimezone().replace(tzinfo=None)
    watcher = watch(tmp_path, read=lambda _: Frame(scene(30), time=local))
    put(tmp_path, "b.csv", 30)
    assert watcher.frame().time == stated


@pytest.mark.parametrize(
    "stated",
    [
        datetime(2015, 1, 1, tzinfo=UTC),
        datetime(9998, 12, 31, tzinfo=UTC),
        datetime(2090, 1, 1, tzinfo=UTC),
    ],
)
def test_a_wrong_clock_is_told_and_learnt_from_a_second_picture(tmp_path, stated):
    monitor = Wall()
    step = [timedelta(0)]
    watcher = watch(tmp_path, read=lambda _: Frame(scene(30), time=stated + step[0]), now=monitor)
    put(tmp_path, "a.csv", 30)
    with pytest.raises(CameraError, match="the camera's clock is wrong, or the picture is an old one") as caught:
        watcher.frame()
    assert isinstance(caught.value.args[0], Message) and str(stated.year) in str(caught.value)
    monitor.wait(60)
    step[0] = timedelta(seconds=60)
    put(tmp_path, "b.csv", 30)
    frame = watcher.frame()
    assert frame.time == monitor()
    assert isinstance(frame.notes[-1], Message) and str(stated.year) in frame.notes[-1]
    monitor.wait(600)
    step[0] = timedelta(seconds=300)
    put(tmp_path, "c.csv", 30)
    found = until(watcher, 30, newer=frame.time)
    assert found.time == frame.time + timedelta(seconds=240), "it came late, and says when it was taken"


def test_a_time_that_is_none_leaves_that_of_the_file(tmp_path):
    watcher = watch(tmp_path, read=lambda _: Frame(scene(30), time=datetime(1, 1, 1)))
    put(tmp_path, "a.csv", 30)
    taken = datetime.fromtimestamp((tmp_path / "a.csv").stat().st_mtime, UTC)
    assert abs(watcher.frame().time - taken) < timedelta(seconds=1)


def test_the_time_is_the_files_not_that_of_the_look(tmp_path):
    """Nobody looked into the folder for three minutes; then somebody presses the button."""
    monitor = Wall()
    watcher = watch(tmp_path, now=monitor, wall=lambda: monitor().timestamp())
    put(tmp_path, "first.csv", 30)
    os.utime(tmp_path / "first.csv", (monitor().timestamp(),) * 2)
    first = watcher.frame()
    assert first.time == monitor()
    monitor.wait(60)
    put(tmp_path, "second.csv", 31)
    os.utime(tmp_path / "second.csv", (monitor().timestamp(),) * 2)
    monitor.wait(180)
    assert until(watcher, 31).time == first.time + timedelta(seconds=60)


def test_a_step_of_the_computers_clock_does_not_move_a_picture(tmp_path):
    monitor, ahead = Wall(), [0.0]
    watcher = watch(tmp_path, now=monitor, wall=lambda: monitor().timestamp() + ahead[0])
    for value, step in ((30, 0.0), (31, -3600.0), (32, 7200.0)):
        ahead[0] = step
        put(tmp_path, f"{value}.csv", value)
        os.utime(tmp_path / f"{value}.csv", (monitor().timestamp() + step,) * 2)
        found = until(watcher, value)
        assert abs(found.time - monitor()) < timedelta(milliseconds=1)
        ahead[0] += 500
        assert watcher.frame().time == found.time
        monitor.wait(60)


def test_what_the_last_patient_left_is_not_given_to_the_next(tmp_path):
    watcher = watch(tmp_path)
    put(tmp_path, "last.csv", 30)
    assert level(watcher.frame()) == 30
    put(tmp_path, "unseen.csv", 31)
    watcher.reset()
    with pytest.raises(CameraError, match="No picture has come"):
        watcher.frame()
    put(tmp_path, "next.csv", 32)
    assert level(watcher.frame()) == 32


def test_a_picture_that_was_still_coming_is_the_last_patients(tmp_path):
    clock = Clock()
    watcher = watch(tmp_path, clock, settled=0.4)
    whole = text(30)
    (tmp_path / "late.csv").write_text(whole[:100])
    watcher.reset()

    def grow():
        (tmp_path / "late.csv").write_text(whole)

    clock.events = [grow]
    with pytest.raises(CameraError, match="No picture has come"):
        watcher.frame()
    assert not clock.events
    clock.sleep(1.0)
    with pytest.raises(CameraError, match="No picture has come"):
        watcher.frame()
    put(tmp_path, "late.csv", 33)  # a new one under the old name
    until(watcher, 33)


def test_a_file_that_goes_while_it_is_read(tmp_path):
    def vanish(path):
        path.unlink()
        raise DataError("gone")

    watcher = watch(tmp_path, read=vanish)
    put(tmp_path, "a.csv", 30)
    with pytest.raises(CameraError, match="No picture has come"):
        watcher.frame()
    watcher.close()
