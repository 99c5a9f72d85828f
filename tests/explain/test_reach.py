import torch
from torch import nn

from prismseg.explain.atlas import Atlas
from prismseg.explain.reach import layer_reach


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
    reach = layer_reach(Atlas(model), torch.rand(1, 1, 16, 16))
    assert reach["0"] == 1.5 and reach["2"] == 0


def test_classes_do_not_cancel_out():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 2, 3, padding=1))
    with torch.no_grad():
        model[1].weight[0], model[1].weight[1] = 1.0, -1.0
    assert layer_reach(Atlas(model), torch.rand(1, 1, 9, 9))["0"] == 1
