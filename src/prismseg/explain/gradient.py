"""Activation maps that weight a layer's activations by the gradient of a class's score.

Activations A and gradients g = dy/dA have shape (B, D, h, w); maps have shape (B, h, w) and are nowhere negative.
Cases do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

_SINGULAR = 1e-6


class Terms:
    """Activations and gradients of one layer, with what several methods make of them."""

    def __init__(self, activation: Tensor, gradient: Tensor) -> None:
        self.activation = activation
        self.gradient = gradient

    @cached_property
    def product(self) -> Tensor:
        """G A, (B, D, h, w)."""
        return self.gradient * self.activation

    @cached_property
    def positive(self) -> Tensor:
        """ReLU(g), (B, D, h, w)."""
        return self.gradient.clamp_min(0)

    @cached_property
    def total(self) -> Tensor:
        """Σ A over the map, (B, D)."""
        return self.activation.sum((2, 3))

    def combine(self, weights: Tensor) -> Tensor:
        """ReLU Σ_d w_d A_d, of weights (B, D)."""
        return torch.einsum("bd,bdhw->bhw", weights, self.activation).clamp_min_(0)


def grad_cam(terms: Terms) -> Tensor:
    """Grad-CAM, ReLU Σ_d mean(g_d) A_d (Selvaraju et al. 2017, eqs. 1 and 2)."""
    return terms.combine(terms.gradient.mean((2, 3)))


def grad_cam_plus_plus(terms: Terms) -> Tensor:
    """Grad-CAM++, ReLU Σ_d w_d A_d with w = Σ alpha ReLU(g) (Chattopadhay et al. 2018, eqs. 7 and 19).

    alpha = g² / (2 g² + g³ ΣA), the sum of A over the whole map. Divided by g² this is 1 / (2 + g ΣA): a constant
    added to the published denominator would drown g², which is of order 1e-10 for the mean over a large mask.
    Where 2 + g ΣA vanishes, as it can for negative A, alpha is 0.
    """
    divisor = (terms.positive * terms.total[:, :, None, None]).add_(2)
    if terms.positive.max() * terms.total.min() + 2 < _SINGULAR:
        divisor.masked_fill_(divisor.abs() < _SINGULAR, torch.inf)
    return terms.combine(torch.div(terms.positive, divisor, out=divisor).sum((2, 3)))


def layer_cam(terms: Terms) -> Tensor:
    """Layer-CAM, ReLU Σ_d ReLU(g_d) A_d place by place (Jiang et al. 2021, eqs. 5 to 7)."""
    return (terms.positive * terms.activation).sum(1).clamp_min_(0)


def hires_cam(terms: Terms) -> Tensor:
    """HiResCAM, ReLU Σ_d g_d A_d place by place (Draelos & Carin 2020, eq. 4)."""
    return terms.product.sum(1).clamp_min_(0)


def x_grad_cam(terms: Terms) -> Tensor:
    """XGrad-CAM, ReLU Σ_d w_d A_d with w_d = Σ g_d A_d / Σ A_d (Fu et al. 2020, eq. 8).

    A channel whose activations add up to zero has weight 0.
    """
    weights = terms.product.sum((2, 3)) / terms.total
    return terms.combine(weights.masked_fill_(terms.total == 0, 0))


GRADIENT_METHODS: dict[str, Callable[[Terms], Tensor]] = {
    "gradcam": grad_cam,
    "gradcam++": grad_cam_plus_plus,
    "layercam": layer_cam,
    "hirescam": hires_cam,
    "xgradcam": x_grad_cam,
}
