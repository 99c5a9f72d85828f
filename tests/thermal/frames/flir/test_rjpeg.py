import io
import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.thermal import (
    TYPICAL_CALIBRATION,
    TYPICAL_PARAMETERS,
    Parameters,
    parse_rjpeg,
    read_frame,
    read_rjpeg,
    strip_private,
    to_celsius,
    to_counts,
    write_rjpeg,
)
from prismseg.thermal.frames.flir.container import flir_stream, jpeg_segments, read_records

SEGMENT = b"\xff\xe1"
LAYOUTS = [(png, high) for png in (False, True) for high in (False, True)]


@pytest.fixture
def rjpeg(tmp_path, scene):
    return write_rjpeg(tmp_path / "frame.jpg", scene)


def flir_segments(data: bytes) -> list[bytes]:
    """Whole FLIR segments of a JPEG, marker and length included."""
    contents = [content for marker, content in jpeg_segments(data, "file") if content.startswith(b"FLIR\0")]
    return [SEGMENT + struct.pack(">H", len(content) + 2) + content for content in contents]


def with_segments(data: bytes, segments: list[bytes]) -> bytes:
    """The JPEG with other FLIR segments in place of its own."""
    for segment in flir_segments(data):
        data = data.replace(segment, b"")
    return data[:2] + b"".join(segments) + data[2:]


def record_place(data: bytes, kind: int) -> int:
    """Where in a file of one FLIR segment a record begins."""
    stream = flir_stream(jpeg_segments(data, "file"), "file")
    return data.index(dict(read_records(stream, "file"))[kind])


def patched(data: bytes, at: int, form: str, *values: float) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


@pytest.mark.parametrize(("png", "high_byte_first"), LAYOUTS)
def test_every_layout_gives_the_temperatures_back(tmp_path, scene, png, high_byte_first):
    path = write_rjpeg(tmp_path / "frame.jpg", scene, png=png, high_byte_first=high_byte_first, camera="Model X")
    frame = read_frame(path)
    assert np.abs(frame.celsius - scene).max() <= 0.02
    assert frame.kind == "radiometric" and frame.camera == "Model X" and frame.source == str(path)
    for name, value in TYPICAL_PARAMETERS.to_dict().items():
        assert getattr(frame.parameters, name) == pytest.approx(value, abs=1e-4)


@settings(max_examples=40)
@given(
    low=st.floats(5, 40),
    span=st.floats(0.5, 60),
    emissivity=st.floats(0.8, 1),
    reflected=st.floats(0, 35),
    distance=st.floats(0, 10),
    humidity=st.floats(0, 1),
    png=st.booleans(),
)
def test_round_trip_with_any_parameters(
    tmp_path_factory, low, span, emissivity, reflected, distance, humidity, png
):
    celsius = low + span * np.linspace(0, 1, 12 * 16).reshape(12, 16)
    parameters = Parameters(emissivity, reflected, distance, humidity, 22.0, 20.0, 1.0)
    path = write_rjpeg(
        tmp_path_factory.mktemp("rjpeg") / "frame.jpg",
        celsius,
        parameters=parameters,
        png=png,
    )
    assert np.abs(read_frame(path).celsius - celsius).max() <= 0.02


def test_a_frame_of_several_segments_in_any_order_in_the_file(tmp_path):
    celsius = 30 + np.add.outer(np.linspace(0, 3, 240), np.linspace(0, 1, 320))
    data = write_rjpeg(tmp_path / "frame.jpg", celsius).read_bytes()
    segments = flir_segments(data)
    assert len(segments) == 3
    mixed = with_segments(data, [segments[2], segments[0], segments[1]])
    assert np.abs(parse_rjpeg(mixed, "mixed").celsius() - celsius).max() <= 0.02
    for wrong, words in (
        ([*segments, segments[1]], "segment 1 comes twice"),
        (segments[:2], "1 of 3 FLIR segments"),
    ):
        with pytest.raises(DataError, match=f"^wrong.*{words}"):
            parse_rjpeg(with_segments(data, wrong), "wrong")


def test_parameters_in_place_of_the_files_own(rjpeg, scene):
    counts = np.rint(to_counts(scene, TYPICAL_CALIBRATION, TYPICAL_PARAMETERS))
    other = Parameters(0.8, 25.0, 3.0, 0.3, 28.0, 20.0, 1.0)
    expected = to_celsius(counts, TYPICAL_CALIBRATION, other)
    frame = read_frame(rjpeg, emissivity=0.8, reflected=25.0, distance=3.0, humidity=30, atmosphere=28.0)
    np.testing.assert_allclose(frame.celsius, expected, atol=2e-3)
    assert frame.parameters.emissivity == 0.8 and frame.parameters.humidity == pytest.approx(0.3)
    assert np.abs(frame.celsius - scene).max() > 1
    with pytest.raises(ConfigError, match="emissivity is 2"):
        read_frame(rjpeg, emissivity=2)
    with pytest.raises(ConfigError, match=r"'emisivity'.*there are emissivity"):
        read_frame(rjpeg, emisivity=0.9)


def test_humidity_stored_in_percent(rjpeg, scene):
    data = rjpeg.read_bytes()
    percent = parse_rjpeg(patched(data, record_place(data, 32) + 60, "<f", 50.0), "percent")
    assert percent.parameters.humidity == 0.5
    assert np.abs(percent.celsius() - scene).max() <= 0.02


@pytest.mark.parametrize(
    ("at", "form", "value", "words"),
    [
        (32, "<f", 0.0, "emissivity is 0"),
        (32, "<f", float("nan"), "emissivity is nan"),
        (36, "<f", 1e30, "distance is 1e\\+30"),
        (88, "<f", -1.0, "constant r1 is -1"),
        (92, "<f", float("inf"), "constant b is inf"),
        (128, "<f", 1e8, "no share between"),
        (776, "<i", -70_000, "outside its own calibration"),
    ],
)
def test_a_damaged_camera_block_names_the_file_and_what_cannot_be(rjpeg, at, form, value, words):
    data = rjpeg.read_bytes()
    with pytest.raises(DataError, match=f"^bad.jpg .*{words}"):
        parse_rjpeg(patched(data, record_place(data, 32) + at, form, value), "bad.jpg")


def test_a_bad_parameter_in_the_file_can_be_stated_instead(rjpeg, scene):
    data = rjpeg.read_bytes()
    bad = patched(data, record_place(data, 32) + 32, "<f", 0.0)
    assert np.abs(parse_rjpeg(bad, "bad", emissivity=0.98).celsius() - scene).max() <= 0.02


def test_time_with_its_zone_and_milliseconds(tmp_path, scene):
    summer = datetime(2024, 5, 6, 7, 8, 9, 123_000, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    read = read_frame(write_rjpeg(tmp_path / "a.jpg", scene, time=summer)).time
    assert read == summer and read.utcoffset() == timedelta(hours=5, minutes=30)
    naive = read_frame(write_rjpeg(tmp_path / "b.jpg", scene, time=datetime(2024, 5, 6, 7, 8, 9))).time
    assert naive == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert read_frame(write_rjpeg(tmp_path / "c.jpg", scene)).time is None


def test_a_clock_that_was_never_set_is_noted(tmp_path, scene):
    frame = read_frame(write_rjpeg(tmp_path / "a.jpg", scene, time=datetime(2000, 1, 1, 0, 11, tzinfo=UTC)))
    assert "clock was probably never set" in " ".join(frame.notes)


def test_pixels_below_the_camera_are_nan_and_counted(rjpeg, scene):
    data = rjpeg.read_bytes()
    data = patched(data, record_place(data, 1) + 32, "<3H", 0, 100, 6000)
    frame = parse_rjpeg(data, "cold").frame()
    assert np.isnan(frame.celsius[0, :3]).all() and np.isfinite(frame.celsius).sum() == scene.size - 3
    assert "3 pixels are outside" in frame.notes[0]


def test_a_cold_sky_does_not_turn_the_bytes_round(tmp_path, scene):
    """Where the true order leaves the camera's range and the wrong one would not, the wrong one is not taken."""
    data = write_rjpeg(tmp_path / "frame.jpg", scene).read_bytes()
    at = record_place(data, 1) + 32
    counts = 0x4840 + np.add.outer(np.arange(48), np.arange(64))
    counts[:12] -= 0x4840 - 0x0040
    swapped = to_celsius(counts.astype(np.uint16).byteswap(), TYPICAL_CALIBRATION, TYPICAL_PARAMETERS)
    assert np.isfinite(swapped).all()
    with pytest.raises(DataError, match="outside its own calibration"):
        parse_rjpeg(data[:at] + counts.astype("<u2").tobytes() + data[at + 2 * scene.size :], "sky")


def test_a_closed_shutter_is_refused(tmp_path):
    path = write_rjpeg(tmp_path / "shutter.jpg", np.full((12, 12), 30.0))
    with pytest.raises(DataError, match=r"shutter.jpg holds the value \d+ in every pixel"):
        read_frame(path)


def test_times_no_camera_can_have(tmp_path, scene):
    with pytest.raises(ConfigError, match="1960"):
        write_rjpeg(tmp_path / "old.jpg", scene, time=datetime(1960, 1, 1))


def test_temperatures_no_count_stands_for_are_not_written(tmp_path, scene):
    with pytest.raises(ConfigError, match=r"holds temperatures from .* °C"):
        write_rjpeg(tmp_path / "hot.jpg", scene + 900)
    with pytest.raises(DataError, match="1 x 1"):
        write_rjpeg(tmp_path / "dot.jpg", np.full((1, 1), 30.0))
    assert not list(tmp_path.iterdir())


def test_a_jpeg_saved_again_by_a_program_is_no_measurement(rjpeg, tmp_path):
    with Image.open(rjpeg) as picture:
        picture.save(tmp_path / "again.jpg")
    with pytest.raises(DataError, match="a picture, not a measurement"):
        read_rjpeg(tmp_path / "again.jpg")
    with pytest.raises(DataError, match="not a JPEG"):
        parse_rjpeg(b"\x89PNG....", "frame.png")


@pytest.mark.parametrize(("kind", "words"), [(1, "the detector's counts"), (32, "the camera's calibration")])
def test_missing_records_are_named(rjpeg, kind, words):
    data = rjpeg.read_bytes()
    entry = data.index(b"FFF\0") + 64 + (0 if kind == 1 else 32)
    assert struct.unpack_from(">H", data, entry) == (kind,)
    with pytest.raises(DataError, match=f"but not {words}"):
        parse_rjpeg(patched(data, entry, ">H", 99), "file")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_sizes_that_lie_are_refused_before_memory_is_taken(tmp_path, scene):
    data = write_rjpeg(tmp_path / "frame.jpg", scene, png=True).read_bytes()
    at = record_place(data, 1)
    with pytest.raises(DataError, match="60000 x 60000 pixels, more than any thermal camera"):
        parse_rjpeg(patched(data, at + 2, "<2H", 60_000, 60_000), "file")
    with pytest.raises(DataError, match=r"truncated or damaged .*PNG of .64, 48. pixels"):
        parse_rjpeg(patched(data, at + 2, "<2H", 65, 48), "file")
    header = data.index(b"IHDR") + 4
    width = patched(data, header, ">2I", 30_000, 30_000)
    crc = struct.pack(">I", zlib.crc32(width[header - 4 : header + 13]))
    with pytest.raises(DataError, match="truncated or damaged"):
        parse_rjpeg(width[: header + 13] + crc + width[header + 17 :], "file")


def test_every_truncation_is_refused(tmp_path, scene):
    data = write_rjpeg(tmp_path / "frame.jpg", scene[:12, :12], png=True).read_bytes()
    for length in range(2, len(data)):
        with pytest.raises(DataError, match=r"^cut (is truncated|is a JPEG without)"):
            parse_rjpeg(data[:length], "cut")


class TestPrivacy:
    SERIALS: ClassVar = {"camera": "SN-CAMERA-77", "lens": "SN-LENS-88", "filter": "SN-FILTER-99"}

    @pytest.fixture
    def loaded(self, tmp_path, scene):
        """An R-JPEG with everything that must not leave the house."""
        buffer = io.BytesIO()
        Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(buffer, "jpeg", comment=b"face of the patient")
        time = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
        path = write_rjpeg(
            tmp_path / "loaded.jpg",
            scene,
            time=time,
            camera="Model X",
            serials=self.SERIALS,
            photo=buffer.getvalue(),
        )
        exif = Image.Exif()
        exif[0x013B] = "Dr Example"
        exif.get_ifd(0x8825)[1] = "N"
        exif_segment = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
        comment = b"name of the patient"
        data = path.read_bytes()
        extra = SEGMENT + struct.pack(">H", len(exif_segment) + 2) + exif_segment
        extra += b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
        path.write_bytes(data[:2] + extra + data[2:])
        return path

    def test_what_is_there_is_reported(self, loaded):
        original = read_rjpeg(loaded)
        assert original.serials == self.SERIALS
        with Image.open(io.BytesIO(original.photo)) as photo:
            assert photo.size == (40, 40)
        assert {"visible-light photo", "a comment"} <= set(original.private)
        note = " ".join(original.frame().notes)
        assert "serial number of the lens" in note and "SN-" not in note and "Exif" in note

    def test_the_copy_holds_the_measurement_and_nothing_else(self, loaded, tmp_path):
        copy = strip_private(loaded, tmp_path / "copy.jpg")
        original, stripped = read_rjpeg(loaded), read_rjpeg(copy)
        np.testing.assert_array_equal(stripped.celsius(), original.celsius())
        assert (stripped.camera, stripped.time) == ("Model X", original.time)
        assert stripped.serials == {} and stripped.photo is None and stripped.private == ()
        data = copy.read_bytes()
        for secret in (*self.SERIALS.values(), "SN-", "Dr Example", "Exif", "of the patient"):
            assert secret.encode() in loaded.read_bytes() and secret.encode() not in data
        segments = jpeg_segments(data, "copy")
        assert {marker for marker, _ in segments} <= {0xE0, 0xE1, 0xDB, 0xC0, 0xC4}
        assert [kind for kind, _ in read_records(flir_stream(segments, "copy"), "copy")] == [1, 32]

    def test_the_time_can_be_dropped_too(self, loaded, tmp_path):
        assert read_rjpeg(strip_private(loaded, tmp_path / "copy.jpg", keep_time=False)).time is None

    def test_real_cameras(self, shared_data, tmp_path):
        paths = sorted((shared_data / "flir_radiometric").glob("*.jpg"))
        assert len(paths) == 20
        found = 0
        for path in paths:
            original = read_rjpeg(path)
            copy = strip_private(path, tmp_path / "copy.jpg")
            data, stripped = copy.read_bytes(), read_rjpeg(copy)
            np.testing.assert_array_equal(stripped.counts, original.counts)
            np.testing.assert_allclose(stripped.celsius(), original.celsius(), atol=1e-3)
            assert stripped.private == () and stripped.serials == {} and stripped.photo is None
            for serial in original.serials.values():
                found += 1
                assert serial.encode() not in data
        assert found >= 20
