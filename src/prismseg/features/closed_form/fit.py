"""Fits of linear models in one solve: with a given penalty, or the one that maximises the evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import lapack
from torch import Tensor

from prismseg.base import ConfigError, DataError
from prismseg.features.closed_form.posterior import LinearPosterior
from prismseg.features.statistics import RegressionStatistics

# The penalty is sought between these multiples of the largest eigenvalue of G. Below, where more features than rows
# fit every target exactly, the noise would be a difference without a correct digit; above, the weights are 0 to a
# millionth.
PENALTY_RANGE = (1e-11, 1e6)
GRID_POINTS = 96
# Each refinement narrows the grid 48 times: three reach a relative precision of the penalty of 1e-6, where the
# evidence, flat at its maximum, no longer changes.
GRID_REFINEMENTS = 3
LAPACK_BLOCK = 64  # columns that a decomposition works on at a time


def fit_ridge(statistics: RegressionStatistics, penalty: float) -> LinearPosterior:
    r"""Fit with a given penalty, by one Cholesky decomposition.

    The noise of each output maximises the evidence given the penalty:
    :math:`\sigma_k^2 = (\sum_n c_n t_{nk}^2 - B_{\cdot k}^T A^{-1} B_{\cdot k}) / N`.

    Parameters
    ----------
    statistics : RegressionStatistics
        Statistics of the rows.
    penalty : float
        :math:`\lambda > 0`; the ``alpha`` of scikit-learn's ``Ridge(fit_intercept=False)``.

    Raises
    ------
    ConfigError
        When the penalty is not positive, or so small that A is singular in float64.
    DataError
        When there are no rows.

    Examples
    --------
    >>> z, t = torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [4.0]])
    >>> fit_ridge(RegressionStatistics.of(z, t), penalty=5.0).weights  # 10 / (5 + 5)
    tensor([[1.]], dtype=torch.float64)
    """
    _check_statistics(statistics)
    if not 0 < penalty < math.inf:
        raise ConfigError(f"The penalty must be positive and finite; it is {penalty}.")
    identity = torch.eye(len(statistics.gram), dtype=torch.float64)
    lower, info = torch.linalg.cholesky_ex(statistics.gram + penalty * identity)
    if int(info):
        raise ConfigError(
            f"The penalty {penalty:g} is too small for features that depend on each other; raise it."
        )
    inverse = torch.linalg.solve_triangular(lower, identity, upper=False)
    projected = inverse @ statistics.cross
    log_ratio = len(lower) * math.log(penalty) - 2 * float(lower.diagonal().log().sum())
    noise = (statistics.squares - projected.square().sum(0)).clamp(min=0) / statistics.count
    return LinearPosterior(
        weights=inverse.T @ projected,
        factor=inverse.T,
        noise=noise,
        penalty=penalty,
        log_evidence=_log_evidence(statistics, noise, log_ratio),
    )


def ridge_path(statistics: RegressionStatistics, penalties: Sequence[float]) -> Tensor:
    r"""Weights of the fits with each of several penalties, from one decomposition.

    With :math:`G = Q T Q^T`, T tridiagonal, they are :math:`Q (T + \lambda I)^{-1} Q^T B`: after the reduction (Golub and
    Van Loan 2013, section 8.3.1), a quarter of the work of eigenvectors, every further penalty costs a multiplication.

    Parameters
    ----------
    statistics : RegressionStatistics
        Statistics of the rows.
    penalties : sequence of float
        Positive numbers.

    Returns
    -------
    (P, D, K) Tensor
        Of each, what `fit_ridge` calls ``weights``; float64.

    Raises
    ------
    ConfigError
        When a penalty is not positive and finite, or so small that a matrix is singular in float64.
    DataError
        When there are no rows.

    Examples
    --------
    >>> z, t = torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [4.0]])
    >>> ridge_path(RegressionStatistics.of(z, t), [5.0, 15.0]).flatten()  # 10 / (5 + 5), 10 / (5 + 15)
    tensor([1.0000, 0.5000], dtype=torch.float64)
    """
    _check_statistics(statistics)
    tried = torch.tensor(penalties, dtype=torch.float64)
    if not ((tried > 0) & tried.isfinite()).all():
        raise ConfigError(f"Penalties must be positive and finite; they are {list(penalties)}.")
    if len(statistics.gram) == 1:  # which has nothing to reduce
        return (statistics.cross / (statistics.gram + tried[:, None]))[:, None]
    reduced, diagonal, beside, reflectors, _ = lapack.dsytrd(
        statistics.gram.numpy(), lower=1, lwork=LAPACK_BLOCK * len(statistics.gram)
    )

    def rotate(values: Tensor, transpose: str) -> Tensor:
        """Q or its transpose times values (D, ·); Q leaves the first row as it is."""
        work = LAPACK_BLOCK * values.shape[1]
        below, _, _ = lapack.dormqr("L", transpose, reduced[1:, :-1], reflectors, values[1:].numpy(), work)
        return torch.cat([values[:1], torch.from_numpy(below)])

    projected = rotate(statistics.cross, "T")
    solved = []
    for penalty in tried.tolist():
        *_, solution, failed = lapack.dptsv(diagonal + penalty, beside, projected.numpy())
        if failed:
            raise ConfigError(
                f"The penalty {penalty:g} is too small for features that depend on each other; raise it."
            )
        solved.append(torch.from_numpy(np.ascontiguousarray(solution)))
    weights = rotate(torch.cat(solved, dim=1), "N")
    return weights.reshape(len(weights), len(tried), -1).movedim(1, 0).contiguous()


def fit_evidence(statistics: RegressionStatistics) -> LinearPosterior:
    r"""Fit with the penalty and the noise that maximise the evidence.

    Given :math:`\lambda`, the best noise is known (see `fit_ridge`), and the evidence depends on :math:`\lambda` alone:

    .. math:: \log p = \sum_k \left[ -\frac{N}{2} \log(2 \pi e\, \sigma_k^2(\lambda))
        + \frac12 \sum_i \log \frac{\lambda}{\lambda + s_i} + \frac12 \sum_n \log c_n \right]

    with the eigenvalues s of G (one decomposition). It is maximised on a grid that is refined around its best point; at
    the maximum MacKay's (1992) conditions :math:`\gamma = \alpha |w|^2`, which Tipping (2001) and scikit-learn's
    ``BayesianRidge`` iterate, hold.

    Parameters
    ----------
    statistics : RegressionStatistics
        Statistics of the rows; fewer rows than features are allowed.

    Raises
    ------
    DataError
        When there are no rows, or all targets are 0.

    Notes
    -----
    The model takes rows to be independent. Neighbouring pixels, and pixels of one patient, are not: there the penalty
    comes out too small, and `fit_held_out` chooses a better one.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> z = torch.randn(200, 3, generator=generator)
    >>> t = z @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1 * torch.randn(200, 1, generator=generator)
    >>> posterior = fit_evidence(RegressionStatistics.of(z, t))
    >>> posterior.weights.T.round(decimals=1), posterior.noise.sqrt().round(decimals=1)
    (tensor([[ 1.0000, -2.0000,  0.5000]], dtype=torch.float64), tensor([0.1000], dtype=torch.float64))
    """
    _check_statistics(statistics)
    eigenvalues, vectors = torch.linalg.eigh(statistics.gram)
    eigenvalues = eigenvalues.clamp(min=0)
    projected = vectors.T @ statistics.cross
    used = statistics.squares > 0
    largest = max(float(eigenvalues[-1]), torch.finfo(torch.float64).tiny / PENALTY_RANGE[0])

    def profile(penalties: Tensor) -> Tensor:
        """Evidence at each penalty, less what does not depend on it."""
        denominators = penalties[:, None] + eigenvalues
        energy = statistics.squares - (projected.square().T[None] / denominators[:, None]).sum(2)
        # Targets that are fitted to the last digit would have a logarithm of rounding.
        energy = energy.clamp(min=torch.finfo(torch.float64).eps * statistics.squares)[:, used]
        ratios = (penalties[:, None] / denominators).log().sum(1)
        evidence: Tensor = energy.log().sum(1) * -statistics.count / 2 + ratios * int(used.sum()) / 2
        return evidence

    low, high = (math.log(factor * largest) for factor in PENALTY_RANGE)
    for _ in range(1 + GRID_REFINEMENTS):
        grid = torch.linspace(low, high, GRID_POINTS, dtype=torch.float64)
        best = int(profile(grid.exp()).argmax())
        low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, GRID_POINTS - 1)])
    penalty = math.exp(float(grid[best]))

    noise = (statistics.squares - (projected.square().T / (penalty + eigenvalues)).sum(1)).clamp(min=0)
    noise = noise / statistics.count
    return LinearPosterior(
        weights=vectors @ (projected / (penalty + eigenvalues)[:, None]),
        factor=vectors / (penalty + eigenvalues).sqrt(),
        noise=noise,
        penalty=penalty,
        log_evidence=_log_evidence(statistics, noise, float((penalty / (penalty + eigenvalues)).log().sum())),
    )


def _check_statistics(statistics: RegressionStatistics) -> None:
    if statistics.count < 1:
        raise DataError("There are no rows, so there is nothing to fit.")
    if not statistics.gram.isfinite().all() or not statistics.cross.isfinite().all():
        raise DataError("The statistics are not finite: the features are too large for float64.")
    if not (statistics.squares > 0).any():
        raise DataError("All targets are 0, so there is nothing to fit.")


def _log_evidence(statistics: RegressionStatistics, noise: Tensor, log_ratio: float) -> float:
    """Evidence of the outputs that occur; `log_ratio` is log det(lambda / A)."""
    used = statistics.squares > 0
    energy = torch.log(2 * math.pi * math.e * noise[used]).sum() * -statistics.count / 2
    return float(energy) + int(used.sum()) * (log_ratio + statistics.log_weights) / 2
