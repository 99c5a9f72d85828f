from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tests.thermal.feet import frame_of, pair

from prismseg.thermal import TOES, WHOLE_SOLE, ZONE_TABLE, Flag, FlagSettings, Session
from prismseg.thermal.regions.zones import zone_at

LABELS = next(zone.labels for zone in ZONE_TABLE if zone.name == TOES)


def session_of(rises: Sequence[tuple[float, float]], threshold: float, *, lost_toes: bool = False) -> Session:
    """Frames every 5 min whose left toes alone are warmer by `rise` °C than at baseline."""
    session, feet = Session(flags=FlagSettings(toe_warming=threshold)), pair()
    for number, (minute, rise) in enumerate(rises):
        frame, mask = frame_of(28.0, 28.0, feet, seed=number)
        celsius = frame.celsius.copy()
        toes = [np.isin(zone_at(*foot.sole_coordinates()), LABELS) & foot.mask() for foot in feet]
        celsius[toes[0]] += rise
        if lost_toes and minute > 0:
            mask = mask & ~toes[0] & ~toes[1]
        session.add(celsius, mask, minute=minute)
    return session


def toe_flags(session: Session) -> list[Flag]:
    return [flag for flag in session.flags() if flag.name == "toe warming"]


WARM = [(0, 0.0), (5, 2.0), (10, 2.1), (15, 2.1)]


def test_it_is_off_by_default() -> None:
    assert FlagSettings().toe_warming == 0
    assert not toe_flags(session_of(WARM, 0.0))


def test_warm_toes_alone_raise_it_and_the_whole_sole_does_not() -> None:
    session = session_of(WARM, 1.0)
    (flag,) = toe_flags(session)
    assert (flag.level, flag.side, flag.minutes) == ("present", "left", (5, 10, 15))
    assert flag.evidence["threshold"] == 1.0 and not flag.evidence["within_uncertainty"]
    assert max(flag.evidence["delta"]) == pytest.approx(2.1, abs=0.1)
    assert "3 consecutive frames (5 to 15 min)" in flag.sentence and "Bruins 2018" in flag.source
    assert "warming" not in {flag.name for flag in session.flags()}
    assert session.delta(session.entries[-1], "left", WHOLE_SOLE).value < 0.6


@pytest.mark.parametrize(("rise", "found"), [(0.85, False), (1.15, True)])
def test_just_below_and_above_the_threshold(rise: float, found: bool) -> None:
    assert bool(toe_flags(session_of([(0, 0.0), (5, rise), (10, rise)], 1.0))) == found


def test_one_frame_at_the_end_is_unconfirmed() -> None:
    (flag,) = toe_flags(session_of([(0, 0.0), (5, 0.0), (10, 2.0)], 1.0))
    assert flag.level == "unconfirmed" and "Take another one" in flag.sentence


def test_without_a_baseline_there_is_none() -> None:
    assert not toe_flags(session_of([(5, 0.0), (10, 2.0), (15, 2.0)], 1.0))


def test_toes_that_are_missing_later_are_not_compared_with_the_ball() -> None:
    """The ball is at 28 °C as before; were it compared with the toes of t0, which had 26 °C, it would seem to warm."""
    session = session_of([(0, -2.0), (5, -2.0), (10, -2.0)], 1.0, lost_toes=True)
    assert session.delta(session.entries[-1], "left", TOES).value > 1.0
    assert not toe_flags(session)


def test_taking_frames_more_often_raises_no_other_flag() -> None:
    dense = [(0, 0.0), *((10 + number / 4, 2.0 if number == 4 else 0.0) for number in range(9))]
    assert not toe_flags(session_of(dense, 1.0))
