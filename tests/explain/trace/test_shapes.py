"""Which outputs of layers are maps, and what is done with those that are not."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.base import ModelError
from prismseg.explain import Atlas
from prismseg.nets import create_model
from tests.explain.conftest import scene


class Mixed(nn.Module):
    """Channels first and last, weights, windows, a gate, an upsampling: every kind of output, all 8 x 8."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 4, 4), nn.BatchNorm2d(8), nn.ReLU())
        self.norm, self.linear = nn.LayerNorm(8), nn.Linear(8, 8)
        self.weights, self.dropout = nn.Softmax(-1), nn.Dropout(0.1)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten(2)
        self.head = nn.Conv2d(8, 1, 1)
        self.up = nn.Upsample(scale_factor=4)

    def forward(self, x):
        x = self.stem(x)
        y = self.dropout(self.linear(self.norm(x.permute(0, 2, 3, 1))))
        t = self.flat(x).mT
        a = self.weights(t @ t.mT)[:, None].expand(-1, 8, -1, -1)
        x = x + y.permute(0, 3, 1, 2) + (a[:, :, 0] @ t).mean(2).view(-1, 8, 1, 1)
        x = x * torch.sigmoid(self.excite(F.relu(self.squeeze(self.pool(x)))))
        return self.up(self.head(x))


def test_a_pattern_shows_maps_only_each_once_and_counts_the_rest():
    torch.manual_seed(0)
    atlas = Atlas(Mixed(), ["*"], ["gradcam"])
    images, _ = scene(2)
    atlas.maps(images)
    assert atlas.layers == ("stem", "stem.0", "stem.1")
    reasons = {
        "stem.2": "the same as 'stem'",
        "norm": r"(2, 8, 8, 8), no map (B, D, h, w); pass adapter=",
        "linear": "no map (B, D, h, w)",
        "dropout": "no map (B, D, h, w)",
        "weights": "attention weights",
        "flat": "(2, 8, 64), no map",
        "squeeze": "a single cell",
        "excite": "a single cell",
        "pool": "a single cell",
        "head": "the network's one logit",
        "up": "the network's one logit",
    }
    assert atlas.left_out.keys() == reasons.keys()
    for name, text in reasons.items():
        assert text in atlas.left_out[name], name


class Handing(nn.Module):
    """A dropout on the way, an identity on a skip connection and one on the way to it."""

    def __init__(self):
        super().__init__()
        self.stem, self.dropout, self.next = nn.Conv2d(1, 4, 3, padding=1), nn.Dropout(), nn.Identity()
        self.down, self.skip, self.head = nn.Conv2d(4, 4, 3, padding=1), nn.Identity(), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = self.next(self.dropout(self.stem(x)))
        return self.head(self.skip(x) + torch.tanh(self.down(x)))


def test_what_hands_its_input_through_is_shown_for_a_gradient_of_its_own_only():
    torch.manual_seed(0)
    atlas = Atlas(Handing(), ["*"], ["hirescam"], "image")
    maps = atlas.maps(scene(1)[0])
    assert atlas.layers == ("stem", "down", "skip", "head")
    assert atlas.left_out == dict.fromkeys(("dropout", "next"), "it shows the same as 'stem'")
    assert not torch.equal(maps["hirescam", "stem", 1], maps["hirescam", "skip", 1])


@pytest.mark.parametrize("name", ["norm", "linear", "weights", "squeeze", "pool"])
def test_what_is_no_map_is_refused_by_name(name):
    with pytest.raises(ModelError, match=f"'{name}' cannot be explained"):
        Atlas(Mixed(), [name]).maps(scene(2)[0])


def test_an_adapter_of_the_users_is_trusted():
    images, _ = scene(2)

    def received(output, size):
        return output[:, None].mean(2).unflatten(2, (8, 8))

    atlas = Atlas(Mixed(), ["weights"], ["layercam"], adapter=received)
    assert atlas.maps(images)["layercam", "weights", 1].shape == (2, 32, 32)
    with pytest.raises(ModelError, match=r"adapter gives \(2, 64, 64\)"):
        Atlas(Mixed(), ["weights"], adapter=lambda output, size: output).maps(images)


def test_the_one_logit_is_shown_if_asked_for_by_name():
    images, _ = scene(1)
    atlas = Atlas(create_model("unet", width=0.25), ["head"])
    assert atlas.maps(images) and atlas.layers == ("head",)
    assert "head" not in Atlas(create_model("unet", width=0.25)).left_out


def test_the_mean_over_layers_is_that_of_maps():
    """Squeeze-and-excitation layers would draw the mean towards the mask's share of the image."""
    torch.manual_seed(0)
    images, masks = scene(2)
    model = Mixed()
    whole, named = Atlas(model, methods=["random"]), Atlas(model, ["stem"], ["random"])
    for atlas in (whole, named):
        atlas.update(images, masks)
    assert set(whole.left_out) == {"squeeze:act", "excite", "head"}
    assert whole.cases().equals(named.cases())
