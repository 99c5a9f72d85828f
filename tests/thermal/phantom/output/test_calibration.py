"""Statistics of simulated sessions beside real ones."""

import pytest

from prismseg.thermal.phantom import Record, calibrate, compare, format_comparisons
from prismseg.thermal.phantom.output.calibration import REAL_SESSIONS


def test_frames_have_the_statistics_of_labour_sessions():
    lines = calibrate(160, seed=1)
    assert [line.name for line in lines] == list(REAL_SESSIONS)
    assert all(line.close for line in lines), format_comparisons([line for line in lines if not line.close])


def test_statistics_by_hand():
    means = {(0, 0): (27.0, 28.0), (0, 20): (30.0, 29.0), (1, 0): (25.0, 25.0), (1, 20): (25.0, 25.5)}
    records = [
        Record(session, minute, left, right, coverage=20 + session, low=18, high=30)
        for (session, minute), (left, right) in means.items()
    ]
    found = {line.name: line.simulated for line in compare(records)}
    assert found["t0 mean, °C"] == 26.25 and found["t0 SD, °C"] == 1.25
    assert found["delta 20 min mean, °C"] == pytest.approx((2.0 + 0.25) / 2)
    assert found["abs(L-R) 20 min median, °C"] == 0.75 and found["coverage mean, %"] == 20.5
    assert "delta 5 min mean, °C" not in found
