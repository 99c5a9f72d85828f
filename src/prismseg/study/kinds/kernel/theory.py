"""Variance of random Fourier features in closed form."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from prismseg.features import exact_kernel
from prismseg.study.kinds.kernel.settings import KernelSettings


def expected_errors(settings: KernelSettings, points: Tensor, scale: float) -> dict[str, float]:
    """Errors that `estimator_variance` makes one expect; those of mean_abs and epsilon with normally distributed errors.

    There is no closed form for orthogonal frequencies: their theory is that of independent ones.

    Parameters
    ----------
    settings : KernelSettings
        Which map.
    points : (N, D) Tensor
        Patches.
    scale : float
        Length scale, in the units of the points.

    Returns
    -------
    dict of str to float
        rmse, mean_abs and epsilon, see `prismseg.study.kinds.kernel.run.measure_errors`.
    """
    variance = estimator_variance(
        settings.kernel,
        points,
        points,
        settings.outputs,
        form=settings.form,
        stratified=settings.stratified,
        scale=scale,
    ).clamp_min(0)
    # E|e| = sqrt(2 / pi) SD of a normal e; two independent maps differ with twice the variance.
    values = {
        "rmse": variance.mean().sqrt(),
        "mean_abs": (2 / math.pi * variance).sqrt().mean(),
        "epsilon": (4 / math.pi * variance.diagonal()).sqrt().mean(),
    }
    return {name: float(value) for name, value in values.items()}


def estimator_variance(
    kernel: str,
    x: Tensor,
    y: Tensor,
    outputs: int,
    *,
    form: str = "cos",
    stratified: bool = False,
    scale: float = 1.0,
) -> Tensor:
    r"""Variance of ``z(x)'z(y)`` over draws of independent frequencies, in closed form.

    With ``k = k(x - y)``, ``k2 = k(2 (x - y))`` and Q outputs: ``(1 + k2 / 2 - k²) / Q`` for "cos" and
    ``(1 + k2 - 2 k²) / Q`` for "paired" (Sutherland & Schneider 2015, eqs. 3 and 4). Stratified phases take
    ``c k(x + y)² / (2 Q)`` off, ``c = sinc²(2 / Q)``: the products of two features lie on cosines
    ``cos(w_i'(x + y) + 2 b_i)`` whose phases now shun each other, ``E exp(2j (b_i - b_m)) = -c / (Q - 1)`` for i != m.
    That is not a function of x - y: only points near the origin gain. For the arc-cosine kernel
    ``(2 k_2(x, y) - k²) / Q``, with ``k_2 = |x|² |y|² (3 sin t cos t + (pi - t)(1 + 2 cos² t)) / (pi scale⁴)`` that of
    order 2 (Cho & Saul 2009, eqs. 3 and 6) and t the angle between x and y.

    Parameters
    ----------
    kernel : str
        One of `prismseg.features.KERNELS`.
    x, y : (N, D), (M, D) Tensor
        Points.
    outputs : int
        Q; a paired map has Q / 2 frequencies.
    form : {"cos", "paired"}
        Which map.
    stratified : bool
        Whether its phases are stratified.
    scale : float
        Length scale, in the units of the points.

    Returns
    -------
    (N, M) float64 Tensor

    Examples
    --------
    >>> origin = torch.zeros(1, 2)
    >>> estimator_variance("gaussian", origin, origin, 10).item()  # (1 + 1 / 2 - 1) / 10
    0.05
    """
    x, y = x.double() / scale, y.double() / scale
    k = exact_kernel(kernel, x, y)
    if kernel == "arccosine":
        return (2 * _arccosine_of_order_two(x, y) - k**2) / outputs
    twice = exact_kernel(kernel, 2 * x, 2 * y)
    if form == "paired":
        return (1 + twice - 2 * k**2) / outputs
    variance = 1 + twice / 2 - k**2
    if stratified:
        variance = variance - np.sinc(2 / outputs) ** 2 * exact_kernel(kernel, x, -y) ** 2 / 2
    return variance / outputs


def _arccosine_of_order_two(x: Tensor, y: Tensor) -> Tensor:
    squares = x.square().sum(1)[:, None] * y.square().sum(1)[None]
    cosine = (x @ y.T / squares.sqrt().clamp_min(torch.finfo(x.dtype).tiny)).clamp(-1, 1)
    angle = torch.acos(cosine)
    values: Tensor = squares * (3 * torch.sin(angle) * cosine + (math.pi - angle) * (1 + 2 * cosine**2)) / math.pi
    return values
