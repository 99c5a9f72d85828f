from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thermal.feet import SIZE, frame_of, mask_of, pair

from prismseg.base import ConfigError
from prismseg.base.constants import Z95
from prismseg.thermal import (
    WHOLE_SOLE,
    Concern,
    ErrorModel,
    Frame,
    Parameters,
    Session,
)

NUMBERS = ["mean", "mean_error", "sd", "median", "delta", "delta_error", "rate", "rate_error"]


def course(*steps: tuple[float, float, float], session: Session | None = None) -> Session:
    """A session of (minute, left, right) with steady feet."""
    made = session or Session()
    for seed, (minute, left, right) in enumerate(steps):
        frame, mask = frame_of(left, right, seed=seed)
        made.add(frame, mask, minute=minute)
    return made


def value(session: Session, column: str, minute: float, side: str = "left", region: str = WHOLE_SOLE) -> float:
    table = session.table()
    rows = table[(table.minute == minute) & (table.side == side) & (table.region == region)]
    assert len(rows) == 1
    return float(rows[column].iloc[0])


def concerns(session: Session) -> list[set[str]]:
    return [{str(observation.concern) for observation in entry.observations} for entry in session.entries]


def test_deltas_rates_and_differences_by_hand() -> None:
    session = course((0, 27.0, 28.0), (5, 27.5, 30.0), (10, 29.5, 32.0))
    assert all(entry.ok and entry.observations == () for entry in session.entries)
    assert value(session, "mean", 5, "right") == pytest.approx(30.0, abs=0.01)
    assert value(session, "delta", 10) == pytest.approx(2.5, abs=0.01)
    assert value(session, "delta", 0) == 0 == value(session, "delta_error", 0)
    assert value(session, "rate", 5) == pytest.approx(0.1, abs=0.005)
    assert value(session, "rate", 10) == pytest.approx(0.4, abs=0.005)
    assert math.isnan(value(session, "rate", 0))
    whole = session.differences().query("region == @WHOLE_SOLE")
    assert list(whole.difference) == pytest.approx([0.0, 1.5, 1.5], abs=0.01)


def test_errors_follow_from_those_of_the_means() -> None:
    errors = ErrorModel(netd=0.1, common=0.2, mask_correlation=0.5)
    session = course((0, 27.0, 27.0), (5, 28.0, 28.0), session=Session(errors=errors))
    first, then = (entry.estimates["left"][WHOLE_SOLE] for entry in session.entries)
    assert then.error == pytest.approx(math.hypot(then.noise, then.mask, 0.2))
    assert value(session, "mean_error", 5) == then.error
    # Half of the contour's variance is common to both frames and cancels; the offset is known from the background.
    mask = math.sqrt(first.mask**2 + then.mask**2 - 2 * 0.5 * first.mask * then.mask)
    own = math.hypot(first.noise, then.noise, mask)
    background = session.background(session.entries[1])
    expected = math.hypot(own, background.value, background.error)
    assert abs(background.value) < 0.02 and 0.02 < background.error < 0.05
    assert value(session, "delta_error", 5) == pytest.approx(expected)
    assert value(session, "rate_error", 5) == pytest.approx(expected / 5)
    low, high = value(session, "delta_low", 5), value(session, "delta_high", 5)
    assert high - low == pytest.approx(2 * Z95 * value(session, "delta_error", 5))
    # What a frame's pixels share cancels between its soles.
    whole = session.differences().query("region == @WHOLE_SOLE")
    assert whole.difference_error.iloc[1] == pytest.approx(math.sqrt(2) * own, rel=0.02)


def test_without_a_background_the_frames_common_errors_count() -> None:
    session = Session(errors=ErrorModel(common=0.2, contour=0))
    for minute in (0, 5):
        frame, mask = frame_of(27.0, 27.0, seed=minute)
        patches = np.kron(np.random.default_rng(minute).normal(0, 2, (12, 16)), np.ones((20, 20)))
        session.add(np.where(mask, frame.celsius, frame.celsius + patches), mask, minute=minute)
    assert not session.background(session.entries[1]).known
    assert value(session, "delta_error", 5) == pytest.approx(0.2 * math.sqrt(2), rel=0.01)
    assert math.isnan(value(session, "beyond_background", 5))
    assert "cannot be told" in session.entries[1].cautions[0]


def test_the_table_has_one_row_for_each_frame_side_and_region() -> None:
    session = course((0, 27.0, 28.0), (5, 27.5, 30.0))
    frame, _ = frame_of(28.0, 28.0, seed=9)
    session.add(frame, mask_of(pair()[0]), minute=10)
    table = session.table()
    session.add(frame_of(28.0, 28.0, seed=10)[0], np.zeros(SIZE, bool), minute=15)
    table = session.table()
    assert len(table) == 4 * 2 * len(session.regions)
    assert not table.duplicated(["minute", "side", "region"]).any()
    assert (table.query("minute < 10 or minute == 10 and side == 'left'").pixels > 0).all()
    absent = table.query("minute == 10 and side == 'right'")
    assert absent[NUMBERS].isna().all().all() and (absent.pixels == 0).all()
    assert [str(seen.concern) for seen in session.entries[2].observations] == ["one sole"]
    failed = table.query("minute == 15")
    assert failed[NUMBERS].isna().all().all() and (failed.pixels == 0).all()
    assert failed.reason.str.contains("No foot").all()
    assert list(session.statements().status) == ["measured"] * 3 + ["not two soles"]
    assert "no numbers" in session.entries[3].statement
    assert len(session.differences()) == 4 * len(session.regions)
    assert Session().table().empty and list(Session().table().columns) == list(table.columns)


def test_t0_is_the_last_measured_frame_at_or_before_the_dose() -> None:
    session = course((-5, 26.0, 26.0), (0, 27.0, 27.0), (5, 28.0, 28.0))
    assert session.baseline is session.entries[1]
    assert value(session, "delta", 5) == pytest.approx(1.0, abs=0.01)
    session = Session()
    frame, mask = frame_of(26.0, 26.0, seed=1)
    session.add(frame, mask, minute=-2)
    session.add(frame_of(26.0, 26.0, seed=2)[0], np.zeros(SIZE, bool), minute=0)
    assert session.baseline is session.entries[0]


def test_without_t0_there_are_means_but_no_change() -> None:
    session = course((5, 27.0, 28.0), (10, 29.0, 30.0))
    table = session.table()
    assert session.baseline is None
    assert table["mean"].notna().all()
    assert table[["delta", "delta_error", "rate", "rate_error"]].isna().all().all()
    assert session.differences().difference.isna().all()
    (flag,) = session.flags()
    assert flag.name == "quality" and "no t0" in flag.evidence["concern"] and "baseline" in flag.sentence


def test_an_unread_frame_keeps_its_place() -> None:
    session = course((0, 27.0, 27.0))
    session.add_failed(5, "t5.jpg is a palette picture, not radiometric.", "t5.jpg")
    assert session.table().query("minute == 5")[NUMBERS].isna().all().all()
    assert "palette" in session.statements().reason.iloc[1]
    for minute in (math.nan, math.inf):
        with pytest.raises(ConfigError, match="minute"):
            session.add_failed(minute, "lost")
        with pytest.raises(ConfigError, match="minute"):
            session.add(*frame_of(27.0, 27.0, seed=5), minute=minute)
    with pytest.raises(ConfigError, match="mask"):
        session.add(frame_of(27.0, 27.0, seed=5)[0], minute=10)
    with pytest.raises(ConfigError, match="view"):
        Session("upside-down")


@given(
    st.lists(
        st.tuples(
            st.floats(24, 34), st.floats(24, 34), st.sampled_from(["both", "both", "left", "none"]), st.booleans()
        ),
        min_size=2,
        max_size=5,
    )
)
@settings(max_examples=15, deadline=None)
def test_curves_follow_their_feet_through_gaps_and_relabelled_masks(steps: list) -> None:
    session = Session(errors=ErrorModel(common=0))
    frame, mask = frame_of(27.0, 28.0, seed=99)
    session.add(frame, mask, minute=0)
    for number, (left, right, seen, relabelled) in enumerate(steps, start=1):
        feet = pair(turn=(-1) ** number * 4.0 * number, shift=(3.0 * number, -4.0 * number), drawn_up=5.0 * number)
        frame, _ = frame_of(left, right, feet, seed=number)
        labels = np.zeros(SIZE, np.uint8)
        for label, foot in zip((2, 1) if relabelled else (1, 2), feet, strict=True):
            if seen in ("both", foot.side):
                labels[foot.mask()] = label
        entry = session.add(frame, labels, minute=5.0 * number)
        assert entry.ok or seen != "both"
        assert set(entry.estimates) <= ({"left", "right"} if seen == "both" else {seen})
        # Cleaning may add or take a ring of pixels here and there.
        for side, true in (("left", left), ("right", right)):
            if side in entry.estimates:
                assert entry.estimates[side][WHOLE_SOLE].mean == pytest.approx(true, abs=0.15)
    table = session.table()
    assert table[table.status != "measured"][NUMBERS].isna().all().all()
    assert isinstance(table, pd.DataFrame)


def test_a_session_on_another_clock_has_the_same_numbers_without_measuring() -> None:
    session = course((-3, 27.0, 28.0), (-1, 27.5, 28.2))
    moved = session.retimed([-5, -3])
    assert moved is not None and [entry.minute for entry in moved.entries] == [-5, -3]
    fresh = course((-5, 27.0, 28.0), (-3, 27.5, 28.2))
    pd.testing.assert_frame_equal(moved.table(), fresh.table())
    frame, mask = frame_of(30.0, 31.0, seed=9)
    moved.add(frame, mask, minute=5)
    fresh.add(frame, mask, minute=5)
    pd.testing.assert_frame_equal(moved.table(), fresh.table())
    assert len(session.entries) == 2  # the old one is as it was
    rounded = session.retimed([-3.301, -1.3])
    assert [entry.minute for entry in rounded.entries] == [-3.301, -1.3]
    same = session.retimed([-3, -1])
    same.add(frame, mask, minute=-0.5)
    assert len(session.entries) == 2, "what was given out before does not grow"
    assert session.retimed([-1, 1]) is None, "the last frame would come after the test dose"
    assert session.retimed([-4, -1]) is None, "other times between the frames"
    with pytest.raises(ConfigError, match="1 minutes were given for 2 frames"):
        session.retimed([-3])
    assert moved.retimed([-10, -8, 0]) is None, "a frame would become baseline"


def test_what_names_a_minute_is_measured_anew_on_another_clock() -> None:
    session = course((-3, 27.0, 28.0))
    session.add(session.entries[0].frame, mask_of(*pair()), minute=-1)
    assert session.entries[1].status == Concern.DUPLICATE
    assert session.retimed([-4, -2]) is None
    assert session.retimed([-3, -1]) is not None


def test_no_change_is_given_between_frames_of_other_parameters() -> None:
    session = Session()
    for minute, emissivity in ((0, 0.98), (5, 0.98), (10, 0.95), (15, 0.98)):
        frame, mask = frame_of(28.0 + 0.2 * minute, 28.0, seed=minute)
        session.add(Frame(frame.celsius, parameters=Parameters(emissivity=emissivity)), mask, minute=minute)
    assert all(entry.ok for entry in session.entries)
    given = [session.delta(entry, "left").known for entry in session.entries]
    assert given == [True, True, False, True]
    assert [session.difference(entry).known for entry in session.entries] == given
    assert [session.rate(entry, "left").known for entry in session.entries] == [False, True, False, False]
    assert "not given" in session.entries[2].cautions[0]
