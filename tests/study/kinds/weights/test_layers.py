"""Measures of layers before and after training."""

import math

import pytest
import torch

from prismseg.base import ModelError
from prismseg.features import CRFFg2d
from prismseg.nets import create_model
from prismseg.study.kinds.weights.layers import compare_weights, layer_law, measure_layer
from prismseg.study.kinds.weights.run import untrained_twin


def test_a_layer_is_held_against_its_law():
    layer = CRFFg2d(4, 200, generator=torch.Generator().manual_seed(5))
    law, sigma = layer_law(layer), float(layer.scale)
    fresh = measure_layer(layer, law, sigma)
    assert fresh["ks_p"] > 1e-3 and fresh["rayleigh_p"] > 0.5
    assert fresh["length_scale"] == pytest.approx(1, abs=4 * fresh["length_scale_error"])
    assert fresh["centroid"] == pytest.approx(1, abs=0.02)
    # Q Gaussian vectors in n dimensions: 1 / (1 / n + 1 / Q).
    assert fresh["dimension"] == pytest.approx(1 / (1 / 36 + 1 / 200), rel=0.03)
    with torch.no_grad():
        layer.weight *= 1.5
        layer.bias.copy_(0.3 * layer.bias)
    moved = measure_layer(layer, law, sigma)
    assert moved["ks_p"] < 1e-6 and moved["rayleigh_p"] < 1e-6
    assert moved["length_scale"] == pytest.approx(fresh["length_scale"] / 1.5)
    with torch.no_grad():
        layer.log_relative_scale += math.log(1.5)
    # A longer sigma undoes it: what counts is the frequency.
    assert measure_layer(layer, law, sigma)["length_scale"] == pytest.approx(fresh["length_scale"])
    with torch.no_grad():
        layer.weight.copy_(layer.weight.mean(dim=(2, 3), keepdim=True).expand_as(layer.weight))
    assert measure_layer(layer, law, sigma)["centroid"] < 0.6


def test_a_network_and_itself_and_one_without_the_layer():
    network = create_model("fcn", "crffg", width=0.25)
    table = compare_weights(network, network)
    changes = table[table["measure"].str.endswith("_change")]
    assert (changes["value"] == 0).all() and set(changes["layer"]) == {"skips.0", "skips.1", "(mean)"}
    assert not table["measure"].str.contains("_p_change").any()
    with pytest.raises(ModelError, match="no CRFFg layer"):
        compare_weights(create_model("fcn"), create_model("fcn"))
    with pytest.raises(ModelError, match="different"):
        compare_weights(create_model("fcn", "crffg"), network)
    with pytest.raises(ModelError, match="seed"):
        untrained_twin(network)
