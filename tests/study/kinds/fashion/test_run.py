"""Classifiers of small pictures, and the choice of images by hand."""

import gzip
import struct

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import f1_score

from prismseg.base import ConfigError, DataError
from prismseg.nets import create_classifier
from prismseg.study import KINDS
from prismseg.study.kinds.fashion import training
from prismseg.study.kinds.fashion.run import classification_measures, nested_subset, run_fashion
from prismseg.study.kinds.fashion.settings import FashionSettings, FrozenSettings
from prismseg.train.optimization.schedules import learning_rate


def test_subsets_are_nested_and_balanced():
    labels = np.random.default_rng(0).integers(0, 5, 500)
    small, large = nested_subset(labels, 33, seed=2), nested_subset(labels, 120, seed=2)
    np.testing.assert_array_equal(large[:33], small)
    assert len(set(large)) == 120 and set(np.bincount(labels[large])) == {24}
    assert not np.array_equal(small, nested_subset(labels, 33, seed=3))
    with pytest.raises(ConfigError, match="only 500"):
        nested_subset(labels, 501, seed=0)


def test_measures_by_hand():
    found = classification_measures(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    assert found["accuracy"] == 0.75 and found["recall"] == 0.75
    assert found["precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["f1"] == pytest.approx(f1_score([0, 0, 1, 1], [0, 1, 1, 1], average="macro"))


@pytest.fixture
def tiny(tmp_path):
    """Two kinds of pictures as the four files of Fashion-MNIST: stripes that lie and stripes that stand."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 40)):
        labels = np.arange(count) % 2
        stripes = np.tile(np.where(np.arange(28) % 4 < 2, 200, 30), (28, 1))
        images = np.stack([stripes if label else stripes.T for label in labels]) + rng.integers(
            0, 50, (count, 28, 28)
        )
        data = {
            "images-idx3": (struct.pack(">4I", 2051, count, 28, 28), images),
            "labels-idx1": (struct.pack(">2I", 2049, count), labels),
        }
        for name, (head, values) in data.items():
            with gzip.open(tmp_path / f"{part}-{name}-ubyte.gz", "wb") as file:
                file.write(head + values.astype(np.uint8).tobytes())
    return tmp_path


@pytest.mark.parametrize("method", ["cnn", "crffg", "cnn+rff", "frozen"])
def test_every_method_tells_stripes_apart_and_repeats_itself(method, tiny, tmp_path):
    frozen = FrozenSettings(filters=16, grid=3)
    settings = FashionSettings(
        method=method, images=20, folder=tiny, epochs=1, fewest_steps=8, batch_size=10, frozen=frozen
    )
    (tmp_path / "a").mkdir()
    first, second = (run_fashion(settings, tmp_path / "a") for _ in range(2))
    assert first.equals(second)
    assert first.set_index("measure").loc["accuracy", "value"] >= (0.95 if method == "frozen" else 0.5)
    assert (tmp_path / "a" / "predictions.csv").is_file()


def test_absent_data_say_where_they_come_from(tmp_path):
    with pytest.raises(DataError, match="dataset-fashion-mnist"):
        run_fashion(FashionSettings(folder=tmp_path / "none"), tmp_path)
    with pytest.raises(ConfigError, match="no preset 'thesis'"):
        KINDS["fashion"].check({"method": "frozen", "preset": "thesis"})


def test_the_rate_is_chosen_on_training_images_alone(tiny, tmp_path):
    """No test image takes part: with other test labels, the same rate is chosen from the same figures."""
    settings = FashionSettings(images=18, folder=tiny, fewest_steps=6, epochs=1, batch_size=8, rates=(1e-6, 1e-2))
    (tmp_path / "a").mkdir()
    rows = run_fashion(settings, tmp_path / "a").set_index("measure")["value"]
    trials = pd.read_csv(tmp_path / "a" / "rates.csv")
    assert trials["lr"].tolist() == [1e-6, 1e-2] and rows["lr"] == 1e-2
    assert trials["accuracy"].is_monotonic_increasing and trials["loss"].is_monotonic_decreasing
    # Chance, or worse, where nothing is learnt: weights move by 6e-6 at most.
    assert trials["loss"][0] > np.log(2) - 0.1
    with gzip.open(tiny / "t10k-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">2I", 2049, 40) + (1 - np.arange(40) % 2).astype(np.uint8).tobytes())
    (tmp_path / "b").mkdir()
    other = run_fashion(settings, tmp_path / "b").set_index("measure")["value"]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "b" / "rates.csv"), trials)
    assert other["accuracy"] == pytest.approx(1 - rows["accuracy"])


def test_after_the_choice_all_images_are_learnt_at_that_rate(tiny, tmp_path):
    """The final training is that of a run which names this rate from the beginning."""
    for name in "ab":
        (tmp_path / name).mkdir()
    common = {"images": 18, "folder": tiny, "fewest_steps": 6, "epochs": 1, "batch_size": 8}
    run_fashion(FashionSettings(**common, rates=(1e-6, 1e-2)), tmp_path / "a")
    run_fashion(FashionSettings(**common, lr=1e-2), tmp_path / "b")
    first, second = ((tmp_path / name / "predictions.csv").read_text() for name in "ab")
    assert first == second and not (tmp_path / "b" / "rates.csv").exists()


def test_images_are_kept_back_by_their_share_and_a_diverged_training_is_never_chosen(monkeypatch):
    seen = []

    def train(settings, images, labels, classes, rates):
        seen.append((len(images), rates.lr, rates.weight_rate))
        network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1, 2))
        torch.nn.init.constant_(network[1].weight, torch.nan if rates.lr > 1 else 0.0)
        torch.nn.init.zeros_(network[1].bias)
        return network

    monkeypatch.setattr(training, "train_network", train)
    settings = FashionSettings(method="crffg", rates=(2.0, 0.1), weight_rates=(1, 10), held_out=0.25)
    trials = training.try_rates(settings, torch.ones(12, 1, 1, 1), torch.zeros(12, dtype=torch.int64), 2)
    assert seen == [(9, 2.0, 1), (9, 2.0, 10), (9, 0.1, 1), (9, 0.1, 10)]
    assert (trials[0].accuracy, trials[0].loss) == (0.0, np.inf)
    assert training.best_rates(trials) == training.Rates(0.1, 1)


@pytest.mark.parametrize("method", ["crffg", "cnn+rff"])
def test_frequencies_and_phases_learn_at_their_own_rate(method):
    """The first step of Adam is the learning rate, whatever the gradient."""
    settings = FashionSettings(method=method, images=8, epochs=1, fewest_steps=1, batch_size=8, weight_decay=0)
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    before = dict(create_classifier(method, classes=2, seed=0).named_parameters())
    network = training.train_network(settings, images, torch.arange(8) % 2, 2, training.Rates(1e-3, 10.0))
    moved = {name: float((p - before[name]).abs().max().detach()) for name, p in network.named_parameters()}
    first = learning_rate("onecycle", 0, 1, 1e-3)
    fourier = {name for name in moved if name.startswith(("crffg", "rff")) and name.endswith(("weight", "bias"))}
    assert fourier and moved["head.weight"] == pytest.approx(first, rel=1e-2)
    for name in fourier:
        assert moved[name] == pytest.approx(10 * first, rel=1e-2)


def test_runs_without_a_choice_keep_their_hash():
    kind = KINDS["fashion"]
    settings = kind.check({"method": "crffg", "images": 100})
    assert kind.hash("fashion", settings) == "dd4135c82ad826c5"
    assert (
        kind.hash("fashion", kind.check({"method": "crffg", "images": 100, "rates": [3e-3]})) != "dd4135c82ad826c5"
    )
    with pytest.raises(ConfigError, match="no learning rate"):
        kind.check({"method": "frozen", "rates": [1e-3]})
    with pytest.raises(ConfigError, match=r"rates\.0"):
        kind.check({"rates": [0]})
    for settings in ({"method": "cnn", "rates": [1e-3]}, {"method": "crffg"}):
        with pytest.raises(ConfigError, match="with random Fourier layers"):
            kind.check(settings | {"weight_rates": [1, 10]})


def test_the_chosen_rates_are_no_curves():
    rows = [
        {"measure": measure, "value": 0.5, "images": images, "seed": seed, "method": "cnn"}
        for measure in ("accuracy", "lr", "weight_rate")
        for images in (30, 100)
        for seed in (0, 1)
    ]
    assert list(KINDS["fashion"].draw(pd.DataFrame(rows))) == ["size-accuracy"]
