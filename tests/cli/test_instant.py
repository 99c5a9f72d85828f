"""What `prismseg instant` refuses before it fits anything."""

import pytest
import yaml
from tests.conftest import write_discs
from typer.testing import CliRunner

from prismseg.base import ConfigError, DataError
from prismseg.cli.main import app
from prismseg.nets import load_model


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--pool", "data"], ConfigError, "how many to suggest with --suggest"),
        (["--pool", "nowhere", "--suggest", "2"], DataError, "no file or folder nowhere"),
        (["--suggest", "-1"], SystemExit, "2"),
    ],
)
def test_wrong_suggestions_are_refused_at_once(tmp_path, monkeypatch, words, error, message):
    monkeypatch.chdir(tmp_path)
    write_discs(tmp_path / "data", patients=3, images=1)
    result = CliRunner().invoke(app, ["instant", "data", "--encoder-weights", "none", *words, "--out", "run"])
    assert isinstance(result.exception, error) and message in str(result.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "said", "size", "grid"),
    [
        ([], True, [224, 288], 4),
        (["--grid", "8"], True, [224, 288], 8),
        (["--size", "32"], True, [32, 32], 2),
        (["--size", "32", "--grid", "2"], False, [32, 32], 2),
    ],
)
def test_size_and_grid_are_those_given_or_those_that_draw_the_masks(
    tmp_path, monkeypatch, words, said, size, grid
):
    monkeypatch.chdir(tmp_path)
    write_discs(tmp_path / "data", patients=3, images=1)
    words = ["--encoder", "plain", "--encoder-weights", "none", "--no-report", *words]
    result = CliRunner().invoke(app, ["instant", "data", "--out", "run", *words])
    assert result.exit_code == 0, result.output
    assert ("cells of" in result.output) == said
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["size"] == size
    assert config["model"]["options"].get("grid") == grid


def test_a_fit_that_was_cut_is_finished_by_resume(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_discs(tmp_path / "data", patients=3, images=1)
    words = ["instant", "data", "--encoder", "plain", "--encoder-weights", "none", "--size", "32", "--no-report"]
    assert CliRunner().invoke(app, [*words, "--out", "run"]).exit_code == 0
    network = tmp_path / "run" / "model" / "model.safetensors"
    before = network.read_bytes()
    for path in network.parent.iterdir():
        path.unlink()
    again = CliRunner().invoke(app, [*words, "--out", "run"])
    assert "--resume" in str(again.exception) and not network.exists()
    assert CliRunner().invoke(app, [*words, "--out", "run", "--resume"]).exit_code == 0
    assert network.read_bytes() == before


def test_what_was_left_out_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("prismseg.train.instant.fit.PREMIUM", -1.0)  # no second fit is worth that much more
    write_discs(tmp_path / "data", patients=3, images=1)
    words = ["--encoder", "plain", "--encoder-weights", "none", "--size", "32", "--no-report", "--quiet"]
    result = CliRunner().invoke(app, ["instant", "data", "--out", "run", *words])
    assert result.exit_code == 0, result.output
    assert "The second fit is left out: with it the Dice of groups left out is" in " ".join(result.output.split())
    assert load_model("run").context is None
