"""Variational frequencies of a network: fitted where the data say nothing, tight where they do."""

import numpy as np
import pytest
import torch
from tests.conftest import write_discs

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.data import Preprocess, open_dataset
from prismseg.inference import BayesianPredictor, Predictor, fit_variational
from prismseg.inference.bayesian.variational import (
    VariationalFrequencies,
    draw_frequencies,
    spread_frequencies,
    variational_layers,
)
from prismseg.nets import create_model


@pytest.fixture(scope="module")
def predictor():
    network = create_model("unet", "crffg", width=0.25, seed=0)
    network.metadata = {
        "classes": ["background", "foreground"],
        "preprocess": Preprocess((16, 16), 1, "zscore").to_dict(),
    }
    return Predictor(network)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_dataset(write_discs(tmp_path_factory.mktemp("data"), patients=3, images=1, size=(20, 24)))


def test_fit_file_and_maps(predictor, data, tmp_path):
    before = {name: each.clone() for name, each in predictor.model.state_dict().items()}
    fitted = fit_variational(predictor, data, [0, 1], [2], steps=3)
    assert all(torch.equal(each, predictor.model.state_dict()[name]) for name, each in before.items())
    assert len(fitted.log_deviations) == 4 and "did not learn from" in fitted.notes[0]
    fitted.save(tmp_path)
    maps = BayesianPredictor(predictor, "variational", tmp_path)(data[0].image)
    assert maps.entropy.shape == (20, 24) and maps.mutual_information.max() > 0
    again = BayesianPredictor(predictor, "variational", tmp_path)(data[0].image)
    np.testing.assert_array_equal(maps.variance, again.variance)


def test_without_variance_all_draws_are_the_network(predictor, data):
    fitted = fit_variational(predictor, data, [0], steps=1)
    assert "too small" in fitted.notes[0]
    nothing = VariationalFrequencies(
        {name: each - 30 for name, each in fitted.log_deviations.items()}, 1.0, fitted.network
    )
    draws, _ = draw_frequencies(nothing.spread(predictor), data[0].image, draws=2)
    for each in draws:
        np.testing.assert_allclose(each, predictor(data[0].image).probabilities, atol=1e-5)


def test_deviations_that_the_image_never_sees_go_to_the_prior(predictor, data):
    """Of a layer whose output the head does not use the bound is the divergence alone, which is least at the prior."""
    network = create_model("unet", "crffg", width=0.25, seed=0)
    network.metadata = predictor.model.metadata
    with torch.no_grad():
        network.head.weight.zero_()
    deaf = Predictor(network)
    fitted = fit_variational(deaf, data, [0], steps=60)
    layers = variational_layers(spread_frequencies(network))
    for name, each in fitted.log_deviations.items():
        first = layers[name].log_deviation
        assert (each > first + 1).all(), "towards the prior's deviation, from a twentieth of it"


def test_what_cannot_be_fitted(predictor, data, tmp_path):
    plain = create_model("unet", width=0.25, seed=0)
    with pytest.raises(ModelError, match="--skip crffg"):
        spread_frequencies(plain)
    with pytest.raises(DataError, match="no training case"):
        fit_variational(predictor, data, [])
    with pytest.raises(ModelError, match="--kind variational"):
        BayesianPredictor(predictor, "variational", tmp_path)
    fitted = fit_variational(predictor, data, [0], steps=1)
    other = create_model("unet", "crffg", width=0.25, seed=1)
    other.metadata = predictor.model.metadata
    with pytest.raises(ConfigError, match="another network"):
        fitted.spread(Predictor(other))
