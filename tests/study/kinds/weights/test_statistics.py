"""Laws and tests of frequencies and phases on planted samples."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from prismseg.base import ConfigError
from prismseg.features import sample_frequencies
from prismseg.study.kinds.weights.statistics import (
    effective_length_scale,
    radial_law,
    radial_spectrum,
    rayleigh_test,
)

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
