"""Tables of studies by hand and beside SciPy."""

import numpy as np
import pandas as pd
import pytest

from prismseg.base import ConfigError, DataError
from prismseg.evaluation.statistics.methods import compare_methods
from prismseg.study import expand, read_study
from prismseg.study.tables.comparison import compare_study
from prismseg.study.tables.pooling import pool_cases, pool_trainings
from prismseg.study.tables.summary import summarize_study
from tests.study.examples import planted_rows, rows, write_study


@pytest.fixture
def study(tmp_path):
    return read_study(write_study(tmp_path))


def test_seeds_are_averaged_case_by_case(study):
    table, parts = planted_rows()
    cases = pool_cases(study, table)
    assert len(cases) == 2 * 2 * 6
    first = cases.query("skip == 'none' and images == '20' and case == 'c0'")["value"].item()
    assert first == pytest.approx(parts[2]["value"][0])  # the mean of seeds -1, 0, 1 is the middle one


def test_means_by_hand_and_differences_as_of_two_methods(study):
    table, _ = planted_rows()
    summary = summarize_study(study, pool_cases(study, table)).set_index(["skip", "images"])
    here = pool_cases(study, table).query("skip == 'none' and images == 'all'")["value"]
    row = summary.loc[("none", "all")]
    assert row["mean"] == pytest.approx(here.mean()) and row["sd"] == pytest.approx(here.std())
    assert row["ci_low"] < row["mean"] < row["ci_high"] and (row["n"], row["n_groups"]) == (6, 6)
    compared = compare_study(study, pool_trainings(study, table), ["dice"])
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
    study = read_study(write_study(tmp_path, primary=question))
    table, _ = planted_rows()
    found = compare_study(study, pool_trainings(study, table), ["dice"])
    plain = compare_study(read_study(write_study(tmp_path)), pool_trainings(study, table), ["dice"])
    assert list(found["role"]) == ["primary", "secondary", "secondary"]
    assert list(found["images"]) == ["all", "20", "(all)"]
    assert found["p_holm"][0] == found["p_value"][0] == plain.set_index("images").loc["all", "p_value"]
    assert list(found["p_value"]) == pytest.approx(list(plain.set_index("images").loc[found["images"], "p_value"]))
    # Over all sizes, and the mean of both classes of each case, where neither is named.
    both = pd.concat([table, table.assign(**{"class": "vessel", "value": table["value"] + 0.1})])
    del question["at"]
    study = read_study(write_study(tmp_path, primary=question))
    first = compare_study(study, pool_trainings(study, both), ["dice"]).iloc[0]
    assert (first["role"], first["images"], first["class"]) == ("primary", "(all)", "(mean)")
    assert first["difference"] == pytest.approx(0.03) and "all classes" in study.primary.sentence()
    for wrong in ({"value": "flying"}, {"reference": "conv M3"}, {"at": {"weather": "fine"}}):
        with pytest.raises(ConfigError, match="primary contrast"):
            expand(read_study(write_study(tmp_path, primary=question | wrong)))


def test_one_training_each_tells_nothing_of_methods(study):
    """With one seed, or where each case was tried by one training alone, there is no p-value."""
    table, _ = planted_rows()
    one = compare_study(study, pool_trainings(study, table[table["seed"] == "0"]), ["dice"])
    assert one[["ci_low", "p_value", "p_holm", "aa"]].isna().all().all() and set(one["note"]) == {"one seed"}
    assert one["range_low"].notna().all()
    apart = table[table["case"].str[1:].astype(int) % 3 == table["seed"].astype(int)]
    found = compare_study(study, pool_trainings(study, apart), ["dice"])
    assert set(found["note"]) == {"one seed"} and set(found["n"]) == {6}


def test_cases_that_not_all_trainings_have_are_counted(study):
    table, _ = planted_rows()
    gone = (table["seed"] == "2") & (table["case"] == "c5") & (table["skip"] == "none")
    found = compare_study(study, pool_trainings(study, table[~gone]), ["dice"])
    assert set(found["n"]) == {5} and set(found["n_left_out"]) == {1} and set(found["note"]) == {"few groups"}


def test_values_are_compared_with_their_own_references_and_over_all_else(tmp_path):
    """Planted: conv is 0.1 above none; crffg is 0.02 below conv at 20 images and 0.06 above it at all."""
    grid = {
        "skip": {name: {"model.multiplier": number} for number, name in enumerate(("none", "conv", "crffg"), 1)},
        "images": {"split.limit": [20, None]},
    }
    study = read_study(
        write_study(tmp_path, grid=grid, pool=[], compare={"skip": {"crffg": "conv", "conv": "none"}})
    )
    level = {"none": (0.4, 0.5), "conv": (0.5, 0.6), "crffg": (0.48, 0.66)}
    noise = 0.01 * np.arange(6)
    table = pd.concat(
        [
            rows(name, images, 0, level[name][n] + noise).drop(columns="seed")
            for name in level
            for n, images in enumerate(("20", "all"))
        ]
    )
    found = compare_study(study, pool_trainings(study, table), ["dice"]).set_index(["skip", "images"])
    assert len(found) == 6 and found.loc[("crffg", "20"), "reference"] == "conv"
    wanted = {"20": -0.02, "all": 0.06, "(all)": 0.02}
    assert {n: found.loc[("crffg", n), "difference"] for n in wanted} == pytest.approx(wanted)
    assert list(found.loc["conv", "difference"]) == pytest.approx([0.1, 0.1, 0.1])
    assert set(found["n"]) == {6}
    with pytest.raises(ConfigError, match="has no value 'flying'"):
        expand(read_study(write_study(tmp_path, grid=grid, pool=[], compare={"skip": {"crffg": "flying"}})))


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
    study = read_study(write_study(tmp_path, grid=grid, pool=[], compare=compare))
    found = compare_study(study, pool_trainings(study, table), ["dice"])
    wanted = [
        ("skip", "crffg", "none", "conv", 0.02), ("skip", "crffg", "thesis", "conv", 0.02),
        ("skip", "crffg", "(all)", "conv", 0.02), ("augmentation", "conv", "thesis", "none", 0.1),
        ("augmentation", "crffg", "thesis", "none", 0.1), ("augmentation", "(all)", "thesis", "none", 0.1),
    ]  # fmt: skip
    shown = found[["compared", "skip", "augmentation", "reference"]].itertuples(index=False, name=None)
    assert list(shown) == [each[:4] for each in wanted]
    assert list(found["difference"]) == pytest.approx([each[4] for each in wanted])
    alone = study.model_copy(update={"compare": {"augmentation": "none"}})
    own = compare_study(alone, pool_trainings(study, table), ["dice"])
    assert list(own["p_value"]) == pytest.approx(list(found["p_value"][3:]), nan_ok=True)


def test_missing_values_are_counted_and_absent_cases_are_an_error(study):
    table, _ = planted_rows()
    table.loc[(table["skip"] == "none") & (table["case"] == "c3"), "value"] = np.nan
    cases = pool_cases(study, table)
    assert set(summarize_study(study, cases).query("skip == 'none'")["n_missing"]) == {1}
    trainings = pool_trainings(study, table)
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
    cases = pool_cases(study, table)
    assert len(cases) == 8 and set(cases["group"]) == {"0", "1", "2", "3"}
    row = compare_study(study, pool_trainings(study, table), ["accuracy"]).iloc[0]
    # Student's test of two samples: variance (0.01² 5/3) (1/4 + 1/4), 6 degrees of freedom.
    error = 0.01 * np.sqrt(5 / 3 / 2)
    assert row["difference"] == pytest.approx(0.1) and row["aa"] == pytest.approx(error)
    assert row["ci_low"] == pytest.approx(0.1 - 2.446912 * error) and row["n_seeds"] == 4


def test_points_of_curves_are_no_cases(study):
    table, _ = planted_rows()
    curve = pd.DataFrame(
        {"skip": "none", "images": "20", "seed": "0", "measure": "norms", "x": [0.1, 0.2], "value": 9}
    )
    cases = pool_cases(study, pd.concat([table, curve], ignore_index=True))
    assert set(cases["measure"]) == {"dice"} and "x" not in cases
    pd.testing.assert_frame_equal(cases, pool_cases(study, table))
