from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thermal.feet import SIZE, Foot, mask_of, pair

from prismseg.base import ConfigError, DataError
from prismseg.thermal import Caution, Cleaning, Soles, Status, View, trace_outlines

VIEWS = st.sampled_from(["soles-to-camera", "mirrored"])


def truth_of(soles: Soles, feet: tuple[Foot, Foot]) -> bool:
    """Whether each named sole lies on the foot of that side."""
    return all((soles.side(foot.side) & foot.mask()).sum() > 0.9 * foot.mask().sum() for foot in feet)


@given(
    view=VIEWS,
    first=st.tuples(st.integers(-20, 20), st.integers(-30, 30)),
    steps=st.lists(
        st.tuples(
            st.integers(-20, 20),
            st.integers(-30, 30),
            st.integers(-20, 20),
            st.integers(-25, 25),
            st.sampled_from(["both", "both", "left", "right", "none"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    ),
)
@settings(max_examples=20, deadline=None)
def test_sides_never_swap_in_a_sequence(view: View, first: tuple, steps: list) -> None:
    mirrored = view == "mirrored"
    start = pair(shift=first, mirrored=mirrored)
    soles = Soles.from_mask(mask_of(*start), view)
    assert soles.ok and truth_of(soles, start)
    for down, across, turn, drawn_up, seen, swapped in steps:
        feet = pair(shift=(down, across), turn=turn, drawn_up=drawn_up, mirrored=mirrored)
        labels = np.zeros(SIZE, np.int64)
        for number, foot in zip((2, 1) if swapped else (1, 2), feet, strict=True):
            if seen in ("both", foot.side):
                labels[foot.mask()] = number
        soles = Soles.from_mask(labels, view, soles)
        if seen == "both":
            assert soles.ok and truth_of(soles, feet)
            assert Caution.SIDES_SWAPPED not in soles.cautions
        elif seen == "none":
            assert soles.masks is None and soles.status is Status.NO_FOOT
        else:
            assert soles.status in (Status.ONE_SOLE, Status.ONE_FOOT)
            assert list(soles.masks or {seen: None}) == [seen], "a lone sole has its own name or none"


@given(view=VIEWS, turn=st.integers(-20, 20))
@settings(max_examples=15, deadline=None)
def test_a_mirrored_picture_has_the_other_names(view: View, turn: int) -> None:
    mask = mask_of(*pair(turn=turn))
    there = Soles.from_mask(mask, view)
    back = Soles.from_mask(mask[:, ::-1], view)
    assert np.array_equal(there.left[:, ::-1], back.right)
    assert np.array_equal(there.right[:, ::-1], back.left)


def test_soles_that_change_places_keep_their_names_and_say_so() -> None:
    first = Soles.from_mask(mask_of(*pair()))
    # Turned by 20° at a time the picture stands on its head after nine frames; from one to the next it is clear.
    soles = first
    for turn in range(20, 181, 20):
        feet = pair(turn=turn, length=90.0)
        soles = Soles.from_mask(mask_of(*feet), "soles-to-camera", soles)
        assert soles.ok and truth_of(soles, feet)
    assert Caution.SIDES_SWAPPED in soles.cautions


def test_one_above_the_other_is_unclear_without_a_track() -> None:
    feet = (Foot("left", (70.0, 160.0), 100.0, 90.0), Foot("right", (170.0, 160.0), 100.0, 90.0))
    soles = Soles.from_mask(mask_of(*feet))
    assert soles.status is Status.SIDES_UNCLEAR and soles.left is None
    assert "level" in soles.message


def test_crossed_legs_and_toes_down_are_noticed_by_the_shape() -> None:
    assert not Soles.from_mask(mask_of(*pair())).cautions
    left, right = pair()
    crossed = (Foot("left", right.centre), Foot("right", left.centre))  # big toes outside
    assert Caution.SHAPE in Soles.from_mask(mask_of(*crossed)).cautions
    assert Caution.TOES_DOWN in Soles.from_mask(mask_of(*pair())[::-1]).cautions


def test_touching_soles_are_parted_at_the_neck() -> None:
    feet = (Foot("left", (120.0, 184.0)), Foot("right", (120.0, 136.0)))
    soles = Soles.from_mask(mask_of(*feet))
    assert soles.ok and Caution.SPLIT in soles.cautions
    assert truth_of(soles, feet)
    assert not (soles.left & soles.right).any()


def three(size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.logical_or.reduce([Foot("left", (120.0, column), 90.0).mask(size) for column in (60, 160, 260)])


def both_in_one_and_a_piece() -> np.ndarray:
    mask = np.pad(np.ones((100, 140), bool), ((60, 80), (90, 90)))
    mask[100:140, 20:60] = True
    return mask


@pytest.mark.parametrize(
    ("mask", "status"),
    [
        (np.zeros(SIZE, bool), Status.NO_FOOT),
        (np.zeros((1, 1), np.uint8), Status.NO_FOOT),
        (np.ones((1, 1), np.uint8), Status.ONE_FOOT),
        (mask_of(pair()[0]), Status.ONE_FOOT),
        (three(), Status.MORE_THAN_TWO),
        (mask_of(Foot("left", (120, 230), 90.0), Foot("right", (120, 60), 45.0)), Status.ONE_FOOT),
        (both_in_one_and_a_piece(), Status.MERGED),
        (mask_of(*pair(shift=(145, 0))), Status.CUT),
        (mask_of(Foot("left", (120, 160), 20)), Status.TOO_SMALL),
        (np.pad(np.ones((100, 140), bool), ((60, 80), (90, 90))), Status.MERGED),
    ],
)
def test_a_mask_without_two_soles_says_why(mask: np.ndarray, status: Status) -> None:
    soles = Soles.from_mask(mask)
    assert soles.status is status and not soles.ok
    assert soles.left is None and soles.right is None
    assert not soles.labels().any()
    assert len(soles.message) > 20


@pytest.mark.parametrize("mask", [np.zeros((0, 5)), np.zeros(7), np.full((9, 9), np.nan), np.full((4, 4), "a")])
def test_what_is_no_mask_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(DataError, match="mask"):
        Soles.from_mask(mask)


def test_specks_go_toes_stay_and_holes_are_filled() -> None:
    feet = pair()
    mask = mask_of(*feet)
    rows, columns = np.nonzero(feet[0].mask())
    mask[rows.min() + 8 : rows.min() + 10, columns.min() : columns.max()] = False  # detached toes
    mask[120:123, int(feet[0].centre[1])] = False
    mask[10:12, 10:12] = True
    soles = Soles.from_mask(mask)
    assert soles.ok and soles.left[120:123, int(feet[0].centre[1])].all()
    assert soles.left.sum() > 0.95 * feet[0].mask().sum()
    assert not soles.cleaned[10:12, 10:12].any()


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="smallest_part"):
        Cleaning(smallest_sole=0.001, smallest_part=0.01)
    with pytest.raises(ConfigError, match="view"):
        Soles.from_mask(mask_of(*pair()), "from-above")


def test_outlines_close_around_each_sole_also_at_the_border() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[0:5, 0:5], labels[10:15, 20:26] = 1, 2
    lines = trace_outlines(labels)
    assert sorted(lines) == [1, 2]
    assert all(np.array_equal(line[0], line[-1]) for found in lines.values() for line in found)
    assert lines[1][0].min() == -0.5 and lines[1][0].max() == 4.5
    assert trace_outlines(np.zeros((4, 4), bool)) == {}
    with pytest.raises(DataError, match="labels"):
        trace_outlines(np.zeros((4, 4)))
