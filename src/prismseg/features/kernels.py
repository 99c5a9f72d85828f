"""Exact kernel functions, which random features approximate."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from prismseg.base import ConfigError

KERNELS = (
    "gaussian",
    "matern12",
    "matern32",
    "matern52",
    "laplacian_l1",
    "laplacian_l2",
    "rational_quadratic",
    "arccosine",
)
# Smoothness nu of the Matérn kernels; their frequencies follow a Student distribution with 2 nu degrees of freedom.
MATERN_NU = {"matern12": 0.5, "matern32": 1.5, "matern52": 2.5, "laplacian_l2": 0.5}


def require_kernel(kernel: str) -> None:
    """Raise a `ConfigError` that lists the kernels if there is none of that name."""
    if kernel not in KERNELS:
        raise ConfigError(f"There is no kernel {kernel!r}; choose one of {', '.join(KERNELS)}.")


def distance_norm(kernel: str) -> int:
    """Order of the norm in which a kernel measures distances: 1 for the L1 Laplacian, 2 for the isotropic ones."""
    return 1 if kernel == "laplacian_l1" else 2


def exact_kernel(kernel: str, x: Tensor, y: Tensor, *, scale: float = 1.0, alpha: float = 1.0) -> Tensor:
    r"""Kernel matrix between two sets of points.

    With ``r = |x - y| / scale``: gaussian ``exp(-r^2 / 2)``; matern12, laplacian_l2 ``exp(-r)``; matern32
    ``(1 + sqrt(3) r) exp(-sqrt(3) r)``; matern52 ``(1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r)``
    (Rasmussen & Williams 2006, eqs. 4.9, 4.16–4.18); rational_quadratic ``(1 + r^2 / (2 alpha))^-alpha``
    (ibid., eq. 4.19); laplacian_l1 ``exp(-|x - y|_1 / scale)`` (Rahimi & Recht 2007, fig. 1); arccosine
    ``|x| |y| (sin t + (pi - t) cos t) / (pi scale^2)`` with t the angle between x and y (Cho & Saul 2009,
    eqs. 3 and 6).

    Parameters
    ----------
    kernel : str
        One of `KERNELS`.
    x : (N, D) Tensor
        First points.
    y : (M, D) Tensor
        Second points.
    scale : float
        Length scale sigma, in the units of the points.
    alpha : float
        Shape of the rational quadratic kernel.

    Returns
    -------
    (N, M) Tensor

    Raises
    ------
    ConfigError
        For an unknown kernel.

    Examples
    --------
    >>> exact_kernel("laplacian_l1", torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]), scale=7.0)
    tensor([[0.3679]])
    """
    require_kernel(kernel)
    if kernel == "arccosine":
        return _arccosine(x / scale, y / scale)
    if kernel == "laplacian_l1":
        return torch.exp(-torch.cdist(x, y, p=1) / scale)
    # With the matrix-product shortcut of cdist the distances of near points lose their digits.
    distance = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") / scale
    if kernel == "rational_quadratic":
        return (1 + distance**2 / (2 * alpha)) ** -alpha
    return _RADIAL[kernel](distance)


def _matern12(r: Tensor) -> Tensor:
    return torch.exp(-r)


def _matern32(r: Tensor) -> Tensor:
    return (1 + math.sqrt(3) * r) * torch.exp(-math.sqrt(3) * r)


def _matern52(r: Tensor) -> Tensor:
    return (1 + math.sqrt(5) * r + 5 * r**2 / 3) * torch.exp(-math.sqrt(5) * r)


def _gaussian(r: Tensor) -> Tensor:
    return torch.exp(-(r**2) / 2)


_RADIAL: dict[str, Callable[[Tensor], Tensor]] = {
    "gaussian": _gaussian,
    "matern12": _matern12,
    "laplacian_l2": _matern12,
    "matern32": _matern32,
    "matern52": _matern52,
}


def _arccosine(x: Tensor, y: Tensor) -> Tensor:
    norms = x.norm(dim=1)[:, None] * y.norm(dim=1)[None]
    cosine = (x @ y.T / norms.clamp_min(torch.finfo(x.dtype).tiny)).clamp(-1, 1)
    angle = torch.acos(cosine)
    values: Tensor = norms * (torch.sin(angle) + (math.pi - angle) * cosine) / math.pi
    return values
