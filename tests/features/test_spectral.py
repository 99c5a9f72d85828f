import math

import numpy as np
import pytest
import torch
from scipy import stats

from prismseg.base import ConfigError
from prismseg.features import sample_frequencies, sample_phases, second_moment
from prismseg.study.kinds.weights.statistics import radial_law


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_gaussian_norms_are_chi_distributed_also_when_orthogonal():
    for orthogonal in (False, True):
        norms = sample_frequencies("gaussian", 4000, 9, orthogonal=orthogonal, generator=generator()).norm(dim=1)
        assert stats.kstest(norms.numpy(), stats.chi(9).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("kernel", "freedom"), [("matern12", 1), ("matern32", 3), ("matern52", 5)])
def test_matern_rows_are_multivariate_student(kernel, freedom):
    # |t|^2 / n of a multivariate Student vector follows F(n, freedom).
    rows = sample_frequencies(kernel, 4000, 6, generator=generator(1))
    ratio = (rows.double().square().sum(1) / 6).numpy()
    assert stats.kstest(ratio, stats.f(6, freedom).cdf).pvalue > 1e-3


def test_truncated_tails_end_at_the_quantile():
    free = sample_frequencies("matern12", 4000, 1, generator=generator(2)).abs()
    cut = sample_frequencies("matern12", 4000, 1, truncate=0.99, generator=generator(2)).abs()
    # The chi-square of one degree of freedom lies below 1.57e-4 in 1 % of draws, so the factor is at most 80.
    limit = 1 / math.sqrt(stats.chi2.ppf(0.01, 1))
    assert free.max() > 3 * limit
    assert cut.max() < 5 * limit
    entries = sample_frequencies("laplacian_l1", 4000, 2, truncate=0.99, generator=generator(2)).abs()
    assert entries.max() <= stats.cauchy.ppf(0.995) * 1.001


def test_cauchy_entries():
    entries = sample_frequencies("laplacian_l1", 2000, 2, generator=generator(3)).flatten().numpy()
    assert stats.kstest(entries, stats.cauchy.cdf).pvalue > 1e-3


def test_orthogonal_rows_within_a_block_and_the_haar_law():
    rows = sample_frequencies("gaussian", 8, 5, orthogonal=True, generator=generator(4)).double()
    unit = rows / rows.norm(dim=1, keepdim=True)
    torch.testing.assert_close(unit[:5] @ unit[:5].T, torch.eye(5, dtype=torch.float64), atol=1e-6, rtol=0)
    assert (unit[5:] @ unit[:5].T).abs().max() > 1e-3
    # The first entry of a Haar-distributed direction has a symmetric distribution; unfixed QR signs would not.
    first = [
        sample_frequencies("gaussian", 3, 3, orthogonal=True, generator=generator(seed))[0, 0].item()
        for seed in range(400)
    ]
    assert abs(np.mean(np.sign(first))) < 0.2


def test_orthogonal_l1_is_refused():
    with pytest.raises(ConfigError, match="laplacian_l2"):
        sample_frequencies("laplacian_l1", 4, 4, orthogonal=True)


def test_stratified_phases_put_one_into_each_part():
    phases = sample_phases(64, stratified=True, generator=generator(5))
    parts = (phases / (2 * math.pi) * 64).long().sort().values
    assert parts.tolist() == list(range(64))
    plain = sample_phases(3000, generator=generator(5)).numpy()
    assert stats.kstest(plain, stats.uniform(0, 2 * math.pi).cdf).pvalue > 1e-3


@pytest.mark.parametrize("truncate", [None, 0.99, 0.9])
@pytest.mark.parametrize("kernel", ["gaussian", "arccosine", "matern32", "matern52", "rational_quadratic"])
def test_second_moments_are_those_of_the_law(kernel, truncate):
    # The distribution in the weights study is tabulated from quantiles, apart from the closed forms.
    assert second_moment(kernel, truncate=truncate) == pytest.approx(
        radial_law(kernel, 7, truncate=truncate).second_moment / 7, rel=0.01
    )


@pytest.mark.parametrize("kernel", ["matern12", "laplacian_l2", "laplacian_l1"])
def test_second_moments_of_heavy_tails(kernel):
    assert math.isinf(second_moment(kernel))
    for truncate in (0.99, 0.9):
        # The mean over evenly spread quantiles is the integral, whose integrand is finite up to the truncation.
        levels = (np.arange(200_000) + 0.5) / 200_000 * truncate
        squares = np.tan(np.pi * levels / 2) ** 2 if kernel == "laplacian_l1" else 1 / stats.chi2.isf(levels, 1)
        assert second_moment(kernel, truncate=truncate) == pytest.approx(squares.mean(), rel=1e-3)
    drawn = sample_frequencies(kernel, 20_000, 3, truncate=0.99, generator=generator(7))
    assert drawn.square().mean().item() == pytest.approx(second_moment(kernel, truncate=0.99), rel=0.1)
