"""What a study file means, and what is wrong with wrong ones."""

import pandas as pd
import pytest

from prismseg.base import ConfigError
from prismseg.study import Study, choose_runs, expand, read_study
from prismseg.study.definition.columns import RESERVED
from prismseg.study.definition.grid import count_runs
from prismseg.study.tables.comparison import compare_study
from prismseg.study.tables.pooling import pool_cases, pool_trainings
from prismseg.study.tables.summary import summarize_study
from tests.study.examples import STUDY, write_study


def test_the_grid_is_the_product_of_its_axes(tmp_path):
    runs = expand(read_study(write_study(tmp_path)))
    assert len(runs) == 2 * 2 * 3
    assert runs[0].labels == {"skip": "none", "images": "20", "seed": "0"}
    last = runs[-1]
    assert last.labels == {"skip": "conv M3", "images": "all", "seed": "2"}
    assert last.settings["model"]["multiplier"] == 3 and last.settings["split"]["limit"] is None
    assert last.settings["optim"]["steps"] == 10 and last.settings["seed"] == 2
    assert len({run.key for run in runs}) == 12


def test_a_run_s_name_is_what_it_does(tmp_path):
    """The same settings have the same hash in any study and order; defaults that are spelt out change nothing."""
    one = expand(read_study(write_study(tmp_path)))
    reordered = {name: STUDY["grid"][name] for name in ("seed", "images", "skip")}
    spelt = STUDY["base"] | {"intensity": "zscore"}
    other = expand(read_study(write_study(tmp_path, grid=reordered, base=spelt, title="Other")))
    assert {run.key for run in one} == {run.key for run in other}
    longer = expand(read_study(write_study(tmp_path, base=STUDY["base"] | {"optim": {"steps": 11}})))
    assert not {run.key for run in one} & {run.key for run in longer}


def test_the_quick_form_replaces_key_by_key(tmp_path):
    study = read_study(write_study(tmp_path), quick=True)
    runs = expand(study)
    assert len(runs) == 4 and study.note == "small" and "quick" in study.title
    assert {run.settings["optim"]["steps"] for run in runs} == {2}
    with pytest.raises(ConfigError, match="quick holds base, grid, compare, primary and note"):
        read_study(write_study(tmp_path, quick={}), quick=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, r"colour \(no such setting\)"),
        ({"kind": "cooking"}, "kind: Input should be"),
        ({"base": {"data": {"path": "x"}, "optim": {"stepz": 3}}}, r"seed 0: optim.stepz \(no such"),
        ({"base": {}}, "data"),
        ({"grid": {"seed": {"seed": []}}, "compare": {}}, "axis 'seed' of the grid has no value"),
        ({"grid": {"seed": {}}, "compare": {}}, "axis 'seed' of the grid has no value"),
        ({"grid": {"seed": {"seed": 3}}, "compare": {}}, "neither one setting with a list"),
        ({"grid": {"s": {"seed": [0, 1]}, "t": {"seed": [0, 1]}}, "compare": {}, "pool": []}, "the same run as"),
        ({"compare": {"colour": 1}}, "'colour' is pooled or compared but is no axis"),
        ({"compare": {"skip": "fly"}}, "has no value 'fly'"),
        (
            {"grid": {"f": {"split.fold": [7]}}, "compare": {}, "base": {"data": {"path": "x"}, "split": {"folds": 5}}},
            "fold 7",
        ),
        ({"grid": {"g": {"seed": [1]}, "f": {"seed.x": [1]}}, "compare": {}}, "seed.x lies below"),
    ],
)  # fmt: skip
def test_wrong_studies_are_refused_with_what_is_wrong(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        expand(read_study(write_study(tmp_path, **changes)))


@pytest.mark.parametrize("name", ["case", "measure", "value", "mean"])
def test_axes_do_not_overwrite_columns(tmp_path, name):
    with pytest.raises(ConfigError, match=f"tables have a column '{name}'"):
        expand(read_study(write_study(tmp_path, grid={name: {"seed": [0]}}, compare={}, pool=[])))


@pytest.mark.parametrize(
    ("kind", "grid", "message"),
    [
        ("kernel", {"kernel": {"Gauss": {"kernel": "gaussian"}}}, "column 'kernel', which says 'gaussian' here"),
        ("kernel", {"estimator": {"sampling": ["iid"]}}, "column 'estimator', which says 'cos, iid'"),
        ("kernel", {"outputs": {"sigma": [0.5]}}, "column 'outputs', which says '256'"),
        ("fashion", {"method": {"ours": {"method": "crffg"}}}, "column 'method', which says 'crffg'"),
        ("fashion", {"seed": {"first": {"seed": 0}}}, "column 'seed', which says '0'"),
    ],
)
def test_axes_that_bear_the_name_of_a_setting_have_its_values(tmp_path, kind, grid, message):
    with pytest.raises(ConfigError, match=message):
        expand(read_study(write_study(tmp_path, kind=kind, base={}, grid=grid, compare={}, pool=[])))


def test_numbers_may_be_written_as_one_likes(tmp_path):
    grid = {"sigma": {"sigma": [1, 0.50]}, "kernel": {"kernel": ["gaussian"]}}
    runs = expand(read_study(write_study(tmp_path, kind="kernel", base={}, grid=grid, compare={}, pool=[])))
    assert [run.labels["sigma"] for run in runs] == ["1", "0.5"]


def test_a_part_of_the_grid(tmp_path):
    runs = expand(read_study(write_study(tmp_path)))
    chosen = choose_runs(runs, ["skip=conv M3", "seed=0,2"])
    assert [tuple(run.labels.values()) for run in chosen] == [
        ("conv M3", "20", "0"), ("conv M3", "20", "2"), ("conv M3", "all", "0"), ("conv M3", "all", "2"),
    ]  # fmt: skip
    assert choose_runs(runs, []) == runs
    for wrong in ("colour=red", "seed=7", "seed"):
        with pytest.raises(ConfigError, match=f"No run of the study has {wrong}; .* skip=none, images=20, seed=0"):
            choose_runs(runs, [wrong])


def test_files_that_are_no_study(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: [1, 2")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_study(path)
    path.write_text("- 1\n")
    with pytest.raises(ConfigError, match="holds no study"):
        read_study(path)


def test_runs_are_counted_without_checking_them(tmp_path):
    for quick in (False, True):
        study = read_study(write_study(tmp_path), quick=quick)
        assert count_runs(study) == len(expand(study))


def test_no_axis_can_bear_the_name_of_a_column(tmp_path):
    """Each column that the tables have is reserved."""
    study = Study(title="One axis", kind="kernel", grid={"way": {"seed": [0, 1]}}, compare={"way": "0"}, pool=())
    rows = pd.DataFrame(
        {"way": ["0", "1"] * 2, "case": ["a", "a", "b", "b"], "group": ["a", "a", "b", "b"], "measure": "rmse",
         "value": [0.1, 0.2, 0.4, 0.3], "x": float("nan")}
    )  # fmt: skip
    cases = pool_cases(study, rows)
    tables = (
        rows,
        cases,
        summarize_study(study, cases),
        compare_study(study, pool_trainings(study, rows), ["rmse"]),
    )
    columns = {name for table in tables for name in table.columns}
    assert len(columns) > 20 and columns - {"way", "seed"} <= set(RESERVED)
