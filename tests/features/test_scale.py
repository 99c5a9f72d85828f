import pytest
import torch

from prismseg.base import ConfigError
from prismseg.features import RandomFourierFeatures, median_scale, sample_patches


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_median_of_three_points_by_hand():
    x = torch.tensor([[0.0], [1.0], [10.0]])
    assert median_scale(x) == 9.0
    layer = RandomFourierFeatures(1, 8)
    layer.fit_scale_(x)
    assert layer.scale.item() == pytest.approx(9.0)


def test_the_order_of_the_norm():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert median_scale(x, norm=2) == 5.0 and median_scale(x, norm=1) == 7.0
    layer = RandomFourierFeatures(2, 8, kernel="laplacian_l1", orthogonal=False)
    layer.fit_scale_(x)
    assert layer.scale.item() == pytest.approx(7.0)


def test_points_without_a_distance_are_refused():
    with pytest.raises(ConfigError, match="coincide"):
        median_scale(torch.zeros(5, 2))
    with pytest.raises(ConfigError, match="at least two"):
        median_scale(torch.zeros(1, 2))


def test_only_so_many_points_count():
    # Of 2 of the points 0, 1, 2 … 99 the distance is a whole number; of all of them the median is 30.
    x = torch.arange(100.0)[:, None]
    assert median_scale(x) == 30.0
    few = {median_scale(x, limit=2, generator=seeded(seed)) for seed in range(10)}
    assert len(few) > 3 and few <= {float(distance) for distance in range(1, 100)}


def test_patches_are_those_of_the_images():
    images = torch.arange(2 * 2 * 3 * 4.0).reshape(2, 2, 3, 4)
    patches = sample_patches(images, 3)
    expected = {tuple(image[:, :, start : start + 3].flatten().tolist()) for image in images for start in (0, 1)}
    assert {tuple(patch.tolist()) for patch in patches} == expected and len(patches) == 4
    assert sample_patches(images, 3, limit=1, generator=seeded()).shape == (1, 18)
