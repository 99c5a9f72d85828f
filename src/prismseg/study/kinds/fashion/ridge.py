"""Ridge regression in closed form, with the penalty that maximises the evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

from prismseg.base import DataError

Array = NDArray[np.float64]

# Penalties that are searched, as natural logarithms relative to the mean eigenvalue, and how finely at first.
_LOWEST, _HIGHEST, _STEPS = -30.0, 15.0, 181
# Eigenvalues below this share of the largest one are rounding errors of the Gram matrix.
_RANK_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Ridge:
    """A linear head ``x W + intercept``.

    Attributes
    ----------
    weights : (p, C) float64 Tensor
        W.
    intercept : (C,) float64 Tensor
        Not penalised.
    penalty : float
        lambda in ``|y - x W|² + lambda |W|²``.
    log_evidence : float
        Log marginal likelihood at that penalty.
    """

    weights: Tensor
    intercept: Tensor
    penalty: float
    log_evidence: float

    def __call__(self, features: Tensor) -> Tensor:
        """Predict targets (N, C) from features (N, p)."""
        return features.double() @ self.weights + self.intercept


def fit_ridge(batches: Iterable[tuple[Tensor, Tensor]], count: int, *, penalty: float | None = None) -> Ridge:
    """Fit a ridge regression with intercept to features that come in batches.

    Only the smaller Gram matrix is ever decomposed: with n > p images ``X' X`` is accumulated and the features need
    not fit into memory, otherwise it is ``X X'``. Both are centred, which is what integrating over an intercept with
    a flat prior comes to.

    Parameters
    ----------
    batches : iterable of ((b, p) Tensor, (b, C) Tensor)
        Features and targets.
    count : int
        How many images all batches hold together.
    penalty : float, optional
        By default the one that maximises the evidence, see `maximize_evidence`.

    Returns
    -------
    Ridge

    Raises
    ------
    DataError
        When there is nothing to fit: fewer than two images, or constant features or targets.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [1.0], [2.0]])
    >>> head = fit_ridge([(x, 2 * x + 1)], count=3, penalty=0.0)
    >>> head(torch.tensor([[3.0]])).round(decimals=6).tolist()
    [[7.0]]
    """
    iterator = iter(batches)
    first = next(iterator, None)
    if count < 2 or first is None:
        raise DataError(f"A ridge regression needs at least two images, not {count}.")
    every = chain([first], iterator)
    if count > first[0].shape[1]:
        return _fit_primal(every, first[0].double().mean(0), count, penalty)
    features, targets = (torch.cat(parts).double() for parts in zip(*every, strict=True))
    return _fit_dual(features, targets, penalty)


def maximize_evidence(eigenvalues: Array, energies: Array, rest: float, freedom: int) -> tuple[float, float]:
    """Find the penalty that maximises the marginal likelihood of Bayesian linear regression.

    Targets are normal with covariance ``s² (I + X X' / lambda)``, the same for all C of them (MacKay 1992, Neural
    Computation 4, 415, "type II maximum likelihood"; Bishop 2006, eq. 3.86). The noise ``s²`` is maximised in closed
    form, ``s² = (sum_i z_i / (1 + e_i / lambda) + rest) / (N C)``, which leaves
    ``-C / 2 (sum_i log(1 + e_i / lambda) + N log(2 pi s²) + N)`` to be searched over lambda. Neither the best
    lambda nor the shape of that curve depends on C; the value returned is per target.

    Parameters
    ----------
    eigenvalues : (r,) array
        Positive eigenvalues e_i of ``X X'``.
    energies : (r,) array
        z_i, the squared projections of the targets on its eigenvectors, averaged over targets.
    rest : float
        What the targets' mean squared length has outside those eigenvectors.
    freedom : int
        N, the number of images, less one if an intercept was integrated out.

    Returns
    -------
    penalty, log_evidence : float
        lambda, and the log marginal likelihood of one target on average.

    Examples
    --------
    Where the targets lie along the first eigenvector as strongly as noise does elsewhere, all is noise and the penalty
    is as large as it may be:

    >>> penalty, _ = maximize_evidence(np.array([1.0]), energies=np.array([1.0]), rest=9.0, freedom=10)
    >>> penalty > 1e5
    True
    """
    unit = float(eigenvalues.mean())

    def negative(log_penalty: float) -> float:
        ratios = eigenvalues / (unit * math.exp(log_penalty))
        noise = (float((energies / (1 + ratios)).sum()) + rest) / freedom
        return 0.5 * (float(np.log1p(ratios).sum()) + freedom * (math.log(2 * math.pi * noise) + 1))

    # The curve may have several maxima, so Brent's method starts at the best point of a grid.
    grid = np.linspace(_LOWEST, _HIGHEST, _STEPS)
    best = int(np.argmin([negative(value) for value in grid]))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, _STEPS - 1)])
    optimum = minimize_scalar(negative, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return unit * math.exp(float(optimum.x)), -float(optimum.fun)


def _fit_dual(features: Tensor, targets: Tensor, penalty: float | None) -> Ridge:
    """Use the eigenvectors U of ``X X'`` (n, n): ``W = X' U (E + lambda)^-1 U' Y``."""
    mean, level = features.mean(0), targets.mean(0)
    features, targets = features - mean, targets - level
    values, vectors = _decompose(features @ features.T)
    projected = vectors.T @ targets
    lam, evidence = _choose_penalty(values, projected, float(targets.square().sum()), len(targets), penalty)
    weights = features.T @ (vectors @ (projected / (values + lam)[:, None]))
    return Ridge(weights, level - mean @ weights, lam, evidence)


def _fit_primal(
    batches: Iterable[tuple[Tensor, Tensor]], origin: Tensor, count: int, penalty: float | None
) -> Ridge:
    """Use the eigenvectors V of ``X' X`` (p, p): ``W = V (E + lambda)^-1 V' X' Y``.

    Sums are taken about `origin`, a point near the mean: features that vary little about a large mean lose digits.
    """
    gram = origin.new_zeros(len(origin), len(origin))
    cross, total, level = origin.new_zeros(()), torch.zeros_like(origin), origin.new_zeros(())
    square = 0.0
    for x, y in batches:
        shifted, targets = x.double() - origin, y.double()
        gram.addmm_(shifted.T, shifted)
        cross = cross + shifted.T @ targets
        total += shifted.sum(0)
        level = level + targets.sum(0)
        square += float(targets.square().sum())
    mean, level = total / count, level / count
    gram -= count * torch.outer(mean, mean)
    cross -= count * torch.outer(mean, level)
    square -= count * float(level.square().sum())
    values, vectors = _decompose(gram)
    rotated = vectors.T @ cross
    lam, evidence = _choose_penalty(values, rotated / values.sqrt()[:, None], square, count, penalty)
    weights = vectors @ (rotated / (values + lam)[:, None])
    return Ridge(weights, level - (origin + mean) @ weights, lam, evidence)


def _decompose(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Positive eigenvalues (r,) and their eigenvectors (·, r)."""
    values, vectors = torch.linalg.eigh(gram)
    positive = values > _RANK_TOLERANCE * values[-1].clamp_min(torch.finfo(values.dtype).tiny)
    if not positive.any():
        raise DataError("All images have the same features, so there is nothing to fit.")
    return values[positive], vectors[:, positive]


def _choose_penalty(
    values: Tensor, projected: Tensor, square: float, count: int, penalty: float | None
) -> tuple[float, float]:
    """Penalty and evidence from projected targets (r, C) and the squared length of all centred targets."""
    if square <= 0:
        raise DataError("All images have the same target, so there is nothing to fit.")
    if penalty is not None:
        return penalty, math.nan
    outputs = projected.shape[1]
    energies = (projected.square().sum(1) / outputs).numpy()
    rest = max(square / outputs - float(energies.sum()), 0.0)
    return maximize_evidence(values.numpy(), energies, rest, count - 1)
