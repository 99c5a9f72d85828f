"""Training, prediction and evaluation of classes that overlap."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.cli.main import app
from prismseg.data import open_dataset
from prismseg.inference import Margins, Predictor, find_uncertainty, predict_files
from prismseg.nets import load_model
from prismseg.train import RunFolder, Trainer, evaluate_run
from prismseg.train.ensemble.combine import Member, combine
from prismseg.train.finetune import begin_from
from prismseg.train.optimization.losses import IGNORE, create_loss
from prismseg.train.registries import LOSSES
from prismseg.train.runs.network import make_network

from .conftest import small_config


@pytest.fixture(scope="module")
def overlapping(tmp_path_factory):
    """Bright rows and rough columns of noise, which cross: each class is learnt from something of its own."""
    root = tmp_path_factory.mktemp("overlapping")
    for number in range(8):
        rng = np.random.default_rng(number)
        rows, columns = np.zeros((2, 32, 32), np.uint8)
        top, left = rng.integers(2, 18, 2)
        rows[top : top + 12], columns[:, left : left + 12] = 1, 1
        pixels = 60 + 90 * rows + columns * rng.choice([-50, 50], (32, 32)) + rng.normal(0, 5, (32, 32))
        for folder, values in (("images", pixels), ("masks/rows", rows), ("masks/columns", columns)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(root / folder / f"p{number}.png")
    return root


def configured(path, **changes):
    config = small_config(path, **changes)
    return config.model_copy(update={"data": config.data.model_copy(update={"multilabel": True})})


@pytest.fixture(scope="module")
def run(overlapping, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    config = configured(
        overlapping,
        optim={"steps": 60, "lr": 0.02},
        evaluate_every=30,
        augmentation="none",
    )
    Trainer(config, out).fit(show_progress=False)
    return out


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_the_mean_of_those_of_each_class(name):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 4, 5, generator=generator)
    target = torch.randint(0, 8, (2, 4, 5), generator=generator)
    target[0, 0] = IGNORE
    alone = []
    for place in range(3):
        bit = torch.where(target == IGNORE, IGNORE, (target >> place) & 1)
        alone.append(create_loss(name, 1)(logits[:, place : place + 1], bit))
    together = create_loss(name, 3, multilabel=True)(logits, target)
    torch.testing.assert_close(together, torch.stack(alone).mean())


def test_both_classes_are_found_where_they_cross(run, overlapping, tmp_path):
    network = load_model(RunFolder(run).model)
    assert network.metadata["multilabel"] is True and network.config["classes"] == 2
    dataset = open_dataset(overlapping, multilabel=True)
    predictor = Predictor(network)
    prediction = predictor(dataset[0].image)
    assert prediction.probabilities.shape == (2, 32, 32) and predictor.planes == 2
    bits = sum((prediction.probabilities[place] > 0.5).astype(int) << place for place in range(2))
    np.testing.assert_array_equal(prediction.mask, bits)
    np.testing.assert_array_equal(predictor.segment(dataset[0].image), prediction.mask)
    crossing = dataset[0].mask == 3
    assert (prediction.mask[crossing] == 3).mean() > 0.7 and len(np.unique(prediction.mask)) == 4


def test_evaluation_measures_each_class(run, overlapping):
    page = evaluate_run(run, show_progress=False)
    summary = json.loads((page.parent / "summary.json").read_text())
    dice = {row["class"]: row["mean"] for row in summary["metrics"] if row["metric"] == "dice"}
    assert set(dice) == {"columns", "rows"} and min(dice.values()) > 0.7
    assert summary["reliability"] is None and any("overlap" in note for note in summary["notes"])
    assert "How far the probabilities can be trusted</h2>" not in page.read_text()
    # By hand, from the masks of one case.
    split = json.loads((run / "split.json").read_text())["test"]
    dataset = open_dataset(overlapping, multilabel=True)
    case = dataset.ids.index(split[0])
    mask = Predictor.from_pretrained(RunFolder(run).model)(dataset[case].image).mask
    pred, true = mask & 1 == 1, dataset[case].mask & 1 == 1
    import pandas as pd

    table = pd.read_csv(page.parent / "metrics_per_case.csv")
    row = table[(table["case"] == split[0]) & (table["class"] == "columns") & (table["metric"] == "dice")]
    assert float(row["value"].iloc[0]) == pytest.approx(2 * (pred & true).sum() / (pred.sum() + true.sum()))


def test_predicted_masks_are_read_again(run, overlapping, tmp_path):
    words = ["predict", str(run), str(overlapping / "images"), "--out", str(tmp_path / "out"), "--quiet"]
    result = CliRunner().invoke(app, [*words, "--probabilities"])
    assert result.exit_code == 0, result.output
    (tmp_path / "out" / "images").symlink_to(overlapping / "images")
    again = open_dataset(tmp_path / "out", multilabel=True)
    predictor = Predictor.from_pretrained(RunFolder(run).model)
    for index in (0, 5):
        sample = again[index]
        np.testing.assert_array_equal(sample.mask, predictor(sample.image).mask)
    assert np.load(tmp_path / "out" / "probabilities" / "p0.npy").shape == (2, 32, 32)
    assert Image.open(tmp_path / "out" / "overlays" / "p0.png").size == (32, 32)


def test_what_needs_one_class_a_pixel_says_so(run, overlapping, tmp_path):
    network = load_model(RunFolder(run).model)
    with pytest.raises(ModelError, match="no uncertainty"):
        find_uncertainty(Predictor(network), overlapping / "images" / "p0.png")
    out = tmp_path / "out"
    margins = Margins({}, alpha=0.1, per="group", share=1, groups=9, cases=9)
    for asked in ({"uncertainty": True}, {"margins": margins}):
        with pytest.raises(ModelError, match=f"no {next(iter(asked))}"):
            predict_files(Predictor(network), overlapping / "images", out, show_progress=False, **asked)
    assert not out.exists()  # nothing is begun that cannot be finished
    result = CliRunner().invoke(app, ["uncertainty", str(run)])
    assert isinstance(result.exception, ModelError) and "no uncertainty to fit" in str(result.exception)
    assert not (run / "uncertainty").exists()
    result = CliRunner().invoke(app, ["evaluate", str(run), "--margins", "0.1", "--quiet"])
    assert isinstance(result.exception, ModelError) and "no calibration of margins" in str(result.exception)
    with pytest.raises(ModelError, match="cannot be combined"):
        combine([Member(network, "a"), Member(network, "b")])
    with pytest.raises(ConfigError, match="no class weights"):
        config = configured(overlapping, optim={"class_weights": (1, 2, 3)})
        Trainer(config, tmp_path / "run")
    result = CliRunner().invoke(app, ["instant", str(overlapping), "--multilabel", "--out", str(tmp_path / "i")])
    assert isinstance(result.exception, ConfigError), result.output
    result = CliRunner().invoke(app, ["explain", str(run), "--out", str(tmp_path / "e"), "--quiet"])
    assert isinstance(result.exception, ModelError) and "overlap" in str(result.exception), result.output
    result = CliRunner().invoke(app, ["evaluate", str(run), "--one-label", "--quiet"])
    assert isinstance(result.exception, DataError) and "overlap" in str(result.exception), result.output


def test_a_study_and_training_that_goes_on(run, overlapping, tmp_path):
    settings = configured(overlapping, optim={"steps": 2}, evaluate_every=2).model_dump(mode="json")
    study = {"title": "T", "kind": "segmentation", "base": settings, "grid": {"seed": {"seed": [0]}}}
    (tmp_path / "e.yaml").write_text(json.dumps({**study, "base": {**settings, "explain": True}}))
    (tmp_path / "s.yaml").write_text(json.dumps(study))
    words = ["study", "run", str(tmp_path / "e.yaml"), "--backend", "sequential", "--out", str(tmp_path / "e")]
    result = CliRunner().invoke(app, [*words, "--quiet"])
    assert result.exit_code != 0 and "data.multilabel" in str(result.exception), result.output
    assert not list((tmp_path / "e" / "runs").glob("*"))  # refused before anything is trained
    words = ["study", "run", str(tmp_path / "s.yaml"), "--backend", "sequential", "--out", str(tmp_path / "s")]
    result = CliRunner().invoke(app, [*words, "--quiet"])
    assert result.exit_code == 0, result.output
    words = ["train", str(overlapping), "--multilabel", "--from", str(run), "--steps", "1", "--batch-size", "2"]
    result = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "on"), "--quiet"])
    assert result.exit_code == 0, result.output
    assert load_model(RunFolder(tmp_path / "on").model).metadata["multilabel"] is True


def test_a_head_for_classes_that_do_not_overlap_is_not_taken_over(overlapping, tmp_path):
    config = configured(overlapping, optim={"steps": 1}, evaluate_every=1)
    dataset = open_dataset(overlapping, multilabel=True)
    network = make_network(config, dataset)
    trained = make_network(config, dataset)  # of as many logits, which mean something else
    with torch.no_grad():
        for values in trained.parameters():
            values.fill_(0.25)
    for multilabel in (False, True):
        trained.metadata["multilabel"] = multilabel
        started, notes = begin_from(network, trained, config, dataset)
        taken = bool((started.state_dict()["head.bias"] == 0.25).all())
        assert taken == multilabel and any("overlap" in note for note in notes) != multilabel
