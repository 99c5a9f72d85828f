"""A picture that was mirrored on its way, in mid-session: never a silent swap."""

from __future__ import annotations

import numpy as np
import pytest
from tests.thermal.feet import SIZE, Foot, frame_of, pair

from prismseg.thermal import Session
from prismseg.thermal.sessions.checks.scene import compare_scenes


def picture(seed: int, feet: tuple[Foot, Foot] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Feet with a warm spot on the left one's ball, under a knee; the camera moves a little between frames."""
    left, right = feet or pair()
    frame, mask = frame_of(27.0, 27.2, (left, right), seed=seed)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    spot = np.hypot(rows - left.centre[0] + 35, columns - left.centre[1]) < 15
    knee = np.hypot(rows - 10, columns - 60) < 40
    return np.where(knee & ~mask, 30.0, frame.celsius) + 1.5 * (spot & mask), mask


def test_a_mirrored_picture_is_asked_about_and_has_no_change() -> None:
    session = Session()
    for minute, (down, across), flipped in ((0, (0, 0), 1), (5, (3, -4), 1), (10, (2, 3), -1), (15, (-2, 1), 1)):
        celsius, mask = picture(minute, pair(shift=(down, across)))
        session.add(celsius[:, ::flipped].copy(), mask[:, ::flipped], minute=minute)
    assert [entry.sides_open for entry in session.entries] == [False, False, True, False]
    assert "Is the picture mirrored" in session.entries[2].statement
    assert not any(session.delta(session.entries[2], side).known for side in ("left", "right"))
    assert session.delta(session.entries[3], "left").value == pytest.approx(0, abs=0.1)


def test_a_mirrored_picture_of_cut_or_absent_soles_is_asked_about() -> None:
    for down, seen in ((80.0, (0, 1)), (0.0, (0,))):
        for flipped in (1, -1):
            session = Session()
            session.add(*picture(0), minute=0)
            feet = pair(shift=(down, 0.0))
            celsius, _ = picture(5, feet)
            mask = np.logical_or.reduce([feet[k].mask() for k in seen])
            entry = session.add(celsius[:, ::flipped].copy(), mask[:, ::flipped], minute=5)
            assert entry.ok and entry.sides_open == (flipped < 0), entry.statement


def test_mirroring_exchanges_what_a_scene_says() -> None:
    session = Session(crossed=())
    for minute, flipped in ((0, 1), (5, 1), (10, -1)):
        celsius, mask = picture(minute)
        session.add(celsius[:, ::flipped].copy(), mask[:, ::flipped], minute=minute)
    first, same, mirrored = session.entries
    as_it_is, turned = compare_scenes(same, first)
    assert as_it_is - turned > 0.5
    assert compare_scenes(mirrored, first) == pytest.approx((turned, as_it_is), abs=0.1)
    assert not any(entry.sides_open for entry in session.entries)
