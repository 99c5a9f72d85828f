"""Where a leg goes on beyond an outlined foot."""

from __future__ import annotations

import numpy as np
import pytest

from prismseg.thermal import Session
from prismseg.thermal.soles.leg import (
    LegSeen,
    find_leg_entry,
    leg_shares,
    lies_across,
    on_leg,
    see_leg,
    shares_from_leg,
)

FOOT = np.zeros((120, 80), bool)
FOOT[60:110, 25:45] = True


def scene(leg: float, foot: float = 30.0, ground: float = 22.0) -> np.ndarray:
    celsius = np.full(FOOT.shape, ground)
    celsius[:60, 25:45] = leg
    celsius[FOOT] = foot
    return celsius


@pytest.mark.parametrize(
    ("leg", "foot", "seen"),
    [
        (30.0, 30.0, LegSeen(possible=True, clear=True)),
        (29.0, 30.0, LegSeen(possible=True, clear=True)),
        (26.5, 30.0, LegSeen(possible=True, clear=False)),  # a step of 3.5 of 8 degrees
        (34.0, 30.0, LegSeen(possible=True, clear=False)),  # a knee behind a sole
        (22.0, 30.0, LegSeen(possible=False, clear=False)),
        (18.0, 19.0, LegSeen(possible=False, clear=False)),  # colder than the bed, as no leg is
        (31.0, 22.2, LegSeen(possible=True, clear=False)),  # a foot as cold as the bed under a warm leg
        (22.2, 22.3, LegSeen(possible=False, clear=False)),  # no step to tell by
    ],
)
def test_what_lies_above_a_foot(leg: float, foot: float, seen: LegSeen) -> None:
    assert see_leg(scene(leg, foot), FOOT, 22.0) == seen


def test_toes_that_an_outline_lacks_are_no_leg() -> None:
    celsius = scene(30.0)
    celsius[:45] = 22.0  # an eighth of the picture's height of skin above the outline
    assert see_leg(celsius, FOOT, 22.0) == LegSeen(possible=True, clear=False)


def test_nothing_is_seen_above_a_foot_at_the_upper_border() -> None:
    foot = np.roll(FOOT, -60, axis=0)
    assert see_leg(scene(30.0), foot, 22.0) == LegSeen(possible=False, clear=False)


@pytest.mark.parametrize(
    ("columns", "rows", "possible"),
    [
        (
            (25, 45),
            (40, 60),
            True,
        ),  # a leg under a sheet that begins a sixth of the picture's height above the foot
        ((25, 45), (50, 60), False),  # too short: toes, or the edge of a sheet
        ((41, 57), (0, 60), False),  # four columns of it above the foot
        ((37, 57), (0, 60), False),  # eight of it, a quarter of a square's side: too few
        ((35, 55), (0, 60), True),  # enters at its side
        ((0, 80), (0, 60), False),  # a warm sheet
    ],
)
def test_a_leg_is_narrow_goes_up_and_touches_its_foot(columns: tuple, rows: tuple, possible: bool) -> None:
    celsius = np.full(FOOT.shape, 22.0)
    celsius[slice(*rows), slice(*columns)] = 33.0
    celsius[FOOT] = 26.0
    assert see_leg(celsius, FOOT, 22.0).possible == possible


def test_shares_run_from_the_leg_to_the_toes_also_of_a_turned_foot() -> None:
    turned = np.zeros((120, 120), bool)
    rows, columns = np.mgrid[:120, :120]
    along, across = ((rows - 60) + (columns - 60)) / 2**0.5, ((columns - 60) - (rows - 60)) / 2**0.5
    turned[(abs(along) < 40) & (abs(across) < 12)] = True
    shares = shares_from_leg(turned, (slice(0, 120), slice(0, 120)))
    assert shares == pytest.approx(np.clip((along + 40) / 80, 0, 1), abs=0.03)
    assert abs((turned & (shares < 0.25)).sum() / turned.sum() - 0.25) < 0.02


def test_only_skin_at_the_legs_end_may_be_leg() -> None:
    window = (slice(0, 120), slice(0, 80))
    found = on_leg(scene(29.0), FOOT, shares_from_leg(FOOT, window))
    assert found[10:80, 30:40].all() and not found[:, :25].any() and not found[90:].any()


def turned_out(
    leg: float, *, tilt: int = 0, mirrored: bool = False, ground: float = 22.0
) -> tuple[np.ndarray, np.ndarray]:
    """A foot of 60 x 16 that lies across, its leg of 16 columns above one end; its toes up to `tilt` rows higher."""
    celsius, foot = np.full((120, 100), ground), np.zeros((120, 100), bool)
    for column in range(20, 80):
        top = 80 - tilt * (column - 20) // 60
        foot[top : top + 16, column] = True
        celsius[top : top + 16, column] = 30.0
        if column < 36:
            celsius[:top, column] = leg
    return (celsius[:, ::-1], foot[:, ::-1]) if mirrored else (celsius, foot)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("tilt", [0, 10])
def test_a_leg_enters_a_foot_that_is_turned_out_at_its_end(tilt: int, mirrored: bool) -> None:
    celsius, foot = turned_out(30.0, tilt=tilt, mirrored=mirrored)
    assert see_leg(celsius, foot, 22.0) == LegSeen(possible=True, clear=True)
    entry = find_leg_entry(celsius, foot, 22.0)
    assert entry is not None
    _, column = entry
    assert column == pytest.approx(99 - 27.5 if mirrored else 27.5, abs=0.1)
    shares = shares_from_leg(foot, (slice(0, 120), slice(0, 100)), entry)
    assert shares[88, 99 - 21 if mirrored else 21] < 0.1 and shares[88, 99 - 78 if mirrored else 78] > 0.9


@pytest.mark.parametrize(
    "leg", [22.0, 25.0, 36.0]
)  # nothing, a step of five eighths, something hotter than the foot
def test_what_is_no_leg_beside_a_turned_foot(leg: float) -> None:
    celsius, foot = turned_out(leg)
    assert not see_leg(celsius, foot, 22.0).clear


def test_a_short_or_thin_piece_above_a_turned_foot_is_no_leg() -> None:
    celsius, foot = turned_out(30.0)
    short = np.where(np.arange(120)[:, None] < 60, 22.0, celsius)
    assert not see_leg(short, foot, 22.0).clear
    thin = celsius.copy()
    thin[:80, 26:] = 22.0  # 6 columns of a foot of 960 pixels, whose square has a side of 31
    assert not see_leg(thin, foot, 22.0).clear


def test_nothing_warm_above_a_foot_has_no_entry() -> None:
    assert find_leg_entry(scene(22.0), FOOT, 22.0) is None
    assert find_leg_entry(scene(22.2, 22.3), FOOT, 22.0) is None
    assert find_leg_entry(scene(30.0), np.roll(FOOT, -60, axis=0), 22.0) is None  # at the upper border


def test_skin_beside_an_upright_sole_is_no_leg() -> None:
    celsius, foot = np.full((120, 100), 22.0), np.zeros((120, 100), bool)
    foot[40:70, 50:60] = foot[70:110, 36:60] = True
    celsius[:90, 10:50] = 30.0  # a knee behind it
    celsius[foot] = 30.0
    assert not see_leg(celsius, foot, 22.0).clear


@pytest.mark.parametrize(("degrees", "across"), [(0, False), (45, False), (60, True), (90, True), (135, False)])
def test_feet_that_lie_across_may_be_leg_up_to_their_middle(degrees: float, across: bool) -> None:
    rows, columns = np.mgrid[:120, :120] - 60
    turn = np.deg2rad(degrees)
    along, beside = rows * np.cos(turn) + columns * np.sin(turn), columns * np.cos(turn) - rows * np.sin(turn)
    foot = (abs(along) < 40) & (abs(beside) < 15)
    assert lies_across(foot) == across
    shares = leg_shares(foot)
    assert max(share for share, _ in shares) == (0.5 if across else 0.4)
    assert sum(weight for _, weight in shares) == pytest.approx(1.0)


def test_a_frame_of_feet_that_lie_across_carries_a_caution() -> None:
    celsius, foot = turned_out(30.0, tilt=20)
    both = np.concatenate([celsius[:, ::-1], celsius], axis=1).astype(np.float32)
    mask = np.concatenate([foot[:, ::-1], foot], axis=1)
    rng = np.random.default_rng(0)
    session = Session()
    both = np.kron(both, np.ones((2, 2), np.float32)) + rng.normal(0, 0.03, (240, 400)).astype(np.float32)
    entry = session.add(both, np.kron(mask, np.ones((2, 2))) * 0.98 + 0.01, minute=0)
    assert entry.from_above, entry.statement
    assert sum("lies across" in caution for caution in entry.cautions) == 2


def test_a_calf_may_be_wider_than_its_foot() -> None:
    celsius = scene(33.0, foot=26.0)
    celsius[:35, 10:70] = 33.0  # above the ankle, over more than half of what is seen of the leg
    assert see_leg(celsius, FOOT, 22.0).possible
    celsius[:60, 10:70] = 33.0  # down to the foot: no leg is as wide
    assert not see_leg(celsius, FOOT, 22.0).possible
