import pytest
import torch
from torch import nn

from prismseg.base import ConfigError, ModelError
from prismseg.explain import Atlas
from prismseg.nets import create_model


def test_images_are_padded_as_the_network_pads():
    """22 x 26 becomes 32 x 32: 5 rows on each side, 3 columns; padded pixels are ignored."""
    network = Atlas(create_model("unet", width=0.25)).network
    images, masks = torch.rand(1, 1, 22, 26), torch.ones(1, 22, 26, dtype=torch.long)
    padded = network.pad(images, masks)
    assert padded.images.shape == (1, 1, 32, 32) and tuple(padded.window) == (5, 3, 22, 26)
    assert torch.equal(padded.window.cut(padded.images), images)
    assert (padded.masks == 255).sum() == 32 * 32 - 22 * 26 and padded.window.cut(padded.masks).eq(1).all()
    assert torch.equal(padded.images[0, 0, :5, 3], images[0, 0, 0, 0].expand(5))  # edges are continued


def test_networks_of_other_people_get_the_images_as_they_are():
    images = torch.rand(1, 1, 22, 26)
    padded = Atlas(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1))).network.pad(images)
    assert padded.images is images and padded.masks is None and tuple(padded.window) == (0, 0, 22, 26)


class Moody(nn.Module):
    """Runs its second layer for large images only."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        x = self.first(x)
        return self.second(x) if x.shape[-1] > 8 else x


def test_a_network_that_runs_other_layers_is_refused():
    atlas = Atlas(Moody(), ["first", "s*"])
    with pytest.raises(ConfigError, match="first batch"):
        atlas.layers  # noqa: B018
    atlas.maps(torch.rand(1, 1, 16, 16))
    assert atlas.layers == ("first", "second")
    with pytest.raises(ModelError, match="other layers for this batch"):
        atlas.maps(torch.rand(1, 1, 8, 8))
