"""Patches and their features."""

import math

import pytest
import torch

from prismseg.study.kinds.kernel.features import (
    base_scale,
    convolutional_features,
    dense_features,
    sample_patches,
)
from prismseg.study.kinds.kernel.settings import KernelSettings


def test_the_scale_is_the_median_distance_in_the_kernels_norm():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    assert base_scale("matern32", x) == pytest.approx(5)
    assert base_scale("laplacian_l1", x) == pytest.approx(7)
    assert base_scale("arccosine", x) == pytest.approx(math.sqrt(125 / 3))


def test_a_convolution_maps_its_patches_as_dense_features_do():
    settings = KernelSettings(map="crffg", outputs=6, data="noise", patch=5, points=40)
    patches = sample_patches(settings)
    points = []
    for image, position in zip(patches.image, patches.position, strict=True):
        row, column = divmod(int(position), 28)
        points.append(patches.images[image, 0, row : row + 5, column : column + 5].flatten())
    torch.testing.assert_close(patches.points, torch.stack(points))
    first = convolutional_features(settings, patches, 2.0, torch.Generator().manual_seed(3))
    second = dense_features(settings, patches.points, 2.0, torch.Generator().manual_seed(3))
    torch.testing.assert_close(first, second, atol=1e-5, rtol=0)
