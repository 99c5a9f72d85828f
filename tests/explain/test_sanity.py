import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from prismseg.explain.atlas import Atlas
from prismseg.explain.sanity import Batch, centred_ranks, correlation, randomize_layers, scramble_
from prismseg.nets import create_model
from tests.explain.conftest import scene


def test_correlation_is_spearmans():
    first, second = torch.rand(3, 8, 9), torch.rand(3, 8, 9).round(decimals=1)
    found = correlation(centred_ranks(first), centred_ranks(second))
    expected = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isnan(correlation(centred_ranks(torch.ones(1, 4, 4)), centred_ranks(first[:1, :4, :4]))).all()


def test_scrambling_keeps_the_values():
    layer = nn.Conv2d(4, 8, 3)
    before = layer.weight.detach().clone()
    scramble_(layer, torch.Generator().manual_seed(0))
    assert not torch.equal(layer.weight, before)
    assert torch.equal(layer.weight.flatten().sort().values, before.flatten().sort().values)


def test_gradient_maps_forget_and_maps_that_ignore_the_network_do_not():
    torch.manual_seed(0)
    model = create_model("unet", width=0.5).eval()
    images, masks = scene(4, size=(32, 32))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    atlas = Atlas(
        model, ["encoder.0.first.0", "decoder.3.first.0", "head"], ["layercam", "random"], region="truth"
    )
    table = randomize_layers(atlas, [Batch(images, masks, "aabb")])
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert table["scrambled"].unique().tolist() == ["(trained)", "head", "decoder.3.first.0", "encoder.0.first.0"]
    layer_cam = table[table["method"] == "layercam"]
    assert (layer_cam.loc[layer_cam["step"] == 0, "correlation"] > 0.6).all()
    assert layer_cam.loc[layer_cam["step"] == 3, "correlation"].abs().max() < 0.6
    noise = table[table["method"] == "random"]
    np.testing.assert_allclose(noise["correlation"], 1)
    assert table["ci_low"].isna().all() and (table["range_low"] <= table["correlation"] + 1e-9).all()
    again = randomize_layers(atlas, [Batch(images[:2], masks[:2], "aa"), Batch(images[2:], masks[2:], "bb")])
    deterministic = again["method"] == "layercam"
    np.testing.assert_allclose(again[deterministic]["correlation"], layer_cam["correlation"], atol=0.02)


def test_correlation_by_hand():
    """Ranks 1 2 3 against 3 2 1 and 1 3 2: −1 and 1/2."""
    first = np.array([[-1.0, 0, 1], [-1, 0, 1]])
    second = np.array([[1.0, 0, -1], [-1, 1, 0]])
    assert correlation(first, second).tolist() == [-1, pytest.approx(0.5)]
