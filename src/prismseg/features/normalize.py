"""Normalisation of a layer's input to unit root mean square."""

from __future__ import annotations

import math

import torch
from torch import Tensor

EPSILON = 1e-5


def unit_rms(x: Tensor) -> Tensor:
    """Divide each case of `x` (B, …) by its root mean square over all other dimensions.

    Cases do not depend on each other, so the result is the same for any batch. An all-zero case stays zero.
    """
    dims = tuple(range(1, x.ndim))
    # One reduction that makes no squared copy of x; the length of an activation fits float32 even where x is half.
    length = torch.linalg.vector_norm(x, dim=dims, keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
    inverse = (length.square() / math.prod(x.shape[1:]) + EPSILON).rsqrt()
    normalized: Tensor = x * inverse.to(x.dtype)
    return normalized
