"""Frozen features are those of the layer."""

import pytest
import torch

from prismseg.base import ConfigError
from prismseg.study.kinds.fashion.frozen import FrozenFeatures
from prismseg.study.kinds.fashion.settings import FrozenSettings


def test_features_are_those_of_the_layer():
    images = torch.rand(20, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    frozen = FrozenFeatures(FrozenSettings(patch=3, filters=8, grid=2), images, torch.Generator().manual_seed(1))
    mapped = frozen.layer(images)
    assert mapped.shape == (20, 8, 10, 10)
    by_hand = torch.stack(
        [mapped[:, :, r : r + 5, c : c + 5].mean((2, 3)) for r in (0, 5) for c in (0, 5)], dim=2
    ).flatten(1)
    torch.testing.assert_close(frozen(images), by_hand)
    with pytest.raises(ConfigError, match="choose a smaller grid"):
        FrozenFeatures(FrozenSettings(grid=11, patch=3), images, torch.Generator())
