"""Regions and scores worked out by hand: two pixels, three classes."""

import pytest
import torch

from prismseg.base import ConfigError, DataError
from prismseg.explain.target.regions import class_scores, find_regions

LOGITS = torch.tensor([[[[2.0, 0.0, 0.0]], [[1.0, 3.0, 0.0]], [[0.0, 1.0, 5.0]]]])  # predicted 0 1 2
MASKS = torch.tensor([[[0, 2, 255]]])


@pytest.mark.parametrize(
    "region, masks, expected",
    [
        ("prediction", None, [[1, 0, 0], [0, 0, 1]]),
        ("prediction", MASKS, [[1, 0, 0], [0, 0, 0]]),
        ("truth", MASKS, [[1, 0, 0], [0, 1, 0]]),
        ("image", None, [[1, 1, 1], [1, 1, 1]]),
        ("image", MASKS, [[1, 1, 0], [1, 1, 0]]),
    ],
)
def test_regions_of_two_classes(region, masks, expected):
    """Of the classes 0 and 2; the third pixel is ignored where there are masks."""
    assert find_regions(region, LOGITS, masks, [0, 2])[0, :, 0].tolist() == expected


def test_one_logit_channel():
    """A logit of 0 is background."""
    logits = torch.tensor([[[[-1.0, 0.0, 2.0]]]])
    assert find_regions("prediction", logits, None, [0, 1])[0, :, 0].tolist() == [[1, 1, 0], [0, 0, 1]]


def test_what_cannot_be_found():
    with pytest.raises(DataError, match="The region is the true mask, so masks are needed"):
        find_regions("truth", LOGITS, None, [0])
    with pytest.raises(ConfigError, match="no region 'foot'"):
        find_regions("foot", LOGITS, None, [0])


def test_scores_are_means_over_the_region():
    region = torch.tensor([[[1.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]]])
    values = torch.tensor([[[1.0, 5.0, 9.0]], [[1.0, 5.0, 9.0]]], requires_grad=True)
    scores = class_scores(values, region)
    assert scores.tolist() == [pytest.approx(3), 0]
    (gradient,) = torch.autograd.grad(scores.sum(), values)
    torch.testing.assert_close(gradient, torch.tensor([[[0.5, 0.5, 0]], [[0.0, 0, 0]]]), rtol=0, atol=1e-6)
