import math
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from prismseg.explain.atlas import Atlas
from prismseg.explain.checks.reach import layer_reach, pointwise_layers
from prismseg.nets import create_model


def test_reach_of_convolutions_by_hand():
    """Behind the first layer lie a 5-wide and a 3-wide filter of ones: of 7 x 7 taps 1 2 3 3 3 2 1 each way, 95 % lie
    within 3 pixels (within 2 lie (13/15)² = 75 %); behind the second a 3-wide one; behind the third nothing."""
    model = nn.Sequential(
        nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 2, 1)
    )
    for layer in model:
        nn.init.ones_(layer.weight)
    reach = layer_reach(Atlas(model), torch.rand(1, 1, 21, 21))
    assert reach == {"0": 3, "1": 1, "2": 0, "3": 0}


def test_reach_of_a_coarse_layer_is_counted_in_pixels():
    """Cells of 4 pixels: the nearest cell's centre lies half a pixel to a pixel and a half from a pixel."""
    model = nn.Sequential(nn.Conv2d(1, 1, 4, 4), nn.Upsample(scale_factor=4), nn.Conv2d(1, 1, 1))
    for layer in (model[0], model[2]):
        nn.init.ones_(layer.weight)
    reach = layer_reach(Atlas(model, ["0", "2"]), torch.rand(1, 1, 16, 16))
    assert reach["0"] == 1.5 and reach["2"] == 0


def test_classes_do_not_cancel_out():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 2, 3, padding=1))
    with torch.no_grad():
        model[1].weight[0], model[1].weight[1] = 1.0, -1.0
    assert layer_reach(Atlas(model), torch.rand(1, 1, 9, 9))["0"] == 1


SIZES = st.tuples(st.integers(40, 90), st.integers(40, 90))


@cache
def network(arch):
    torch.manual_seed(0)
    return create_model(arch, "crffg" if arch == "unet" else "none", multiplier=1, classes=2, width=0.5).eval()


LATE = {"unet": ["decoder.3.first", "decoder.3.second", "head"], "resunet": ["head"], "fcn": ["head"]}


@pytest.mark.parametrize("arch", LATE)
@settings(max_examples=6)
@given(size=SIZES)
def test_which_layers_are_pointwise_does_not_depend_on_the_size(arch, size):
    """Also where sides are odd or no multiples of the stride, so that the network continues the image."""
    model = network(arch)
    generator = torch.Generator().manual_seed(0)
    layers = [name for name in LATE[arch] if name in dict(model.named_modules())]
    image = torch.rand(1, 1, *size, generator=generator)
    reach = layer_reach(Atlas(model, [*layers, "encoder.0"]), image)
    whole = layer_reach(Atlas(model, [*layers, "encoder.0"]), torch.rand(1, 1, 64, 64, generator=generator))
    assert pointwise_layers(reach, "layercam") == pointwise_layers(whole, "layercam")
    if arch == "unet":
        assert pointwise_layers(reach, "layercam") == ["decoder.3.second", "head"]
        assert reach["head"] == reach["decoder.3.second"] == 0 and reach["decoder.3.first"] == 1


class Bordered(nn.Module):
    """Somebody else's network, which adds a border, or cuts one off, without saying so."""

    def __init__(self, before, after):
        super().__init__()
        self.before, self.after = before, after
        self.wide, self.head = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 2, 1)
        for layer in (self.wide, self.head):
            nn.init.ones_(layer.weight)

    def forward(self, x):
        height, width = x.shape[-2:]
        grown = F.pad(x, (self.before, self.after, self.before, self.after), mode="replicate")
        out = self.head(self.wide(grown))
        return out[..., self.before : self.before + height, self.before : self.before + width]


@settings(max_examples=10)
@given(size=SIZES, before=st.integers(0, 17), after=st.integers(0, 17))
def test_a_border_that_a_network_adds_by_itself(size, before, after):
    reach = layer_reach(Atlas(Bordered(before, after)), torch.rand(1, 1, *size))
    assert reach["head"] == pytest.approx(0, abs=1e-6) and reach["wide"] == pytest.approx(0, abs=1e-6)


@settings(max_examples=10)
@given(size=SIZES)
def test_filters_that_cut_off_the_border(size):
    """Three 3-wide filters without padding take 6 pixels a side; the logits are brought back to the image's size by
    padding."""

    class Valid(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in range(3)), nn.Conv2d(1, 1, 1))
            for layer in self.layers:
                nn.init.ones_(layer.weight)

        def forward(self, x):
            return F.pad(self.layers(x), (3, 3, 3, 3))

    reach = layer_reach(Atlas(Valid(), ["layers.0", "layers.1", "layers.2"]), torch.rand(1, 1, *size))
    assert reach == pytest.approx({"layers.0": 2, "layers.1": 1, "layers.2": 0}, abs=1e-6)


def test_dead_units_are_not_taken_for_pointwise_layers():
    """The last ReLU lets a gradient through in one pixel of sixteen only; and nowhere, in another network."""
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3, padding=1), nn.ReLU(), nn.Conv2d(1, 1, 1))
    for layer in (model[0], model[1], model[3]):
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)
    nn.init.constant_(model[1].bias, -0.5)
    image = torch.zeros(1, 1, 40, 40)
    image[..., ::4, ::4] = 1
    reach = layer_reach(Atlas(model, ["0", "2"]), image)
    assert reach["0"] == 1 and reach["2"] == 0
    nn.init.constant_(model[1].bias, -50)
    reach = layer_reach(Atlas(model, ["0", "2"]), image)
    assert math.isnan(reach["0"]) and reach["2"] == 0
    assert pointwise_layers(reach, "layercam") == ["2"]
