"""Uncertainty fitted after training: files, maps, and that it stays with its network."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.train.conftest import small_config
from typer.testing import CliRunner

from prismseg.base import ConfigError, ModelError, read_json
from prismseg.cli.main import app
from prismseg.train import evaluate_run, fit_uncertainty, train


@pytest.fixture(scope="module")
def run(discs, tmp_path_factory):
    root = tmp_path_factory.mktemp("uncertain") / "run"
    train(small_config(discs, optim={"steps": 40, "batch_size": 6, "lr": 1e-2}), root, show_progress=False)
    return root


def call(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_fit_and_predict(run, discs, tmp_path):
    printed = call("uncertainty", run)
    assert "did not learn from" in printed and (run / "uncertainty" / "last-layer.safetensors").is_file()
    call("predict", run, discs / "p0_0.png", "--out", tmp_path, "--uncertainty-by", "last-layer", "--quiet")
    maps = np.load(tmp_path / "uncertainty" / "p0_0_last-layer.npz")
    assert maps["entropy"].shape == (40, 48) and maps["variance"].shape == (2, 40, 48)
    assert 0 < maps["mutual_information"].max() <= maps["entropy"].max() <= 1
    assert (tmp_path / "uncertainty" / "p0_0_last-layer.png").is_file()


def test_variational_frequencies_of_a_run(run, discs, tmp_path):
    call("uncertainty", run, "--kind", "variational")
    call("predict", run, discs / "p0_0.png", "--out", tmp_path, "--uncertainty-by", "variational", "--quiet")
    assert np.load(tmp_path / "uncertainty" / "p0_0_variational.npz")["mutual_information"].max() > 0


def test_what_cannot_be_fitted(run, tmp_path):
    with pytest.raises(ConfigError, match="last-layer"):
        fit_uncertainty(run, "ensemble")
    with pytest.raises(ModelError, match="no training run"):
        fit_uncertainty(tmp_path)
    done = CliRunner().invoke(app, ["predict", "thermal-feet", str(tmp_path), "--uncertainty-by", "last-layer"])
    assert "prismseg uncertainty RUN" in str(done.exception)


def test_evaluation_ranks_foreign_images_where_an_uncertainty_is_asked_for(run, discs, tmp_path):
    (tmp_path / "others").mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(rng.integers(0, 255, (40, 48)).astype(np.uint8)).save(
            tmp_path / "others" / f"o{number}.png"
        )
    with pytest.raises(ConfigError, match="name it: --uncertainty-by last-layer or"):
        evaluate_run(run, out=tmp_path / "e", unfamiliar=[tmp_path / "others"])
    call("uncertainty", run)
    printed = call(
        "evaluate",
        run,
        "--out",
        tmp_path / "e",
        "--quiet",
        "--uncertainty-by",
        "last-layer",
        "--unfamiliar",
        tmp_path / "others",
    )
    assert "AUROC" in printed and "distance" in printed and "others" in printed
    table = pd.read_csv(tmp_path / "e" / "unfamiliar.csv")
    assert set(table["kind"]) == {"own", "noise", "blank", "own + noise", "others"}
    assert (table["mutual_information"] <= table["entropy"]).all() and (table["variance"] > 0).all()
    section = read_json(tmp_path / "e" / "summary.json")["unfamiliar"]
    rows = {row["kind"]: row for row in section["rows"]}
    assert section["uncertainty"] == "last-layer" and rows["others"]["n"] == 3
    assert rows["distance"]["variance"] > 0  # the posterior widens away from what was learnt
    assert "Does the network know what it cannot know?" in (tmp_path / "e" / "report.html").read_text()


def test_what_was_not_fitted_is_told_before_anything_is_measured(run, tmp_path):
    with pytest.raises(ModelError, match="Only an ensemble has members"):
        evaluate_run(run, out=tmp_path / "e", uncertainty_by="ensemble")
    assert not (tmp_path / "e").exists()
