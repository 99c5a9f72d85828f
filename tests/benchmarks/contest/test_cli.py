"""The command: a plan, the runs, the report, and cells that are missing."""

import pytest
from contest.cli import main
from contest.report import HEADING

from tests.conftest import write_discs


@pytest.fixture
def command(tmp_path, discs):
    """A folder of sets that holds none, one that is added, and methods whose results are known."""
    (tmp_path / "data").mkdir()
    return [
        "--data", str(tmp_path / "data"), "--add", str(discs), "--out", str(tmp_path / "out"), "--jobs", "1",
        "--backend", "sequential", "--methods", "ours", "all", "broken",
    ]  # fmt: skip


def test_a_plan_runs_nothing(command, tmp_path, capsys):
    assert main([*command, "--plan"]) == 0
    text = capsys.readouterr().out
    assert "20 images, own steps" in text and "twice the steps" in text and "Left out" not in text
    assert not (tmp_path / "out").exists()
    assert main([*command, "--plan", "--hours", "0"]) == 0
    assert "Left out" in capsys.readouterr().out


def test_what_is_done_is_reported_and_what_fails_is_named(command, tmp_path, capsys):
    docs = tmp_path / "results.md"
    docs.write_text("# Results\n")
    assert main([*command, "--docs", str(docs)]) == 0
    capsys.readouterr()
    text = docs.read_text()
    assert HEADING in text and "RuntimeError: this method never works" in text
    report = (tmp_path / "out" / "report" / "contest.md").read_text()
    assert text.split(HEADING)[1] == report.split(HEADING)[1].replace(
        "(curves.png)", "(figures/contest-curves.png)"
    )
    assert (tmp_path / "figures" / "contest-curves.png").read_bytes()[:4] == b"\x89PNG"
    assert "python benchmarks/accuracy.py --data data --add discs" in text
    assert (tmp_path / "out" / "report" / "curves.png").exists()


def test_nothing_to_report_and_unknown_methods_are_said(command, tmp_path, capsys):
    assert main([*command, "--report"]) != 0
    assert "No cell in" in capsys.readouterr().err
    assert main([*command, "--plan", "--methods", "our"]) != 0
    assert "Did you mean 'ours'?" in capsys.readouterr().err
    empty = ["--data", str(write_discs(tmp_path / "few", patients=2)), "--plan"]
    assert main(empty) != 0 and "--add" in capsys.readouterr().err
