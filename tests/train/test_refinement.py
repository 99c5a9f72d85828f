"""Training that corrects a network which stays as it is."""

import shutil
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
import torch

from prismseg.base import ConfigError, ModelError
from prismseg.data import open_dataset
from prismseg.inference import Predictor
from prismseg.nets import Refined, load_model
from prismseg.train import Trainer, TrainingInterrupted, configure, evaluate_run, read_config, train
from prismseg.train.ensemble.combine import Member, combine
from prismseg.train.finetune import finetune_settings
from tests.train.conftest import small_config

MODEL = {"arch": "unet", "skip": "none", "width": 0.25}


@pytest.fixture(scope="module")
def base(discs, tmp_path_factory):
    """An ensemble of one network that has learnt little, and has seen no disc of the data."""
    root = tmp_path_factory.mktemp("base")
    config = small_config(discs, model=MODEL, optim={"steps": 2}, split={"fractions": (0.5, 0, 0.5)})
    train(config, root / "run", show_progress=False)
    network = combine([Member(load_model(root / "run"), "run")])
    network.metadata.pop("seen")
    network.save_pretrained(root / "ensemble")
    return root / "ensemble"


def settings(discs, base, **changes):
    optim = {"steps": 6, "batch_size": 4, "lr": 1e-2} | changes.pop("optim", {})
    chosen = {
        "data": {"path": discs}, "model": MODEL, "optim": optim, "split": {"fractions": (0.5, 0.2, 0.3)},
        "evaluate_every": 3, "checkpoint_every": 3, "compile": "no", "augmentation": "none",
    }  # fmt: skip
    return configure(chosen | changes, initial=finetune_settings(base))


def test_settings_are_those_of_the_base_and_a_new_network(discs, base):
    config = settings(discs, base, model={"arch": "resunet"})
    assert config.model.refines and config.model.arch == "resunet" and config.size == (32, 32)
    assert config.optim.lr == 1e-2 and settings(discs, base, optim={"lr": None}).optim.lr == 3e-3
    with pytest.raises(ConfigError, match="a network that refines needs an initial one"):
        configure({"data": {"path": discs}, "model": {"refines": True}})


def test_step_0_is_the_base(discs, base, tmp_path):
    trainer = Trainer(settings(discs, base), tmp_path / "run")
    trainer.evaluate()
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert history["step"].tolist() == [0]
    predict, before = Predictor.from_pretrained(tmp_path / "run"), Predictor.from_pretrained(base)
    for sample in open_dataset(discs)[:4]:
        found, expected = predict(sample.image), before(sample.image)
        assert np.array_equal(found.mask, expected.mask)
        assert np.array_equal(found.probabilities, expected.probabilities)


def test_training_improves_and_leaves_the_base_as_it_is(discs, base, tmp_path):
    config = settings(discs, base, optim={"steps": 40}, evaluate_every=20, checkpoint_every=40)
    (run,) = train(config, tmp_path / "run", show_progress=False)
    history = pd.read_csv(run.history).set_index("step")["validation_dice"]
    assert history.index.tolist() == [0, 20, 40] and history[40] > history[0] + 0.1
    network, before = load_model(run.model), load_model(base)
    assert isinstance(network, Refined) and network.correction.settings.arch == "unet"
    for name, tensor in before.state_dict().items():
        assert torch.equal(network.base.state_dict()[name], tensor), name
    assert evaluate_run(run.root, show_progress=False).is_file()


def test_a_cut_run_resumes_exactly_also_where_the_base_has_gone(discs, base, tmp_path, monkeypatch):
    copied = shutil.copytree(base, tmp_path / "base")
    whole = Trainer(settings(discs, copied), tmp_path / "whole")
    whole.fit(show_progress=False)
    cut = Trainer(settings(discs, copied), tmp_path / "cut")
    monkeypatch.setattr("prismseg.train.loop.stop_requests", lambda: nullcontext(lambda: True))
    with pytest.raises(TrainingInterrupted, match="Stopped at step 1 of 6"):
        cut.fit(show_progress=False)
    monkeypatch.undo()
    shutil.rmtree(copied)
    again = Trainer(read_config(tmp_path / "cut" / "config.yaml"), tmp_path / "cut", resume=True)
    again.fit(show_progress=False)
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], tensor), name
    histories = [(tmp_path / name / "history.csv").read_text() for name in ("whole", "cut")]
    assert histories[0] == histories[1]


def test_other_classes_are_refused(discs, base, tmp_path):
    config = settings(discs, base, data={"path": discs, "classes": ("background", "sun")})
    with pytest.raises(ModelError, match=r"tells apart background, .*; the classes of .* are background, sun"):
        Trainer(config, tmp_path / "run")


def test_each_fold_corrects_its_like(discs, tmp_path):
    folds = small_config(discs, model=MODEL, split={"folds": 2}, optim={"steps": 2}, evaluate_every=2)
    train(folds, tmp_path / "cv", show_progress=False)
    started = finetune_settings(tmp_path / "cv")
    assert started["split"] == {"folds": 2} and started["model"]["arch"] == "unet"
    chosen = {"data": {"path": discs}, "optim": {"steps": 1, "batch_size": 4}, "compile": "no"}
    runs = train(configure(chosen, initial=started), tmp_path / "on", show_progress=False)
    for number, run in enumerate(runs):
        assert run.split.read_text() == (tmp_path / "cv" / f"fold-{number}" / "split.json").read_text()
    with pytest.raises(ConfigError, match="cross-validation of 2 folds, from which only"):
        train(
            configure(chosen | {"split": {"folds": 3}}, initial=started), tmp_path / "three", show_progress=False
        )
    resumed = train(configure(chosen, initial=started), tmp_path / "on", resume=True, show_progress=False)
    assert [run.root.name for run in resumed] == ["fold-0", "fold-1"]
