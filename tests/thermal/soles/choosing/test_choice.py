"""Which pieces are the soles: the pair among third pieces, fragments, and readings that are equally good."""

from __future__ import annotations

import numpy as np
import pytest
from tests.thermal.feet import SIZE, Foot, mask_of, pair

from prismseg.thermal import Caution, Soles, Status

ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]


def found(mask: np.ndarray, **more) -> bool:
    """Whether the soles of `pair()` were found and named."""
    soles = Soles.from_mask(mask, **more)
    return soles.ok and all(
        (soles.side(foot.side) & foot.mask()).sum() > 0.95 * foot.mask().sum()
        and soles.side(foot.side).sum() < 1.1 * foot.mask().sum()
        for foot in pair()
    )


THIRD = {
    "knee between the feet": np.hypot((ROWS - 40) / 28, (COLUMNS - 160) / 22) < 1,
    "strip along the upper border": (ROWS < 24) & (COLUMNS > 60) & (COLUMNS < 220),
    "leg at the upper border": (ROWS < 45) & (abs(COLUMNS - 20) < 18),
    "pillow at the side": np.hypot((ROWS - 200) / 30, (COLUMNS - 300) / 20) < 1,
}


@pytest.mark.parametrize("name", THIRD)
def test_a_third_piece_is_left_out(name: str) -> None:
    mask = mask_of(*pair())
    assert found(mask | THIRD[name])
    assert Soles.from_mask(mask | THIRD[name]).dropped > 500


def test_a_third_piece_of_low_probability_is_left_out() -> None:
    """Three pieces of one shape: alone they leave no choice, the network's probability tells."""
    feet = [Foot("left", (120.0, column), 90.0).mask() for column in (60, 160, 260)]
    mask = np.logical_or.reduce(feet)
    assert Soles.from_mask(mask).status is Status.MORE_THAN_TWO
    probability = np.where(feet[2], 0.6, np.where(mask, 0.98, 0.02))
    soles = Soles.from_mask(mask, probability=probability)
    assert soles.ok and not (soles.cleaned & feet[2]).any()


def test_a_sole_in_two_fragments_is_one() -> None:
    left, right = pair()
    gap = (ROWS > 118) & (ROWS < 132) & (COLUMNS > 160)  # a cold arch
    soles = Soles.from_mask(mask_of(left, right) & ~gap)
    assert soles.ok and soles.left[80:100].any() and soles.left[150:170].any()


def test_a_rival_that_is_nearly_as_good_is_told() -> None:
    feet = [Foot("left", (120.0, column), length).mask() for column, length in ((60, 96), (160, 90), (260, 78))]
    soles = Soles.from_mask(np.logical_or.reduce(feet))
    assert soles.status is Status.MORE_THAN_TWO or Caution.RIVAL in soles.cautions


def test_the_track_tells_between_equal_pieces() -> None:
    feet = [Foot("left", (120.0, column), 90.0).mask() for column in (60, 160, 260)]
    before = Soles.from_mask(feet[0] | feet[1])
    soles = Soles.from_mask(np.logical_or.reduce(feet), previous=before)
    assert soles.ok and not (soles.cleaned & feet[2]).any()


def test_one_foot_is_found_with_and_without_the_other() -> None:
    left, right = pair()
    for mask in (left.mask(), mask_of(left, right), left.mask() | THIRD["strip along the upper border"]):
        soles = Soles.from_mask(mask, feet="left")
        assert soles.status is Status.ONE_SOLE and soles.right is None
        assert (soles.left & left.mask()).sum() > 0.95 * left.mask().sum()
    both = Soles.from_mask(mask_of(left, right), feet="left")
    assert Caution.OTHER_FOOT in both.cautions
