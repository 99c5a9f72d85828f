"""Normalisation of a layer's input to unit root mean square."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

# A case whose norm lies below this counts as all zero: its square is near the smallest number of float32, 1e-38.
MIN_NORM = 1e-18
# Added to the variances of a batch normalisation; PyTorch's 1e-5 would shrink inputs of rms 1e-3.
MIN_VARIANCE = 1e-10


Normalizer = Callable[[Tensor], Tensor]


def unit_rms(x: Tensor) -> Tensor:
    """Divide each case of `x` (B, …) by its root mean square over all other dimensions.

    Cases do not depend on each other, so the result is the same for any batch. It does not depend on the size of the
    values either, for root mean squares from 1e-18 to 1e18; an all-zero case stays zero and passes no gradient.

    Examples
    --------
    >>> unit_rms(torch.tensor([[1.0, -1.0], [0.0, 0.0], [0.0, 2.0]]))
    tensor([[ 1.0000, -1.0000],
            [ 0.0000,  0.0000],
            [ 0.0000,  1.4142]])
    """
    dims = tuple(range(1, x.ndim))
    # One reduction that makes no squared copy of x; the norm of an activation fits float32 even where x is half.
    norm = torch.linalg.vector_norm(x, dim=dims, keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
    nonzero = norm > MIN_NORM
    # Both branches of a `where` get gradients, so the one not taken must be finite as well.
    mean_square = torch.where(nonzero, norm, 1.0).square() / math.prod(x.shape[1:])
    inverse = torch.where(nonzero, mean_square.rsqrt(), 0.0)
    # The product is taken in float32, since 1 / rms of a case of small values may not be finite in half precision.
    normalized: Tensor = (x * inverse if x.dtype == inverse.dtype else x.to(inverse.dtype) * inverse).to(x.dtype)
    return normalized
