"""The closed-form head beside scikit-learn and SciPy."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import Ridge as SklearnRidge

from prismseg.base import DataError
from prismseg.study.kinds.fashion.ridge import fit_ridge


def problem(count, width, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(2.0, 1.0, (count, width)) * np.linspace(0.2, 2, width)
    targets = features @ rng.normal(0, 1, (width, 3)) + rng.normal(0, 2.0, (count, 3)) + 5
    return torch.from_numpy(features), torch.from_numpy(targets)


@pytest.mark.parametrize(("count", "width"), [(40, 8), (12, 30)])
def test_the_ridge_is_scikit_learns(count, width):
    """More images than features (X'X in batches) and fewer (XX')."""
    x, y = problem(count, width)
    head = fit_ridge(zip(x.split(7), y.split(7), strict=True), count, penalty=3.7)
    wanted = SklearnRidge(alpha=3.7).fit(x.numpy(), y.numpy())
    np.testing.assert_allclose(head(x).numpy(), wanted.predict(x.numpy()), atol=1e-9)


@pytest.mark.parametrize(("count", "width"), [(40, 8), (12, 30)])
def test_the_penalty_maximises_the_marginal_likelihood(count, width):
    """Beside the density of a multivariate normal over a grid of penalties and noises."""
    x, y = problem(count, width)
    head = fit_ridge([(x, y)], count)
    centre = np.eye(count)[1:] - 1 / count
    basis = np.linalg.qr(centre.T)[0].T  # coordinates in which the mean is integrated out
    kernel = basis @ x.numpy() @ x.numpy().T @ basis.T
    targets = (basis @ y.numpy()).T

    def evidence(penalty):
        covariance = np.eye(count - 1) + kernel / penalty
        noise = np.mean([t @ np.linalg.solve(covariance, t) for t in targets]) / (count - 1)
        return np.mean(
            [stats.multivariate_normal.logpdf(t, np.zeros(count - 1), noise * covariance) for t in targets]
        )

    at_best = evidence(head.penalty)
    assert head.log_evidence == pytest.approx(at_best, rel=1e-6)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert evidence(head.penalty * factor) < at_best


def test_nothing_to_fit_is_an_error():
    ones = torch.ones(5, 3, dtype=torch.float64)
    with pytest.raises(DataError, match="same features"):
        fit_ridge([(ones, torch.randn(5, 2).double())], 5)
    with pytest.raises(DataError, match="at least two images"):
        fit_ridge([], 1)
