"""Margins hold what they promise: closed forms on bars and discs, and 1,000 random splits of phantoms."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from prismseg.base import ConfigError, DataError
from prismseg.evaluation import MarginSettings, calibrate_margins, conformal_quantile, score_margins
from prismseg.inference import ClassMargin, Margins, needed_margins
from prismseg.inference.margins import dilate, erode

ROWS, COLUMNS = np.mgrid[:48, :48]


def disc(centre, radius):
    return np.hypot(ROWS - centre[0], COLUMNS - centre[1]) <= radius


def test_discs_need_what_they_differ_by():
    big, small = disc((24, 24), 15), disc((24, 24), 10)
    outer, inner = needed_margins(small, big)
    assert outer == pytest.approx(5, abs=1) and inner == 0
    outer, inner = needed_margins(big, small)
    assert outer == 0 and inner == pytest.approx(5, abs=1)


def test_the_needed_margins_are_the_smallest_that_hold():
    rng = np.random.default_rng(0)
    for _ in range(20):
        pred, target = (disc(rng.uniform(18, 30, 2), rng.uniform(6, 14)) for _ in range(2))
        outer, inner = needed_margins(pred, target)
        assert not (target & ~dilate(pred, outer)).any() and not (erode(pred, inner) & ~target).any()
        if outer:
            assert (target & ~dilate(pred, outer - 1e-6)).any()
        if inner:
            assert (erode(pred, inner - 1e-6) & ~target).any()


def test_a_margin_of_one_pixel_is_a_cross():
    mask = disc((24, 24), 9)
    np.testing.assert_array_equal(dilate(mask, 1), binary_dilation(mask))
    np.testing.assert_array_equal(erode(mask, 1), binary_erosion(mask))


def test_what_is_empty_or_full():
    empty, full, some = np.zeros((5, 5), bool), np.ones((5, 5), bool), np.eye(5, dtype=bool)
    assert needed_margins(empty, empty) == (0, 0)
    assert needed_margins(empty, some) == (math.inf, 0)
    assert needed_margins(full, some) == (0, math.inf)
    assert needed_margins(full, full) == (0, 0)
    assert needed_margins(some, empty)[0] == 0 and needed_margins(some, empty)[1] == 1
    assert erode(full, 2).all() and not dilate(empty, 3).any()
    assert dilate(empty, math.inf).all() and not erode(full, math.inf).any()
    with pytest.raises(DataError, match="size"):
        needed_margins(empty, np.zeros((4, 5), bool))


def test_pixels_without_truth_contradict_nothing_and_a_share_forgives_the_farthest():
    truth = np.zeros((4, 30), int)
    truth[:, 5:15] = 1  # 40 pixels
    prediction = truth.copy()
    truth[0, 25] = 1  # a stray true pixel, 11 from the mask
    assert score_margins(prediction, truth, ["background", "nerve"])[0]["outer"] == 11
    assert score_margins(prediction, truth, ["background", "nerve"], share=0.97)[0]["outer"] == 0
    truth[0, 25] = 255
    assert score_margins(prediction, truth, ["background", "nerve"])[0]["both"] == 0


@pytest.mark.parametrize(("alpha", "fewest"), [(0.1, 9), (0.05, 19), (0.2, 4), (0.5, 1), (0.15, 6), (1 / 3, 2)])
def test_the_fewest_groups(alpha, fewest):
    settings = MarginSettings(alpha)
    assert settings.fewest_groups == math.ceil(1 / alpha - 1e-9) - 1 == fewest
    scores = [np.array([float(x)]) for x in range(fewest)]
    assert conformal_quantile(scores, settings) == fewest - 1  # the largest
    with pytest.raises(DataError, match=f"at least {fewest} groups|no group"):
        conformal_quantile(scores[:-1], settings)


def test_what_cannot_be_calibrated_is_said_with_what_could():
    with pytest.raises(DataError, match=r"there are 4.*--folds.*--margins 0.2"):
        conformal_quantile([np.zeros(1)] * 4, MarginSettings(0.1))
    for wrong in ({"alpha": 0.0}, {"alpha": 1.0}, {"per": "pixel"}, {"share": 0.0}):
        with pytest.raises(ConfigError):
            MarginSettings(**wrong)


def test_by_hand_ten_groups_of_one_and_two_cases():
    groups = [np.array([float(x)]) for x in range(9)] + [np.array([1.5, 100.0])]
    # Of 10 groups the rank is ceil(11 * .8) = 9: the second largest worst case.
    assert conformal_quantile(groups, MarginSettings(0.2)) == 8
    # Of cases each weighs 1 / 11, those of the pair half; below 8 and with it are 9.5 of 11, and .8 * 11 = 8.8.
    assert conformal_quantile(groups, MarginSettings(0.2, per="case")) == 8
    assert conformal_quantile(groups, MarginSettings(0.25, per="case")) == 7  # 8.5 of 11 for 8.25


def phantoms(rng, patients=60):
    """Scores (worst image and one image) of patients whose network errs by shift and size, each in its own way."""
    rows = []
    for patient in range(patients):
        shift, swelling = rng.normal(0, 1.5, 2), rng.normal(0, 1.5)
        for _ in range(1 + rng.poisson(1)):
            centre, radius = rng.uniform(20, 28, 2), rng.uniform(8, 12)
            truth = disc(centre, radius)
            found = disc(centre + shift + rng.normal(0, 0.5, 2), radius + swelling + rng.normal(0, 0.5))
            (row,) = score_margins(found.astype(int), truth.astype(int), ["background", "foot"])
            # Distances on a grid have ties, which only add coverage; a hair's breadth parts them.
            rows.append({"group": patient, "both": row["both"] + rng.uniform(0, 1e-6)})
    return [part["both"].to_numpy() for _, part in pd.DataFrame(rows).groupby("group")]


@pytest.mark.parametrize("per", ["group", "case"])
@pytest.mark.parametrize("calibrated", [9, 14])
def test_coverage_over_1000_splits_of_phantoms(per, calibrated):
    rng = np.random.default_rng(1)
    groups, settings = phantoms(rng), MarginSettings(0.1, per=per)
    held, singles = [], []
    for _ in range(1000):
        drawn = rng.permutation(len(groups))[: calibrated + 1]
        *calibration, new = (groups[index] for index in drawn)
        margin = conformal_quantile(calibration, settings)
        value = new.max() if per == "group" else rng.choice(new)
        held.append(value <= margin)
        # The control: images counted as if they were independent patients.
        pooled = np.sort(np.concatenate(calibration))
        rank = min(math.ceil((len(pooled) + 1) * 0.9), len(pooled))
        singles.append(new.max() <= pooled[rank - 1])
    error = 3 * math.sqrt(0.9 * 0.1 / 1000)
    assert np.mean(held) >= 0.9 - error
    if per == "group":
        expected = math.ceil((calibrated + 1) * 0.9 - 1e-9) / (calibrated + 1)
        assert abs(np.mean(held) - expected) < 3 * math.sqrt(expected * (1 - expected) / 1000)
        if calibrated == 14:
            assert np.mean(singles) < np.mean(held) - error


def test_margins_of_a_table_and_their_coverage_left_out():
    groups = [f"p{number}" for number in range(20)]
    scores = pd.DataFrame(
        {"case": groups, "group": groups, "class": "nerve", "outer": range(20), "inner": 0.0, "both": range(20)}
    )
    margins = calibrate_margins(scores, MarginSettings(0.1), networks=["a", "a"])
    # ceil(21 * .9) = 19 of 20. Left out: the two largest are above the 18th of the other 19.
    assert margins.classes["nerve"] == ClassMargin(both=18, outer=18, inner=0, coverage=0.9)
    assert (margins.groups, margins.cases, margins.networks) == (20, 20, ("a",))


def test_margins_return_from_their_file(tmp_path):
    margins = Margins({"nerve": ClassMargin(math.inf, 2.5, 0, 0.9)}, 0.1, "case", 0.99, 9, 30, ("a",))
    assert Margins.load(margins.save(tmp_path / "margins.json")) == margins
    (tmp_path / "other.json").write_text('{"classes": 3}')
    with pytest.raises(ConfigError, match=r"other.json holds no margins.*--margins"):
        Margins.load(tmp_path / "other.json")
    with pytest.raises(ConfigError, match="the network knows vessel"):
        margins.bands(np.zeros((3, 3), int), ["background", "vessel"])
