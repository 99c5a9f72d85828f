"""Shares of pixels, by hand."""

import numpy as np
import pytest

from prismseg.thermal.phantom.painting.raster import bounding_window, coverage, rasterize
from prismseg.thermal.phantom.painting.shapes import capsule, ellipse

SIZE = (40, 60)
WHOLE = (slice(0, 40), slice(0, 60))


def test_half_covered_pixels():
    # Centres have whole coordinates: this square has its border through the middle of pixels.
    square = np.array([[10.0, 20.0], [10.0, 30.0], [15.0, 30.0], [15.0, 20.0]])
    share = coverage([square], WHOLE)
    assert share[12, 25] == 1 and share[8, 25] == share[12, 33] == 0
    # Pillow fills the fine pixels that the border touches as well: one of four, where it lies between two of them.
    assert 0.5 <= share[12, 20] <= 0.75 + 1 / 255
    assert 50 <= share.sum() <= 10.5 * 5.5


@pytest.mark.parametrize(
    ("curve", "area"),
    [
        (ellipse((20, 30), (8, 12), 0.7), np.pi * 8 * 12),
        (ellipse((20, 30), (8, 12), power=200, points=400), 4 * 8 * 12),
        (capsule((15, 15), (15, 40), 6, 6), np.pi * 36 + 25 * 12),
        (capsule((20, 30), (21, 30), 9, 2), np.pi * 81),
    ],
)
def test_areas_of_shapes(curve, area):
    assert coverage([curve], WHOLE).sum() == pytest.approx(area, rel=0.04)


def test_later_curves_cover_earlier_ones_and_their_union_counts_once():
    first, second = ellipse((20, 20), (10, 10)), ellipse((20, 30), (10, 10))
    values = rasterize([first, second], [3.0, 5.0], WHOLE)
    assert values[20, 15] == 3 and values[20, 25] == 5 and values[0, 0] == 0
    assert coverage([first, second], WHOLE).max() == 1


def test_a_window_is_the_same_part_of_the_whole():
    curve = ellipse((3, 55), (9, 11), 0.3)
    window = bounding_window([curve], SIZE)
    # From the middle, 9.2 down and 10.8 across; then two pixels of margin, and the last one included.
    assert window == (slice(0, 13 + 3), slice(44 - 2, 60))
    np.testing.assert_array_equal(coverage([curve], window), coverage([curve], WHOLE)[window])
    assert coverage([ellipse((-50, 0), (3, 3))], bounding_window([ellipse((-50, 0), (3, 3))], SIZE)).size == 0
