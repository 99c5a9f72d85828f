"""Variational frequencies: moments and divergence against Monte Carlo, and the deterministic layer as their limit."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from prismseg.base import ConfigError
from prismseg.features import CRFFg2d
from prismseg.features.bayesian import VariationalCRFFg2d


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mapping": "paired", "trainable_amplitude": True},
        {"padding_mode": "zeros", "amplitude": "kernel"},
        {"scale": 0.6, "normalization": "none"},
    ],
)
def test_mean_and_variance_are_those_of_drawn_frequencies(changes):
    layer = VariationalCRFFg2d(2, 6, generator=seeded(), deviation=0.4, **changes)
    with torch.no_grad():
        layer.log_deviation.add_(torch.randn(layer.log_deviation.shape, generator=seeded(1)) / 2)
        if layer.amplitudes is not None:
            layer.amplitudes.copy_(torch.tensor([0.5, 1.0, 2.0]))
        x = torch.randn(1, 2, 3, 3, generator=seeded(2))
        mean, variance = layer.moments(x)
        draws = []
        generator = seeded(3)
        for _ in range(4000):
            layer.draw_(generator)
            draws.append(layer(x))
        sampled = torch.stack(draws)
        layer.expect_()
        error = 5 * (variance / len(sampled)).sqrt() + 1e-6
        assert (sampled.mean(0) - mean).abs().le(error).all()
        torch.testing.assert_close(sampled.var(0), variance, rtol=0.25, atol=1e-3)
        torch.testing.assert_close(layer(x), mean)
        # The control: features of the mean frequencies are not the mean features.
        assert ((CRFFg2d.forward(layer, x) - sampled.mean(0)).abs() > 2 * error).any()


def test_without_deviation_it_is_the_layer_itself():
    layer = CRFFg2d(3, 8, generator=seeded())
    spread = VariationalCRFFg2d.of(layer, deviation=1e-6)
    x = torch.randn(2, 3, 6, 6, generator=seeded(1))
    torch.testing.assert_close(spread(x), layer(x), rtol=1e-4, atol=1e-5)
    assert spread.moments(x)[1].max() < 1e-5
    assert VariationalCRFFg2d.of(layer).training == layer.training


def test_the_divergence_is_torchs_and_monte_carlos():
    layer = VariationalCRFFg2d(2, 4, generator=seeded(), deviation=0.3)
    prior = Normal(0.0, 1 / math.sqrt(18))
    own = Normal(layer.weight.detach(), layer.deviation.detach())
    torch.testing.assert_close(layer.kl().detach(), kl_divergence(own, prior).sum())
    drawn = own.rsample(torch.Size([20_000]))
    sampled = (own.log_prob(drawn) - prior.log_prob(drawn)).flatten(1).sum(1)
    assert abs(float(sampled.mean() - layer.kl().detach())) < 5 * float(sampled.std()) / math.sqrt(len(sampled))


def test_the_prior_is_what_untrained_frequencies_are_drawn_from():
    layer = VariationalCRFFg2d(8, 512, generator=seeded())
    assert float(layer.weight.detach().std()) == pytest.approx(layer.prior_deviation, rel=0.02)
    alone = VariationalCRFFg2d(8, 4, deviation=1.0)
    with torch.no_grad():
        alone.weight.zero_()
    assert float(alone.kl().detach()) == pytest.approx(0, abs=1e-3)


def test_far_from_the_data_the_expected_features_vanish():
    layer = VariationalCRFFg2d(2, 16, generator=seeded(), deviation=0.2, normalization="none", padding_mode="none")
    x = torch.randn(1, 2, 3, 3, generator=seeded(1))
    sizes = [float(layer(x * factor).square().mean()) for factor in (0.0, 3.0, 30.0)]
    assert sizes[0] > sizes[1] > 1e3 * sizes[2]
    variance = float(layer.moments(x * 30)[1].mean())
    assert variance == pytest.approx(layer.amplitude() ** 2 / 2, rel=1e-3), "that of a cosine of any phase"


def test_other_priors_are_refused():
    for changes in ({"kernel": "matern32"}, {"kernel": "arccosine"}, {"preset": "thesis", "mass": True}):
        with pytest.raises(ConfigError, match="normal prior"):
            VariationalCRFFg2d(2, 4, **changes)
    with pytest.raises(ConfigError, match="positive"):
        VariationalCRFFg2d(2, 4, deviation=0.0)
