"""Raw frames by hand, and any bytes at all."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import Message
from prismseg.monitor.cameras import FORMATS, CameraError, decode_double, decode_y16


def scene(height, width):
    """Counts in 0.01 K: 22 °C, with two warm feet."""
    counts = np.full((height, width), 29515, "<u2")
    counts[height // 4 :, width // 5 : 2 * width // 5] = 30315
    counts[height // 4 :, 3 * width // 5 : 4 * width // 5] = 30515
    return counts


def telemetry(lines, width, status=0):
    words = np.zeros((lines, width), "<u2")
    words[0, :8] = (14, 4711, 2, status, 0, 9, 8, 7)
    return words


@pytest.mark.parametrize(("width", "height"), [(160, 120), (80, 60)])
def test_hundredths_of_a_kelvin(width, height):
    counts = scene(height, width)
    counts[0, :3] = (27315, 27316, 31015)
    celsius = decode_y16(counts.tobytes(), width, height)
    assert celsius.dtype == np.float32
    assert celsius.shape == (height, width)
    np.testing.assert_allclose(celsius[0, :3], (0.0, 0.01, 37.0), atol=1e-5)
    assert celsius[-1, -1] == pytest.approx(22.0)


def test_low_byte_first():
    buffer = bytearray(scene(60, 80).tobytes())
    buffer[:2] = struct.pack("<H", 30000)
    assert decode_y16(bytes(buffer), 80, 60)[0, 0] == pytest.approx(26.85, abs=1e-4)


def test_tenths_of_a_kelvin():
    counts = (scene(120, 160) // 10).astype("<u2")
    assert FORMATS["lepton-low"].decode(counts.tobytes())[-1, -1] == pytest.approx(21.95, abs=1e-4)
    with pytest.raises(CameraError, match="TLinear"):
        FORMATS["lepton"].decode(counts.tobytes())
    with pytest.raises(CameraError, match="TLinear"):
        FORMATS["lepton-low"].decode(scene(120, 160).tobytes())


@pytest.mark.parametrize("at_the_end", [True, False])
@pytest.mark.parametrize(("width", "height", "lines"), [(160, 120, 2), (80, 60, 3)])
def test_telemetry_lines_are_dropped_at_either_end(width, height, lines, at_the_end):
    parts = [scene(height, width), telemetry(lines, width)]
    buffer = np.vstack(parts if at_the_end else parts[::-1]).tobytes()
    expected = decode_y16(scene(height, width).tobytes(), width, height)
    np.testing.assert_array_equal(decode_y16(buffer, width, height), expected)
    np.testing.assert_array_equal(FORMATS["lepton"].decode(buffer), expected)


def test_lines_that_are_no_telemetry_are_refused():
    with pytest.raises(CameraError, match="not the telemetry"):
        decode_y16(scene(122, 160).tobytes(), 160, 120)


@pytest.mark.parametrize(("state", "refused"), [(0, False), (1, False), (2, True), (3, False)])
def test_shutter_calibration_is_told_by_telemetry(state, refused):
    buffer = np.vstack([scene(120, 160), telemetry(2, 160, status=state << 4)]).tobytes()
    if refused:
        with pytest.raises(CameraError, match="shutter"):
            decode_y16(buffer, 160, 120)
    else:
        assert decode_y16(buffer, 160, 120).shape == (120, 160)


def test_double_frame():
    picture = np.full((192, 256), 0x8010, "<u2")
    counts = np.full((192, 256), 295 * 64, "<u2")
    counts[:, :90] = 305 * 64
    counts[0, :2] = (round(300.15 * 64), round(300.15 * 64) + 1)
    celsius = decode_double(np.vstack([picture, counts]).tobytes())
    assert celsius.shape == (192, 256)
    assert celsius[5, 5] == pytest.approx(305 - 273.15, abs=1e-4)
    assert celsius[-1, -1] == pytest.approx(295 - 273.15, abs=1e-4)
    assert celsius[0, 0] == pytest.approx(27.0, abs=1 / 128)
    assert celsius[0, 1] - celsius[0, 0] == pytest.approx(1 / 64, abs=1e-4)


def test_double_frame_upside_down_is_refused():
    counts = np.full((192, 256), 295 * 64, "<u2")
    counts[:, :90] = 305 * 64
    with pytest.raises(CameraError, match="no room"):
        decode_double(np.vstack([counts, np.full((192, 256), 0x8010, "<u2") + counts // 100]).tobytes())


@pytest.mark.parametrize("cut", [0, 1, 2, 38_399, 38_401, 640 * 480 * 3])
def test_wrong_sizes_are_refused_with_both_numbers(cut):
    for decode in (FORMATS["lepton"].decode, FORMATS["tc001"].decode):
        with pytest.raises(CameraError, match=f"{cut} bytes"):
            decode(bytes(cut))


@pytest.mark.parametrize("value", [0, 29515, 65535])
def test_one_value_everywhere_is_a_camera_that_starts(value):
    with pytest.raises(CameraError, match="one value"):
        decode_y16(np.full((120, 160), value, "<u2").tobytes(), 160, 120)


def test_closed_shutter_with_its_noise_is_refused():
    noise = np.random.default_rng(0).normal(29515, 4, (120, 160)).round().astype("<u2")
    with pytest.raises(CameraError, match="lens covered"):
        decode_y16(noise.tobytes(), 160, 120)


def test_boot_frames_of_bare_counts_are_refused():
    counts = np.random.default_rng(0).integers(7000, 9000, (120, 160)).astype("<u2")
    with pytest.raises(CameraError, match="just plugged in") as caught:
        decode_y16(counts.tobytes(), 160, 120)
    assert isinstance(caught.value.args[0], Message)


@given(st.binary(max_size=300), st.sampled_from(sorted(FORMATS)))
def test_short_garbage_raises_camera_errors_only(buffer, kind):
    with pytest.raises(CameraError):
        FORMATS[kind].decode(buffer)


@given(
    st.sampled_from([(kind, size) for kind, form in FORMATS.items() for size in form.sizes]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 65535),
    st.integers(0, 4000),
)
def test_garbage_of_the_right_size_gives_a_picture_or_a_camera_error(choice, seed, level, spread):
    kind, (width, height) = choice
    noise = np.random.default_rng(seed).normal(level, spread, (height, width))
    try:
        celsius = FORMATS[kind].decode(noise.clip(0, 65535).astype("<u2").tobytes())
    except CameraError:
        return
    assert np.isfinite(celsius).all()
    assert 0 <= np.median(celsius) <= 50
