"""A network whose evidence is planted: how much each pixel counts is known, so the order of maps is too."""

import pytest
import torch
from torch import nn


class Additive(nn.Module):
    """Logit 1 of every pixel is the weighted sum of all pixels of the image; logit 0 is 0."""

    def __init__(self, weights):
        super().__init__()
        self.whole = nn.Conv2d(1, 1, weights.shape, bias=False)
        with torch.no_grad():
            self.whole.weight.copy_(weights[None, None])

    def forward(self, x):
        z = self.whole(x).expand(-1, -1, *x.shape[2:])
        return torch.cat([torch.zeros_like(z), z], dim=1)


SIDE = 12


@pytest.fixture(scope="module")
def planted():
    """An object on the left that is predicted everywhere in the image, and a cue on the right that decides it."""
    generator = torch.Generator().manual_seed(0)
    weights = 0.002 * torch.rand(SIDE, SIDE, generator=generator)
    weights[2:6, 1:5] += 0.02  # the object
    weights[7:10, 7:11] += 0.1  # the cue
    masks = torch.zeros(2, SIDE, SIDE, dtype=torch.long)
    masks[:, 2:6, 1:5] = 1
    images = 0.5 + 0.5 * torch.rand(2, 1, SIDE, SIDE, generator=generator)
    return Additive(weights), images, masks, weights
