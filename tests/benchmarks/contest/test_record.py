"""Cells that were run elsewhere count as they did there, and those whose code has changed do not, unless told."""

import json

import pandas as pd
import pytest
from contest.cli import main
from contest.record import CELLS, ROWS, Recorded, fill_in, hash_code, read_record, write_record
from contest.report import page
from contest.tables import collect
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import DataError
from prismseg.study import Run
from tests.benchmarks.contest.test_report import FACTS
from tests.benchmarks.contest.test_tables import OURS, PEER, cell, waiting
from tests.conftest import write_discs


def recorded(state, code="now"):
    return Recorded(state.labels, code, ("a machine",), state.rows)


def test_a_report_from_a_record_is_the_same(tmp_path):
    cells = [
        cell("ours", OURS, curve=[(0, 0.1), (20, 0.5)]),
        cell("all", PEER),
        cell("ours", {"NA": 0.5}, data="rings"),
    ]
    write_record(tmp_path, [recorded(state) for state in cells])
    found = read_record(tmp_path)
    runs = [Run(state.labels, {}, str(number)) for number, state in enumerate(cells)]
    states = [waiting(state.labels["method"], "not run", data=state.labels["data"]) for state in cells]
    codes = {run.key: "now" for run in runs}
    filled = [state for state, _ in fill_in(states, runs, found, codes, keep_stale=False)]
    assert page(collect(filled, budget=60), **FACTS) == page(collect(cells, budget=60), **FACTS)


def test_only_the_mean_over_classes_is_kept(tmp_path):
    state = cell("ours", OURS)
    dice = state.rows[state.rows["measure"] == "dice"]
    classes = [dice.assign(**{"class": name, "value": value}) for name, value in (("a", 0.25), ("b", 0.75))]
    others = state.rows[state.rows["measure"] != "dice"]
    hd95 = dice.assign(measure="hd95", value=3.0)
    write_record(tmp_path, [Recorded(state.labels, "now", (), pd.concat([*classes, others, hd95]))])
    (found,) = read_record(tmp_path).values()
    assert found.rows.loc[found.rows["measure"] == "dice", "value"].tolist() == [0.5] * len(OURS)
    assert not (found.rows["measure"] == "hd95").any()


def test_other_code_is_stale_unless_it_is_kept_and_cells_from_here_win():
    state = cell("ours", OURS)
    run = Run(state.labels, {}, "key")
    record = {tuple(state.labels.values()): recorded(state, "before")}
    here = waiting("ours", "not run")

    def fill(own, *, keep_stale):
        ((filled, source),) = fill_in([own], [run], record, {"key": "now"}, keep_stale=keep_stale)
        return filled.state, source

    assert fill(here, keep_stale=False) == ("stale (recorded with other code)", None)
    assert fill(here, keep_stale=True) == ("done", record[tuple(state.labels.values())])
    assert fill(state, keep_stale=True) == ("done", None)


def test_two_files_that_do_not_belong_together_are_named(tmp_path):
    write_record(tmp_path, [recorded(cell("ours", OURS))])
    lines = (tmp_path / ROWS).read_text().splitlines(keepends=True)
    (tmp_path / ROWS).write_text("".join(lines[:-1]))
    with pytest.raises(DataError, match=ROWS):
        read_record(tmp_path)
    (tmp_path / CELLS).unlink()
    assert read_record(tmp_path) == {}


@given(st.dictionaries(st.text(), st.text()), st.text(), st.text())
def test_a_changed_module_changes_the_hash(code, name, text):
    assert (hash_code(code) == hash_code({**code, name: text})) == (code.get(name) == text)


def test_cells_travel_from_one_machine_to_another(tmp_path, discs, capsys):
    (tmp_path / "data").mkdir()
    record = tmp_path / "record"
    told = ["--data", str(tmp_path / "data"), "--add", str(discs), "--jobs", "1", "--backend", "sequential"]
    told += ["--record", str(record), "--out"]
    assert main([*told, str(tmp_path / "here"), "--methods", "ours"]) == 0
    assert main([*told, str(tmp_path / "there"), "--methods", "all"]) == 0
    capsys.readouterr()
    assert str(tmp_path) not in (record / CELLS).read_text() + (record / ROWS).read_text()
    assert main([*told, str(tmp_path / "nowhere"), "--methods", "ours", "all", "--report"]) == 0
    text = capsys.readouterr().out
    assert "| ours | all (best peer)" in text and "None: every cell of the plan is done" in text
    assert not (tmp_path / "nowhere" / "runs").exists() and "changed since" not in text


def test_cells_by_other_code_are_counted_where_they_are_kept(tmp_path, discs, capsys):
    (tmp_path / "data").mkdir()
    told = ["--data", str(tmp_path / "data"), "--add", str(discs), "--jobs", "1", "--backend", "sequential"]
    told += ["--methods", "ours", "--out", str(tmp_path / "out"), "--record", str(tmp_path / "record")]
    assert main(told) == 0
    facts = json.loads((tmp_path / "record" / CELLS).read_text())
    facts[0]["code"] = "other"
    (tmp_path / "record" / CELLS).write_text(json.dumps(facts))
    capsys.readouterr()
    assert main([*told[:-4], "--out", str(tmp_path / "new"), *told[-2:], "--report", "--keep-stale"]) == 0
    assert f"1 of {len(facts)} cells by code that has changed since (ours 1)" in capsys.readouterr().out


def test_only_the_named_folds_are_asked(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    told = ["--data", str(tmp_path / "data"), "--add", str(write_discs(tmp_path / "discs", patients=12)), "--plan"]
    told += ["--methods", "ours", "--out", str(tmp_path / "out")]
    assert main(told) == 0
    three = capsys.readouterr().out
    assert main([*told, "--folds", "3"]) == 0
    one = capsys.readouterr().out
    counts = [
        int(next(line for line in text.splitlines() if "own steps" in line).split()[1]) for text in (three, one)
    ]
    assert counts == [3, 1]
