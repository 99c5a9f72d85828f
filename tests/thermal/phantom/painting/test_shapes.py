"""Curves that a line cuts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prismseg.thermal.phantom.painting.shapes import clip_half_plane, ellipse


def area(curve):
    """Area by the shoelace formula."""
    if len(curve) == 0:
        return 0.0
    rows, columns = curve.T
    return abs(np.dot(rows, np.roll(columns, -1)) - np.dot(columns, np.roll(rows, -1))) / 2


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0, 6.28))
def test_both_sides_of_a_line_make_the_whole(row, column, angle):
    curve = ellipse((0.2, -0.1), (1.0, 0.6), 0.3)
    inward = np.array((np.cos(angle), np.sin(angle)))
    one, other = (clip_half_plane(curve, (row, column), side) for side in (inward, -inward))
    assert abs(area(one) + area(other) - area(curve)) < 1e-9
    assert len(one) == 0 or ((one - (row, column)) @ inward).min() > -1e-9
    assert np.array_equal(clip_half_plane(curve, inward * -9, inward), curve)
