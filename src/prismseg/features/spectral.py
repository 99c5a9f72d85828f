"""Random frequencies and phases: samples of the spectral density that belongs to a kernel.

The frequencies of an isotropic kernel are ``omega = (r / sigma) u`` with u uniform on the sphere; the kernel determines
the distribution of the radius r. Everything here is at sigma = 1.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from prismseg.base import ConfigError
from prismseg.features.kernels import MATERN_NU, require_kernel


def sample_frequencies(
    kernel: str,
    count: int,
    dim: int,
    *,
    orthogonal: bool = False,
    truncate: float | None = None,
    alpha: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Draw frequencies of a kernel's spectral density at unit scale.

    gaussian and arccosine: standard normal. matern: a normal vector over ``sqrt(chi2_{2 nu} / (2 nu))``, that is a
    multivariate Student distribution with one chi-square draw per frequency. rational_quadratic: normal times
    ``sqrt(Gamma(alpha, rate alpha))``. laplacian_l1: independent Cauchy entries. (Bochner; Rahimi & Recht 2007;
    Rasmussen & Williams 2006, sec. 4.2.)

    Parameters
    ----------
    kernel : str
        One of `prismseg.features.kernels.KERNELS`.
    count, dim : int
        Number of frequencies Q and their dimension n.
    orthogonal : bool
        Make the directions of each block of `dim` rows a Haar-distributed orthogonal matrix, with independent
        chi-distributed lengths (Yu et al. 2016, "Orthogonal Random Features", eq. 4). Not for laplacian_l1,
        which is not isotropic.
    truncate : float, optional
        Cut heavy-tailed distributions at this quantile, such as 0.99, so that training is not ruled by a few very long
        frequencies, and draw the lengths of isotropic ones evenly (one from each of `count` equally probable
        intervals). The normal distribution is not changed.
    alpha : float
        Shape of the rational quadratic kernel.
    generator : torch.Generator, optional
        Source of randomness; by default torch's global one.

    Returns
    -------
    (count, dim) float32 Tensor

    Raises
    ------
    ConfigError
        For an unknown kernel, or orthogonal laplacian_l1.

    Examples
    --------
    >>> sample_frequencies("matern52", 64, 9, orthogonal=True).shape
    torch.Size([64, 9])
    """
    require_kernel(kernel)
    if kernel == "laplacian_l1":
        if orthogonal:
            raise ConfigError(
                "The L1 Laplacian kernel is not isotropic, so it has no orthogonal features; choose "
                "laplacian_l2, or orthogonal=False."
            )
        return _cauchy(count, dim, truncate, generator)
    normal = torch.randn(count, dim, generator=generator, dtype=torch.float64)
    if orthogonal:
        normal = _haar_rows(count, dim, generator) * normal.norm(dim=1, keepdim=True)
    return (normal * _mixing(kernel, count, truncate, alpha, generator)[:, None]).float()


def second_moment(kernel: str, *, truncate: float | None = None, alpha: float = 1.0) -> float:
    r"""Mean square ``E w_i^2`` of an entry of `sample_frequencies`.

    It is infinite for heavy tails that are not truncated.

    With t for `truncate`, Y the chi-square variable with 2 nu degrees of freedom and q its quantile 1 - t: matern
    ``E[2 nu / Y | Y >= q]``, which is ``2 nu / (2 nu - 2) P(chi2_{2 nu - 2} >= q) / t`` for 2 nu > 2 and
    ``sqrt(2 / (pi q)) exp(-q / 2) / t - 1`` for nu = 1/2; rational_quadratic ``E[G | G <= its quantile t]`` of the
    gamma variable G; laplacian_l1 ``tan(a) / a - 1`` with ``a = pi t / 2``; gaussian and arccosine 1.

    Parameters
    ----------
    kernel : str
        One of `prismseg.features.kernels.KERNELS`.
    truncate : float, optional
        Quantile t at which heavy-tailed distributions are cut, as in `sample_frequencies`.
    alpha : float
        Shape of the rational quadratic kernel.

    Returns
    -------
    float

    Raises
    ------
    ConfigError
        For an unknown kernel.

    Examples
    --------
    >>> second_moment("gaussian"), second_moment("matern52"), round(second_moment("matern12", truncate=0.99), 1)
    (1.0, 1.6666666666666667, 63.3)
    """
    require_kernel(kernel)
    quantile = truncate or 1.0
    if kernel in ("gaussian", "arccosine"):
        return 1.0
    if kernel == "rational_quadratic":
        highest = stats.gamma.ppf(quantile, alpha, scale=1 / alpha)
        return float(stats.gamma.cdf(highest, alpha + 1, scale=1 / alpha) / quantile)
    if kernel == "laplacian_l1":
        half = math.pi * quantile / 2
        return math.tan(half) / half - 1 if quantile < 1 else math.inf
    freedom = 2 * MATERN_NU[kernel]
    lowest = float(stats.chi2.isf(quantile, freedom))
    if freedom > 2:
        return float(freedom / (freedom - 2) * stats.chi2.sf(lowest, freedom - 2) / quantile)
    return math.sqrt(2 / (math.pi * lowest)) * math.exp(-lowest / 2) / quantile - 1 if quantile < 1 else math.inf


def sample_phases(count: int, *, stratified: bool = False, generator: torch.Generator | None = None) -> Tensor:
    """Draw phases uniform on [0, 2 pi).

    Parameters
    ----------
    count : int
        How many to draw.
    stratified : bool
        Draw one phase from each of `count` equal parts of the circle, in random order: each is still uniform, but
        together they cover the circle evenly, which lowers the kernel's error at no cost.
    generator : torch.Generator, optional
        Source of randomness; by default torch's global one.

    Returns
    -------
    (count,) float32 Tensor

    Examples
    --------
    >>> phases = sample_phases(4, stratified=True)
    >>> sorted((phases / (math.pi / 2)).int().tolist())
    [0, 1, 2, 3]
    """
    uniform = torch.rand(count, generator=generator, dtype=torch.float64)
    if stratified:
        uniform = (torch.randperm(count, generator=generator) + uniform) / count
    return (2 * math.pi * uniform).float()


def _haar_rows(count: int, dim: int, generator: torch.Generator | None) -> Tensor:
    """Draw unit vectors (count, dim), the rows of as many random orthogonal matrices as it takes."""
    blocks = []
    for start in range(0, count, dim):
        q, r = torch.linalg.qr(torch.randn(dim, dim, generator=generator, dtype=torch.float64))
        # QR is unique, and q Haar-distributed, only with a positive diagonal of r (Mezzadri 2007).
        signs = torch.where(torch.diagonal(r) < 0, -1.0, 1.0).double()
        blocks.append((q * signs).T[: count - start])
    return torch.cat(blocks)


def _mixing(
    kernel: str, count: int, truncate: float | None, alpha: float, generator: torch.Generator | None
) -> Tensor:
    """Factor on the length of each frequency; large values are the heavy tail that `truncate` cuts."""
    if kernel in ("gaussian", "arccosine"):
        return torch.ones(count, dtype=torch.float64)
    draws = torch.rand(count, generator=generator, dtype=torch.float64)
    if truncate is not None:
        # A few long frequencies carry most of a heavy tail's second moment, so their number is not left to chance.
        draws = (torch.randperm(count, generator=generator) + draws) / count
    uniform = draws.numpy() * (truncate or 1.0)
    if kernel == "rational_quadratic":
        return torch.from_numpy(np.sqrt(stats.gamma.ppf(uniform, alpha, scale=1 / alpha)))
    freedom = 2 * MATERN_NU[kernel]
    return torch.from_numpy(np.sqrt(freedom / stats.chi2.isf(uniform, freedom)))


def _cauchy(count: int, dim: int, truncate: float | None, generator: torch.Generator | None) -> Tensor:
    """Draw independent Cauchy entries (count, dim) whose absolute values lie below the quantile `truncate`."""
    uniform = torch.rand(count, dim, generator=generator, dtype=torch.float64) - 0.5
    return torch.tan(math.pi * uniform * (truncate or 1.0)).float()
