import math

import numpy as np
import pytest
import torch
from functorch.compile import make_boxed_func
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch._dynamo.backends.common import aot_autograd

from prismseg.base import ConfigError
from prismseg.features import PRESETS, CRFFg2d, exact_kernel, mass_factor


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_one_pixel_by_hand():
    # 1×1 filter, input 2, weight 3, sigma sqrt(n) = 1, phase 0.5, amplitude 1: cos(3 * 2 + 0.5).
    layer = CRFFg2d(1, 1, 1, scale=1.0, normalization="none", amplitude="none")
    with torch.no_grad():
        layer.weight.fill_(3.0)
        layer.bias.fill_(0.5)
    assert layer(torch.full((1, 1, 1, 1), 2.0)).item() == pytest.approx(math.cos(6.5), rel=1e-6)


def test_presets_say_what_the_method_says():
    assert PRESETS["default"].amplitude == "unit" and PRESETS["default"].scale == 1.0
    thesis = CRFFg2d(4, 8, preset="thesis")
    assert thesis.scale.item() == pytest.approx(math.sqrt(4 * 9 / 2))
    assert not thesis.log_relative_scale.requires_grad and thesis.weight.requires_grad
    assert thesis.settings.padding_mode == "zeros" and thesis.amplitude() == pytest.approx(math.sqrt(2 / 8))
    frozen = CRFFg2d(4, 8, preset="frozen")
    assert frozen.log_relative_scale.requires_grad and not frozen.weight.requires_grad and frozen.bias is None


def test_default_output_has_rms_one_and_unit_gain():
    x = 7.0 * torch.randn(4, 16, 32, 32, generator=seeded())
    layer = CRFFg2d(16, 64, generator=seeded(1))
    x.requires_grad_()
    out = layer(x)
    assert out.square().mean().sqrt().item() == pytest.approx(1.0, abs=0.05)
    (gradient,) = torch.autograd.grad(out, x, torch.randn(out.shape, generator=seeded(2)))
    # chi = 1 / s^2 = 1 for inputs of rms 1; the input here has rms 7, which the normalisation divides out.
    assert gradient.square().sum().item() * 49 / out.numel() == pytest.approx(1.0, abs=0.12)


def test_inner_products_approximate_the_patch_kernel():
    # 3×3 patches of two images at one pixel: z'z -> k(patch - patch') with sigma = s sqrt(9).
    layer = CRFFg2d(
        1, 20000, preset="frozen", mapping="cos", orthogonal=False, normalization="none", padding_mode="none",
        scale=0.5, generator=seeded(3),
    )  # fmt: skip
    a, b = torch.rand(1, 1, 3, 3, generator=seeded(4)), torch.rand(1, 1, 3, 3, generator=seeded(5))
    with torch.no_grad():
        product = (layer(a) * layer(b)).sum().item()
    expected = exact_kernel("gaussian", a.flatten(1), b.flatten(1), scale=1.5).item()
    assert product == pytest.approx(expected, abs=4 / math.sqrt(20000))


def test_translation_equivariance_away_from_the_border():
    layer = CRFFg2d(2, 6, generator=seeded()).eval()
    # Shifting a periodic image moves what the filters see and keeps its rms.
    x = torch.randn(1, 2, 20, 20, generator=seeded(1))
    moved = layer(torch.roll(x, (3, 5), (2, 3)))
    torch.testing.assert_close(moved[..., 5:-5, 7:-7], torch.roll(layer(x), (3, 5), (2, 3))[..., 5:-5, 7:-7])


@pytest.mark.parametrize("mapping", ["cos", "paired"])
@pytest.mark.parametrize("kernel", ["gaussian", "matern32"])
def test_gradients_in_double_precision(mapping, kernel):
    layer = CRFFg2d(
        2, 4, kernel=kernel, mapping=mapping, trainable_scale=True, normalization="rms", generator=seeded()
    ).double()
    x = torch.randn(2, 2, 5, 4, dtype=torch.float64, generator=seeded(1), requires_grad=True)
    parameters = tuple(layer.parameters())
    assert torch.autograd.gradcheck(
        lambda x, *values: torch.func.functional_call(
            layer, dict(zip([n for n, _ in layer.named_parameters()], values, strict=True)), x
        ),
        (x, *parameters),
    )


def test_short_formats_keep_phase_and_cosine_in_float32():
    layer = CRFFg2d(8, 32, 1, normalization="none", generator=seeded()).eval()
    x = torch.randn(2, 8, 16, 16, generator=seeded(1)).bfloat16().float()
    with torch.no_grad():
        # Weights that bfloat16 holds exactly, so that only phase and cosine could lose digits.
        layer.log_relative_scale.zero_()
        layer.weight.copy_(layer.weight.bfloat16())
        exact = layer(x)
        with torch.autocast("cpu", torch.bfloat16):
            short = layer(x)
            # The same operation on the same tensors: how processors sum in short formats does not matter.
            projection = nn.functional.conv2d(x, layer.weight)
    assert short.dtype == torch.bfloat16
    # The convolution's result is rounded to bfloat16, then everything is float32 until the last rounding.
    expected = (torch.cos(projection.float() + layer.bias[:, None, None]) * math.sqrt(2)).bfloat16()
    torch.testing.assert_close(short, expected, atol=1e-2, rtol=1e-2)  # one bfloat16 step at sqrt(2)
    in_short = (torch.cos(projection + layer.bias[:, None, None].bfloat16()) * math.sqrt(2)).bfloat16()
    assert (in_short - exact).abs().mean() > 1.2 * (short - exact).abs().mean()


def test_a_model_turned_to_half_is_refused():
    with pytest.raises(ConfigError, match="autocast"):
        CRFFg2d(1, 2, normalization="none").bfloat16()(torch.zeros(1, 1, 4, 4, dtype=torch.bfloat16))


def test_scale_stays_positive_under_large_steps():
    layer = CRFFg2d(1, 4, preset="frozen", normalization="none")
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    x = torch.randn(1, 1, 8, 8, generator=seeded())
    for _ in range(20):
        optimizer.zero_grad()
        (layer(x).sum() * 100).backward()
        optimizer.step()
        assert layer.scale.item() > 0


@given(height=st.integers(1, 6), width=st.integers(1, 6))
def test_any_image_size(height, width):
    assert CRFFg2d(1, 2)(torch.rand(1, 1, height, width)).shape == (1, 2, height, width)


def test_cases_of_a_batch_do_not_depend_on_each_other():
    layer = CRFFg2d(3, 6, generator=seeded())
    x = torch.randn(4, 3, 9, 9, generator=seeded(1)) * torch.tensor([1.0, 10, 0.1, 3])[:, None, None, None]
    torch.testing.assert_close(layer(x), torch.cat([layer(case[None]) for case in x]), atol=1e-5, rtol=1e-5)


def test_fit_scale_takes_the_median_patch_distance():
    layer = CRFFg2d(1, 4, 1, preset="frozen", normalization="none")
    x = torch.tensor([0.0, 2.0, 2.5])[None, None, None]
    layer.fit_scale_(x)
    assert layer.scale.item() == pytest.approx(2.0)


def test_mass_factor_by_hand_and_when_all_norms_are_equal():
    # Norms 1 and 3: mean 2, deviation 1, density exp(-1/2)/sqrt(2 pi) at both, integral 2 * 0.24197.
    weight = torch.tensor([[1.0], [3.0]])
    assert mass_factor(weight).item() == pytest.approx(math.sqrt(2 * 0.2419707), rel=1e-5)
    assert mass_factor(torch.ones(4, 1)).item() == 1.0
    many = mass_factor(torch.randn(512, 72, generator=seeded()))
    assert 0.94 < many.item() < 1.0


def test_exported_and_eager_agree():
    layer = CRFFg2d(2, 4, generator=seeded())
    x = torch.randn(1, 2, 8, 8, generator=seeded(1))
    exported = torch.export.export(layer, (x,)).module()
    torch.testing.assert_close(exported(x), layer(x))


def test_compiled_and_eager_agree():
    # The backend traces and differentiates the graph as the compiler does, and needs no C++ compiler.
    layer = CRFFg2d(2, 4, generator=seeded())
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return make_boxed_func(graph.forward)

    compiled = torch.compile(layer, backend=aot_autograd(fw_compiler=backend), fullgraph=True)
    x = torch.randn(1, 2, 8, 8, generator=seeded(1))
    gradients = []
    for function in (layer, compiled):
        layer.zero_grad()
        y = function(x)
        y.square().sum().backward()
        gradients.append((y.detach(), layer.weight.grad.clone(), layer.bias.grad.clone()))
    assert len(graphs) >= 2
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-5, rtol=1e-5)


def test_seeded_layers_are_equal_and_global_randomness_is_left_alone():
    state = torch.get_rng_state()
    first, second = CRFFg2d(2, 8, generator=seeded(7)), CRFFg2d(2, 8, generator=seeded(7))
    assert torch.equal(first.weight, second.weight) and torch.equal(first.bias, second.bias)
    assert torch.equal(state, torch.get_rng_state())
    assert np.isfinite(first.weight.detach().numpy()).all()
