"""Maps of members whose probabilities are known."""

import numpy as np
import pytest
import torch
from torch import nn

from prismseg.base import DataError
from prismseg.data import Preprocess
from prismseg.inference import BayesianPredictor, Predictor
from prismseg.inference.bayesian.maps import maps_of_draws
from prismseg.nets import ARCHITECTURES, SegmentationModel, create_model
from prismseg.train.ensemble.combine import Member, combine

IMAGE = np.repeat(np.array([0, 64, 128, 255], np.uint8)[:, None], 4, axis=1)


class Threshold(SegmentationModel):
    """Foreground where the image, from 0 to 1, is above a level."""

    stride = 1

    def __init__(self, settings):
        super().__init__(settings)
        self.head = nn.Conv2d(1, 1, 1)

    def segment(self, x):
        return self.head(x)


def above(level):
    network = create_model("threshold")
    with torch.no_grad():
        network.head.weight.fill_(1000.0)
        network.head.bias.fill_(-1000.0 * level)
    network.metadata = {"classes": ["background", "bright"], "preprocess": Preprocess((4, 4), 1, "unit").to_dict()}
    return network


def predictor(*levels):
    return Predictor(combine([Member(above(level), f"above {level}") for level in levels]))


@pytest.fixture(autouse=True)
def _threshold():
    with ARCHITECTURES.temporarily("threshold", Threshold):
        yield


def test_sure_members_that_differ_have_information_and_those_that_agree_none():
    both = predictor(0.1, 0.9)
    maps = BayesianPredictor(both, "ensemble")(IMAGE)
    np.testing.assert_allclose(maps.probabilities, both(IMAGE).probabilities, atol=1e-6)
    differing = np.abs(maps.probabilities[1] - 0.5) < 0.01
    assert differing.any() and not differing.all()
    assert (maps.mutual_information[differing] > 0.99).all() and (maps.variance[:, differing] > 0.24).all()
    agreed = np.abs(maps.probabilities[1] - 0.5) > 0.49
    assert (maps.mutual_information[agreed] < 0.02).all()


def test_by_hand_with_weights(tmp_path):
    draws = np.array([[0.9, 0.1], [0.3, 0.7]])[..., None, None]
    maps = maps_of_draws(draws, [0.75, 0.25])

    def entropy(p):
        return -(p * np.log2(p) + (1 - p) * np.log2(1 - p))

    assert maps.probabilities[0].item() == pytest.approx(0.75)
    assert maps.entropy.item() == pytest.approx(entropy(0.75))
    assert maps.mutual_information.item() == pytest.approx(
        entropy(0.75) - 0.75 * entropy(0.9) - 0.25 * entropy(0.3)
    )
    assert maps.variance[1].item() == pytest.approx(0.75 * 0.15**2 + 0.25 * 0.45**2)
    stored = np.load(maps.save(tmp_path / "maps.npz"))
    assert sorted(stored) == ["entropy", "mutual_information", "variance"]
    with pytest.raises(DataError, match="2 draws and 1 weights"):
        maps_of_draws(draws, [1.0])
    with pytest.raises(DataError, match="M from 1 on"):
        maps_of_draws(draws[:0])
