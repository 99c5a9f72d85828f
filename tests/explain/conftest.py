"""A network of two pixels' height that can be worked out by hand.

image      I = 1 2      first: A1 = I, A2 = 5 − I      head: z0 = 0, z1 = 2 A1 − A2 = 3 I − 5
               3 4
class 1 is the upper row: y1 = mean of z1 there, so g1 = 1 1 and g2 = −1/2 −1/2
                                                         0 0              0    0
"""

import pytest
import torch
from torch import nn

from prismseg.explain.measures.masks import SUMS
from prismseg.explain.measures.relevance import Relevance

IMAGE = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
MASK = torch.tensor([[[1, 1], [0, 0]]])


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 2, 1)
        self.head = nn.Conv2d(2, 2, 1)
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
            self.first.bias.copy_(torch.tensor([0.0, 5.0]))
            self.head.weight.copy_(torch.tensor([[0.0, 0.0], [2.0, -1.0]]).view(2, 2, 1, 1))
            self.head.bias.zero_()

    def forward(self, x):
        return self.head(self.first(x))


@pytest.fixture
def small():
    return Small()


def scene(batch=3, channels=1, size=(32, 32), classes=2, seed=0):
    """Images with masks in which every class is a block."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(batch, channels, *size, generator=generator)
    coarse = torch.randint(0, classes, (batch, 1, 4, 4), generator=generator).float()
    masks = nn.functional.interpolate(coarse, size=size)[:, 0].long()
    return images + 0.5 * masks[:, None], masks


def relevance_of(sums, masks, column):
    """Sums (B, 8) of a map a case against class number `column` of `masks`."""
    parts = {name: sums[:, place] for place, name in enumerate(SUMS)}
    facts = {name: getattr(masks, name)[:, column] for name in ("area", "band", "region", "hit")}
    return Relevance(**parts, **facts, pixels=masks.pixels)


def assert_equal_maps(maps, expected, **tolerance):
    assert list(maps) == list(expected)
    for key in expected:
        torch.testing.assert_close(maps[key], expected[key], **tolerance)
