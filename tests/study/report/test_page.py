"""Pages of studies hold what they should."""

import json
import re

import pandas as pd
import pytest

from prismseg.base import DataError
from prismseg.study import KINDS, RunStore, expand, read_study, report_study
from prismseg.study.report.figures import draw_ranks
from prismseg.study.report.page import _figures_of
from prismseg.study.runs.provenance import Provenance
from prismseg.study.runs.sources import ProvenanceFinder
from tests.study.examples import planted_rows, write_study


@pytest.fixture
def study(tmp_path):
    return read_study(write_study(tmp_path))


def test_the_page_shows_figures_of_its_measures_or_else_all():
    figures = {
        name: draw_ranks(pd.Series({"a": 1.0}), "x", 3) for name in ("layers", "ranks-dice", "boxes-rho-skip")
    }
    assert [name for name, _ in _figures_of(["rho"], figures)] == ["boxes-rho-skip"]
    assert [name for name, _ in _figures_of(["dice", "rho"], figures)] == ["ranks-dice", "boxes-rho-skip"]
    assert [name for name, _ in _figures_of(["weight_change"], figures)] == list(figures)


def test_the_page_of_a_study_that_is_half_done(tmp_path, study):
    store, runs = RunStore(tmp_path / "out"), expand(study)
    now = ProvenanceFinder(tmp_path / "out").find(KINDS[study.kind], runs[0].settings)
    table, _ = planted_rows()
    for run in runs[:-1]:
        part = table
        for name, label in run.labels.items():
            part = part[part[name] == label]
        store.begin(run, now)
        store.finish(run, part.drop(columns=list(run.labels)), seconds=30.0)
    store.begin(runs[-1], now)
    store.fail(runs[-1], ValueError("broken"))
    page = report_study(study, runs, tmp_path / "out").read_text()
    assert (
        "11 of 12 runs" in page and "1 failed" in page and "ValueError: broken" in page and "5.5 minutes" in page
    )
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "Numbers made with prismseg" in page and "not digits" in page and "not checked" in page
    assert "Methods are compared over groups and over trainings" in page and "stale" not in page
    folder = tmp_path / "out" / "report"
    assert {"summary.csv", "comparison.csv", "cases.csv", "summary.tex", "comparison.tex"} <= {
        p.name for p in folder.iterdir()
    }
    assert (folder / "figures" / "size-dice.png").stat().st_size > 5000
    assert (folder / "figures" / "boxes-dice.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(DataError, match="No run of 'Test' is finished"):
        report_study(study, runs, tmp_path / "empty")
    assert json.loads((store.folder(runs[0]) / "settings.json").read_text())["labels"] == runs[0].labels


def test_stale_runs_are_left_out_or_marked(tmp_path, study):
    """The page bears the version that the numbers were made with, not that of the report."""
    store, runs = RunStore(tmp_path / "out"), expand(study)
    table, _ = planted_rows()
    for run in runs:
        part = table
        for name, label in run.labels.items():
            part = part[part[name] == label]
        store.begin(run, Provenance("prismseg 0.0.9", {"prismseg.evaluation.metrics": "old"}))
        store.finish(run, part.drop(columns=list(run.labels)), seconds=30.0)
    with pytest.raises(DataError, match="All finished runs of 'Test'"):
        report_study(study, runs, tmp_path / "out")
    page = report_study(study, runs, tmp_path / "out", keep_stale=True).read_text()
    assert "12 runs are stale" in page and "shown all the same" in page and "version: prismseg 0.0.9, now" in page
    assert "Numbers made with prismseg 0.0.9 on" in page
