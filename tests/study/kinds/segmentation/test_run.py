"""A whole study of tiny networks on simulated feet, from the command line to its page."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from prismseg.base import ConfigError
from prismseg.cli.main import app
from prismseg.evaluation.evaluate import measure_cases
from prismseg.study import KINDS, FinishedRun, RunStore, expand, read_study
from prismseg.study.kinds.segmentation.predictions import CaseCache
from prismseg.train.runs.assignment import assign_run_cases

STUDY = {
    "title": "Tiny",
    "kind": "segmentation",
    "base": {
        "simulate": {"sessions": 6, "size": [48, 64]},
        "size": [32, 32],
        "model": {"width": 0.25},
        "optim": {"steps": 6, "batch_size": 4},
        "split": {"fractions": [0.5, 0.2, 0.3]},
        "evaluate_every": 3,
        "checkpoint_every": 3,
        "compile": "no",
        "explain": True,
    },
    "grid": {"skip": {"none": {"model.skip": "none"}, "crffg": {"model.skip": "crffg"}}},
    "pool": [],
    "compare": {"skip": "none"},
    "measures": ["dice", "rho"],
}


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    base = STUDY["base"] | {"data": {"path": str(root / "data"), "channels": 1, "classes": ["background", "foot"]}}
    (root / "tiny.yaml").write_text(yaml.safe_dump(STUDY | {"base": base}, sort_keys=False))
    command = [
        "study",
        "run",
        str(root / "tiny.yaml"),
        "--out",
        str(root / "out"),
        "--backend",
        "sequential",
        "--quiet",
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "2 done" in result.output
    return root


def test_rows_are_those_of_evaluation_and_explanation(studied):
    store = RunStore(studied / "out")
    run = expand(read_study(studied / "tiny.yaml"))[1]
    table = store.results(run)
    trials, dataset = assign_run_cases(store.folder(run) / "work" / "run")
    wanted = measure_cases(trials, dataset, show_progress=False)
    dice = table.query("measure == 'dice'").set_index("case")["value"]
    pd.testing.assert_series_equal(
        dice, wanted.query("metric == 'dice'").set_index("case")["value"], check_names=False, atol=1e-12
    )
    rho = table.query("measure == 'rho' and `class` == 'foot'")
    assert rho["value"].between(0, 1).all()
    own = rho[~rho["layer"].str.startswith("skips.") & (rho["layer"] != "(mean)")]
    assert rho["layer"].str.startswith("skips.").any()
    means = rho[rho["layer"] == "(mean)"].set_index("case")["value"]
    np.testing.assert_allclose(means, own.groupby("case", sort=False)["value"].mean().reindex(means.index))


def test_the_report_compares_what_was_asked(studied):
    comparison = pd.read_csv(studied / "out" / "report" / "comparison.csv")
    assert set(comparison["measure"]) == {"dice", "rho"} and set(comparison["skip"]) == {"crffg"}
    assert (studied / "out" / "report" / "figures" / "layers-rho.png").is_file()


def test_cases_are_drawn_as_their_network_predicts_them(studied):
    figures = {path.name for path in (studied / "out" / "report" / "figures").glob("*.png")}
    assert {"cases-all.png", "extremes-all.png", "maps-crffg.png"} <= figures and "maps-none.png" not in figures
    store = RunStore(studied / "out")
    run = expand(read_study(studied / "tiny.yaml"))[1]
    table = store.results(run)
    dice = table.query("measure == 'dice'").set_index("case")["value"]
    cache, finished = CaseCache(studied / "kept"), FinishedRun(run, store.folder(run), table)
    predictions = cache.predictions(finished, list(dice.index[:3]))
    for case, prediction in predictions.items():
        found, truth = prediction.prediction == 1, prediction.truth == 1
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) == pytest.approx(dice[case])
        assert prediction.picture.shape == (48, 64, 3) and prediction.picture.std() > 5
    case = next(iter(predictions))
    maps = cache.maps(finished, case)
    rho = table[(table["measure"] == "rho") & (table["case"] == case) & (table["class"] == "foot")]
    wanted, found = rho.set_index("layer")["value"].drop("(mean)"), pd.Series(maps.rho[0], maps.layers)
    # Max pooling of a flat background has ties, and rounding (other for a case alone than in a batch) says which pixel of
    # the layer before it gets the gradient.
    pooled = wanted.index.str.fullmatch(r"encoder\.\d+\.second")
    assert list(found.index) == list(wanted.index) and pooled.sum() == 4
    np.testing.assert_allclose(found[~pooled], wanted[~pooled], rtol=1e-4)
    np.testing.assert_allclose(found[pooled], wanted[pooled], atol=0.05)
    assert (maps.values.max(axis=(2, 3)) == 255).tolist() == (maps.rho > 0).tolist() and maps.rho.any()


def test_what_was_drawn_once_needs_no_network(studied, tmp_path):
    shutil.copytree(studied / "out", tmp_path / "out")
    store, runs = RunStore(tmp_path / "out"), expand(read_study(studied / "tiny.yaml"))
    for run in runs:
        shutil.rmtree(store.folder(run) / "work")
    command = ["study", "report", str(studied / "tiny.yaml"), "--out", str(tmp_path / "out")]
    page = tmp_path / "out" / "report" / "study.html"
    assert CliRunner().invoke(app, command).exit_code == 0
    assert "maps-crffg" in page.read_text() and "No pictures" not in page.read_text()
    kept = next((tmp_path / "out" / "report" / "kept").glob("*.npz"))
    (store.folder(runs[0]) / "done.json").touch()
    (store.folder(runs[1]) / "done.json").touch()
    assert kept.stat().st_mtime < (store.folder(runs[0]) / "done.json").stat().st_mtime
    assert CliRunner().invoke(app, command).exit_code == 0
    text = page.read_text()
    assert "No pictures of cases of these networks: " in text and "No maps of crffg: " in text
    assert "boxes-dice" in text


def test_a_run_that_was_cut_is_taken_up_and_ends_alike(studied, tmp_path):
    """Without its results and its done mark a run goes on from its folder, to the same rows."""
    shutil.copytree(studied / "out", tmp_path / "out")
    run = expand(read_study(studied / "tiny.yaml"))[0]
    folder = RunStore(tmp_path / "out").folder(run)
    (folder / "done.json").unlink()
    (folder / "results.csv").unlink()
    assert RunStore(tmp_path / "out").state(run) == "cut"
    command = [
        "study",
        "run",
        str(studied / "tiny.yaml"),
        "--out",
        str(tmp_path / "out"),
        "--backend",
        "sequential",
    ]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (folder / "results.csv").read_bytes() == (
        RunStore(studied / "out").folder(run) / "results.csv"
    ).read_bytes()


def test_status_and_refusals(studied):
    result = CliRunner().invoke(
        app, ["study", "status", str(studied / "tiny.yaml"), "--out", str(studied / "out")]
    )
    assert result.exit_code == 0 and "2 done" in result.output
    part = ["study", "run", str(studied / "tiny.yaml"), "--out", str(studied / "out"), "--quiet", "--only"]
    assert CliRunner().invoke(app, [*part, "skip=none"]).output.startswith("1 done")
    assert "No run of the study has skip=new" in str(CliRunner().invoke(app, [*part, "skip=new"]).exception)
    with pytest.raises(ConfigError, match="'gradkam' is none of"):
        KINDS["segmentation"].check({"data": {"path": "x"}, "explain": True, "method": "gradkam"})
