"""Which cases are shown, and of which network."""

import pandas as pd
import pytest

from prismseg.study import CaseAxes, FinishedRun, expand, read_study
from prismseg.study.kinds.segmentation.cases import draw_cases, find_points, rank_cases
from tests.study.examples import write_study


def table(values):
    """Dice of two classes whose mean is given by case, and a row that is not to be taken for it."""
    rows = []
    for case, value in values.items():
        rows += [{"case": case, "class": "a", "layer": None, "measure": "dice", "value": value - 0.1}]
        rows += [{"case": case, "class": "b", "layer": None, "measure": "dice", "value": value + 0.1}]
        rows += [{"case": case, "class": "b", "layer": None, "measure": "hd95", "value": 99.0}]
        rows += [{"case": case, "class": "b", "layer": "head", "measure": "dice", "value": 99.0}]
    return pd.DataFrame(rows)


DICE = {
    ("none", "20", "0"): {"p": 0.9, "q": 0.9, "r": 0.9},
    ("none", "all", "0"): {"p": 0.1, "q": 0.5, "r": 0.6},
    ("none", "all", "1"): {"p": 0.8, "q": 0.8, "r": 0.8, "s": 0.3},
    ("conv M3", "all", "0"): {"p": 0.7, "q": 0.2, "r": 0.4},
}


AXES = CaseAxes(("skip", "images"), "skip")


@pytest.fixture
def runs(tmp_path):
    return {tuple(run.labels.values()): run for run in expand(read_study(write_study(tmp_path)))}


def test_cases_are_rank_cases():
    values = pd.Series({"a": 0.5, "b": 0.9, "c": float("nan"), "d": 0.1, "e": 0.6, "f": 0.7})
    assert rank_cases(values) == {"worst": "d", "median": "e", "best": "b"}
    assert rank_cases(pd.Series({"a": 0.5})) == {"worst": "a", "median": "a", "best": "a"}


def test_the_largest_training_set_and_the_first_network_that_tested_a_case(runs, tmp_path):
    finished = [FinishedRun(runs[point], tmp_path, table(values)) for point, values in DICE.items()]
    (point,) = find_points(finished, AXES)
    assert point.name == "all" and list(point.dice) == ["none", "conv M3"]
    assert point.dice["none"].to_dict() == pytest.approx({"p": 0.1, "q": 0.5, "r": 0.6, "s": 0.3})
    assert (
        point.runs["none", "p"].run == runs["none", "all", "0"]
        and point.runs["none", "s"].run == runs["none", "all", "1"]
    )
    # Means over both variants: p 0.4, q 0.35, r 0.5; s was not tested by both.
    assert rank_cases(point.shared) == {"worst": "q", "median": "p", "best": "r"}


def test_networks_that_are_gone_are_named(runs, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "done.json").touch()
    finished = [FinishedRun(runs[point], folder, table(DICE[point])) for point in list(DICE)[1:]]
    figures, notes = draw_cases(finished, AXES, tmp_path / "cache")
    assert not figures and len(notes) == 3
    assert "No pictures of cases of all: " in notes[0] and "No maps of all, none: " in notes[1]
    assert all(str(folder) in note for note in notes[:2])
