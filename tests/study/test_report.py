"""Tables of studies by hand and beside SciPy; figures and pages that hold what they should."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from prismseg.base import ConfigError, DataError
from prismseg.evaluation.statistics.methods import compare_methods
from prismseg.study import Store, expand, read_study, report_study
from prismseg.study.aggregate import compare_study, per_seed, pooled, summarize_study
from prismseg.study.figures import draw_differences, draw_ranks
from prismseg.study.kind import KINDS
from prismseg.study.provenance import Made, Provenance
from prismseg.study.report import _shown, latex
from tests.study.test_grid import write


@pytest.fixture
def study(tmp_path):
    return read_study(write(tmp_path))


def rows(skip, images, seed, values):
    """One row a case; six groups of a case."""
    return pd.DataFrame(
        {
            "skip": skip, "images": images, "seed": str(seed), "class": "nerve", "layer": "", "measure": "dice",
            "case": [f"c{k}" for k in range(6)], "group": [f"g{k}" for k in range(6)], "value": values,
        }
    )  # fmt: skip


def planted():
    rng = np.random.default_rng(0)
    parts = []
    for images, level in (("20", 0.5), ("all", 0.7)):
        base = rng.normal(level, 0.05, 6)
        for seed in range(3):
            parts.append(rows("none", images, seed, base + 0.01 * (seed - 1)))
            parts.append(rows("conv M3", images, seed, base + 0.03 + 0.02 * (seed - 1)))
    return pd.concat(parts, ignore_index=True), parts


def test_seeds_are_averaged_case_by_case(study):
    table, parts = planted()
    cases = pooled(study, table)
    assert len(cases) == 2 * 2 * 6
    first = cases.query("skip == 'none' and images == '20' and case == 'c0'")["value"].item()
    assert first == pytest.approx(parts[2]["value"][0])  # the mean of seeds -1, 0, 1 is the middle one


def test_means_by_hand_and_differences_as_of_two_methods(study):
    table, _ = planted()
    summary = summarize_study(study, pooled(study, table)).set_index(["skip", "images"])
    here = pooled(study, table).query("skip == 'none' and images == 'all'")["value"]
    row = summary.loc[("none", "all")]
    assert row["mean"] == pytest.approx(here.mean()) and row["sd"] == pytest.approx(here.std())
    assert row["ci_low"] < row["mean"] < row["ci_high"] and (row["n"], row["n_groups"]) == (6, 6)
    compared = compare_study(study, per_seed(study, table), ["dice"])
    assert set(compared["reference"]) == {"none"} and set(compared["role"]) == {"secondary"}
    found = compared.set_index("images")
    ours, theirs = (
        np.stack([part.sort_values("case")["value"] for _, part in table.query(query).groupby("seed")])
        for query in ("skip == 'conv M3' and images == '20'", "skip == 'none' and images == '20'")
    )
    wanted = compare_methods(ours, theirs, range(6))
    assert found.loc["20", "difference"] == pytest.approx(0.03) == pytest.approx(wanted["difference"])
    for name in ("ci_low", "ci_high", "p_value", "aa"):
        assert found.loc["20", name] == pytest.approx(wanted[name])
    # Seeds of the two methods scatter by 0.01 and 0.02 about their means: A/A is the root of (0.01² + 0.02²) / 3.
    assert found.loc["20", "aa"] == pytest.approx(np.sqrt((0.01**2 + 0.02**2) / 3))
    assert (found["n_seeds"] == 3).all() and (found["n_left_out"] == 0).all()
    assert set(found.index) == {"20", "all", "(all)"}
    raw, adjusted = found["p_value"].sort_values().to_numpy(), found["p_holm"].sort_values().to_numpy()
    assert adjusted == pytest.approx(np.minimum(np.maximum.accumulate(raw * [3, 2, 1]), 1))


def test_the_primary_contrast_is_tested_alone(tmp_path):
    """It is named beforehand, comes first, pays for no other, and is not repeated among the secondary ones."""
    question = {
        "axis": "skip",
        "value": "conv M3",
        "reference": "none",
        "measure": "dice",
        "at": {"images": "all"},
    }
    study = read_study(write(tmp_path, primary=question))
    table, _ = planted()
    found = compare_study(study, per_seed(study, table), ["dice"])
    plain = compare_study(read_study(write(tmp_path)), per_seed(study, table), ["dice"])
    assert list(found["role"]) == ["primary", "secondary", "secondary"]
    assert list(found["images"]) == ["all", "20", "(all)"]
    assert found["p_holm"][0] == found["p_value"][0] == plain.set_index("images").loc["all", "p_value"]
    assert list(found["p_value"]) == pytest.approx(list(plain.set_index("images").loc[found["images"], "p_value"]))
    # Over all sizes, and the mean of both classes of each case, where neither is named.
    both = pd.concat([table, table.assign(**{"class": "vessel", "value": table["value"] + 0.1})])
    del question["at"]
    study = read_study(write(tmp_path, primary=question))
    first = compare_study(study, per_seed(study, both), ["dice"]).iloc[0]
    assert (first["role"], first["images"], first["class"]) == ("primary", "(all)", "(mean)")
    assert first["difference"] == pytest.approx(0.03) and "all classes" in study.primary.sentence()
    for wrong in ({"value": "flying"}, {"reference": "conv M3"}, {"at": {"weather": "fine"}}):
        with pytest.raises(ConfigError, match="primary contrast"):
            expand(read_study(write(tmp_path, primary=question | wrong)))


def test_one_training_each_tells_nothing_of_methods(study):
    """With one seed, or where each case was tried by one training alone, there is no p-value."""
    table, _ = planted()
    one = compare_study(study, per_seed(study, table[table["seed"] == "0"]), ["dice"])
    assert one[["ci_low", "p_value", "p_holm", "aa"]].isna().all().all() and set(one["note"]) == {"one seed"}
    assert one["range_low"].notna().all()
    apart = table[table["case"].str[1:].astype(int) % 3 == table["seed"].astype(int)]
    found = compare_study(study, per_seed(study, apart), ["dice"])
    assert set(found["note"]) == {"one seed"} and set(found["n"]) == {6}


def test_cases_that_not_all_trainings_have_are_counted(study):
    table, _ = planted()
    gone = (table["seed"] == "2") & (table["case"] == "c5") & (table["skip"] == "none")
    found = compare_study(study, per_seed(study, table[~gone]), ["dice"])
    assert set(found["n"]) == {5} and set(found["n_left_out"]) == {1} and set(found["note"]) == {"few groups"}


def test_values_are_compared_with_their_own_references_and_over_all_else(tmp_path):
    """Planted: conv is 0.1 above none; crffg is 0.02 below conv at 20 images and 0.06 above it at all."""
    grid = {
        "skip": {name: {"model.multiplier": number} for number, name in enumerate(("none", "conv", "crffg"), 1)},
        "images": {"split.limit": [20, None]},
    }
    study = read_study(write(tmp_path, grid=grid, pool=[], compare={"skip": {"crffg": "conv", "conv": "none"}}))
    level = {"none": (0.4, 0.5), "conv": (0.5, 0.6), "crffg": (0.48, 0.66)}
    noise = 0.01 * np.arange(6)
    table = pd.concat(
        [
            rows(name, images, 0, level[name][n] + noise).drop(columns="seed")
            for name in level
            for n, images in enumerate(("20", "all"))
        ]
    )
    found = compare_study(study, per_seed(study, table), ["dice"]).set_index(["skip", "images"])
    assert len(found) == 6 and found.loc[("crffg", "20"), "reference"] == "conv"
    wanted = {"20": -0.02, "all": 0.06, "(all)": 0.02}
    assert {n: found.loc[("crffg", n), "difference"] for n in wanted} == pytest.approx(wanted)
    assert list(found.loc["conv", "difference"]) == pytest.approx([0.1, 0.1, 0.1])
    assert set(found["n"]) == {6}
    with pytest.raises(ConfigError, match="has no value 'flying'"):
        expand(read_study(write(tmp_path, grid=grid, pool=[], compare={"skip": {"crffg": "flying"}})))


def test_each_axis_that_is_named_is_compared_on_its_own(tmp_path):
    """skip crffg is better by 0.02, augmentation by 0.1; the other axis and the cases' own level do not matter."""
    gain, more = {"conv": 0.0, "crffg": 0.02}, {"none": 0.0, "thesis": 0.1}
    noise = 0.01 * np.arange(6)
    table = pd.concat(
        [
            rows(skip, "all", 0, 0.5 + gain[skip] + more[name] + noise)
            .drop(columns=["seed", "images"])
            .assign(augmentation=name)
            for skip in gain
            for name in more
        ]
    )
    grid = {
        "skip": {name: {"model.skip": name} for name in gain},
        "augmentation": {"augmentation": list(more)},
    }
    compare = {"skip": "conv", "augmentation": "none"}
    study = read_study(write(tmp_path, grid=grid, pool=[], compare=compare))
    found = compare_study(study, per_seed(study, table), ["dice"])
    wanted = [
        ("skip", "crffg", "none", "conv", 0.02), ("skip", "crffg", "thesis", "conv", 0.02),
        ("skip", "crffg", "(all)", "conv", 0.02), ("augmentation", "conv", "thesis", "none", 0.1),
        ("augmentation", "crffg", "thesis", "none", 0.1), ("augmentation", "(all)", "thesis", "none", 0.1),
    ]  # fmt: skip
    shown = found[["compared", "skip", "augmentation", "reference"]].itertuples(index=False, name=None)
    assert list(shown) == [each[:4] for each in wanted]
    assert list(found["difference"]) == pytest.approx([each[4] for each in wanted])
    alone = study.model_copy(update={"compare": {"augmentation": "none"}})
    own = compare_study(alone, per_seed(study, table), ["dice"])
    assert list(own["p_value"]) == pytest.approx(list(found["p_value"][3:]), nan_ok=True)


def test_missing_values_are_counted_and_absent_cases_are_an_error(study):
    table, _ = planted()
    table.loc[(table["skip"] == "none") & (table["case"] == "c3"), "value"] = np.nan
    cases = pooled(study, table)
    assert set(summarize_study(study, cases).query("skip == 'none'")["n_missing"]) == {1}
    trainings = per_seed(study, table)
    assert set(compare_study(study, trainings, ["dice"])["n"]) == {5}
    reference = (trainings["skip"] == "none") & (trainings["images"] == "20")
    assert set(compare_study(study, trainings[~reference], ["dice"])["images"]) == {"all"}
    with pytest.raises(DataError, match="conv M3 and none share no case at 20"):
        compare_study(study, trainings.assign(case=trainings["case"].where(~reference, "other")), ["dice"])


def test_whole_sets_are_compared_by_seed(study):
    """Rows without cases, one number a run: seeds are what intervals are about."""
    table = pd.DataFrame(
        [
            {"skip": skip, "images": "20", "seed": str(seed), "measure": "accuracy", "value": value + 0.01 * seed}
            for skip, value in (("none", 0.7), ("conv M3", 0.8))
            for seed in range(4)
        ]
    )
    cases = pooled(study, table)
    assert len(cases) == 8 and set(cases["group"]) == {"0", "1", "2", "3"}
    row = compare_study(study, per_seed(study, table), ["accuracy"]).iloc[0]
    # Student's test of two samples: variance (0.01² 5/3) (1/4 + 1/4), 6 degrees of freedom.
    error = 0.01 * np.sqrt(5 / 3 / 2)
    assert row["difference"] == pytest.approx(0.1) and row["aa"] == pytest.approx(error)
    assert row["ci_low"] == pytest.approx(0.1 - 2.446912 * error) and row["n_seeds"] == 4


def test_points_of_curves_are_no_cases(study):
    table, _ = planted()
    curve = pd.DataFrame(
        {"skip": "none", "images": "20", "seed": "0", "measure": "norms", "x": [0.1, 0.2], "value": 9}
    )
    cases = pooled(study, pd.concat([table, curve], ignore_index=True))
    assert set(cases["measure"]) == {"dice"} and "x" not in cases
    pd.testing.assert_frame_equal(cases, pooled(study, table))


def test_ranks_are_drawn_where_they_lie():
    (axes,) = draw_ranks(pd.Series({"a": 3.8, "b": 1.2}), "dice", 7).axes
    assert [line.get_xdata()[0] for line in axes.lines] == [1.2, 3.8]
    assert "over 7 groups" in axes.get_xlabel()


def test_differences_are_drawn_where_they_lie():
    table = pd.DataFrame(
        [
            {"skip": skip, "reference": "none", "images": size, "class": "nerve", "difference": value,
             "ci_low": value - 0.01, "ci_high": value + 0.02}
            for skip, size, value in (("a", "20", 0.1), ("a", "(all)", 0.3), ("b", "20", -0.2), ("b", "(all)", 0.0))
        ]
    )  # fmt: skip
    (axes,) = draw_differences(table, "skip", ["images"], "dice").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["20", "(all)"]
    points = {box.get_label(): box.lines[0] for box in axes.containers}
    assert list(points["a - none"].get_xdata()) == [0.1, 0.3] and list(points["b - none"].get_xdata()) == [
        -0.2,
        0.0,
    ]
    assert list(points["b - none"].get_ydata()) == pytest.approx([0.2, 1.2])
    (bars,) = axes.containers[0].lines[2]
    assert np.allclose([segment[:, 0] for segment in bars.get_segments()], [[0.09, 0.12], [0.29, 0.32]])


def test_the_page_shows_figures_of_its_measures_or_else_all():
    figures = {
        name: draw_ranks(pd.Series({"a": 1.0}), "x", 3) for name in ("layers", "ranks-dice", "boxes-rho-skip")
    }
    assert [name for name, _ in _shown(figures, ["rho"])] == ["boxes-rho-skip"]
    assert [name for name, _ in _shown(figures, ["dice", "rho"])] == ["ranks-dice", "boxes-rho-skip"]
    assert [name for name, _ in _shown(figures, ["weight_change"])] == list(figures)


def test_latex_by_hand():
    table = pd.DataFrame({"skip": ["conv_M3"], "mean": [0.51234], "p_value": [0.00001], "n": [6]})
    assert latex(table) == (
        "\\begin{tabular}{lrrr}\n\\toprule\nskip & mean & p value & n \\\\\n\\midrule\n"
        "conv\\_M3 & 0.512 & 1e-05 & 6 \\\\\n\\bottomrule\n\\end{tabular}\n"
    )


def test_the_page_of_a_study_that_is_half_done(tmp_path, study):
    store, runs = Store(tmp_path / "out"), expand(study)
    made = Provenance(tmp_path / "out").of(KINDS[study.kind], runs[0].settings)
    table, _ = planted()
    for run in runs[:-1]:
        part = table
        for name, label in run.labels.items():
            part = part[part[name] == label]
        store.begin(run, made)
        store.finish(run, part.drop(columns=list(run.labels)), seconds=30.0)
    store.begin(runs[-1], made)
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
    store, runs = Store(tmp_path / "out"), expand(study)
    table, _ = planted()
    for run in runs:
        part = table
        for name, label in run.labels.items():
            part = part[part[name] == label]
        store.begin(run, Made("prismseg 0.0.9", {"prismseg.evaluation.metrics": "old"}))
        store.finish(run, part.drop(columns=list(run.labels)), seconds=30.0)
    with pytest.raises(DataError, match="All finished runs of 'Test'"):
        report_study(study, runs, tmp_path / "out")
    page = report_study(study, runs, tmp_path / "out", keep_stale=True).read_text()
    assert "12 runs are stale" in page and "shown all the same" in page and "version: prismseg 0.0.9, now" in page
    assert "Numbers made with prismseg 0.0.9 on" in page
