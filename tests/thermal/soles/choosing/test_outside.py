"""The share of a sole that lies outside the picture, against the share that was drawn there."""

from __future__ import annotations

import numpy as np
import pytest
from tests.thermal.feet import SIZE, Foot, mask_of, pair

from prismseg.thermal import Soles, Status
from prismseg.thermal.soles.choosing.outside import is_cut, place_other_foot, place_same_foot, place_template

LARGE = (SIZE[0] + 240, SIZE[1] + 240)


def outside(foot: Foot) -> float:
    whole = Foot(foot.side, (foot.centre[0] + 120, foot.centre[1] + 120), foot.length, foot.turn).mask(LARGE)
    return 1 - foot.mask().sum() / whole.sum()


CUT = [
    Foot("left", (200.0, 170.0), turn=8),
    Foot("right", (35.0, 160.0), turn=-5),
    Foot("left", (120.0, 305.0), turn=8),
    Foot("right", (120.0, 12.0)),
    Foot("left", (210.0, 300.0), turn=8),
]


@pytest.mark.parametrize("foot", CUT)
def test_shares_outside_by_the_same_and_by_the_other_foot(foot: Foot) -> None:
    other = "right" if foot.side == "left" else "left"
    same = place_same_foot(foot.mask(), Foot(foot.side, (120.0, 160.0), turn=foot.turn - 5).mask())
    mirrored = place_other_foot(foot.mask(), Foot(other, (120.0, 160.0), turn=-foot.turn).mask())
    assert same.outside == pytest.approx(outside(foot), abs=0.05)
    assert mirrored.outside == pytest.approx(outside(foot), abs=0.05)
    assert is_cut(foot.mask()) and same.overlap > 0.85
    middle = same.backward(np.argwhere(foot.mask()).mean(axis=0)[None])
    assert same.forward(middle) == pytest.approx(np.argwhere(foot.mask()).mean(axis=0)[None])


def test_a_share_outside_by_the_template_alone() -> None:
    foot = CUT[4]
    assert place_template(foot.mask(), -1).outside == pytest.approx(outside(foot), abs=0.12)


def test_soles_at_the_border_are_kept_until_half_is_outside() -> None:
    left, right = pair()
    assert Soles.from_mask(mask_of(left, right)).outside == {}
    low = Soles.from_mask(mask_of(*pair(shift=(80, 0))), whole=Soles.from_mask(mask_of(left, right)))
    assert low.status is Status.TWO_SOLES
    true = outside(Foot("left", (200.0, 175.0)))
    assert low.outside == pytest.approx({"left": true, "right": true}, abs=0.05)
    gone = Foot("left", (120.0, 328.0)), Foot("right", (120.0, 150.0))
    soles = Soles.from_mask(mask_of(*gone))
    assert soles.status is Status.ONE_SOLE and soles.left is None and soles.too_little == ("left",)
