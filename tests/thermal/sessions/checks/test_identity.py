"""Legs that are crossed, or a camera that is turned, in mid-session: never a silent swap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.thermal.feet import SIZE, Foot, frame_of, mask_of, pair
from tests.thermal.sessions.test_session import concerns, course

from prismseg.thermal import WHOLE_SOLE, Session


def crossed_session(**more) -> Session:
    """At 10 min both feet lie at each other's place, each with its own shape."""
    session = course((0, 27.0, 29.0), (5, 27.2, 29.0), session=Session(**more))
    left, right = pair()
    swapped = Foot("left", right.centre), Foot("right", left.centre)
    frame, mask = frame_of(27.3, 29.1, swapped, seed=8)
    session.add(frame, mask, minute=10)
    return course((15, 27.4, 29.2), session=session)


def test_a_crossing_is_asked_about_and_has_no_change() -> None:
    session = crossed_session()
    assert concerns(session)[0] == concerns(session)[1] == concerns(session)[3] == set()
    assert "sides open" in concerns(session)[2] and "crossed since t0?" in session.entries[2].statement
    assert not any(session.delta(session.entries[2], side).known for side in ("left", "right"))
    assert not session.difference(session.entries[2]).known
    assert session.delta(session.entries[3], "left").value == pytest.approx(0.4, abs=0.05)


def test_an_answer_names_the_crossed_frames() -> None:
    session = crossed_session(crossed=[10])
    assert "sides open" not in concerns(session)[2]
    changes = [session.delta(entry, "left").value for entry in session.entries]
    assert changes == pytest.approx([0, 0.2, 0.3, 0.4], abs=0.05)
    assert session.entries[2].estimates["right"][WHOLE_SOLE].mean == pytest.approx(29.1, abs=0.05)
    kept = crossed_session(crossed=[])
    assert "sides open" not in concerns(kept)[2]
    assert kept.delta(kept.entries[2], "left").value == pytest.approx(2.1, abs=0.05), "as the answer says"


def test_a_picture_upside_down_is_asked_about() -> None:
    session = course((0, 27.0, 29.0))
    frame, mask = frame_of(27.3, 29.1, seed=8)
    entry = session.add(frame.celsius[::-1, ::-1].copy(), mask[::-1, ::-1], minute=5)
    assert entry.sides_open and "upside down?" in entry.statement
    assert not session.delta(entry, "left").known


def test_one_foot_that_warms_alone_is_no_crossing() -> None:
    session = course((0, 27.0, 29.0), (5, 28.9, 29.0), (10, 31.0, 29.0), (15, 32.0, 29.2))
    assert concerns(session) == [set()] * 4


def test_a_session_of_one_foot_has_everything_but_comparisons() -> None:
    session = Session(feet="left")
    for seed, (minute, left) in enumerate(((0, 27.0), (5, 28.5), (10, 29.5), (20, 29.6))):
        frame, _ = frame_of(left, 24.0, seed=seed)
        session.add(frame, pair()[0].mask(), minute=minute)
    assert all(entry.ok and set(entry.estimates) == {"left"} for entry in session.entries)
    assert concerns(session) == [set()] * 4
    assert [(flag.name, flag.side) for flag in session.flags()] == [("warming", "left")]
    assert session.differences().difference.isna().all()
    assert session.delta(session.entries[2], "left").value == pytest.approx(2.5, abs=0.05)
    cold = Session(feet="right")
    for minute in (0, 20):
        frame, _ = frame_of(24.0, 27.0, seed=int(minute))
        cold.add(frame, pair()[1].mask(), minute=minute)
    (flag,) = cold.flags()
    assert flag.name == "no thermal sign yet" and "the right sole is not warmer" in flag.sentence


def test_an_absent_foot_costs_only_its_own_numbers() -> None:
    session = course((0, 27.0, 28.0), (5, 27.5, 28.5))
    frame, _ = frame_of(28.0, 22.0, seed=7)
    entry = session.add(frame, pair()[0].mask(), minute=10)
    assert entry.ok and session.delta(entry, "left").value == pytest.approx(1.0, abs=0.05)
    assert not session.delta(entry, "right").known and not session.difference(entry).known
    assert session.baseline is session.entries[0]
    course((15, 28.2, 29.0), session=session)
    assert session.delta(session.entries[3], "right").value == pytest.approx(1.0, abs=0.05)


def test_changes_of_a_cut_sole_are_taken_over_what_both_frames_show() -> None:
    """Heels 4 °C colder than toes: without them the mean rises, though nothing has changed."""
    rows = np.arange(SIZE[0])[:, None]

    def add(session: Session, minute: float, down: int) -> None:
        feet = pair(shift=(down, 0))
        mask = mask_of(*feet)
        noise = np.random.default_rng(int(minute)).normal(0, 0.05, SIZE)
        celsius = np.where(mask, 30 - 4 * (rows - down - 55) / 130, 22.0) + noise
        session.add(celsius, mask, minute=minute)

    session = Session()
    for minute, down in ((0, 0), (5, 85), (10, 60)):
        add(session, minute, down)
    assert all(entry.ok for entry in session.entries)
    first, cut = (session.entries[k].estimates["left"][WHOLE_SOLE] for k in (0, 1))
    assert cut.mean - first.mean > 0.3, "the visible part is warmer"
    assert abs(cut.mean - first.mean) < 2.5 * cut.error, "its interval knows of the part outside"
    for entry in session.entries[1:]:
        change = session.delta(entry, "left")
        assert abs(change.value) < 0.1 and change.error < 0.2
    assert math.isfinite(session.statements().outside_left[1])


def test_crossed_soles_that_the_border_cuts_are_asked_about_by_their_shape() -> None:
    """Outlines of cut soles cannot be weighed against those at t0; both still have the shape of the other foot."""

    def at_minute_5(cut: float, *, crossed: bool):
        session = course((0, 27.0, 29.0))
        left, right = pair(shift=(cut, 0.0))
        feet = (Foot("left", right.centre), Foot("right", left.centre)) if crossed else (left, right)
        frame, mask = frame_of(27.2, 29.1, feet, seed=8)
        entry = session.add(frame, mask, minute=5)
        assert min(entry.soles.outside.values()) > 0.1
        return session, entry

    session, entry = at_minute_5(80.0, crossed=True)
    assert entry.sides_open and not any(session.delta(entry, side).known for side in ("left", "right"))
    session, entry = at_minute_5(80.0, crossed=False)
    assert not entry.sides_open and session.delta(entry, "left").value == pytest.approx(0.2, abs=0.1)


def test_the_other_foot_in_a_session_of_one_foot_is_asked_about_and_has_no_change() -> None:
    for crossed in (None, ()):
        session = Session(feet="left", crossed=crossed)
        for minute, foot in ((0, 0), (5, 0), (10, 1)):
            frame, _ = frame_of(27.0, 29.0, seed=minute)
            entry = session.add(frame, pair()[foot].mask(), minute=minute)
        assert session.delta(session.entries[1], "left").known
        assert entry.ok and entry.sides_open == (crossed is None) == (not session.delta(entry, "left").known)
        assert ("Is this the other foot?" in entry.statement) == (crossed is None)
