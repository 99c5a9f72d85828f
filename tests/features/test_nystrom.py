"""Nyström features against the exact kernel."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import ConfigError
from prismseg.features import CRFFg2d, NystromFeatures2d, exact_kernel, median_scale
from prismseg.features.normalize import unit_rms


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fitted(x: torch.Tensor, count: int, side: int = 1) -> NystromFeatures2d:
    layer = NystromFeatures2d(x.shape[1], count, side)
    layer.fit_(x, seeded(9))
    return layer


def values(layer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Features of each pixel, (pixels, Q)."""
    with torch.no_grad():
        return layer(x).flatten(2)[0].T


def test_the_kernel_is_exact_at_landmarks():
    """Eight pixels of four channels are the landmarks, since there are no more different ones."""
    x = torch.randn(1, 4, 2, 4, generator=seeded())
    layer = fitted(x, 8)
    points = unit_rms(x).flatten(2)[0].T
    assert layer.scale.item() == pytest.approx(median_scale(points), rel=1e-6)
    phi = values(layer, x)
    exact = exact_kernel("gaussian", points, points, scale=float(layer.scale))
    torch.testing.assert_close(phi @ phi.T, exact, atol=1e-4, rtol=0)
    assert (exact - torch.eye(8)).max() > 0.3  # a kernel that tells something


def test_the_error_elsewhere_falls_with_the_landmarks_and_is_below_that_of_random_features():
    x = torch.nn.functional.avg_pool2d(torch.randn(1, 3, 34, 34, generator=seeded()), 3, 1)
    points = unit_rms(x).flatten(2)[0].T
    errors = []
    for count in (8, 64):
        layer = fitted(x, count)
        phi = values(layer, x)
        exact = exact_kernel("gaussian", points, points, scale=float(layer.scale))
        errors.append((phi @ phi.T - exact).square().mean().sqrt().item())
    cosines = CRFFg2d(3, 64, 1, preset="frozen", normalization="rms", generator=seeded(1))
    cosines.set_scale_(float(layer.scale))
    random = values(cosines, x)
    assert errors[1] < errors[0] / 5
    assert errors[1] < (random @ random.T - exact).square().mean().sqrt().item() / 5


def test_landmarks_are_the_centres_of_clusters():
    centres = torch.tensor([[3.0, 0.0], [0.0, 3.0], [-3.0, -3.0]])
    points = centres.repeat_interleave(40, 0) + 0.01 * torch.randn(120, 2, generator=seeded())
    x = points.T.reshape(1, 2, 10, 12)
    found = fitted(x, 3).landmarks.flatten(1)
    expected = centres / points.square().mean().sqrt()
    assert torch.cdist(found, expected).min(0).values.max() < 0.02


def test_patches_are_seen_as_a_convolution_sees_them():
    x = torch.randn(2, 2, 6, 5, generator=seeded())
    layer = fitted(x, 4, 3)
    patch = unit_rms(x)[1:, :, 1:4, 2:5].flatten(1)
    kernel = exact_kernel("gaussian", layer.landmarks.flatten(1), patch, scale=float(layer.scale))
    torch.testing.assert_close(layer(x)[1, :, 2, 3], (layer.whitening @ kernel)[:, 0], atol=1e-5, rtol=1e-4)


def test_an_image_of_one_value_leaves_all_landmarks_but_one():
    layer = NystromFeatures2d(2, 4)
    before, sigma = layer.landmarks.clone(), layer.scale.item()
    layer.fit_(torch.full((2, 2, 6, 6), 3.0))
    assert torch.equal(layer.landmarks[1:], before[1:]) and layer.scale.item() == sigma
    assert layer.landmarks[0].flatten().tolist() == pytest.approx([1.0] * 18)
    assert layer(torch.full((1, 2, 6, 6), 3.0)).isfinite().all()


def test_autocast_does_not_cancel_digits():
    x = torch.randn(1, 4, 8, 8, generator=seeded())
    layer = fitted(x, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        short = layer(x)
    torch.testing.assert_close(short, values(layer, x).T.reshape(short.shape))


@given(height=st.integers(1, 5), width=st.integers(1, 5))
def test_any_image_size(height, width):
    layer = NystromFeatures2d(1, 3)
    layer.fit_(torch.rand(2, 1, height, width))
    assert layer(torch.rand(1, 1, height, width)).shape == (1, 3, height, width)


def test_the_same_generator_gives_the_same_landmarks():
    x = torch.randn(1, 3, 20, 20, generator=seeded())
    assert torch.equal(fitted(x, 8).landmarks, fitted(x, 8).landmarks)


def test_patches_need_a_centre():
    with pytest.raises(ConfigError, match="odd"):
        NystromFeatures2d(1, 2, 2)
