"""Statistics of weights on planted samples, and a tiny network beside its untrained twin."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from scipy import stats

from prismseg.base import ConfigError, ModelError
from prismseg.features import CRFFg2d, sample_frequencies
from prismseg.nets import create_model, load_model
from prismseg.study.kinds.weights.figures import draw_weights
from prismseg.study.kinds.weights.layers import compare_weights, layer_law, measure_layer
from prismseg.study.kinds.weights.run import run_weights, untrained_twin
from prismseg.study.kinds.weights.settings import WeightsSettings
from prismseg.study.kinds.weights.statistics import (
    effective_length_scale,
    radial_law,
    radial_spectrum,
    rayleigh_test,
)
from prismseg.train.config import make_config, write_config

RNG = np.random.default_rng


def norms(kernel, count, dim, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    return sample_frequencies(kernel, count, dim, generator=generator, **options).double().norm(dim=1).numpy()


@pytest.mark.parametrize("n", [10, 40])
def test_uniform_phases_are_rejected_as_often_as_said(n):
    trials = 4000
    found = np.array([rayleigh_test(phases)[1] for phases in RNG(0).uniform(0, 2 * np.pi, (trials, n))])
    for level in (0.5, 0.05, 0.01):
        error = math.sqrt(level * (1 - level) / trials)
        assert abs((found < level).mean() - level) < 4 * error + 0.02 * level


def test_concentrated_phases_are_rejected():
    phases = stats.vonmises(kappa=1.0).rvs(60, random_state=1)
    resultant, p = rayleigh_test(phases)
    assert p < 1e-3
    # The mean resultant of von Mises phases is I1(kappa) / I0(kappa).
    assert resultant == pytest.approx(0.446, abs=0.15)
    assert rayleigh_test(np.full(20, 1.2)) == pytest.approx((1, math.exp(math.sqrt(81) - 41)))
    assert rayleigh_test(np.arange(20) * 2 * np.pi / 20)[1] == 1


def test_the_resultant_by_hand():
    # Two phases a right angle apart: the mean of 1 and j has length 1 / sqrt 2.
    assert rayleigh_test(np.array([0, np.pi / 2]))[0] == pytest.approx(math.sqrt(0.5))


@pytest.mark.parametrize("truncate", [None, 0.99])
@pytest.mark.parametrize("kernel", ["gaussian", "matern12", "matern32", "matern52", "rational_quadratic"])
def test_laws_are_those_that_are_drawn(kernel, truncate):
    law = radial_law(kernel, 9, truncate=truncate)
    drawn = norms(kernel, 3000, 9, truncate=truncate)
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-3
    assert stats.kstest(1.5 * drawn, law.cdf).pvalue < 1e-6
    levels = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(law.cdf(law.quantile(levels)), levels, atol=2e-3)


def test_laws_in_closed_form():
    r = np.array([0.5, 2.0, 5.0])
    np.testing.assert_allclose(radial_law("gaussian", 4).cdf(r), stats.chi(4).cdf(r))
    # |t|² / n of a multivariate Student vector follows F(n, 2 nu).
    np.testing.assert_allclose(radial_law("matern32", 4).cdf(r), stats.f(4, 3).cdf(r**2 / 4), atol=1e-4)
    assert radial_law("gaussian", 4).second_moment == 4
    assert radial_law("matern32", 4).second_moment == 12
    assert radial_law("rational_quadratic", 4).second_moment == 4
    assert math.isinf(radial_law("matern12", 4).second_moment)
    with pytest.raises(ConfigError, match="laplacian_l2"):
        radial_law("laplacian_l1", 4)


@pytest.mark.parametrize("kernel", ["gaussian", "rational_quadratic"])
@pytest.mark.parametrize("planted", [0.5, 1.0, 1.7])
def test_the_effective_length_scale_is_the_planted_one_within_its_error(kernel, planted):
    law = radial_law(kernel, 18)
    z = []
    for seed in range(200):
        length, error = effective_length_scale(norms(kernel, 200, 18, seed) / planted, law)
        z.append((length - planted) / error)
    # Nearly standard normal: the error is neither too small nor too large.
    assert abs(np.mean(z)) < 0.3
    assert 0.8 < np.std(z) < 1.25
    assert math.isnan(effective_length_scale(np.ones(5), radial_law("matern12", 3))[0])


def test_the_error_of_the_gaussian_length_scale():
    _, error = effective_length_scale(norms("gaussian", 5000, 50), radial_law("gaussian", 50))
    assert error == pytest.approx(1 / math.sqrt(2 * 50 * 5000), rel=0.05)


def test_spectra_of_white_smooth_and_alternating_filters():
    white = RNG(2).normal(size=(300, 4, 3, 3))
    frequency, power = radial_spectrum(white)
    assert len(frequency) == len(power) == 12 and frequency[-1] < 0.5
    np.testing.assert_allclose(power, 1, atol=0.1)
    smooth = radial_spectrum(np.ones((1, 1, 3, 3)))[1]
    # A filter of ones has power (k²)² / k² at frequency 0.
    assert 8 < smooth[0] <= 9 and smooth[-1] < 0.5
    sign = (-1.0) ** np.add.outer(np.arange(3), np.arange(3))
    assert radial_spectrum(sign[None, None])[1].argmax() == 11


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


def settings(root, **training):
    base = {
        "data": {"path": str(root / "data"), "channels": 1, "classes": ["background", "foot"]},
        "simulate": {"sessions": 6, "size": [48, 64]},
        "size": [32, 32],
        "model": {"width": 0.25},
        "optim": {"steps": 4, "batch_size": 2},
        "split": {"fractions": [0.5, 0.2, 0.3]},
        "evaluate_every": 4,
        "compile": "no",
        "seed": 7,
    }
    return WeightsSettings.model_validate({"training": base | training})


def test_the_twin_is_where_training_began(tmp_path):
    """With hardly any learning rate the trained network is its twin, and with another seed it is not."""
    still = {"steps": 2, "batch_size": 2, "lr": 1e-12, "weight_decay": 0.0}
    table = run_weights(settings(tmp_path, optim=still), tmp_path / "work")
    changes = table[table["measure"].isin(("weight_change", "phase_change"))]
    assert len(changes) == 2 * 5 and changes["value"].max() < 1e-6
    trained = load_model(tmp_path / "work" / "run" / "model")
    trained.metadata["training"]["seed"] = 8
    other = compare_weights(untrained_twin(trained), trained)
    assert other.query("measure == 'weight_change'")["value"].min() > 1
    # Version 0.1 drew weights by another rule; its networks have no twin that could be drawn.
    del trained.metadata["training"]["weight_streams"]
    with pytest.raises(ModelError, match="another rule"):
        untrained_twin(trained)


def test_the_twin_of_a_network_that_went_on_is_the_one_it_began_from(tmp_path):
    first = create_model("unet", "crffg", width=0.25, seed=3)
    first.save_pretrained(tmp_path / "first")
    going_on = create_model("unet", "crffg", width=0.25, seed=4)
    going_on.metadata = {"training": {"initial": "first", "seed": 0, "weight_streams": 1}}
    going_on.save_pretrained(tmp_path / "run" / "model")
    with pytest.raises(ModelError, match="began from the network first"):
        run_weights(WeightsSettings(source=str(tmp_path / "run" / "model")), tmp_path)
    config = make_config({"data": {"path": "x"}, "initial": str(tmp_path / "first")})
    write_config(tmp_path / "run" / "config.yaml", config)
    table = run_weights(WeightsSettings(source=str(tmp_path / "run")), tmp_path)
    expected = compare_weights(first, going_on)
    pd.testing.assert_frame_equal(table, expected)


def test_a_run_trains_measures_and_draws(tmp_path):
    table = run_weights(settings(tmp_path), tmp_path / "work")
    assert {"dice", "ks_p_after", "spectrum_before", "norms_law"} <= set(table["measure"])
    assert table.query("measure == 'weight_change'")["value"].min() > 0
    again = run_weights(WeightsSettings(source=str(tmp_path / "work" / "run")), tmp_path / "again")
    weights = table[table["layer"] != ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, weights, check_dtype=False)
    arrays = np.load(tmp_path / "again" / "weights.npz")
    assert arrays["skips.0.frequencies.before"].shape == (2, 18)
    for name in ("norms_after", "phases_after"):
        curve = table[(table["measure"] == name) & (table["layer"] == "skips.1")]
        assert curve["value"].sum() * curve["x"].diff().iloc[-1] == pytest.approx(1)
    law = table[(table["measure"] == "norms_law") & (table["layer"] == "skips.1")]
    assert law["value"].sum() * law["x"].diff().iloc[-1] == pytest.approx(1, abs=0.01)
    both = pd.concat([table.assign(seed="0", arch="unet"), table.assign(seed="0", arch="another one")])
    figures = draw_weights(both)
    kinds = ("norms", "phases", "spectrum")
    assert set(figures) == {f"{kind}-{name}" for kind in kinds for name in ("unet", "another-one")} | {"layers"}
    for name, figure in (figures | draw_weights(table)).items():
        figure.savefig(tmp_path / f"{name}.png")


def test_settings_are_whole_and_checked():
    whole = WeightsSettings()
    assert whole.training is not None and whole.training.simulate.sessions == 12
    assert WeightsSettings.model_validate(whole.model_dump(mode="json")) == whole
    partial = WeightsSettings.model_validate({"training": {"seed": 3, "simulate": {"sessions": 2}}})
    assert (partial.training.seed, partial.training.simulate.sessions) == (3, 2)
    own = WeightsSettings.model_validate({"training": {"data": {"path": "mine"}}})
    assert own.training.simulate is None
    found = WeightsSettings(source="runs/a")
    assert found.training is None and WeightsSettings.model_validate(found.model_dump()) == found
    for values in ({"source": "a", "training": {"seed": 1}}, {"sauce": "a"}, {"training": {"sed": 1}}):
        with pytest.raises(ValidationError):
            WeightsSettings.model_validate(values)
