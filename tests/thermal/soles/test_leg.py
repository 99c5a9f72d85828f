"""Where a leg goes on beyond an outlined foot."""

from __future__ import annotations

import numpy as np
import pytest

from prismseg.thermal.soles.leg import LegSeen, on_leg, see_leg, shares_from_leg

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
        (18.0, 19.0, LegSeen(possible=True, clear=False)),  # a cold foot: a third colder than it
        (22.2, 22.3, LegSeen(possible=False, clear=False)),  # no step to tell by
    ],
)
def test_what_lies_above_a_foot(leg: float, foot: float, seen: LegSeen) -> None:
    assert see_leg(scene(leg, foot), FOOT, 22.0) == seen


def test_toes_that_an_outline_lacks_are_no_leg() -> None:
    celsius = scene(30.0)
    celsius[:45] = 22.0  # an eighth of the picture's height of skin above the outline
    assert see_leg(celsius, FOOT, 22.0) == LegSeen(possible=True, clear=False)


def test_a_foot_at_the_upper_border_may_have_its_leg_there() -> None:
    foot = np.roll(FOOT, -60, axis=0)
    assert see_leg(scene(30.0), foot, 22.0) == LegSeen(possible=True, clear=False)


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
