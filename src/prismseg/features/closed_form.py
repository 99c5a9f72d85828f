r"""Bayesian linear regression in closed form: fitted in one solve, with exact uncertainty, removal and attribution.

Targets are :math:`t_{nk} = w_k^T z_n + \epsilon_{nk}` with noise :math:`\epsilon_{nk} \sim N(0, \sigma_k^2 / c_n)` and
the prior :math:`w_k \sim N(0, (\sigma_k^2 / \lambda) I)`. All outputs share the penalty :math:`\lambda`, the ratio of
noise to prior variance, hence one matrix :math:`A = G + \lambda I`; their posterior is
:math:`w_k \sim N(A^{-1} B_{\cdot k}, \sigma_k^2 A^{-1})` (Bishop 2006, equations 3.49 to 3.51).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from prismseg.base import ConfigError, DataError
from prismseg.features.statistics import ClassStatistics, RegressionStatistics

# The penalty is sought between these multiples of the largest eigenvalue of G. Below, where more features than rows
# fit every target exactly, the noise would be a difference without a correct digit; above, the weights are 0 to a
# millionth.
PENALTY_RANGE = (1e-11, 1e6)
GRID_POINTS = 96
# Each refinement narrows the grid 48 times: three reach a relative precision of the penalty of 1e-6, where the
# evidence, flat at its maximum, no longer changes.
GRID_REFINEMENTS = 3
# Penalties that are tried on groups left out, as multiples of the trace of G: two a decade.
TRACE_FRACTIONS = tuple(10 ** (exponent / 2) for exponent in range(-20, 1))


@dataclass(frozen=True, eq=False)
class LinearPosterior:
    r"""What is known of the weights of a linear model after its statistics.

    Attributes
    ----------
    weights : (D, K) Tensor
        Posterior mean, float64; the ridge solution with this penalty.
    factor : (D, D) Tensor
        F with :math:`F F^T = A^{-1}`, float64.
    noise : (K,) Tensor
        Variance :math:`\sigma_k^2` of the noise of a row with weight 1.
    penalty : float
        :math:`\lambda`.
    log_evidence : float
        Logarithm of the density of all targets given the features, with the weights integrated out (Bishop 2006,
        equation 3.86). Outputs whose targets are all 0 do not count.
    """

    weights: Tensor
    factor: Tensor
    noise: Tensor
    penalty: float
    log_evidence: float

    @property
    def effective_parameters(self) -> float:
        r"""Number :math:`\gamma = D - \lambda\,\mathrm{tr} A^{-1}` of weights that the data determine (MacKay 1992)."""
        return len(self.weights) - self.penalty * float(self.factor.square().sum())

    def predict(self, features: Tensor) -> Tensor:
        """Predictive mean (N, K) of `features` (N, D), in their floating type."""
        self._check(features)
        return features @ self.weights.to(features)

    def leverage(self, features: Tensor) -> Tensor:
        r"""Compute :math:`z^T A^{-1} z` (N,), the part of the predictive variance that more labels would reduce.

        Times `noise` it is the epistemic variance of an output; `noise` itself is the aleatoric one.
        """
        self._check(features)
        return (features.double() @ self.factor.to(features.device)).square().sum(1)

    def variance(self, features: Tensor) -> Tensor:
        r"""Predictive variance :math:`\sigma_k^2 (1 + z^T A^{-1} z)` (N, K) (Bishop 2006, equation 3.59)."""
        return (1 + self.leverage(features))[:, None] * self.noise.to(features.device)

    def attribute(self, features: Tensor, groups: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
        """Split the prediction into what each group of features adds to it.

        Parameters
        ----------
        features : (N, D) Tensor
            Features.
        groups : mapping of str to sequence of int
            Indices of the features of each group, a `range` for instance; each feature is in exactly one.

        Returns
        -------
        dict of str to (N, K) Tensor
            Contributions; they sum to `predict(features)`.

        Raises
        ------
        ConfigError
            When a feature is in no group or in two.
        """
        self._check(features)
        if sorted(index for group in groups.values() for index in group) != list(range(len(self.weights))):
            raise ConfigError(f"Groups must hold each of the {len(self.weights)} features exactly once.")
        weights = self.weights.to(features)
        indices = {name: torch.tensor(list(group), device=features.device) for name, group in groups.items()}
        return {name: features[:, index] @ weights[index] for name, index in indices.items()}

    def _check(self, features: Tensor) -> None:
        if features.ndim != 2 or features.shape[1] != len(self.weights):
            raise DataError(f"Features must be (N, {len(self.weights)}); they are {tuple(features.shape)}.")


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


def leave_one_group_out(
    total: ClassStatistics, groups: Iterable[tuple[Hashable, ClassStatistics]], *, penalty: float | None = None
) -> Iterator[tuple[Hashable, LinearPosterior]]:
    """Fit without each group in turn, exactly as if it had never been seen.

    Class weights, noise and, unless it is given, the penalty are chosen anew on the remaining groups.

    Parameters
    ----------
    total : ClassStatistics
        Statistics of all groups.
    groups : iterable of (name, ClassStatistics)
        Statistics of each group. A generator that computes them one by one needs the memory of one group.
    penalty : float, optional
        Use this penalty, a Cholesky instead of an eigen-decomposition a group.

    Yields
    ------
    name : hashable
        Group that was left out.
    posterior : LinearPosterior
        Fit on all others.

    Raises
    ------
    DataError
        When a group holds all labelled pixels, or pixels that are not in `total`.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> groups = {}
    >>> for name in ("a", "b", "c"):
    ...     labels = torch.randint(0, 2, (50,), generator=generator)
    ...     groups[name] = ClassStatistics(num_features=2, num_classes=2)
    ...     noisy = labels + 0.1 * torch.randn(50, generator=generator)
    ...     groups[name].update(torch.stack([noisy, torch.ones(50)], 1), labels)
    >>> total = groups["a"] + groups["b"] + groups["c"]
    >>> fits = dict(leave_one_group_out(total, groups.items()))
    >>> fits["a"].predict(torch.tensor([[0.0, 1.0], [1.0, 1.0]])).argmax(1)
    tensor([0, 1])
    """
    for name, group in groups:
        rest = total - group
        if not rest.counts.any():
            raise DataError(f"The group {name!r} holds all labelled pixels; leaving it out leaves nothing to fit.")
        statistics = rest.regression()
        yield name, fit_evidence(statistics) if penalty is None else fit_ridge(statistics, penalty)


def fit_held_out(total: ClassStatistics, groups: Iterable[ClassStatistics]) -> LinearPosterior:
    """Fit with the penalty that has the smallest squared error on groups left out (see `held_out_errors`).

    Pixels of a group are alike, so that there are fewer independent ones than the evidence counts. Groups are
    independent, and this choice counts on nothing else.

    Parameters
    ----------
    total : ClassStatistics
        Statistics of all groups.
    groups : iterable of ClassStatistics
        Statistics of each group, at least two.

    Raises
    ------
    DataError
        When there are fewer than two groups with labels, or one has pixels that are not in `total`.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> groups = [ClassStatistics(num_features=2, num_classes=2) for _ in range(3)]
    >>> for group in groups:
    ...     labels = torch.randint(0, 2, (50,), generator=generator)
    ...     noisy = labels + 0.1 * torch.randn(50, generator=generator)
    ...     group.update(torch.stack([noisy, torch.ones(50)], 1), labels)
    >>> total = sum(groups, ClassStatistics(num_features=2, num_classes=2))
    >>> fit_held_out(total, groups).predict(torch.tensor([[0.0, 1.0], [1.0, 1.0]])).argmax(1)
    tensor([0, 1])
    """
    statistics = total.regression()
    penalties = float(statistics.gram.trace()) * torch.tensor(TRACE_FRACTIONS, dtype=torch.float64)
    if not penalties[0] > 0:
        raise DataError("All features are 0, so there is nothing to fit.")
    errors = held_out_errors(total, groups, penalties.tolist())
    return fit_ridge(statistics, float(penalties[errors.argmin()]))


def held_out_errors(
    total: ClassStatistics, groups: Iterable[ClassStatistics], penalties: Sequence[float]
) -> Tensor:
    r"""Mean squared error on groups left out, for each penalty, from the statistics alone: no pixel is read again.

    With the weights :math:`w_k` of the fit without a group and the statistics of that group, its error is
    :math:`\sum_k \sum_n c_n t_{nk}^2 - 2 w_k^T B_{\cdot k} + w_k^T G w_k`. Fits are those of `leave_one_group_out`, with
    one eigen-decomposition a group; errors are weighted by the balanced class weights of `total`.

    Parameters
    ----------
    total : ClassStatistics
        Statistics of all groups.
    groups : iterable of ClassStatistics
        Statistics of each group; a generator that computes them one by one needs the memory of one.
    penalties : sequence of float
        Positive numbers.

    Returns
    -------
    (P,) Tensor
        Errors, float64: 1 for a prediction of 0 everywhere.

    Raises
    ------
    DataError
        When a group holds all labelled pixels, or pixels that are not in `total`; or no group has labels.
    ConfigError
        When a penalty is not positive.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> groups = [ClassStatistics(num_features=2, num_classes=2) for _ in range(3)]
    >>> for group in groups:
    ...     labels = torch.randint(0, 2, (50,), generator=generator)
    ...     noisy = labels + 0.1 * torch.randn(50, generator=generator)
    ...     group.update(torch.stack([noisy, torch.ones(50)], 1), labels)
    >>> total = sum(groups, ClassStatistics(num_features=2, num_classes=2))
    >>> held_out_errors(total, groups, [0.1, 10.0, 1e9]).round(decimals=1)
    tensor([0.0000, 0.1000, 1.0000], dtype=torch.float64)
    """
    tried = torch.tensor(penalties, dtype=torch.float64)
    if not ((tried > 0) & tried.isfinite()).all():
        raise ConfigError(f"Penalties must be positive and finite; they are {list(penalties)}.")
    weights = total.balanced_weights()
    errors, weight = torch.zeros_like(tried), 0.0
    for group in groups:
        rest = total - group
        if not group.counts.any():
            continue
        if not rest.counts.any():
            raise DataError("One group holds all labelled pixels; leaving it out leaves nothing to fit.")
        fitted, held_out = rest.regression(), group.regression(weights)
        eigenvalues, vectors = torch.linalg.eigh(fitted.gram)
        projected = (vectors.T @ fitted.cross)[:, None] / (eigenvalues.clamp(min=0)[:, None] + tried)[:, :, None]
        w = torch.einsum("de,epk->dpk", vectors, projected)
        explained = 2 * torch.einsum("dpk,dk->p", w, held_out.cross)
        errors += (
            held_out.squares.sum() - explained + (w * torch.einsum("de,epk->dpk", held_out.gram, w)).sum((0, 2))
        )
        weight += float(held_out.squares.sum())
    if not weight:
        raise DataError("No group has labelled pixels, so there is nothing to leave out.")
    return errors / weight


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
