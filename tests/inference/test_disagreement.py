"""Members that say the same, the contrary, and something between."""

import numpy as np
import pytest
import torch
from torch import nn

from prismseg.base import ModelError
from prismseg.data import Preprocess
from prismseg.inference import Predictor, disagreement
from prismseg.nets import ARCHITECTURES, SegmentationModel, create_model
from prismseg.train.ensemble.combine import Member, combine


class Threshold(SegmentationModel):
    """Foreground where the image, from 0 to 1, is above a level."""

    stride = 1

    def __init__(self, settings):
        super().__init__(settings)
        self.head = nn.Conv2d(1, 1, 1)

    def segment(self, x):
        return self.head(x)


@pytest.fixture(autouse=True)
def _threshold():
    with ARCHITECTURES.temporarily("threshold", Threshold):
        yield


def above(level):
    network = create_model("threshold")
    with torch.no_grad():
        network.head.weight.fill_(1000.0)
        network.head.bias.fill_(-1000.0 * level)
    network.metadata = {"classes": ["background", "bright"], "preprocess": Preprocess((4, 4), 1, "unit").to_dict()}
    return network


def predictor(*levels):
    return Predictor(combine([Member(above(level), f"above {level}") for level in levels]))


# Four rows of 0, 64, 128 and 255.
IMAGE = np.repeat(np.array([0, 64, 128, 255], np.uint8)[:, None], 4, axis=1)


def test_pairwise_dice_by_hand():
    found = disagreement(predictor(0.1, 0.4, 0.9), IMAGE)
    assert found.names == ("above 0.1", "above 0.4", "above 0.9")
    assert found.masks.sum((1, 2)).tolist() == [12, 8, 4]
    expected = [[1, 16 / 20, 8 / 16], [16 / 20, 1, 8 / 12], [8 / 16, 8 / 12, 1]]
    np.testing.assert_allclose(found.dice[..., 0], expected)
    assert found.score == pytest.approx(1 - (0.8 + 0.5 + 2 / 3) / 3)


def test_members_that_agree():
    assert disagreement(predictor(0.4, 0.4), IMAGE).score == 0
    assert disagreement(predictor(2.0, 3.0), IMAGE).score == 0  # both find nothing
    assert disagreement(predictor(0.4), IMAGE).score == 0
    assert disagreement(predictor(0.4, 2.0), IMAGE).score == 1


def test_a_single_network_is_refused():
    with pytest.raises(ModelError, match="this is a single network; make one: prismseg ensemble"):
        disagreement(Predictor(above(0.5)), IMAGE)
