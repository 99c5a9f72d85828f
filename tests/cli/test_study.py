"""`prismseg study` from any folder."""

import pytest
import yaml
from typer.testing import CliRunner

from prismseg.base import ConfigError
from prismseg.cli.main import app
from prismseg.study import find_study, list_studies

SMALL = {
    "title": "Two widths",
    "kind": "kernel",
    "base": {"draws": 2, "points": 10},
    "grid": {"outputs": {"outputs": [4, 8]}},
    "pool": [],
    "measures": ["rmse"],
}


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call a verb in an empty folder; returns what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments, code=0):
        result = CliRunner().invoke(app, ["study", *arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    return call


def test_list_names_every_study_with_its_runs_and_data(call):
    output = call("list")
    for shipped in list_studies():
        assert shipped.name in output and f"{shipped.runs} runs, {shipped.quick_runs} with --quick" in output
    assert "github.com/tmkand/usgra-seg" in output


def test_show_prints_the_file(call):
    assert call("show", "kernel") == find_study("kernel").read_text()


def test_a_copy_is_changed_and_run(call, tmp_path):
    assert "prismseg study run mine.yaml" in call("copy", "kernel", "mine.yaml")
    study = yaml.safe_load((tmp_path / "mine.yaml").read_text())
    assert study["kind"] == "kernel"
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(SMALL))
    output = call("run", "mine.yaml", "--backend", "sequential", "--quiet")
    assert "2 done" in output and (tmp_path / "runs" / "study-mine" / "report" / "study.html").is_file()
    assert "2 done" in call("status", "mine.yaml")
    (tmp_path / "runs" / "study-mine" / "report" / "study.html").unlink()
    call("report", "mine.yaml")
    assert (tmp_path / "runs" / "study-mine" / "report" / "study.html").is_file()


def test_a_run_that_fails_is_shown_and_gives_exit_code_1(call, tmp_path):
    study = SMALL | {"kind": "fashion", "base": {"folder": "nowhere"}, "grid": {"seed": {"seed": [0]}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study | {"measures": []}))
    assert "1 failed" in call("run", "study.yaml", "--backend", "sequential", "--quiet", code=1)
    assert "dataset-fashion-mnist" in call("status", "study.yaml")


def test_data_that_are_missing_lead_to_the_option(call):
    with pytest.raises(ConfigError, match="--data FOLDER"):
        call("run", "usgra", "--quick")
    with pytest.raises(ConfigError, match=r"prismseg study run kernel\.?$"):
        call("run", "studies/kernel.yaml")
