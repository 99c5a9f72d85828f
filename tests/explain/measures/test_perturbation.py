import math

import numpy as np
import pytest
import torch

from prismseg.explain.atlas import Atlas
from prismseg.explain.measures.perturbation import perturbation
from tests.explain.conftest import IMAGE, MASK


def test_by_hand():
    """Confidences 0.5 0.4 0 1 before, 0.2 0.7 0.5 1 after."""
    before = torch.tensor([0.5, 0.4, 0.0, 1.0])
    after = torch.tensor([0.2, 0.7, 0.5, 1.0])
    values = perturbation(torch.ones(4, 1, 2, 2), torch.rand(4, 2, 2), before, lambda images: after)
    expected = [[0.6, 0, 0], [0, 1, 0.3 / 0.6], [0, 1, 0.5], [0, 0, 0]]
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_the_network_sees_the_image_times_the_map():
    """The map 0 1 / 2 4 is scaled to 0 1/4 / 1/2 1."""
    seen = []
    maps = torch.tensor([[[0.0, 1.0], [2.0, 4.0]]])
    perturbation(IMAGE, maps, torch.ones(1), lambda images: seen.append(images) or torch.ones(1))
    torch.testing.assert_close(seen[0], torch.tensor([[[[0, 0.5], [1.5, 4.0]]]]))


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def test_in_an_atlas(small):
    """HiResCAM shows 0 1/2 / 0 0 (test_maps.py), scaled 0 1 / 0 0; z1 = 3 x − 5 on x = 0 2 above, against x = 1 2."""
    atlas = Atlas(small, ["first"], ["hirescam"], classes=[1], perturb=True, region="truth")
    atlas.update(IMAGE, MASK)
    before = (sigmoid(-2) + sigmoid(1)) / 2
    after = (sigmoid(-5) + sigmoid(1)) / 2
    row = atlas.cases().iloc[0]
    assert row["drop"] == pytest.approx((before - after) / before, rel=1e-5)
    assert row["increase"] == row["gain"] == 0
    summary = atlas.summary().set_index(["layer", "measure"])["mean"]
    assert summary["first", "drop"] == pytest.approx(row["drop"])


def test_a_class_that_is_predicted_nowhere_has_no_drop(small):
    """z1 = 3 I − 5 is above 0 in one case and below in the other: its drop is left out of the mean and counted."""
    images = torch.cat([IMAGE, torch.ones_like(IMAGE)])
    atlas = Atlas(small, ["first"], ["hirescam"], "prediction", classes=[1], perturb=True)
    atlas.update(images, MASK.expand(2, -1, -1))
    seen, unseen = atlas.cases()["drop"]
    assert 0 <= seen < 1 and np.isnan(unseen)
    summary = atlas.summary().set_index(["layer", "measure"])
    assert summary.loc[("first", "drop"), "mean"] == pytest.approx(seen)
    assert summary.loc[("first", "drop"), "n"] == 1 and summary.loc[("first", "rho"), "n"] == 2
    assert summary.loc[("(mean)", "drop"), "mean"] == pytest.approx(seen)
