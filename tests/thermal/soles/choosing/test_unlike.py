"""Toes that one foot has and the other one lacks."""

from __future__ import annotations

import numpy as np
import pytest

from prismseg.thermal import WHOLE_SOLE, Session
from prismseg.thermal.sessions.changes import delta
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.means.errors import ErrorModel
from prismseg.thermal.sessions.means.sole import measure_sole
from prismseg.thermal.soles.choosing.unlike import find_unlike_toes

NOTHING_WRONG = ErrorModel(contour=0, min_contour=0, netd=0, common=0)
SHAPE = (120, 160)


def feet() -> dict[str, np.ndarray]:
    """Two feet from above, 40 x 20 pixels, whose great toes (10 x 8) are beside each other; sides are the image's."""
    left, right = np.zeros((2, *SHAPE), bool)
    left[60:100, 30:50] = right[60:100, 90:110] = True
    left[100:110, 42:50] = right[100:110, 90:98] = True
    return {"left": left, "right": right}


def great_toe(side: str) -> np.ndarray:
    toe = np.zeros(SHAPE, bool)
    toe[100:110, slice(42, 50) if side == "left" else slice(90, 98)] = True
    return toe


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_toe_that_one_foot_lacks_is_found_where_it_is(side: str) -> None:
    both, toe = feet(), great_toe(side)
    both[side] &= ~toe
    found = find_unlike_toes(both)
    assert (found[side] & toe).sum() > 0.75 * toe.sum()
    assert (found[side] & ~toe).sum() < 0.4 * toe.sum()  # half a pixel along a side of 40
    other = "right" if side == "left" else "left"
    assert found[other].sum() < 0.3 * toe.sum()


def test_like_feet_lack_hardly_anything_and_one_foot_is_compared_with_none() -> None:
    both = feet()
    assert all(each.sum() < 0.4 * great_toe("left").sum() for each in find_unlike_toes(both).values())
    assert find_unlike_toes({"left": both["left"]}) == {}


def test_where_outlines_end_on_the_leg_is_not_compared() -> None:
    both = feet()
    both["left"][50:60, 30:50] = True
    assert find_unlike_toes(both)["right"][:70].sum() == 0


def test_the_error_is_the_change_of_the_mean_with_the_toe() -> None:
    """880 pixels of which 80 are a toe at 22 °C: without it 30 °C, with it 80/880 of 8 °C less."""
    toe = great_toe("left")
    foot = feet()["left"] & ~toe
    celsius = np.where(foot, 30.0, 22.0)

    def measured(unlike: np.ndarray | None):
        return measure_sole(celsius, foot, errors=NOTHING_WRONG, unlike=unlike)[WHOLE_SOLE]

    found = measured(toe)
    assert found.mean == 30.0 and found.unlike == pytest.approx(-8 * 80 / 880)
    assert found.error == found.own == pytest.approx(8 * 80 / 880)
    assert measured(None).error == 0 == measured(np.zeros(SHAPE, bool)).error
    # A change between two frames that lack the same toe knows nothing of it.
    entries = [
        Entry(minute, f"t{minute}", estimates={"left": {WHOLE_SOLE: measured(unlike)}})
        for minute, unlike in ((0, None), (1, toe), (2, toe))
    ]
    assert delta(entries[1], entries[0], "left").error == pytest.approx(8 * 80 / 880)
    assert delta(entries[2], entries[1], "left").error == 0


@pytest.mark.parametrize("overlooked", [False, True])
def test_a_session_from_above_widens_the_interval_of_a_foot_that_lacks_a_toe(overlooked: bool) -> None:
    both, toe = feet(), great_toe("right")
    skin = both["left"] | both["right"]
    celsius = np.where(skin & ~(toe & overlooked), 30.0, 22.0)
    celsius[:60, 32:48] = celsius[:60, 92:108] = 30.0  # the legs
    mask = skin & ~toe if overlooked else skin
    entry = Session().add(celsius, mask.astype(np.uint8), minute=0)
    assert entry.from_above, entry.statement
    unlike = {side: abs(found[WHOLE_SOLE].unlike) for side, found in entry.estimates.items()}
    # From above, the foot on the image's right is the patient's left one. Half a pixel along a side is 0.25 °C.
    assert unlike["right"] < 0.3 and (unlike["left"] > 0.5 if overlooked else unlike["left"] < 0.3)
