"""Networks of several inputs and of volumes, taken as networks of one image."""

import copy

import pytest
import torch
from torch import nn

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.explain import Atlas, ExplainSettings, explain_loader, foreign
from prismseg.explain.inputs.packing import depth_of, pack_inputs, pack_masks, take_packed
from prismseg.explain.inputs.volumes import fold, unfold
from prismseg.explain.measures.masks import ClassMasks
from tests.explain.conftest import assert_equal_maps, scene


class Both(nn.Module):
    """Two images and a number: logits of one convolution over both images, and the number on class 1."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(2, 4, 3, padding=1)
        self.head = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, image, other, age=None):
        logits = self.head(torch.relu(self.first(image) + self.second(other)))
        return logits if age is None else logits + torch.cat([0 * age, age], dim=1)[:, :, None, None]


class Joined(nn.Module):
    """The same as one convolution over three channels."""

    def __init__(self, both):
        super().__init__()
        self.joint = nn.Conv2d(3, 4, 3, padding=1)
        self.head = copy.deepcopy(both.head)
        with torch.no_grad():
            self.joint.weight.copy_(torch.cat([both.first.weight, both.second.weight], dim=1))
            self.joint.bias.copy_(both.first.bias + both.second.bias)

    def forward(self, images):
        return self.head(torch.relu(self.joint(images)))


@pytest.fixture(scope="module")
def inputs():
    images, masks = scene(2, channels=3, size=(12, 16), classes=2)
    return images[:, :1], images[:, 1:], masks


def test_several_inputs_have_the_maps_of_their_channels_in_one(inputs):
    image, other, masks = inputs
    both = Both()
    packed, packing = pack_inputs([image, other])
    model = take_packed(both, packing)
    torch.testing.assert_close(model(packed), both(image, other))
    options = {"layers": ["head"], "methods": ["gradcam", "layercam", "gradxinput", "ig"], "region": "truth"}
    mine, theirs = Atlas(model, **options), Atlas(Joined(both), **options)
    assert_equal_maps(mine.maps(packed, masks), theirs.maps(packed, masks), atol=1e-6, rtol=1e-4)
    assert Atlas(model).maps(packed).keys() == Atlas(model).with_model(copy.deepcopy(model)).maps(packed).keys()


def test_a_vector_gets_the_whole_of_its_relevance(inputs):
    image, other, _ = inputs
    age = torch.tensor([[2.0], [-1.0]])
    packed, packing = pack_inputs({"image": image, "other": other, "age": age})
    assert packed.shape == (2, 4, 12, 16)
    model = take_packed(Both(), packing)
    torch.testing.assert_close(model(packed), Both()(image, other, age))
    source = packed.clone().requires_grad_()
    model(source)[:, 1].mean((1, 2)).sum().backward()
    relevance = (source.grad * packed)[:, 3].sum((1, 2))
    torch.testing.assert_close(relevance, age[:, 0])  # the number adds itself to the logit of class 1


def test_the_network_is_left_as_it_was(inputs):
    image, other, _ = inputs
    both = Both().train()
    packed, packing = pack_inputs((image, other))
    model = take_packed(both, packing)
    assert type(both) is Both and [*dict(model.named_modules())] == [*dict(both.named_modules())]
    Atlas(model).maps(packed)
    assert (
        both.training
        and both.first.training
        and type(both)(  # its class makes networks of two inputs still
        )(image, other).shape
        == (2, 2, 12, 16)
    )
    patched = Both()
    patched.forward = lambda image, other: -Both.forward(patched, image, other)  # as wrappers of accelerate do
    torch.testing.assert_close(take_packed(patched, packing)(packed), patched(image, other))


def test_a_loader_of_several_inputs(inputs, monkeypatch, tmp_path):
    image, other, masks = inputs
    seen = {}
    monkeypatch.setattr(
        foreign, "explain", lambda networks, cases, out, **rest: seen.update(n=networks[0], c=cases)
    )
    explain_loader(Both(), [((image, other), masks)], tmp_path)
    predictor, cases = seen["n"].predictor, seen["c"]
    assert predictor.classes == ["0", "1"] and cases[0].image.shape == (12, 16, 3)
    assert predictor.packing.shown() == slice(0, 1)  # the picture beneath maps is the first input
    with pytest.raises(DataError, match=r"1 \+ 2 channels and then 1 channel"):
        explain_loader(Both(), [((image, other), masks), (image, masks)], tmp_path)


def test_inputs_that_cannot_be_packed():
    image = torch.rand(2, 1, 8, 8)
    with pytest.raises(DataError, match=r"of one size, besides vectors"):
        pack_inputs([image, torch.rand(2, 1, 4, 4)])
    with pytest.raises(DataError, match=r"input number 1 is torch\.int64"):
        pack_inputs([image, torch.zeros(2, 3, dtype=torch.long)])
    with pytest.raises(DataError, match=r"images \(B, C, H, W\)"):
        pack_inputs([torch.rand(2, 5)])
    with pytest.raises(DataError, match="of 3 slices"):
        pack_masks(torch.zeros(1, 4, 8, 8), pack_inputs(torch.rand(1, 1, 3, 8, 8))[1])


class Volumes(nn.Module):
    """Convolutions of 3 x 3 x 3, a coarser grid, and logits of half the size."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv3d(1, 4, 3, padding=1)
        self.second = nn.Conv3d(4, 6, 3, stride=2, padding=1)
        self.head = nn.Conv3d(6, 3, 1)

    def forward(self, volume):
        return {"aux": volume.mean(), "out": self.head(torch.relu(self.second(torch.relu(self.first(volume)))))}


@pytest.fixture(scope="module")
def volumes():
    generator = torch.Generator().manual_seed(0)
    masks = nn.functional.interpolate(
        torch.randint(0, 3, (2, 1, 2, 4, 4), generator=generator).float(), size=(6, 12, 16)
    )[:, 0].long()
    return torch.rand(2, 1, 6, 12, 16, generator=generator) + 0.3 * masks[:, None], masks


def by_hand(model, volumes, masks, cls):
    """Grad-CAM and Layer-CAM of the second convolution, in three dimensions, and rho of both."""
    activation = torch.relu(model.second(torch.relu(model.first(volumes)))).detach().requires_grad_()
    logits = nn.functional.interpolate(model.head(activation), volumes.shape[2:], mode="trilinear")[:, cls]
    inside = (masks == cls).float()
    score = ((logits * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3))).sum()
    gradient = torch.autograd.grad(score, activation)[0]
    maps = {
        "gradcam": (gradient.mean((2, 3, 4), keepdim=True) * activation).sum(1, keepdim=True).relu(),
        "layercam": (gradient.relu() * activation).sum(1, keepdim=True).relu(),
    }
    maps = {
        name: nn.functional.interpolate(each, volumes.shape[2:], mode="trilinear")[:, 0].detach()
        for name, each in maps.items()
    }
    return {name: (each, (each * inside).sum((1, 2, 3)) / each.sum((1, 2, 3))) for name, each in maps.items()}


def test_maps_and_measures_of_volumes_are_those_by_hand(volumes):
    images, masks = volumes
    packed, packing = pack_inputs(images)
    model = take_packed(Volumes(), packing, "out")
    assert depth_of(model) == 6 and depth_of(Volumes()) == 1
    assert torch.equal(fold(unfold(packed, 6)), packed)
    atlas = Atlas(model, ["second:act"], ["gradcam", "layercam", "random", "region"], region="truth")
    maps = atlas.maps(packed, fold(masks))
    atlas.update(packed, fold(masks))
    table = atlas.cases().set_index(["method", "class", "case"])["rho"].sort_index()
    for cls in range(3):
        for name, (expected, rho) in by_hand(Volumes(), images, masks, cls).items():
            torch.testing.assert_close(unfold(maps[name, "second:act", cls], 6), expected, atol=1e-8, rtol=1e-4)
            assert table[name, str(cls)].tolist() == pytest.approx(rho.tolist(), rel=1e-5)
        assert table["region", str(cls)].tolist() == pytest.approx([1, 1])


def test_the_band_around_a_contour_reaches_into_other_slices():
    masks = torch.zeros(1, 5, 7, 7, dtype=torch.long)
    masks[:, 2, 3, 3] = 1
    made = ClassMasks.from_labels(fold(masks), [1], width=1, depth=5)
    assert made.band.tolist() == [[27]] and made.area.tolist() == [[1]]
    beside = torch.zeros(1, 2, 4, 4, dtype=torch.long)
    beside[:, 0, 3] = 1  # the last row of one slice does not touch the first of the next
    assert ClassMasks.from_labels(fold(beside), [1], width=1, depth=2).band.tolist() == [[16]]


def test_what_is_of_planes_is_refused_for_volumes(volumes, tmp_path):
    images, masks = volumes
    _, packing = pack_inputs(images)
    model = take_packed(Volumes(), packing, "out")
    for options, words in (
        ({"methods": ["occlusion"]}, "map method occlusion is of planes"),
        ({"region": "pixel:1x1"}, "region pixel:1x1 is of planes"),
        ({"adapter": lambda out, size: out}, "Adapters are of images"),
    ):
        with pytest.raises(ConfigError, match=words):
            Atlas(model, **options)
    with pytest.raises(ConfigError, match="fill blur is of planes"):
        explain_loader(
            Volumes(),
            [(images, masks)],
            tmp_path / "x",
            output="out",
            settings=ExplainSettings(faithfulness=("blur",)),
        )
    with pytest.raises(ModelError, match=r"shape \(B, K, D, H, W\)"):
        explain_loader(Volumes(), [(images, masks)], tmp_path / "x", output="aux")
    with pytest.raises(DataError, match="6 slices and then 1 channel in 5 slices"):
        explain_loader(
            Volumes(), [(images, masks), (images[:, :, :5], masks[:, :5])], tmp_path / "x", output="out"
        )
    assert not (tmp_path / "x").exists()
