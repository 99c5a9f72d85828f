"""A network and an instant segmenter weighed by predictions for groups that neither has seen."""

import numpy as np
import pytest
from tests.train.conftest import small_config
from typer.testing import CliRunner

from prismseg.cli.main import app
from prismseg.data import Preprocess, open_dataset
from prismseg.inference import Predictor
from prismseg.nets import load_model
from prismseg.train import fit_instant, make_ensemble, train
from prismseg.train.ensemble.held_out import find_held_out
from prismseg.train.ensemble.sources import find_sources

QUICK = (
    "--group",
    "prefix",
    "--encoder",
    "plain",
    "--encoder-weights",
    "none",
    "--size",
    "32",
    "--context",
    "0",
    "--quiet",
)


@pytest.fixture(scope="module")
def instant(discs, tmp_path_factory):
    root = tmp_path_factory.mktemp("instant") / "run"
    result = CliRunner().invoke(app, ["instant", str(discs), "--out", str(root), *QUICK, "--no-report"])
    assert result.exit_code == 0, result.output + str(result.exception)
    return root


def test_each_case_is_predicted_by_the_fit_without_its_group(instant, discs):
    (source,) = find_sources([instant])
    networks, dataset = find_held_out(source, open_dataset(discs), show_progress=False)
    assert sorted(case for network in networks for case in network.cases) == list(range(18))
    network = networks[-1]
    (group,) = {dataset.groups[case] for case in network.cases}
    others = [case for case in range(18) if dataset.groups[case] != group]
    whole = load_model(instant)
    again = fit_instant(
        load_model(instant),
        dataset.subset(others),
        dataset.classes,
        Preprocess.from_dict(whole.metadata["preprocess"]),
        show_progress=False,
    )
    image = dataset[network.cases[0]].image
    apart = network.predictor(image).probabilities
    # Inputs are standardised by all images, which a fit on the others alone does by those; the rest is the same.
    other, seen = (np.abs(apart - Predictor(each)(image).probabilities).mean() for each in (again.network, whole))
    assert other < 0.01 and other < seen


def test_weights_of_a_network_and_an_instant_segmenter(instant, discs, tmp_path):
    config = small_config(discs, split={"folds": 2}, model={"arch": "unet", "width": 0.25}, optim={"steps": 2})
    train(config, tmp_path / "cv", show_progress=False)
    told = []
    out = make_ensemble(
        [tmp_path / "cv", instant], tmp_path / "both", weights="auto", tell=told.append, show_progress=False
    )
    ensemble = load_model(out)
    assert "on 18 cases of 6 groups" in told[0]
    chosen = ensemble.metadata["training"]["weights"]["chosen"]
    assert chosen["run"] > 0.5  # two steps of training are worth less
    assert ensemble.networks[-1].settings.arch == "instant"


def test_training_from_an_instant_segmenter_begins_with_its_masks(instant, discs, tmp_path):
    out = tmp_path / "refined"
    arguments = [
        "train",
        str(discs),
        "--from",
        str(instant),
        "--model",
        "unet",
        "--width",
        "0.25",
        "--out",
        str(out),
    ]
    options = [
        "--fractions",
        "1,0,0",
        "--steps",
        "2",
        "--batch-size",
        "2",
        "--compile",
        "no",
        "--encoder",
        "plain",
        "--quiet",
    ]
    result = CliRunner().invoke(app, [*arguments, *options, "--lr", "1e-30"])
    assert result.exit_code == 0, result.output + str(result.exception)
    assert "a correction of" in result.output and "Plan:" in result.output
    refined, before = Predictor.from_pretrained(out), Predictor.from_pretrained(instant)
    for sample in open_dataset(discs)[:3]:
        assert np.array_equal(refined(sample.image).mask, before(sample.image).mask)
