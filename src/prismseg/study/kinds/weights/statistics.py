"""Laws that frequencies and phases are drawn from, and statistics of how far filters are from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from prismseg.base import ConfigError
from prismseg.features.kernels import MATERN_NU, require_kernel

Array = NDArray[np.float64]
_FACTORS = 1000  # values that stand for the distribution of the factor: cdf right to about 1 / 2000
_TAILS, _GRID = 1e-6, 4000  # of the norms that quantiles are looked up among
_TRANSFORM = 32  # points a side of the filters' Fourier transform
_RINGS = 12  # of which a ring is about 1.3 of these points wide


@dataclass(frozen=True)
class RadialLaw:
    """Law of ``r = m chi_n``, a chi variable times an independent factor.

    Attributes
    ----------
    dim : int
        Dimension n of the frequencies.
    factors : (K,) array
        Equally probable values of m.
    second_moment : float
        ``E r²``; infinite for heavy tails.
    """

    dim: int
    factors: Array
    second_moment: float

    def cdf(self, r: ArrayLike) -> Array:
        """Probability of norms up to `r` (N,)."""
        points = np.asarray(r, float)
        values: Array = stats.chi.cdf(points[..., None] / self.factors, self.dim).mean(axis=-1)
        return values

    def quantile(self, levels: Array) -> Array:
        """Norms below which lie shares `levels` (N,), to some thousandths of their size."""
        low, high = stats.chi.ppf([_TAILS, 1 - _TAILS], self.dim)
        grid = np.geomspace(low * self.factors.min(), high * self.factors.max(), _GRID)
        return np.interp(levels, self.cdf(grid), grid)


def radial_law(kernel: str, dim: int, *, truncate: float | None = None, alpha: float = 1.0) -> RadialLaw:
    """Law of the norms that `prismseg.features.sample_frequencies` draws.

    gaussian and arccosine: chi_n. matern: ``chi_n sqrt(2 nu / chi²_{2 nu})``, so that ``r² / n`` follows F(n, 2 nu).
    rational_quadratic: ``chi_n sqrt(Gamma(alpha, rate alpha))``.

    Parameters
    ----------
    kernel : str
        An isotropic kernel.
    dim : int
        Dimension n of the frequencies.
    truncate : float, optional
        Quantile of the factor above which nothing is drawn.
    alpha : float
        Shape of the rational quadratic kernel.

    Raises
    ------
    ConfigError
        For an unknown kernel, or laplacian_l1: the norm of Cauchy entries has no closed law.

    Examples
    --------
    >>> radial_law("gaussian", 9).second_moment
    9.0
    """
    require_kernel(kernel)
    if kernel == "laplacian_l1":
        raise ConfigError("The norms of the L1 Laplacian's frequencies have no closed law; choose laplacian_l2.")
    if kernel in ("gaussian", "arccosine"):
        return RadialLaw(dim, np.ones(1), float(dim))
    # Midpoints of equally probable parts.
    levels = (np.arange(_FACTORS) + 0.5) / _FACTORS * (truncate or 1.0)
    if kernel == "rational_quadratic":
        factors = np.sqrt(stats.gamma.ppf(levels, alpha, scale=1 / alpha))
        moment = 1.0
    else:
        freedom = 2 * MATERN_NU[kernel]
        factors = np.sqrt(freedom / stats.chi2.isf(levels, freedom))
        moment = freedom / (freedom - 2) if freedom > 2 else math.inf
    if truncate is not None:
        moment = float(np.square(factors).mean())
    return RadialLaw(dim, factors, dim * moment)


def rayleigh_test(phases: Array) -> tuple[float, float]:
    """Test whether phases (n,) are uniform on the circle, against concentration around one direction.

    Stratified phases are more even than chance, so that for them p is near 1 before training.

    Returns
    -------
    resultant : float
        Length of the mean direction, ``|mean exp(j b)|``.
    p : float
        ``exp(sqrt(1 + 4 n + 4 (n² - R²)) - (1 + 2 n))`` with ``R = n resultant`` (Zar 1999, Biostatistical Analysis, eq.
        27.4), right to the third digit from 10 phases on.

    Examples
    --------
    >>> resultant, _ = rayleigh_test(np.array([0.0, np.pi / 2]))  # (1 + j) / 2
    >>> round(resultant, 4)
    0.7071
    """
    n = len(phases)
    resultant = float(np.abs(np.exp(1j * phases).mean()))
    length = n * resultant
    p = np.exp(np.sqrt(1 + 4 * n + 4 * (n**2 - length**2)) - (1 + 2 * n))
    return resultant, float(min(p, 1))


def effective_length_scale(norms: Array, law: RadialLaw) -> tuple[float, float]:
    """Length scale of the kernel whose frequencies have these norms (Q,), in units of sigma, and its standard error.

    ``sqrt(E r² / mean |sigma omega|²)`` with ``E r²`` of the law: the curvature of a kernel at 0 is minus the second
    moment of its frequencies (Bochner). The error is that of the sample mean of squares, to first order; for the
    Gaussian kernel in n dimensions about ``1 / sqrt(2 n Q)``. NaN where the law has no second moment.

    Examples
    --------
    >>> effective_length_scale(np.full(4, 1.5), radial_law("gaussian", 9))  # sqrt(9) / 1.5; no scatter, no error
    (2.0, 0.0)
    """
    squares = np.square(norms)
    if not np.isfinite(law.second_moment):
        return np.nan, np.nan
    length = float(np.sqrt(law.second_moment / squares.mean()))
    error = length * squares.std() / squares.mean() / 2 / np.sqrt(len(norms))
    return length, float(error)


def power_spectrum(filters: Array) -> tuple[Array, Array]:
    """Spatial frequency in cycles a pixel and mean power of filters (Q, C, k, k), each (32, 32); white filters give 1."""
    power = np.square(np.abs(np.fft.fft2(filters, (_TRANSFORM, _TRANSFORM)))).mean(axis=(0, 1))
    frequency = np.fft.fftfreq(_TRANSFORM)
    return np.hypot(frequency[:, None], frequency[None]), power / np.prod(filters.shape[2:])


def radial_spectrum(filters: Array) -> tuple[Array, Array]:
    """Average the power of filters (Q, C, k, k) over rings; frequencies (12,) up to 1/2 cycle a pixel, and power.

    Examples
    --------
    >>> impulse = np.zeros((1, 1, 3, 3))
    >>> impulse[0, 0, 1, 1] = 3  # of the power of white filters, 9 pixels of 1
    >>> radial_spectrum(impulse)[1].round(6).tolist() == [1.0] * 12
    True
    """
    radius, power = power_spectrum(filters)
    edges = np.linspace(0, 0.5, _RINGS + 1)
    inside = [(radius >= low) & (radius < high) for low, high in pairwise(edges)]
    return (edges[:-1] + edges[1:]) / 2, np.array([power[ring].mean() for ring in inside])
