"""Layers are fitted to what reaches them, once, and nothing else is touched."""

import pytest
import torch
from torch import nn

from prismseg.features import CRFFg2d, median_scale
from prismseg.nets import create_model
from prismseg.nets.skips.fitting import fit_to_data


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


IMAGES = torch.rand(3, 1, 24, 24, generator=seeded())


def state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_each_layer_sees_what_fitted_layers_before_it_make():
    def layer():
        return CRFFg2d(1, 1, 1, fit="scale", normalization="none", generator=seeded(1))

    network = nn.Sequential(layer(), layer())
    x = torch.tensor([0.0, 1.0, 3.0])[None, None, None]
    assert fit_to_data(network, x) == ["0", "1"]
    assert network[0].scale.item() == pytest.approx(2.0)
    middle = network[0](x).detach().flatten()[:, None]
    assert network[1].scale.item() == pytest.approx(median_scale(middle), rel=1e-5)


def test_nothing_but_fitted_layers_is_touched():
    network = create_model("unet", "crffg_whitened", width=0.5, seed=0).eval()
    before, random = state(network), torch.get_rng_state()
    names = fit_to_data(network, IMAGES, seed=3)
    assert sorted(names) == [f"skips.{number}" for number in range(4)]
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {f"skips.{number}.weight" for number in range(4)}
    assert torch.equal(torch.get_rng_state(), random) and not network.training
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_the_same_seed_and_images_give_the_same_layers():
    first, same, other = (create_model("unet", "crffg_multiscale", width=0.5, seed=0) for _ in range(3))
    fit_to_data(first, IMAGES, seed=3)
    fit_to_data(same, IMAGES, seed=3)
    fit_to_data(other, IMAGES * torch.linspace(0, 1, 24), seed=3)
    assert all(torch.equal(a, b) for a, b in zip(state(first).values(), state(same).values(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(state(first).values(), state(other).values(), strict=True))


@pytest.mark.parametrize("skip", ["none", "conv", "crffg", "crffg_residual"])
def test_networks_without_such_layers_stay_as_they_are(skip):
    network = create_model("unet", skip, width=0.5, seed=0)
    before = state(network)
    assert fit_to_data(network, IMAGES) == []
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_layer_that_runs_twice_is_fitted_to_its_first_input():
    layer = CRFFg2d(1, 1, 1, fit="scale", normalization="none", generator=seeded(1))

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return self.layer(100 * self.layer(x))

    network = Twice()
    assert fit_to_data(network, torch.tensor([0.0, 1.0, 3.0])[None, None, None]) == ["layer"]
    assert network.layer.scale.item() == pytest.approx(2.0)
