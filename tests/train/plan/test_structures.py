"""Widths of shapes whose width is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.train.plan.structures import object_areas, ridge_widths, thickness


@given(st.integers(1, 14), st.booleans())
def test_a_strip_has_its_width_to_half_a_pixel(width, upright):
    mask = np.zeros((30, 40), bool)
    mask[6 : 6 + width] = True
    widths = ridge_widths(mask.T if upright else mask)
    assert set(np.abs(widths - width)) == {0.5}
    assert len(widths) == 40 * (1 if width % 2 else 2)


@pytest.mark.parametrize("radius", [5, 9.5, 20])
def test_the_widest_place_of_a_disc_is_its_diameter(radius):
    rows, columns = np.mgrid[:64, :64]
    widths = ridge_widths(np.hypot(rows - 31.5, columns - 31.5) < radius)
    assert widths.max() == pytest.approx(2 * radius, abs=2)


def test_a_slanted_line_is_as_thick_as_a_straight_one():
    rows, columns = np.mgrid[:80, :80]
    for angle in (0.3, np.pi / 4):
        offset = (rows - 40) * np.cos(angle) + (columns - 40) * np.sin(angle)
        assert np.median(ridge_widths(np.abs(offset) < 3.5)) == pytest.approx(7, abs=1)


def test_what_the_border_cuts_so_that_its_middle_is_not_seen_is_left_out():
    mask = np.zeros((20, 20), bool)
    mask[:3] = True
    assert len(ridge_widths(mask)) == 0
    mask[:, :3] = False
    assert len(ridge_widths(np.zeros((4, 4), bool))) == 0
    assert ridge_widths(np.ones((4, 9), bool)).tolist() == [4.0]


def test_a_tenth_of_the_area_is_thinner():
    # 30 pixels of middle line at width 2 are 60 pixels of area; 9 % of the whole do not count, 11 % do.
    thin, thick = np.full(30, 2.0), 20.0
    assert thickness([thin, np.full(24, thick)]) == 2.0  # 60 of 540
    assert thickness([thin, np.full(31, thick)]) == 20.0  # 60 of 680
    assert thickness([]) is None and thickness([np.empty(0)]) is None


def test_pieces_that_touch_at_corners_are_one():
    mask = np.zeros((8, 8), bool)
    mask[0, 0] = mask[1, 1] = mask[5, 2:6] = True
    assert sorted(object_areas(mask)) == [2, 4]
    assert len(object_areas(np.zeros((3, 3), bool))) == 0
