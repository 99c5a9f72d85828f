import dataclasses

import numpy as np
import pytest

from prismseg.base import DataError
from prismseg.thermal import Frame


def test_a_frame_is_read_only_float32_and_its_own_copy(scene):
    source = scene.astype(np.float32)
    frame = Frame(source)
    source[:] = 0
    assert frame.celsius.dtype == np.float32 and frame.size == (48, 64)
    np.testing.assert_array_equal(frame.celsius, scene.astype(np.float32))
    with pytest.raises(ValueError, match="read-only"):
        frame.celsius[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.source = "other"


def test_numbers_of_a_frame_leave_out_nan():
    celsius = np.full((8, 10), 30.0)
    celsius[0, :4] = [10, 20, 40, np.nan]
    frame = Frame(celsius)
    assert frame.span == (10, 40)
    assert frame.mean == pytest.approx((76 * 30 + 70) / 79)


@pytest.mark.parametrize(
    ("celsius", "words"),
    [
        (np.zeros((0, 64)), "0 x 64 pixels"),
        (np.full((1, 1), 30.0), "1 x 1 pixels"),
        (np.full((64, 7), 30.0), "at least 8 x 8"),
        (np.full((8, 8, 3), 30.0), "a height and a width"),
        (np.full(64, 30.0), "a height and a width"),
        (np.broadcast_to(np.float32(30), (40_000, 40_000)), "more than any thermal camera"),
        (np.full((8, 8), np.nan), "only 0% of its pixels"),
        (np.where(np.arange(100).reshape(10, 10) < 6, np.inf, 30.0), "only 94% of its pixels"),
        (np.full((8, 8), 14_000.0), "no temperatures in °C"),
        (np.full((8, 8), -150.0), "no temperatures in °C"),
    ],
)
def test_what_is_no_frame_is_refused_with_its_source(celsius, words):
    with pytest.raises(DataError, match=words) as caught:
        Frame(celsius, source="session/t5.tiff")
    assert str(caught.value).startswith("session/t5.tiff ")
