import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prismseg.base import DataError
from prismseg.evaluation.metrics import (
    DISTANCES,
    EMPTY_POLICY,
    EMPTY_VALUES,
    case_metrics,
    hausdorff95,
    soft_dice,
    summarize,
)

BINARY = ["background", "nerve"]


def values(prediction, truth, classes=BINARY, **options):
    rows = case_metrics(np.asarray(prediction), np.asarray(truth), classes, **options)
    return {(row["class"], row["metric"]): row["value"] for row in rows}


def square(top, left, side, size=(20, 30)):
    mask = np.zeros(size, dtype=np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def test_overlap_metrics_by_hand():
    truth = [[1, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
    found = [[1, 1, 0, 1, 0], [0, 0, 0, 0, 0]]  # 2 hits, 1 alarm, 1 miss, 6 right rejections
    got = values(found, truth)
    assert got["nerve", "dice"] == pytest.approx(4 / 6)
    assert got["nerve", "jaccard"] == pytest.approx(2 / 4)
    assert got["nerve", "sensitivity"] == pytest.approx(2 / 3)
    assert got["nerve", "precision"] == pytest.approx(2 / 3)
    assert got["nerve", "specificity"] == pytest.approx(6 / 7)


def test_every_foreground_class_is_measured_against_the_rest():
    truth = np.array([[0, 1, 1, 2]])
    found = np.array([[0, 1, 2, 2]])
    got = values(found, truth, ["background", "nerve", "vessel"])
    assert got["nerve", "dice"] == pytest.approx(2 / 3)
    assert got["vessel", "dice"] == pytest.approx(2 / 3)
    assert got["nerve", "sensitivity"] == 0.5
    assert got["vessel", "precision"] == 0.5
    assert {name for name, _ in got} == {"nerve", "vessel"}


def test_hausdorff_of_shifted_squares_is_the_shift():
    # Of the 16 edge pixels of a 5 x 5 square, five lie 3 from the other's edge and the rest nearer.
    assert hausdorff95(square(5, 5, 5) > 0, square(5, 8, 5) > 0) == 3


def test_hausdorff_takes_the_worse_direction():
    near = square(5, 5, 3)
    far = near.copy()
    far[5:8, 20:23] = 1
    # From every edge pixel of `near` it is 0 to `far`; half of far's edge lies 13 to 15 away.
    assert hausdorff95(near > 0, far > 0) == pytest.approx(15)
    assert hausdorff95(far > 0, near > 0) == pytest.approx(15)


def test_hausdorff_looks_at_edges_alone():
    # The corners are 4 of the 32 edge pixels of the large square (but under 5 % of its 81 pixels).
    assert hausdorff95(square(5, 5, 9) > 0, square(8, 8, 3) > 0) == pytest.approx(18**0.5)


def test_hausdorff_interpolates_the_percentile():
    line = np.zeros((1, 50), dtype=bool)
    line[0, 10:30] = True
    longer = line.copy()
    longer[0, 10:31] = True
    # 21 edge pixels at distance 0 … 0, 1: the 95th percentile lies at position 19 of 20, that is at 0.
    assert hausdorff95(line, longer) == 0
    longer[0, 31] = True
    # 22 distances 0 … 0, 1, 2: position 19.95 of 21, between 0 and 1.
    assert hausdorff95(line, longer) == pytest.approx(0.95)


MASKS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda size: st.tuples(*[st.binary(min_size=size[0] * size[1], max_size=size[0] * size[1])] * 2).map(
        lambda two: [np.frombuffer(raw, np.uint8).reshape(size) % 3 for raw in two]
    )
)
THREE = ["background", "nerve", "vessel"]


@settings(deadline=None)
@given(MASKS)
def test_metrics_obey_their_laws(masks):
    found, truth = masks
    forth, back = values(found, truth, THREE), values(truth, found, THREE)
    for name in THREE[1:]:
        dice, jaccard = forth[name, "dice"], forth[name, "jaccard"]
        assert dice == pytest.approx(2 * jaccard / (1 + jaccard))
        assert dice == back[name, "dice"]
        assert forth[name, "hd95"] == back[name, "hd95"]
        assert forth[name, "sensitivity"] == back[name, "precision"]
        assert 0 <= forth[name, "hd95"] <= math.hypot(*truth.shape)
        assert all(
            0 <= forth[name, metric] <= 1 for metric in EMPTY_VALUES if metric not in (*DISTANCES, "soft_dice")
        )
    assert all(np.isfinite(value) for value in forth.values())


@settings(deadline=None)
@given(MASKS)
def test_a_mask_agrees_with_itself(masks):
    got = values(masks[0], masks[0], THREE)
    assert all(value == (0 if metric == "hd95" else 1) for (_, metric), value in got.items())


@pytest.mark.parametrize(
    ("found", "truth", "which", "column"),
    [(0, 0, "both", 0), (1, 0, "truth", 1), (0, 1, "prediction", 2)],
)
def test_empty_masks_are_worth_what_the_policy_says(found, truth, which, column):
    masks = {0: np.zeros((6, 8), np.uint8), 1: square(1, 2, 3, (6, 8))}
    rows = case_metrics(masks[found], masks[truth], BINARY)
    assert {row["empty"] for row in rows} == {which}
    stated = {"1": 1, "0": 0, "the image diagonal": 10, "its formula": 1 - 9 / 48}
    for row in rows:
        assert row["value"] == pytest.approx(stated[EMPTY_VALUES[row["metric"]][column]]), row["metric"]


def test_the_policy_speaks_of_every_metric():
    rows = case_metrics(
        square(1, 1, 2), square(1, 1, 2), BINARY, probabilities=np.full((2, 20, 30), 0.5), spacing=(1.0, 1.0)
    )
    assert {row["metric"] for row in rows} == set(EMPTY_VALUES)
    assert all(name in EMPTY_POLICY for name in EMPTY_VALUES)
    assert {row["empty"] for row in rows} == {"neither"}


def test_specificity_of_a_class_that_fills_the_image():
    full = np.ones((4, 4), np.uint8)
    assert values(full, full)["nerve", "specificity"] == 1
    assert values(np.zeros_like(full), full)["nerve", "specificity"] == 1


def test_ignored_pixels_count_nowhere():
    truth = square(4, 4, 4).astype(np.int64)
    found = square(4, 5, 4)
    expected = values(found[:, :15], truth[:, :15])
    truth[:, 15:] = 255
    noisy = found.copy()
    noisy[:, 15:] = 1
    assert values(noisy, truth) == expected
    got = values(noisy, np.full_like(truth, 255))
    assert got["nerve", "dice"] == 1


def test_soft_dice_by_hand():
    probability = np.array([[0.9, 0.6], [0.2, 0.1]])
    truth = np.array([[True, False], [True, False]])
    assert soft_dice(probability, truth) == pytest.approx((2.2 + 1) / (3.8 + 1))
    both = np.stack([1 - probability, probability])
    assert values(probability > 0.5, truth.astype(int), probabilities=both)["nerve", "soft_dice"] == pytest.approx(
        3.2 / 4.8
    )


def test_masks_of_another_size_are_refused():
    with pytest.raises(DataError, match="4 x 5 pixels, the true mask 5 x 4"):
        case_metrics(np.zeros((4, 5), int), np.zeros((5, 4), int), BINARY)


def test_a_label_that_is_no_class_is_refused():
    with pytest.raises(DataError, match="true mask holds label 2, but there are only 2 classes"):
        case_metrics(np.zeros((2, 2), int), np.array([[0, 1], [2, 0]]), BINARY)


def table(values_by_case, groups, empty=None):
    return pd.DataFrame(
        {
            "case": [f"c{number}" for number in range(len(groups))],
            "group": groups,
            "class": "nerve",
            "metric": "dice",
            "value": values_by_case,
            "empty": empty or ["neither"] * len(groups),
        }
    )


def test_a_summary_by_hand():
    row = summarize(table([0.5, 0.7, 0.9, 1.0], ["a", "a", "b", "b"], ["neither", "truth", "both", "neither"]))
    assert list(row.columns) == [
        "class", "metric", "mean", "sd", "n", "n_groups", "n_empty", "ci_low", "ci_high", "range_low", "range_high",
    ]  # fmt: skip
    (record,) = row.to_dict("records")
    assert record["mean"] == pytest.approx(0.775)
    assert record["sd"] == pytest.approx(math.sqrt((0.275**2 + 0.075**2 + 0.125**2 + 0.225**2) / 3))
    assert (record["n"], record["n_groups"], record["n_empty"]) == (4, 2, 2)
    # Two groups have no interval; their means are 0.6 and 0.95.
    assert math.isnan(record["ci_low"]) and math.isnan(record["ci_high"])
    assert (record["range_low"], record["range_high"]) == pytest.approx((0.6, 0.95))


def test_one_group_has_no_interval_and_one_case_no_deviation():
    (record,) = summarize(table([0.5], ["a"])).to_dict("records")
    assert record["mean"] == 0.5
    assert all(math.isnan(record[name]) for name in ("sd", "ci_low", "ci_high"))


def test_a_summary_has_a_row_for_each_class_and_metric_in_their_order():
    cases = []
    for case in range(3):
        rows = case_metrics(square(5, 5, 4), square(5, 5 + case, 4), ["background", "vessel", "nerve"])
        cases += [{"case": str(case), "group": str(case), **row} for row in rows]
    summary = summarize(pd.DataFrame(cases))
    assert list(summary["class"]) == ["vessel"] * 6 + ["nerve"] * 6
    assert list(summary["metric"][:6]) == ["dice", "jaccard", "sensitivity", "specificity", "precision", "hd95"]
    assert (summary["n"] == 3).all()
    assert summary["n_empty"].tolist() == [0] * 6 + [3] * 6


def test_a_missing_value_is_never_passed_over():
    with pytest.raises(DataError, match="no case may be dropped"):
        summarize(table([0.5, np.nan], ["a", "b"]))


def test_a_summary_leaves_the_global_generator_alone():
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    first = summarize(table([0.5, 0.6, 0.9], ["a", "b", "c"]))
    assert (np.random.get_state()[1] == before).all()
    pd.testing.assert_frame_equal(first, summarize(table([0.5, 0.6, 0.9], ["a", "b", "c"])))
