"""FLIR FFF files and films: frames, times, choices, damage."""

import struct
import sys
from datetime import UTC, datetime, timedelta

import flyr
import numpy as np
import pytest

from prismseg.base import ConfigError, DataError
from prismseg.thermal import (
    TYPICAL_PARAMETERS,
    Session,
    find_frames,
    read_fff,
    read_frame,
    read_rjpeg,
    turn_upright,
    write_fff,
    write_rjpeg,
)
from prismseg.thermal.frames.flir.container import flir_stream, jpeg_segments
from prismseg.thermal.frames.flir.writer import _jpeg
from prismseg.thermal.frames.listing.choice import choose_frames, frame_stem, split_choice

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
TIMES = [START + timedelta(minutes=minute) for minute in (0, 1, 5, 10, 15, 20)]


@pytest.fixture
def frames(scene):
    """Six frames that warm by 0.5 °C each."""
    return np.stack([scene + 0.5 * number for number in range(6)])


@pytest.fixture(
    params=[(".seq", False, False), (".seq", True, False), (".csq", False, True), (".csq", True, True)]
)
def film(request, tmp_path, frames):
    suffix, high_byte_first, jpeg_ls = request.param
    return write_fff(
        tmp_path / f"film{suffix}", frames, times=TIMES, high_byte_first=high_byte_first, jpeg_ls=jpeg_ls
    )


def test_every_frame_of_a_film_has_its_temperatures_and_its_time(film, frames):
    for number in range(6):
        frame = read_frame(f"{film}#{number}")
        assert np.abs(frame.celsius - frames[number]).max() < 0.01
        assert frame.time == TIMES[number] and frame.kind == "radiometric" and frame.source == f"{film}#{number}"


def test_a_film_of_which_no_frame_was_chosen_says_how(film):
    with pytest.raises(DataError, match=r"film of 6 frames; choose .*#0-5/2.*#0min-20min/1min"):
        read_frame(film)
    for choice, reason in (("6", "frames 0 to 5, no 6"), ("0-3", "chooses several frames")):
        with pytest.raises((DataError, ConfigError), match=reason):
            read_frame(f"{film}#{choice}")


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [("0", [0]), ("0,2,4", [0, 2, 4]), ("1-3", [1, 2, 3]), ("/2", [0, 2, 4]), ("1-/2", [1, 3, 5]), ("0-5/5", [0, 5]),
     ("0min-20min/5min", [0, 2, 3, 4, 5]), ("0-300s", [0, 1, 2]), ("5min-", [2, 3, 4, 5]), ("10min", [3]),
     ("58s", [1]), ("-1min", [0, 1]), ("/10min", [0, 3, 5])],
)  # fmt: skip
def test_choices(film, choice, numbers):
    assert [path.name for path in find_frames([f"{film}#{choice}"])] == [f"{film.name}#{n}" for n in numbers]
    assert find_frames([film], choice) == find_frames([f"{film}#{choice}"])


@pytest.mark.parametrize(
    ("choice", "reason"),
    [("7", "0 to 5"), ("3-1", "no part"), ("/0", "no part"), ("0-99", "no part"), ("5min-1min", "no part"),
     ("0-40min", "no part"), ("1min-3", "mixes"), ("/0s", "no part")],
)  # fmt: skip
def test_choices_that_cannot_be(film, choice, reason):
    with pytest.raises(ConfigError, match=reason):
        find_frames([f"{film}#{choice}"])


def test_choices_by_time_need_times(tmp_path, frames):
    with pytest.raises(ConfigError, match="does not say when"):
        choose_frames("a.seq", [None, None], "0-1min")
    with pytest.raises(ConfigError, match="chooses no frames"):
        choose_frames("a.seq", [None, None], "first")
    untimed = write_fff(tmp_path / "untimed.seq", frames)
    assert read_frame(f"{untimed}#1").time is None
    assert [path.name for path in find_frames([untimed], "/3")] == ["untimed.seq#0", "untimed.seq#3"]


def test_a_file_that_is_called_so_is_itself(tmp_path, scene):
    path = write_rjpeg(tmp_path / "sole#3", scene)
    assert split_choice(path) == (path, None) and read_frame(path).size == scene.shape
    assert frame_stem(tmp_path / "film.seq#3") == "film#3" and frame_stem(tmp_path / "a.jpg") == "a"
    with pytest.raises(ConfigError, match="no file of several frames"):
        read_frame(f"{write_rjpeg(tmp_path / 'b.jpg', scene)}#0")


def test_one_frame_needs_no_choice(tmp_path, scene):
    path = write_fff(tmp_path / "a.fff", scene, times=TIMES[:1])
    assert np.abs(read_frame(path).celsius - scene).max() < 0.01
    assert find_frames([path], "/30") == [path] and read_frame(f"{path}#0").time == START
    assert [each.name for each in find_frames([f"{path}#0"])] == ["a.fff#0"]
    with pytest.raises(ConfigError, match="0 to 0"):
        find_frames([f"{path}#5"])
    picture = write_rjpeg(tmp_path / "b.jpg", scene)
    assert find_frames([picture], "5") == [picture]
    with pytest.raises(ConfigError, match="no file of several frames"):
        find_frames([f"{picture}#5"])


def test_other_parameters_apply_to_films(film):
    own, stated = read_frame(f"{film}#0"), read_frame(f"{film}#0", emissivity=0.90)
    assert stated.parameters.emissivity == 0.90 and stated.span[1] > own.span[1] + 0.3


def test_frames_agree_with_flyr_and_with_the_r_jpeg_of_the_same_stream(tmp_path, frames):
    film = write_fff(tmp_path / "film.seq", frames, times=TIMES)
    size = film.stat().st_size // 6
    stream = film.read_bytes()[2 * size : 3 * size]
    (tmp_path / "b.jpg").write_bytes(_jpeg(frames[2], stream))
    ours = read_fff(film, 2)
    assert np.abs(ours.celsius() - flyr.unpack(str(tmp_path / "b.jpg")).celsius).max() < 0.01
    assert (ours.counts == read_rjpeg(tmp_path / "b.jpg").counts).all()


def test_the_stream_of_an_r_jpeg_is_an_fff_file(tmp_path, scene):
    data = write_rjpeg(tmp_path / "a.jpg", scene, time=START).read_bytes()
    path = tmp_path / "a.fff"
    path.write_bytes(flir_stream(jpeg_segments(data, "a"), "a") + b"\0" * 7)  # padding behind it
    np.testing.assert_array_equal(read_frame(path).celsius, read_frame(tmp_path / "a.jpg").celsius)


def test_a_film_that_broke_off_keeps_its_whole_frames(film):
    data = film.read_bytes()
    assert not any("breaks off" in note for note in read_frame(f"{film}#0").notes)
    film.write_bytes(data[:-100])
    assert len(find_frames([film], "0-")) == 5
    assert any("breaks off" in note for note in read_frame(f"{film}#0").notes)
    film.write_bytes(data[:500])
    with pytest.raises(DataError, match="truncated or damaged"):
        read_frame(f"{film}#0")


def test_the_magic_among_counts_begins_no_frame(tmp_path, frames):
    """Counts that spell FFF and a zero, at a frame's own row."""
    path = write_fff(tmp_path / "a.seq", frames[:2])
    data = bytearray(path.read_bytes())
    at = data.index(b"FFF\0", 4)
    data[at - 40 : at - 36] = b"FFF\0"  # in the first frame's last record
    data[at:at] = b"FFF\0" + b"\xff" * 30  # between two frames
    path.write_bytes(data)
    assert len(find_frames([path], "0-")) == 2 and read_frame(f"{path}#1").size == frames[0].shape


def test_damaged_jpeg_ls_is_refused(tmp_path, frames):
    path = write_fff(tmp_path / "a.csq", frames[0], jpeg_ls=True)
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\xd8\xff\xf7")
    data[at + 40 : at + 400] = b"\xff" * 360
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"truncated or damaged|outside its own calibration"):
        read_frame(path)


def test_without_the_package_csq_says_which_is_missing(tmp_path, frames, monkeypatch):
    path = write_fff(tmp_path / "a.csq", frames[0], jpeg_ls=True)
    monkeypatch.setitem(sys.modules, "jpeg_ls", None)
    with pytest.raises(DataError, match=r"pip install 'prismseg\[csq\]'"):
        read_frame(path)


def test_times_and_frames_must_be_as_many(tmp_path, frames):
    with pytest.raises(ConfigError, match="6 frames and 2 times"):
        write_fff(tmp_path / "a.seq", frames, times=TIMES[:2])


@pytest.mark.parametrize(
    ("at", "value", "what"),
    [(32, 0.0, "emissivity is 0"), (60, 5000.0, "humidity is 5000"), (36, -1.0, "distance is -1")],
)
def test_impossible_parameters_are_named_and_can_be_stated(tmp_path, scene, at, value, what):
    path = write_fff(tmp_path / "a.fff", scene)
    data = bytearray(path.read_bytes())
    camera = data.index(struct.pack("<f", TYPICAL_PARAMETERS.emissivity)) - 32
    struct.pack_into("<f", data, camera + at, value)
    path.write_bytes(data)
    with pytest.raises(DataError, match=rf"{what}.*impossible.*needs a value for .*state it"):
        read_frame(path)
    stated = read_frame(path, emissivity=0.98, humidity=0.5, distance=1.0)
    assert np.abs(stated.celsius - scene).max() < 0.01 and not stated.doubts


def test_an_impossible_parameter_that_is_not_needed_is_left_out_and_named(tmp_path, scene):
    path = write_fff(tmp_path / "a.fff", scene)
    data = bytearray(path.read_bytes())
    camera = data.index(struct.pack("<f", TYPICAL_PARAMETERS.emissivity)) - 32
    struct.pack_into("<f", data, camera + 48, 0.0)  # a window of 0 K, and none in front of the lens
    path.write_bytes(data)
    frame = read_frame(path)
    assert np.abs(frame.celsius - scene).max() < 0.01 and frame.parameters.window_temperature is None
    assert any("window temperature is -273.15, which is impossible" in note for note in frame.notes)


@pytest.mark.parametrize(("at", "value", "what"), [(32, 0.3, "not that of skin"), (36, 50.0, "farther than feet")])
def test_parameters_that_no_foot_has_are_doubted(tmp_path, scene, at, value, what):
    path = write_fff(tmp_path / "a.fff", scene)
    data = bytearray(path.read_bytes())
    camera = data.index(struct.pack("<f", TYPICAL_PARAMETERS.emissivity)) - 32
    struct.pack_into("<f", data, camera + at, value)
    path.write_bytes(data)
    assert any(what in doubt for doubt in read_frame(path).doubts)
    assert not read_frame(path, emissivity=0.98, distance=1.0).doubts


def test_the_streams_of_real_cameras_are_a_film(shared_data, tmp_path):
    """The FFF streams inside 20 R-JPEGs of 15 cameras, one behind the other."""
    paths = sorted((shared_data / "flir_radiometric").glob("*.jpg"))
    film = tmp_path / "film.seq"
    film.write_bytes(b"".join(flir_stream(jpeg_segments(path.read_bytes(), ""), "") or b"" for path in paths))
    assert len(find_frames([film], "0-")) == len(paths) == 20
    for number, path in enumerate(paths):
        original, read = read_rjpeg(path), read_fff(film, number)
        np.testing.assert_array_equal(turn_upright(read.counts, original.orientation), original.counts)
        assert (read.calibration, read.parameters, read.time) == (
            original.calibration,
            original.parameters,
            original.time,
        )


@pytest.mark.parametrize(
    "stated", [{"reflected": 298.0}, {"reflected": 72.0}, {"atmosphere": 60.0}, {"distance": 300.0}]
)
def test_what_a_person_states_is_doubted_too(tmp_path, scene, stated):
    """Kelvin, °F or centimetres typed for °C or m: no frame is measured with them."""
    path = write_fff(tmp_path / "a.fff", scene)
    assert read_frame(path, **stated).doubts and not read_frame(path, reflected=22.0).doubts
    assert not Session().add(read_frame(path, **stated), np.zeros(scene.shape, np.uint8), minute=0).ok
    # Whether there is a window only a person knows.
    assert not read_frame(path, window_transmission=0.82).doubts
