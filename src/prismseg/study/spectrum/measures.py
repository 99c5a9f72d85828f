r"""Spectral measures of one CRFFg layer: radial and angular spectrum, effective rank, length scale, Lipschitz bound.

The layer is :math:`a \cos(\omega * x + b)`. Its derivative is :math:`-a\,\mathrm{diag}(\sin(\cdot))\,\Omega` with
the convolution :math:`\Omega`, so that no output changes more than :math:`a \|\Omega\|_2` times as much as the
(normalised) input; of paired features too, since :math:`\sin^2 + \cos^2 = 1`. With circular borders the norm of a
convolution is the largest singular value of its transfer matrices, one for each spatial frequency (Sedghi, Gupta &
Long 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.features import CRFFg2d
from prismseg.study.kinds.weights.layers import layer_law, measure_layer, scaled_frequencies, to_array
from prismseg.study.kinds.weights.statistics import RadialLaw, power_spectrum, radial_spectrum

Array = NDArray[np.float64]
TRANSFER_POINTS = 32  # spatial frequencies a side at which a convolution's transfer matrix is looked at
ANGLES = 12  # parts of the half circle of orientations
NORM_BINS = 24
_TAILS = (0.005, 0.995)  # quantiles of the law between which the bins of norms lie, and half as far again beyond


@dataclass(frozen=True, eq=False)
class LayerSpectrum:
    """What one CRFFg layer has learned.

    Attributes
    ----------
    name : str
        Of the layer in its network.
    scalars : dict of str to float
        ``filters``, ``fan_in``, ``sigma``, ``effective_rank`` (`effective_rank`), ``dimension`` and
        ``dimension_isotropic`` (directions among which power is spread, and how many of random filters would),
        ``anisotropy`` (`angular_spectrum`), ``spectral_norm``, ``lipschitz_bound`` (`lipschitz_bound`), and, where
        the kernel has a law, ``length_scale``, ``length_scale_error``, ``ks``, ``ks_p``
        (`prismseg.study.kinds.weights.layers.measure_layer`).
    curves : dict of str to (x, y)
        ``norms`` and ``norms_law``: densities of ``|sigma omega|``. ``radial``: power by spatial frequency in
        cycles a pixel, white filters give 1. ``angular``: power by orientation in degrees, its mean is 1.
        ``singular``: singular values of the filters over the largest, by rank.
    """

    name: str
    scalars: dict[str, float]
    curves: dict[str, tuple[Array, Array]]


def measure_spectrum(name: str, layer: CRFFg2d, *, sigma: float | None = None) -> LayerSpectrum:
    """Measure a layer.

    Parameters
    ----------
    name : str
        What to call it.
    layer : CRFFg2d
        The layer.
    sigma : float, optional
        Length scale that norms are measured in, such as that before training; by default the layer's own.

    Examples
    --------
    >>> found = measure_spectrum("layer", CRFFg2d(4, 64, preset="frozen", scale=2.0))
    >>> 0.9 < found.scalars["length_scale"] < 1.1, found.scalars["filters"]
    (True, 32.0)
    """
    scale = float(layer.scale.detach()) if sigma is None else sigma
    omega = scaled_frequencies(layer, scale)
    filters = omega.reshape(layer.weight.shape)
    singular = np.linalg.svd(omega, compute_uv=False)
    moments = np.square(singular)
    angles, angular = angular_spectrum(filters)
    scalars = {
        "filters": float(len(omega)),
        "fan_in": float(layer.fan_in),
        "sigma": float(layer.scale.detach()),
        "effective_rank": effective_rank(omega),
        "dimension": float(moments.sum() ** 2 / np.square(moments).sum()),
        "dimension_isotropic": len(omega) * layer.fan_in / (len(omega) + layer.fan_in + 1),
        "anisotropy": float(angular.std()),
        "spectral_norm": convolution_norm(to_array(layer.frequencies())),
        "lipschitz_bound": lipschitz_bound(layer),
    }
    curves = {
        "radial": radial_spectrum(filters / math.sqrt(float(np.square(filters).mean()) or 1.0)),
        "angular": (angles, angular),
        "singular": (np.arange(1, len(singular) + 1, dtype=float), singular / (singular[0] or 1.0)),
    }
    if layer.settings.kernel != "laplacian_l1":  # whose norms have no closed law
        law = layer_law(layer)
        measured = measure_layer(layer, law, scale)
        kept = ("length_scale", "length_scale_error", "ks", "ks_p", "resultant")
        scalars |= {key: measured[key] for key in kept if key in measured}
        curves |= _norm_densities(np.linalg.norm(omega, axis=1), law)
    return LayerSpectrum(name, scalars, curves)


def _norm_densities(norms: Array, law: RadialLaw) -> dict[str, tuple[Array, Array]]:
    """Density of the norms beside that of their law; the last bins are open."""
    low, high = law.quantile(np.array(_TAILS))
    low, high = max(low - 0.5 * (high - low), 0), high + 0.5 * (high - low)
    edges = np.linspace(low, high, NORM_BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    found = np.histogram(np.clip(norms, low, high), edges, density=True)[0]
    return {"norms": (centres, found), "norms_law": (centres, np.diff(law.cdf(edges)) / np.diff(edges))}


def effective_rank(matrix: Array) -> float:
    """Exponential of the entropy of the normalised singular values (Roy & Vetterli 2007): from 1 to the rank.

    Examples
    --------
    >>> round(effective_rank(np.diag([2.0, 2.0, 2.0, 0.0])), 6), effective_rank(np.ones((4, 3)).round())
    (3.0, 1.0)
    """
    singular = np.linalg.svd(matrix, compute_uv=False)
    total = singular.sum()
    if not total:
        return 0.0
    share = singular[singular > singular[0] * 1e-12] / total
    return float(round(np.exp(-(share * np.log(share)).sum()), 9))


def angular_spectrum(filters: Array) -> tuple[Array, Array]:
    """Average the power of filters (Q, C, k, k) by orientation of the spatial frequency, within 1/2 cycle a pixel.

    Each ring of frequencies is divided by its mean first, so that only directions count, not how power falls with
    frequency.

    Returns
    -------
    angles, power : (12,) float64
        Degrees from 0 (frequencies along columns: vertical stripes) to 180, and power with mean 1.

    Examples
    --------
    >>> stripes = np.tile([1.0, -1.0, 1.0], (1, 1, 3, 1))  # change along a row
    >>> angles, power = angular_spectrum(stripes)
    >>> float(angles[power.argmax()]) in (7.5, 172.5)
    True
    """
    radius, power = power_spectrum(filters)
    frequency = np.fft.fftfreq(len(radius))
    angle = np.degrees(np.arctan2(frequency[:, None], frequency[None])) % 180
    ring = np.round(radius * len(radius)).astype(int)
    inside = (radius > 0) & (radius <= 0.5)
    mean_of_ring = np.bincount(ring[inside], power[inside]) / np.maximum(np.bincount(ring[inside]), 1)
    relative = power[inside] / np.maximum(mean_of_ring[ring[inside]], np.finfo(float).tiny)
    place = np.minimum((angle[inside] / 180 * ANGLES).astype(int), ANGLES - 1)
    curve = np.bincount(place, relative, ANGLES) / np.bincount(place, minlength=ANGLES)
    mean = curve.mean()
    return (np.arange(ANGLES) + 0.5) * 180 / ANGLES, curve / mean if mean else curve


def convolution_norm(filters: Array, points: int = TRANSFER_POINTS) -> float:
    """Spectral norm of the convolution with filters (Q, C, k, k) on an unbounded grid, from above.

    The largest singular value of the transfer matrices at `points` spatial frequencies a side, times
    ``1 / cos(pi d / points)²`` with d = (k - 1) / 2: between the points a trigonometric polynomial of degree d is
    no larger (Ehlich & Zeller 1964). With 32 points and 3×3 filters that is half a percent above the largest of
    them.

    Examples
    --------
    >>> box = np.ones((1, 1, 3, 3))  # sums nine pixels
    >>> round(convolution_norm(box), 2)
    9.09
    """
    transfer = np.fft.fft2(filters, (points, points)).transpose(2, 3, 0, 1)
    largest = float(np.linalg.norm(transfer.reshape(-1, *filters.shape[:2]), ord=2, axis=(1, 2)).max())
    degree = (filters.shape[-1] - 1) // 2
    return largest / math.cos(math.pi * degree / points) ** 2


def lipschitz_bound(layer: CRFFg2d) -> float:
    """How much more than its normalised input the output of a layer can change, from above.

    The convolution's norm times the largest factor on the cosines, and times 2 where the border is reflected or
    replicated: there a pixel comes in up to four times (of a border b wide that is replicated, (b + 1)² times).
    Normalisation before the layer is not in it; that of each case by itself has no bound near an empty one.
    """
    bound = convolution_norm(to_array(layer.frequencies())) * layer.amplitude()
    if layer.amplitudes is not None:
        bound *= float(layer.amplitudes.detach().abs().max())
    border = layer.kernel_size // 2
    if border and layer.settings.padding_mode not in ("zeros", "none"):
        bound *= float(border + 1) if layer.settings.padding_mode == "replicate" else max(2.0, float(border + 1))
    return bound
