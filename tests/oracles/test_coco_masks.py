"""Masks of COCO files, against pycocotools."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prismseg.data.layouts.annotated.rle import decode_runs, encode_runs, text_runs
from prismseg.data.layouts.annotated.shapes import Polygons

theirs = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")

SIDES = st.integers(1, 40)
PLACES = st.one_of(st.floats(-12, 52, width=32), st.integers(-12, 52).map(float))
RINGS = st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=9)


def placed(window, height, width):
    mask = np.zeros((height, width), bool)
    top, left, inside = window
    mask[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return mask


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(RINGS, min_size=1, max_size=3), SIDES, SIDES)
def test_polygons_have_the_pixels_of_pycocotools(rings, height, width):
    flat = [[value for point in ring for value in point] for ring in rings]
    expected = theirs.decode(theirs.merge(theirs.frPyObjects(flat, height, width)))
    found = placed(Polygons(tuple(flat)).window(height, width), height, width)
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SIDES, SIDES, st.floats(0, 1), st.integers(0, 99))
def test_run_lengths_are_those_of_pycocotools(height, width, share, seed):
    mask = np.random.default_rng(seed).random((height, width)) < share
    expected = theirs.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encode_runs(mask).encode() == expected["counts"]
    np.testing.assert_array_equal(decode_runs(expected["counts"], height, width), mask)
    np.testing.assert_array_equal(decode_runs(text_runs(expected["counts"]), height, width), mask)
