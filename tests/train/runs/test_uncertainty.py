"""Uncertainty fitted after training: files, maps, and that it stays with its network."""

import numpy as np
import pytest
from tests.train.conftest import small_config
from typer.testing import CliRunner

from prismseg.base import ConfigError, ModelError
from prismseg.cli.main import app
from prismseg.train import fit_uncertainty, train


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
