"""Parts of a prediction as targets; that of a union is the size-weighted sum of its parts."""

import pytest
import torch
from torch import nn

from prismseg.base import ConfigError, DataError
from prismseg.explain import Atlas
from prismseg.explain.target.regions import find_regions


def logits_of(pred, classes=2):
    return nn.functional.one_hot(torch.as_tensor(pred), classes).permute(2, 0, 1)[None].float() - 0.5


PRED = torch.zeros(12, 12, dtype=torch.long)
PRED[1:11, 1:9] = 1  # 80 pixels
PRED[2:4, 10:12] = 1  # 4 pixels, an instance of its own
TRUTH = torch.zeros(1, 12, 12, dtype=torch.long)
TRUTH[0, 1:11, 3:11] = 1
TRUTH[0, 0] = 255


def part(name, masks=TRUTH):
    return find_regions(name, logits_of(PRED), masks, [1])[0, 0].bool()


def test_boundary_and_interior_by_hand():
    boundary, interior = part("boundary"), part("interior")
    expected = torch.zeros(12, 12, dtype=torch.bool)
    expected[4:8, 4:6] = True  # further than 3 pixels from any other class
    assert torch.equal(interior, expected)
    assert torch.equal(boundary | interior, PRED == 1) and not (boundary & interior).any()


def test_errors_by_hand():
    valid = TRUTH[0] != 255
    assert torch.equal(part("false-positive"), (PRED == 1) & (TRUTH[0] == 0) & valid)
    assert torch.equal(part("false-negative"), (PRED == 0) & (TRUTH[0] == 1))
    with pytest.raises(DataError, match="false positives, so masks are needed"):
        part("false-positive", None)


def test_instances_by_size():
    assert part("instance:1").sum() == 80 and part("instance:2").sum() == 4 and part("instance:3").sum() == 0
    corner = PRED.clone()
    corner[1, 9] = 1  # touches both pieces at corners or sides: one instance
    assert find_regions("instance:1", logits_of(corner), None, [1]).sum() == 85
    with pytest.raises(ConfigError, match="counted from 1"):
        part("instance:0")


def test_one_pixel():
    assert part("pixel:5x7").nonzero().tolist() == [[5, 7]]
    with pytest.raises(ConfigError, match="row and column"):
        part("pixel:5,7")
    with pytest.raises(DataError, match="no pixel 5x12"):
        part("pixel:5x12")


def test_overlapping_classes():
    logits = torch.tensor([[[[1.0, -1.0]], [[2.0, -3.0]]]])
    assert find_regions("positive", logits, None, [0, 1])[0, :, 0].tolist() == [[1, 0], [1, 0]]


class Positive(nn.Module):
    """All weights, and so all activations and gradients, are positive: maps are linear in the score."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first, self.head = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.rand(parameter.shape, generator=generator))

    def forward(self, x):
        return self.head(self.first(x).relu())


def test_the_map_of_a_union_is_the_size_weighted_sum_of_its_parts():
    model, images = Positive(), torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    atlas = Atlas(model, ["first"], ["hirescam"], classes=[1])

    def weighted(name):
        region = part(name)
        maps = atlas.maps(images, regions=region[None, None].float())
        return region.sum() * maps["hirescam", "first", 1]

    for parts in (["boundary", "interior"], ["instance:1", "instance:2"]):
        union = (PRED == 1).float()
        whole = atlas.maps(images, regions=union[None, None])["hirescam", "first", 1]
        torch.testing.assert_close(sum(map(weighted, parts)), union.sum() * whole)
    with pytest.raises(AssertionError):  # the control: one part alone is not the whole
        torch.testing.assert_close(weighted("boundary"), union.sum() * whole)


def test_a_network_that_pads_counts_pixels_of_the_image_as_given():
    """A pixel keeps its place, and padding is no instance and no boundary."""
    from prismseg.nets import create_model

    model = create_model("unet", "none", width=0.25, seed=0).eval()
    images = torch.rand(1, 1, 21, 30, generator=torch.Generator().manual_seed(2))
    atlas = Atlas(model, ["encoder.0"], ["hirescam"], region="pixel:20x3")
    assert atlas.regions(images)[0, 1].nonzero().tolist() == [[20, 3]]
    whole = [
        Atlas(model, ["encoder.0"], ["hirescam"], region=name).regions(images)
        for name in ("prediction", "boundary")
    ]
    assert not (whole[1].bool() & ~whole[0].bool()).any()


def test_an_atlas_measures_given_regions():
    model, images = Positive(), torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    named, given = (Atlas(model, ["first"], ["hirescam", "region"], region="false-negative") for _ in range(2))
    masks = torch.ones(1, 12, 12, dtype=torch.long)
    with torch.no_grad():
        masks[0, :6] = 1 - model(images).argmax(1)[0, :6]
    named.update(images, masks)
    regions = named.regions(images, masks)
    given.update(images, masks, regions=regions)
    assert regions[:, 1].any()
    assert named.cases().equals(given.cases())
