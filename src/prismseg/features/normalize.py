"""Normalisation of a layer's input to unit root mean square."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# A case whose length lies below this is all zero as far as float32 can square numbers.
SHORTEST = 1e-18
# Variance below which a channel of a batch counts as constant; PyTorch's 1e-5 would shrink inputs of rms 1e-3.
CONSTANT = 1e-10


def unit_rms(x: Tensor) -> Tensor:
    """Divide each case of `x` (B, …) by its root mean square over all other dimensions.

    Cases do not depend on each other, so the result is the same for any batch. It does not depend on the size of a case
    either, for root mean squares from 1e-18 to 1e18; an all-zero case stays zero and passes no gradient.
    """
    dims = tuple(range(1, x.ndim))
    # One reduction that makes no squared copy of x; the length of an activation fits float32 even where x is half.
    length = torch.linalg.vector_norm(x, dim=dims, keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
    something = length > SHORTEST
    # Both branches of a `where` get gradients, so the one not taken must be finite as well.
    mean_square = torch.where(something, length, 1.0).square() / math.prod(x.shape[1:])
    inverse = torch.where(something, mean_square.rsqrt(), 0.0)
    # The product is taken in float32, since the inverse of a short case is no finite half-precision number.
    normalized: Tensor = (x * inverse if x.dtype == inverse.dtype else x.to(inverse.dtype) * inverse).to(x.dtype)
    return normalized
