"""Margins and reliability of a run: what `evaluate` writes and `predict` draws, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.conftest import write_discs
from tests.train.conftest import small_config

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset
from prismseg.evaluation import MarginSettings
from prismseg.inference import Margins, Predictor, predict_files
from prismseg.nets import create_model
from prismseg.train import evaluate_data, evaluate_run, train


@pytest.fixture(scope="module")
def run(discs, tmp_path_factory):
    root = tmp_path_factory.mktemp("margins") / "run"
    train(small_config(discs, optim={"steps": 40, "batch_size": 6, "lr": 1e-2}), root, show_progress=False)
    return root


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("others")
    data = open_dataset(write_discs(folder / "data", patients=10, images=2, size=(36, 44)))
    return evaluate_data(run, data, out=folder / "out", margins=MarginSettings(0.1), show_progress=False)


def test_files_page_and_promise(report):
    margins = Margins.load(report.parent / "margins.json")
    scores = pd.read_csv(report.parent / "margins_per_case.csv")
    (margin,) = margins.classes.values()
    assert margins.groups == 10 and margins.cases == len(scores) == 20
    worst = scores.groupby("group")["both"].max().sort_values()
    assert margin.both == worst.iloc[-1], "of 10 groups the margin at .1 is the worst: ceil(11 * .9)"
    assert 0 <= margin.coverage <= 1
    page = report.read_text()
    assert "Margins that hold for a new group" in page and "10 groups of the calibration" in page


def test_predict_draws_them(run, report, discs, tmp_path):
    margins = Margins.load(report.parent / "margins.json")
    predictor = Predictor.from_pretrained(run / "model")
    predict_files(predictor, discs / "p0_0.png", tmp_path, margins=margins, show_progress=False)
    levels = np.asarray(Image.open(tmp_path / "margins" / "p0_0_1.png"))
    mask = np.asarray(Image.open(tmp_path / "masks" / "p0_0.png")) == 1
    assert (levels[mask] >= 128).all() and not mask[levels == 255].sum() < (levels == 255).sum()
    assert Image.open(tmp_path / "margins" / "p0_0.png").size == (48, 40)


def test_they_are_of_one_network(report, discs, tmp_path):
    margins = Margins.load(report.parent / "margins.json")
    other = create_model("unet", width=0.25, seed=9)
    other.metadata = {
        "preprocess": {"size": [32, 32], "channels": 1, "intensity": "zscore", "fit": "stretch"},
        "classes": ["background", "foreground"],
    }
    with pytest.raises(ConfigError, match="another network"):
        predict_files(Predictor(other), discs, tmp_path / "out", margins=margins, show_progress=False)
    assert not (tmp_path / "out").exists()


def test_too_few_groups_or_seen_ones_write_nothing(run, tmp_path):
    with pytest.raises(DataError, match="at least 9 groups"):
        evaluate_run(run, out=tmp_path / "few", margins=MarginSettings(0.1), show_progress=False)
    for part in ("train", "all", "test,validation"):
        with pytest.raises(ConfigError, match="has not seen"):
            evaluate_run(run, part=part, out=tmp_path / "few", margins=MarginSettings(0.5), show_progress=False)
    assert not (tmp_path / "few").exists()


def test_without_asking_there_are_none(run):
    folder = evaluate_run(run, show_progress=False).parent
    assert not (folder / "margins.json").exists()
    assert json.loads((folder / "summary.json").read_text())["cases"] > 0


def test_reliability_stands_in_summary_page_and_tables(report):
    summary = json.loads((report.parent / "summary.json").read_text())
    assert {row["measure"] for row in summary["reliability"]} == {"ece", "ece_doubtful", "brier"}
    assert [row["score"] for row in summary["failure_detection"]] == ["soft_dice", "entropy"]
    per_group = pd.read_csv(report.parent / "reliability_per_group.csv")
    assert len(per_group) == 10 and per_group["brier"].between(0, 1).all()
    assert "How far the probabilities can be trusted" in report.read_text()
