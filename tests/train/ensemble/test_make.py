"""Runs put together into one folder, from the command line, and what evaluation then refuses."""

import json

import numpy as np
import pandas as pd
import pytest
from tests.conftest import write_discs
from tests.train.conftest import small_config
from typer.testing import CliRunner

from prismseg.base import ConfigError, DataError, ModelError, OutputError
from prismseg.cli.main import app
from prismseg.data import Preprocess, open_dataset
from prismseg.evaluation import EvaluatedNetwork, evaluate
from prismseg.inference import Predictor, disagreement
from prismseg.nets import create_model, load_model
from prismseg.train import average_folds, evaluate_data, make_ensemble, train
from prismseg.train.ensemble.combine import Member, combine
from prismseg.train.runs.seen import SeenCases


@pytest.fixture(scope="module")
def runs(discs, tmp_path_factory):
    """Two cross-validations of two folds, of other architectures and sizes."""
    root = tmp_path_factory.mktemp("runs")
    for name, arch, size in (("unet-cv", "unet", (32, 32)), ("fcn-cv", "fcn", (32, 40))):
        config = small_config(
            discs,
            split={"folds": 2},
            model={"arch": arch, "width": 0.25},
            size=size,
            optim={"steps": 4},
            evaluate_every=4,
        )
        train(config, root / name, show_progress=False)
    return root


def test_the_folds_of_a_cross_validation_become_one_network(runs, discs, tmp_path):
    out = make_ensemble([runs / "unet-cv"], tmp_path / "all", show_progress=False)
    ensemble = load_model(out)
    assert ensemble.names == ("unet-cv/fold-0", "unet-cv/fold-1") and ensemble.weights == (0.5, 0.5)
    image = open_dataset(discs)[0].image
    folds = [Predictor.from_pretrained(runs / "unet-cv" / f"fold-{k}")(image).probabilities for k in (0, 1)]
    np.testing.assert_allclose(Predictor.from_pretrained(out)(image).probabilities, np.mean(folds, 0), atol=1e-5)


def test_a_cross_validation_is_predicted_by_the_average_of_its_folds(runs, discs, tmp_path):
    image = open_dataset(discs)[0].image
    np.save(tmp_path / "image.npy", image)
    words = [
        "predict",
        str(runs / "unet-cv"),
        str(tmp_path / "image.npy"),
        "--out",
        str(tmp_path / "out"),
        "--quiet",
    ]
    result = CliRunner().invoke(app, [*words, "--probabilities"])
    assert result.exit_code == 0 and "Average of the 2 folds" in result.output, result.output
    folds = [Predictor.from_pretrained(runs / "unet-cv" / f"fold-{k}")(image).probabilities for k in (0, 1)]
    stored = np.load(tmp_path / "out" / "probabilities" / "image.npy")
    np.testing.assert_allclose(stored, np.mean(folds, 0), atol=1e-3)
    with pytest.raises(ModelError, match="no cross-validation"):
        average_folds(runs / "unet-cv" / "fold-0")


def test_weights_by_held_out_cases_through_the_command_line(runs, discs, tmp_path):
    out = tmp_path / "both"
    arguments = ["ensemble", str(runs / "unet-cv"), str(runs / "fcn-cv"), "--weights", "auto", "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert result.exit_code == 0, result.output
    assert "chosen on 18 cases of 6 groups" in result.output
    training = json.loads((out / "config.json").read_text())["metadata"]["training"]
    chosen = training["weights"]["chosen"]
    assert list(chosen) == ["unet-cv", "fcn-cv"] and sum(chosen.values()) == pytest.approx(1)
    totals = dict.fromkeys(chosen, 0.0)
    for member in training["members"]:
        totals[member["name"].split("/")[0]] += member["weight"]
    assert totals == pytest.approx(chosen)
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, OutputError) and "holds a network already" in str(refused.exception)


def test_what_a_member_has_seen_is_no_test(runs, discs, tmp_path):
    out = make_ensemble([runs / "unet-cv"], tmp_path / "all", show_progress=False)
    dataset = open_dataset(discs)
    seen = SeenCases.from_metadata(load_model(out).metadata)
    assert {*seen.train, *seen.validation} == set(dataset.identities) and not seen.test
    with pytest.raises(DataError, match="no case"):
        evaluate_data(out, dataset, out=tmp_path / "evaluation", show_progress=False)
    single = combine([Member(load_model(runs / "unet-cv" / "fold-0"), "single")])
    parts = SeenCases.from_metadata(single.metadata).parts(dataset)
    assert parts.count("test") == 9


def test_a_network_that_has_seen_all_cases_cannot_be_weighed(runs, discs, tmp_path):
    everything = make_ensemble([runs / "unet-cv"], tmp_path / "all", show_progress=False)
    with pytest.raises(DataError, match=r"No case of .* is unseen by all .*all: 0; fcn-cv: 18"):
        make_ensemble(
            [everything, runs / "fcn-cv"], tmp_path / "both", weights="auto", data=discs, show_progress=False
        )
    assert not (tmp_path / "both").exists()


def test_senseless_requests(runs, tmp_path):
    pair = [runs / "unet-cv" / "fold-0", runs / "fcn-cv"]
    with pytest.raises(ConfigError, match="2 networks or cross-validations and 3 weights"):
        make_ensemble(pair, tmp_path / "out", weights=(1, 2, 3))
    for alone, weights in (
        (pair[:1], "equal"),
        (pair[:1], "auto"),
        ([pair[0], runs / "fcn-cv" / "fold-1"], (1, 0)),
    ):
        with pytest.raises(ConfigError, match=r"two networks at least; here .*fold-0.* is the only one"):
            make_ensemble(alone, tmp_path / "out", weights=weights)
    with pytest.raises(ConfigError, match="named twice"):
        make_ensemble([runs / "unet-cv", *pair], tmp_path / "out")
    with pytest.raises(ConfigError, match=r"'equal', 'auto' or one number"):
        make_ensemble(pair, tmp_path / "out", weights="best")
    result = CliRunner().invoke(
        app, ["ensemble", *map(str, pair), "--out", str(tmp_path / "out"), "--weights", "1;2"]
    )
    assert isinstance(result.exception, ConfigError) and "--weights 1;2 is not" in str(result.exception)


def test_weights_cannot_be_chosen_without_data(runs, tmp_path):
    parts = [tmp_path / "0", tmp_path / "1"]
    for fold, part in enumerate(parts):
        load_model(runs / "unet-cv" / f"fold-{fold}").save_pretrained(part)
    with pytest.raises(ConfigError, match=r"None of these networks has its run with it.*--data FOLDER"):
        make_ensemble(parts, tmp_path / "both", weights="auto")


def test_networks_of_one_name_are_told_apart(runs, tmp_path):
    pair = [runs / "unet-cv" / "fold-0", runs / "fcn-cv" / "fold-0" / "model"]
    ensemble = load_model(make_ensemble(pair, tmp_path / "out", weights=(1, 3)))
    assert ensemble.names == ("fold-0", "fold-0-2") and ensemble.weights == (0.25, 0.75)


def test_an_ensemble_s_evaluation_asks_its_members(tmp_path):
    """The mean Dice of the members in pairs is one of its scores of confidence."""
    networks = []
    for seed in (0, 1):
        network = create_model("unet", width=0.25, seed=seed)
        network.metadata = {"classes": ["background", "bright"], "preprocess": Preprocess((16, 16), 1).to_dict()}
        networks.append(network)
    both = Predictor(combine([Member(network, f"n{seed}") for seed, network in enumerate(networks)]))
    data = open_dataset(write_discs(tmp_path / "data", patients=2, images=1), classes=["background", "bright"])
    evaluate([EvaluatedNetwork(both, (0, 1))], data, tmp_path / "out", show_progress=False)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [row["score"] for row in summary["failure_detection"]] == ["soft_dice", "entropy", "agreement"]
    curve = pd.read_csv(tmp_path / "out" / "risk_coverage.csv").query("score == 'agreement'")
    dice = (
        pd.read_csv(tmp_path / "out" / "metrics_per_case.csv").query("metric == 'dice'").set_index("case")["value"]
    )
    agreement = [1 - disagreement(both, data[index].image).score for index in range(2)]
    first = 1 - dice[data.ids[int(np.argmax(agreement))]]
    assert curve["risk"].iloc[0] == pytest.approx(first if agreement[0] != agreement[1] else 1 - dice.mean())
