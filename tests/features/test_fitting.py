"""What Fourier features take from data, and amplitudes that are trained: against exact kernels."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import inv, sqrtm

from prismseg.base import ConfigError
from prismseg.features import CRFFg2d, FourierSettings, RandomFourierFeatures, exact_kernel
from prismseg.features.scale import inverse_root, sample_patches


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def correlated(count: int, seed: int = 0) -> torch.Tensor:
    mix = torch.tensor([[2.0, 0.5, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 0.2]])
    return torch.randn(count, 3, generator=seeded(seed)) @ mix + 5.0


def test_the_inverse_root_is_that_of_scipy():
    points = correlated(50)
    covariance = np.cov(points.double().numpy().T)
    for shrinkage in (0.0, 0.1, 1.0):
        shrunk = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / 3 * np.eye(3)
        expected = inv(sqrtm(shrunk))
        np.testing.assert_allclose(inverse_root(points, shrinkage=shrinkage).numpy(), expected, rtol=1e-9)


def test_fitted_frequencies_approximate_the_kernel_of_whitened_points():
    points, count = correlated(400), 20_000
    layer = RandomFourierFeatures(3, count, orthogonal=False, fit="frequencies", generator=seeded(1))
    layer.fit_(points, seeded(2))
    near = points[:6]
    white = (near.double() @ inverse_root(points)).float()
    exact = exact_kernel("gaussian", white, white, scale=float(layer.scale))
    found = layer(near) @ layer(near).T
    # Paired features: variance (1 + k(2 d) - 2 k(d)²) / Q at most 2 / Q.
    torch.testing.assert_close(found.detach(), exact, atol=5 * math.sqrt(2 / count), rtol=0)
    unfitted = exact_kernel("gaussian", near, near, scale=float(layer.scale))
    assert (unfitted - exact).abs().max() > 0.2  # the tolerance tells them apart


def test_phases_of_fitted_frequencies_have_the_variance_of_white_points():
    layer = CRFFg2d(2, 512, 3, fit="frequencies", normalization="none", generator=seeded(3))
    images = torch.nn.functional.avg_pool2d(torch.randn(8, 2, 32, 32, generator=seeded(4)), 3, 1) * 40 + 7
    layer.fit_(images, seeded(5))
    patches = sample_patches(images, 3, limit=4000, generator=seeded(6))
    phases = patches @ layer.frequencies().flatten(1).T.detach()
    # By shrinkage a little below 1, which it is for any points that are white and of variance 1.
    assert 0.6 < phases.var(dim=0).mean().item() < 1.05


def test_the_fitted_scale_is_a_multiple_of_the_median_between_different_patches():
    layer = CRFFg2d(1, 4, 1, fit="scale", scale=0.5, normalization="none")
    # Most pixels are equal, as in a dark background; of the different ones the distances are 2, 3 and 1.
    x = torch.tensor([0.0] * 20 + [2.0, 3.0])[None, None, None]
    layer.fit_(x, seeded())
    assert layer.scale.item() == pytest.approx(0.5 * 2.0)


@pytest.mark.parametrize("fit", ["scale", "frequencies"])
def test_an_image_of_one_value_changes_nothing(fit):
    layer = CRFFg2d(2, 4, fit=fit, generator=seeded())
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    layer.fit_(torch.full((2, 2, 8, 8), 3.0))
    assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())


def test_maps_smaller_than_a_filter_are_fitted_too():
    layer = CRFFg2d(2, 4, 5, fit="frequencies", generator=seeded())
    before = layer.weight.clone()
    layer.fit_(torch.randn(3, 2, 2, 1, generator=seeded()))
    assert layer.weight.isfinite().all() and not torch.equal(layer.weight, before)


def test_a_layer_that_is_not_to_be_fitted_stays_as_it_is():
    layer = CRFFg2d(2, 4, generator=seeded())
    before = layer.weight.clone()
    layer.fit_(torch.randn(1, 2, 8, 8))
    assert not layer.fits_data and torch.equal(layer.weight, before)


def test_amplitudes_are_the_spectrum_of_the_kernel():
    layer = RandomFourierFeatures(3, 8, trainable_amplitude=True, generator=seeded())
    assert layer.amplitudes.tolist() == [1.0] * 4 and layer.amplitudes.requires_grad
    with torch.no_grad():
        layer.amplitudes.copy_(torch.tensor([2.0, 0.0, -1.0, 0.5]))
    x, y = torch.randn(2, 3, generator=seeded(1)).split(1)
    phases = (layer.frequencies() @ (x - y).T).flatten()
    expected = (torch.tensor([4.0, 0.0, 1.0, 0.25]) * torch.cos(phases)).sum() / 4
    assert (layer(x) @ layer(y).T).item() == pytest.approx(expected.item(), abs=1e-6)


def test_amplitudes_scale_maps_one_by_one():
    layer = CRFFg2d(1, 2, 1, trainable_amplitude=True, normalization="none", generator=seeded())
    plain = CRFFg2d(1, 2, 1, normalization="none", generator=seeded())
    x = torch.randn(2, 1, 3, 3, generator=seeded(1))
    with torch.no_grad():
        layer.amplitudes.copy_(torch.tensor([3.0, -1.0]))
    torch.testing.assert_close(layer(x), plain(x) * torch.tensor([3.0, -1.0])[:, None, None])
    layer.reset_parameters(seeded())
    assert torch.equal(layer(x), plain(x))


def test_settings_without_effect_leave_the_layer_and_its_state_as_they_were():
    layer = CRFFg2d(2, 4, weight_rate=0.5, fit="scale", generator=seeded())
    plain = CRFFg2d(2, 4, generator=seeded())
    assert list(layer.state_dict()) == list(plain.state_dict()) == ["weight", "bias", "log_relative_scale"]
    x = torch.randn(1, 2, 6, 6, generator=seeded(1))
    assert torch.equal(layer(x), plain(x))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"weight_rate": 0.0}, "weight_rate is 0.0; it must be a positive number"),
        ({"fit": "weights"}, "nothing, scale, frequencies"),
        ({"fit": "frequencies", "kernel": "laplacian_l1"}, "not isotropic"),
    ],
)
def test_impossible_settings_are_refused(changes, word):
    with pytest.raises(ConfigError, match=word):
        FourierSettings(**changes)
