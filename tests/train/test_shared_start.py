"""Runs of one seed see the same images, changed in the same way, and begin with the same weights in all variants."""

import torch

from prismseg.train import Trainer

from .conftest import small_config


def test_batches_and_first_weights_do_not_depend_on_the_variant(discs, tmp_path):
    seen, states = [], []
    for number, model in enumerate(
        (
            {"skip": "none"},
            {"skip": "crffg"},
            {"skip": "crffg", "multiplier": 3},
            {"arch": "fcn", "preset": "thesis"},
        )
    ):
        config = small_config(discs, model={"arch": "unet", "width": 0.25} | model, optim={"steps": 3})
        trainer = Trainer(config, tmp_path / str(number))
        states.append({name: value.clone() for name, value in trainer.network.state_dict().items()})
        batches = []
        trainer.augment.register_forward_hook(
            lambda module, inputs, output, batches=batches: batches.append([tensor.clone() for tensor in output])
        )
        trainer.fit(show_progress=False)
        seen.append(batches)
    assert len(seen[0]) == 3
    for batches in seen[1:]:
        for first, other in zip(seen[0], batches, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    for other in states[1:3]:
        shared = [name for name in states[0] if name in other and states[0][name].shape == other[name].shape]
        assert len(shared) > 50
        assert all(torch.equal(states[0][name], other[name]) for name in shared)
