"""The page: right rows, missing cells with their reasons, and its place in the documentation."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from contest.plan import EQUAL
from contest.report import HEADING, difference_table, page, plot_curves, replace_section, score_table, write_report
from contest.tables import collect

from tests.benchmarks.contest.test_tables import OURS, PEER, cell, waiting

FACTS = {"command": "python benchmarks/accuracy.py --data data", "origins": ["a machine"], "budget": 60}


@pytest.fixture
def contest():
    curve = [(step, min(0.5, step / 50)) for step in range(0, 101, 5)]
    cells = [
        cell("ours", OURS, curve=curve, seconds=30), cell("all", PEER, seconds=12),
        cell("ours", {"a": 0.5, "b": 0.25}, data="rings"), waiting("all", "failed: no memory", data="rings"),
        cell("ours", OURS, effort=EQUAL, seconds=60), waiting("ours", "left out", images="80"),
    ]  # fmt: skip
    return collect(cells, budget=60)


def rows(text, heading):
    """Cells of the table whose heading begins so."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading}"))
    table = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        table.append([part.strip() for part in line.strip("|").split("|")])
    return table


def test_tables_show_the_best_in_bold_and_name_what_is_missing(contest):
    text = page(contest, **FACTS)
    discs, rings = rows(text, "data | images | groups tested | ours | all")
    assert discs[:3] == ["discs", "20", "6"]
    assert discs[3].startswith("**0.833** (") and discs[4].startswith("0.717 (")
    assert rings[3] == "**0.375** (range 0.250 – 0.500)" and rings[4] == "failed: no memory"
    (missing, left) = rows(text, "effort | images | method")
    assert missing == ["own steps", "20", "all", "rings", "failed: no memory"]
    assert left == ["own steps", "80", "ours", "discs", "left out"]


def test_differences_stand_with_their_interval_and_sets(contest):
    (row, *_) = rows(page(contest, **FACTS), "images | method | minus")
    assert row[:4] == ["20", "ours", "all", "+0.117"] and row[5] == "1 of 1"
    table = difference_table(contest).set_index(["effort", "data"])["difference"]
    assert table["own steps", "discs"] == pytest.approx(table["own steps", "(all)"])
    assert table[EQUAL, "discs"] == pytest.approx(0.7 / 6), "one that takes 12 seconds also stands beside 60"


def test_costs_and_curves_are_reported(contest):
    text = page(contest, **FACTS)
    assert ["ours", "10 – 30", "100", "0.10"] in rows(text, "method | seconds of training")
    assert rows(text, "images | method | rise") == [["20", "ours", "+0.000", "+0.000", "flat", "not run"]]


def test_a_method_has_one_colour_in_all_panels_and_an_empty_panel_is_none():
    curve = [(step, step / 200) for step in range(0, 101, 5)]
    cells = [cell("ours", OURS, curve=curve), cell("all", PEER, curve=curve)]
    cells += [cell("all", PEER, curve=curve, images="40"), cell("ours", OURS, curve=curve, data="rings")]
    figure = plot_curves(collect(cells, budget=60))
    [legend] = figure.legends
    stated = {
        text.get_text(): line.get_color()
        for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert len(set(stated.values())) == 2 and stated.keys() == {"ours", "all"}
    panels = {
        axis.get_title(): [line.get_color() for line in axis.get_lines()] for axis in figure.axes if axis.axison
    }
    assert panels == {
        "discs, 20": [stated["ours"], stated["all"]],
        "rings, 20": [stated["ours"]],
        "discs, 40": [stated["all"]],
    }
    plt.close(figure)


def test_files_hold_the_numbers_of_the_page(contest, tmp_path):
    path = write_report(contest, tmp_path, **FACTS)
    assert path.read_text() == page(contest, **FACTS) and (tmp_path / "curves.png").stat().st_size > 1000
    table = pd.read_csv(tmp_path / "scores.csv")
    assert len(table) == len(score_table(contest)) == 5
    assert table.loc[table["data"] == "rings", "mean"].item() == pytest.approx(0.375)


def test_the_section_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "results.md"
    path.write_text("# Results\n\nText.\n\n## Speed\n\n1 s\n")
    replace_section(path, f"{HEADING}\n\nold\n\n### Part\n\nmore\n")
    assert path.read_text() == f"# Results\n\nText.\n\n## Speed\n\n1 s\n\n{HEADING}\n\nold\n\n### Part\n\nmore\n"
    path.write_text(path.read_text() + "\n## After\n\nlast\n")
    replace_section(path, f"{HEADING}\n\nnew\n")
    assert path.read_text() == f"# Results\n\nText.\n\n## Speed\n\n1 s\n\n{HEADING}\n\nnew\n\n## After\n\nlast\n"
