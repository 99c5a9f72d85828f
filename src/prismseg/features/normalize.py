"""Normalisation of a layer's input to unit root mean square."""

from __future__ import annotations

from torch import Tensor

EPSILON = 1e-5


def unit_rms(x: Tensor) -> Tensor:
    """Divide each case of `x` (B, …) by its root mean square over all other dimensions.

    Cases do not depend on each other, so the result is the same for any batch. An all-zero case stays zero.
    """
    wide = x.float()
    power = wide.square().mean(dim=tuple(range(1, x.ndim)), keepdim=True)
    return (wide * (power + EPSILON).rsqrt()).to(x.dtype)
