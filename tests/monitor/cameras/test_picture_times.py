"""When pictures were taken: right, slow and fast clocks; pictures that come late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from prismseg.monitor.cameras.picture_times import CLOCK_TOLERANCE, PictureTimes

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_clock_that_is_right_counts_however_late_the_picture_comes() -> None:
    times = PictureTimes()
    assert times.place(at(0), at(3)) == at(0)
    assert times.place(at(300), at(900)) == at(300)  # ten minutes on a card
    assert times.place(at(905), at(900)) == at(900), "nothing is taken after it came"


def test_a_wrong_clock_is_not_believed_until_a_second_picture_agrees() -> None:
    times = PictureTimes()
    slow = timedelta(hours=1)
    assert times.place(at(0) - slow, at(2)) is None
    assert times.place(at(60) - slow, at(61)) is not None
    assert times.place(at(120) - slow, at(400)) == at(121), "late, and by the clock that is known now"


def test_two_pictures_of_one_card_do_not_make_a_clock_wrong() -> None:
    times = PictureTimes()
    assert times.place(at(0), at(600)) is None
    assert times.place(at(5), at(601)) is None, "they came together, and say nothing of the clock"


def test_a_clock_that_was_set_is_learnt_anew() -> None:
    times = PictureTimes()
    fast = timedelta(hours=1)
    for second in (0, 60):
        times.place(at(second) + fast, at(second))
    assert times.place(at(120) + fast, at(120)) == at(120)
    assert times.place(at(180), at(180)) <= at(180) - fast + CLOCK_TOLERANCE, "an hour late, as far as is known"
    assert times.place(at(240), at(240)) == at(240), "two that agree: it was set"
    slow = PictureTimes()
    for second in (0, 60):
        slow.place(at(second) - fast, at(second))
    assert slow.place(at(120), at(120)) == at(120)


@given(st.floats(-1e6, 1e6), st.lists(st.floats(0, 20), min_size=3, max_size=6))
def test_what_is_told_is_right_within_the_tolerance_when_pictures_come_soon(wrong, delays) -> None:
    """The truth: taken every two minutes, seen within 20 s, by a clock that is wrong by any amount."""
    times = PictureTimes()
    told = 0
    for number, delay in enumerate(delays):
        taken = at(120 * number)
        placed = times.place(taken + timedelta(seconds=wrong), taken + timedelta(seconds=delay))
        if placed is not None:
            told += 1
            assert abs(placed - taken) <= CLOCK_TOLERANCE
    assert told >= len(delays) - 1
