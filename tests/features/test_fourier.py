"""Weights have the size of a convolution's, so that an optimiser's steps reach the frequencies; old files load."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.features import KERNELS, CRFFg2d, RandomFourierFeatures, sample_frequencies, sample_phases


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def old_state(layer: CRFFg2d | RandomFourierFeatures) -> dict[str, torch.Tensor]:
    """State as version 0.1 stored it: the kernel's draws W, and the logarithm of sigma."""
    state = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    del state["log_relative_scale"]
    state["log_scale"] = layer.scale.detach().log()
    state["weight"] = layer.frequencies().detach() * layer.scale.detach()
    return state


@pytest.mark.parametrize("amplitude", ["kernel", "none"])
def test_the_thesis_layer_begins_as_the_published_code_does(amplitude):
    layer = CRFFg2d(4, 10, preset="thesis", amplitude=amplitude, generator=seeded(2))
    generator = seeded(2)
    weight = sample_frequencies("gaussian", 10, 36, truncate=0.99, generator=generator).reshape(10, 4, 3, 3)
    phases = sample_phases(10, generator=generator)
    x = torch.randn(2, 4, 8, 8, generator=seeded(3))
    expected = torch.cos(F.conv2d(x, weight / math.sqrt(36 / 2), phases, padding=1))
    if amplitude == "kernel":
        expected = expected * math.sqrt(2 / 10)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("preset", ["default", "thesis"])
@pytest.mark.parametrize("kernel", ["gaussian", "matern12", "laplacian_l1"])
def test_a_step_of_adam_moves_the_frequencies_as_it_moves_a_convolution(preset, kernel):
    channels, lr = 16, 1e-4
    layer = CRFFg2d(channels, 32, preset=preset, kernel=kernel, generator=seeded())
    convolution = nn.Conv2d(channels, 32, 3, bias=False)
    nn.init.normal_(convolution.weight, std=1 / math.sqrt(9 * channels))
    shares = []
    for module, filters in ((layer, layer.frequencies), (convolution, lambda: convolution.weight)):
        before = filters().detach().clone()
        optimizer = torch.optim.Adam(module.parameters(), lr=lr)
        module(torch.randn(2, channels, 12, 12, generator=seeded(1))).square().sum().backward()
        optimizer.step()
        # The rms size is that of the distribution: a few filters of a heavy tail carry most of the drawn one.
        size = 1 / math.sqrt(9 * channels) / (float(layer.relative_scale) if module is layer else 1)
        shares.append(float((filters().detach() - before).square().mean().sqrt()) / size)
    assert shares[0] / shares[1] == pytest.approx(
        1, rel=0.35 if preset == "thesis" and kernel != "gaussian" else 0.02
    )
    assert shares[1] == pytest.approx(lr * math.sqrt(9 * channels), rel=0.02)


@pytest.mark.parametrize("preset", ["default", "frozen", "thesis"])
@pytest.mark.parametrize("kernel", ["gaussian", "matern32"])
def test_states_of_version_0_1_load_and_compute_the_same(preset, kernel):
    layer = CRFFg2d(3, 8, preset=preset, kernel=kernel, generator=seeded())
    x = torch.randn(2, 3, 9, 9, generator=seeded(1))
    other = CRFFg2d(3, 8, preset=preset, kernel=kernel, generator=seeded(9))
    assert (other(x) - layer(x)).abs().max() > 0.1
    other.load_state_dict(old_state(layer))
    torch.testing.assert_close(other(x), layer(x), atol=2e-5, rtol=1e-5)
    assert other.scale.item() == pytest.approx(layer.scale.item())
    dense = RandomFourierFeatures(6, 8, preset=preset, generator=seeded(1))
    twin = nn.ModuleDict({"inner": RandomFourierFeatures(6, 8, preset=preset, generator=seeded(2))})
    twin.load_state_dict({f"inner.{name}": value for name, value in old_state(dense).items()})
    y = torch.randn(5, 6, generator=seeded(3))
    torch.testing.assert_close(twin["inner"](y), dense(y), atol=2e-5, rtol=1e-5)


def test_a_state_that_lacks_the_scale_is_refused():
    state = CRFFg2d(1, 2).state_dict()
    del state["log_relative_scale"]
    with pytest.raises(RuntimeError, match="log_relative_scale"):
        CRFFg2d(1, 2).load_state_dict(state)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_scale_is_in_the_units_that_it_says(kernel):
    length = CRFFg2d(4, 8, kernel=kernel, scale_unit="fan_in", scale=0.7)
    assert length.scale.item() == pytest.approx(0.7 * 6)
    critical = CRFFg2d(4, 8, kernel=kernel, scale=0.7)
    assert critical.relative_scale.item() == pytest.approx(0.7)
    layer = CRFFg2d(4, 8, kernel=kernel)
    layer.set_scale_(2.5)
    assert layer.scale.item() == pytest.approx(2.5)
    torch.testing.assert_close(layer.frequencies() * 2.5, layer.weight * layer.unit)
