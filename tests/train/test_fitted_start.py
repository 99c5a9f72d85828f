"""Runs whose layers are fitted to the first batch: fitted once, cut and resumed exactly, and not when they go on."""

import pytest
import torch
from safetensors.torch import load_file

from prismseg.nets import create_model
from prismseg.train import Trainer, make_config
from tests.train.conftest import small_config

FITTED = {
    "crffg_multiscale": {"log_relative_scale"},
    "crffg_whitened": {"weight"},
    "nystrom": {"landmarks", "whitening", "scale"},
}


def settings(discs, skip, **changes):
    return small_config(discs, model={"arch": "unet", "skip": skip, "width": 0.25}, **changes)


@pytest.mark.parametrize("skip", FITTED)
def test_layers_begin_fitted_to_the_first_training_batch(discs, tmp_path, skip):
    trainer = Trainer(settings(discs, skip), tmp_path / "run")
    drawn = create_model("unet", skip, width=0.25, in_channels=1, seed=0).state_dict()
    changed = {
        name for name, tensor in trainer.network.state_dict().items() if not torch.equal(tensor, drawn[name])
    }
    assert all(name.startswith("skips.") for name in changed)
    assert {name.rpartition(".")[2] for name in changed} == FITTED[skip]
    average = trainer.average.module.state_dict()
    assert all(torch.equal(average[name], trainer.network.state_dict()[name]) for name in changed)


# Before the first checkpoint, and after it.
@pytest.mark.parametrize(("skip", "stop_at"), list(zip(FITTED, (1, 3, 3), strict=True)))
def test_a_run_that_was_cut_goes_on_exactly(discs, tmp_path, skip, stop_at):
    config = settings(discs, skip, optim={"steps": 5})
    Trainer(config, tmp_path / "whole").fit(show_progress=False)
    cut = Trainer(config, tmp_path / "cut")
    for step in range(stop_at):
        cut.step(step)
        cut.progress.step += 1
    if stop_at > 1:
        cut.progress.losses = [0.0] * stop_at
        cut.save()
    Trainer(config, tmp_path / "cut", resume=True).fit(show_progress=False)
    whole, again = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "cut"))
    assert whole.keys() == again.keys() and all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_run_that_starts_from_a_trained_network_keeps_its_layers(discs, tmp_path):
    Trainer(settings(discs, "crffg_whitened", optim={"steps": 2}), tmp_path / "first").fit(show_progress=False)
    values = settings(discs, "crffg_whitened").model_dump(mode="json")
    values |= {"initial": str(tmp_path / "first")}
    trainer = Trainer(make_config(values), tmp_path / "second")
    first = load_file(tmp_path / "first" / "model" / "model.safetensors")
    assert all(torch.equal(trainer.network.state_dict()[name], tensor) for name, tensor in first.items())


def test_frozen_frequencies_are_bit_equal_after_training(discs, tmp_path):
    trainer = Trainer(settings(discs, "crffg_frozen", optim={"steps": 4}), tmp_path / "run")
    frozen = {name: p.clone() for name, p in trainer.network.named_parameters() if not p.requires_grad}
    trainer.fit(show_progress=False)
    stored = load_file(tmp_path / "run" / "model" / "model.safetensors")
    assert len(frozen) == 4 and all(torch.equal(stored[name], tensor) for name, tensor in frozen.items())


def test_a_correction_is_fitted_and_what_it_corrects_is_not(discs, tmp_path):
    Trainer(settings(discs, "crffg_whitened", optim={"steps": 1}), tmp_path / "first").fit(show_progress=False)
    values = settings(discs, "crffg_whitened").model_dump(mode="json")
    values |= {"initial": str(tmp_path / "first"), "model": values["model"] | {"refines": True}}
    network = Trainer(make_config(values), tmp_path / "second").network
    first = load_file(tmp_path / "first" / "model" / "model.safetensors")
    assert all(torch.equal(network.base.state_dict()[name], tensor) for name, tensor in first.items())
    drawn = create_model("unet", "crffg_whitened", width=0.25, in_channels=1, seed=0)
    assert not torch.equal(network.correction.skips[0].weight, drawn.skips[0].weight)
