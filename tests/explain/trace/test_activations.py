"""Which tensor is explained of a convolution: its output after the activation function that follows it."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.base import ConfigError
from prismseg.explain import Atlas
from prismseg.nets import create_model
from tests.explain.conftest import scene


class Everywhere(nn.Module):
    """Convolutions with their activation behind normalisation, called in all ways."""

    def __init__(self):
        super().__init__()
        self.root = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.unit = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.pairs = nn.Sequential(
            nn.Conv2d(4, 4, 1), nn.GELU(), nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4), nn.ELU(), nn.MaxPool2d(1)
        )
        self.residual, self.residual_norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.branch, self.relu = nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True)
        self.linear, self.last, self.head = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = F.relu(self.norm(self.root(x)))
        x = self.pairs(self.unit(x))
        x = self.relu(self.residual_norm(self.residual(x)) + x)  # behind an addition: not its own
        y = self.branch(x)
        x = self.relu(self.last(y.relu() + y))  # the branch is used without its ReLU too
        return self.head(self.linear(x))


NAMES = ("root:act", "unit", "pairs.1", "pairs.4", "residual", "branch", "linear", "relu[1]", "head")


def test_a_convolution_is_shown_with_its_activation():
    torch.manual_seed(0)
    model = Everywhere().eval()
    images, masks = scene(2)
    atlas = Atlas(model, "all", ["layercam", "hirescam"], "truth")
    maps = atlas.maps(images, masks)
    assert atlas.layers == NAMES and atlas.left_out == {}
    again = Atlas(model, list(NAMES), ["layercam", "hirescam"], "truth").maps(images, masks)
    assert list(again) == list(maps)
    for key, values in maps.items():  # a name means the same wherever it comes from
        torch.testing.assert_close(again[key], values)


def test_the_activation_of_a_function_call_is_kept_and_has_its_gradient():
    torch.manual_seed(0)
    model = Everywhere().eval()
    images, _ = scene(1)
    with_module = nn.Sequential(model.root, model.norm, nn.ReLU(), model.unit, model.pairs)
    rest = nn.Sequential(with_module, nn.Conv2d(4, 2, 1))
    functional = _Functional(model, rest[1])
    one, other = (
        Atlas(net, [name], ["layercam", "gradcam"], "image").maps(images)
        for net, name in ((functional, "root:act"), (rest, "0.2"))
    )
    for method in ("layercam", "gradcam"):
        for cls in (0, 1):
            torch.testing.assert_close(one[method, "root:act", cls], other[method, "0.2", cls])


class _Functional(nn.Module):
    def __init__(self, model, head):
        super().__init__()
        self.root, self.norm, self.unit, self.pairs = model.root, model.norm, model.unit, model.pairs
        self.head = head

    def forward(self, x):
        return self.head(self.pairs(self.unit(F.relu(self.norm(self.root(x)), inplace=True))))


def test_root_sequences():
    model = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))
    atlas = Atlas(model, methods=["gradcam"])
    atlas.maps(scene(1)[0])
    assert atlas.layers == ("2", "3")


def test_a_convolution_without_an_activation_has_none():
    with pytest.raises(ConfigError, match=r"'linear:act'.*0 times"):
        Atlas(Everywhere(), ["linear:act"]).maps(scene(1)[0])
    with pytest.raises(ConfigError, match="no layer 'liner:act'"):
        Atlas(Everywhere(), ["liner:act"])


def test_a_block_that_runs_twice_with_and_without_activation():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Conv2d(1, 1, 3, padding=1)
            self.head = nn.Conv2d(1, 2, 1)

        def forward(self, x):
            return self.head(self.block(torch.relu(self.block(x))))

    atlas = Atlas(Twice(), methods=["gradcam"])
    atlas.maps(scene(1)[0])
    assert atlas.layers == ("block:act", "block[1]", "head")


def test_our_networks_show_every_convolution_once():
    for arch, skip in (("unet", "conv"), ("resunet", "none"), ("fcn", "none")):
        model = create_model(arch, skip, multiplier=1, classes=2, width=0.25)
        atlas = Atlas(model, methods=["gradcam"])
        atlas.maps(scene(1, size=(64, 64))[0])
        count = sum(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in model.modules())
        assert len(atlas.layers) == count and atlas.left_out == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scripted_part_is_passed_over():
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()))
    atlas = Atlas(nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), scripted, nn.Conv2d(4, 2, 1)), methods=["gradcam"])
    atlas.maps(scene(1)[0])
    assert atlas.layers == ("1", "3")
