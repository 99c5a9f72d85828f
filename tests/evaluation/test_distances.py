"""Distances in mm, against closed forms and every pair of edge pixels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from prismseg.evaluation.evaluate import _without_partial
from prismseg.evaluation.metrics import average_surface_distance, case_metrics, hausdorff95


def square(top, left, side):
    mask = np.zeros((30, 40), bool)
    mask[top : top + side, left : left + side] = True
    return mask


@pytest.mark.parametrize("rows, columns, expected", [(0, 6, 3.0), (6, 0, 12.0), (3, 4, 6.0)])
def test_points_lines_and_squares_that_are_shifted(rows, columns, expected):
    spacing = (2.0, 0.5)
    point = np.zeros((30, 40), bool)
    point[10, 12] = True
    moved = np.roll(point, (rows, columns), (0, 1))
    far = np.hypot(rows * spacing[0], columns * spacing[1])
    assert hausdorff95(point, moved, spacing) == average_surface_distance(point, moved, spacing) == far
    if rows == 0 or columns == 0:
        line = np.zeros((30, 40), bool)
        line[slice(10, 11) if rows else slice(None), slice(None) if rows else slice(12, 13)] = True
        moved = np.roll(line, (rows, columns), (0, 1))
        assert hausdorff95(line, moved, spacing) == average_surface_distance(line, moved, spacing) == expected


def test_the_average_of_shifted_squares_is_counted_out():
    # Of 16 edge pixels, the outer column (5) and the inner pixels of the other column (3) lie 1 beside the other square's
    # edge; the rest of the top and bottom rows coincide with it.
    distance = average_surface_distance(square(5, 5, 5), square(5, 6, 5), (1.0, 0.4))
    assert distance == pytest.approx(0.4 * 8 / 16)


MASKS = st.tuples(st.integers(0, 2**30), st.floats(0.02, 0.6))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(MASKS, MASKS, st.floats(0.1, 5), st.floats(0.1, 5))
def test_distances_are_those_of_every_pair_of_edge_pixels(first, second, height, width):
    masks = [np.random.default_rng(seed).random((9, 11)) < share for seed, share in (first, second)]
    if not all(mask.any() for mask in masks):
        return
    edges = []
    for mask in masks:
        around = np.pad(mask, 1)
        inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
        edges.append(np.argwhere(mask & ~inner) * (height, width))
    pairs = cdist(*edges)
    there, back = pairs.min(1), pairs.min(0)
    spacing = (height, width)
    assert hausdorff95(*masks, spacing) == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    assert average_surface_distance(*masks, spacing) == pytest.approx(np.concatenate([there, back]).mean())


def test_millimetres_are_measured_where_the_pixel_has_a_size():
    truth, found = square(5, 5, 9).astype(int), square(5, 8, 9).astype(int)
    plain = {row["metric"]: row["value"] for row in case_metrics(found, truth, ["background", "nerve"])}
    rows = case_metrics(found, truth, ["background", "nerve"], spacing=(0.2, 0.7))
    sized = {row["metric"]: row["value"] for row in rows}
    assert set(sized) - set(plain) == {"hd95_mm", "assd_mm"} and plain["hd95"] == 3
    assert sized["hd95_mm"] == pytest.approx(2.1)
    nothing = case_metrics(0 * found, truth, ["background", "nerve"], spacing=(0.2, 0.7))
    assert {row["value"] for row in nothing if row["metric"].endswith("_mm")} == {np.hypot(30 * 0.2, 40 * 0.7)}


def test_a_metric_that_only_some_cases_have_is_left_out():
    rows = [{"case": name, "metric": metric} for name in "ab" for metric in ("dice", "hd95_mm")]
    assert len(_without_partial(pd.DataFrame(rows))) == 4
    assert _without_partial(pd.DataFrame(rows[:-1]))["metric"].tolist() == ["dice", "dice"]
