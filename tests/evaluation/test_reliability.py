"""Calibration against hand-computed values and scikit-learn, and of networks that are calibrated by construction."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from prismseg.base import DataError
from prismseg.data import Sample
from prismseg.evaluation.reliability import (
    BINS,
    ReliabilityCounts,
    aurc,
    count_case,
    risk_coverage,
    soft_dice_confidence,
)
from prismseg.evaluation.reliability_report import ReliabilityScores
from prismseg.inference import Prediction


def test_by_hand():
    p = np.array([0.9, 0.9, 0.1, 0.1, 0.5])
    y = np.array([True, False, False, False, True])
    counts = ReliabilityCounts.of(p, y)
    # Bins .9: mean .9, share .5, weight 2/5; .1: .1 off; .5: .5 off, weight 1/5.
    assert counts.ece == pytest.approx(0.4 * 0.4 + 0.4 * 0.1 + 0.2 * 0.5)
    assert counts.brier == pytest.approx((0.01 + 0.81 + 0.01 + 0.01 + 0.25) / 5)


def test_brier_is_scikit_learns_and_bins_sum_up():
    rng = np.random.default_rng(0)
    p, y = rng.random(500), rng.random(500) < 0.3
    counts = ReliabilityCounts.of(p, y)
    assert counts.brier == pytest.approx(brier_score_loss(y, p))
    edges = np.linspace(0, 1, BINS + 1)
    bins = [(p >= low) & (p < high) for low, high in pairwise(edges)]
    assert counts.ece == pytest.approx(sum(abs(p[b].sum() - y[b].sum()) for b in bins if b.any()) / 500)
    halves = ReliabilityCounts.of(p[:200], y[:200]) + ReliabilityCounts.of(p[200:], y[200:])
    assert (halves.ece, halves.brier) == pytest.approx((counts.ece, counts.brier))


def test_drawn_from_the_probabilities_a_network_is_calibrated_and_a_bolder_one_is_not():
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 0.5, 200_000)
    y = rng.random(len(p)) < p
    assert ReliabilityCounts.of(p, y).ece < 0.005 and ReliabilityCounts.of(p, y).ece_doubtful < 0.006
    bold = p**3 / (p**3 + (1 - p) ** 3)
    assert ReliabilityCounts.of(bold, y).ece > 0.05
    assert ReliabilityCounts.of(bold, y).brier > ReliabilityCounts.of(p, y).brier


def test_easy_background_drowns_the_error_that_the_doubtful_pixels_show():
    p = np.r_[np.zeros(9_900), np.full(100, 0.9)]
    y = np.r_[np.zeros(9_900, bool), np.arange(100) < 50]
    counts = ReliabilityCounts.of(p, y)
    assert counts.ece == pytest.approx(0.004) and counts.ece_doubtful == pytest.approx(0.4)
    assert ReliabilityCounts.of(p[:9], y[:9]).ece_doubtful == 0


def test_ignored_pixels_count_nowhere_and_shapes_are_checked():
    probabilities = np.stack([np.full((2, 2), 0.4), np.full((2, 2), 0.6)])
    counts = count_case(probabilities, np.array([[1, 255], [0, 255]]), ["background", "nerve"])["nerve"]
    assert counts.pixels[0].sum() == 2 and counts.ece == pytest.approx(0.1)
    with pytest.raises(DataError, match=r"must be \(2, 3, 2\)"):
        count_case(probabilities, np.zeros((3, 2), int), ["background", "nerve"])


def test_risk_and_coverage():
    risk = np.array([0.0, 0.0, 0.3, 0.9])
    assert aurc(risk, -risk) == pytest.approx((0 + 0 + 0.1 + 0.3) / 4)
    assert aurc(risk, risk) == pytest.approx((0.9 + 0.6 + 0.4 + 0.3) / 4)
    assert aurc(risk, np.zeros(4)) == pytest.approx(risk.mean()), "a score that tells nothing is a random order"
    assert risk_coverage(risk, risk)["risk"].iloc[-1] == pytest.approx(risk.mean())
    with pytest.raises(DataError, match="there are 0 and 0"):
        aurc([], [])


def test_the_promised_dice_is_the_expected_one():
    rng = np.random.default_rng(0)
    p = rng.random((40, 40))
    mask = (p > 0.5).astype(int)
    promised = soft_dice_confidence(np.stack([1 - p, p]), mask, ["background", "nerve"])
    drawn = [
        (truth := rng.random(p.shape) < p, 2 * (mask * truth).sum() / (mask.sum() + truth.sum()))[1]
        for _ in range(200)
    ]
    assert promised == pytest.approx(np.mean(drawn), abs=0.003)
    assert soft_dice_confidence(np.stack([1 - 0 * p, 0 * p]), 0 * mask, ["background", "nerve"]) == 1


def test_tables_by_case_and_group(tmp_path):
    rng = np.random.default_rng(0)
    scores = ReliabilityScores(["background", "a", "b"])
    for number in range(6):
        probabilities = rng.dirichlet([1, 1, 1], (8, 8)).transpose(2, 0, 1).astype(np.float32)
        truth = np.array([rng.choice(3, p=q / q.sum()) for q in probabilities.reshape(3, -1).T]).reshape(8, 8)
        sample = Sample(
            f"c{number}", f"g{number // 2}", np.zeros((8, 8, 1)), truth.astype(np.uint8), tmp_path, None
        )
        prediction = Prediction(probabilities.argmax(0).astype(np.uint8), probabilities)
        scores({"case": sample.id, "group": sample.group}, sample, prediction)
    found = scores.result()
    found.write(tmp_path)
    assert len(found.per_case()) == 12 and len(found.per_group()) == 6
    pooled = found.pooled("a", "g0")
    assert pooled.pixels[0].sum() == 128
    row = next(row for row in found.summary() if row["class"] == "b" and row["measure"] == "brier")
    assert row["pooled"] == pytest.approx(row["mean"]), "cases of one size weigh alike"
    assert row["ci_low"] is None and row["range_low"] <= row["mean"] <= row["range_high"]
    for row in found.failure_detection():
        assert row["oracle"] <= row["aurc"] + 1e-12 and row["oracle"] <= row["random"]
    assert (tmp_path / "risk_coverage.csv").read_text().count("\n") == 13
