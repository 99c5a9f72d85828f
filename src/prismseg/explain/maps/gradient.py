"""Activation maps that weight a layer's activations by the gradient of a class's score.

Activations A and gradients g = dy/dA have shape (B, D, h, w); maps have shape (B, h, w) and are nowhere negative.
Cases do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

_SINGULAR = 1e-6
_CHUNK = 1_600_000  # elements


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


def grad_cam(terms: Terms) -> Tensor:
    """Weights of Grad-CAM, w = mean(g) (Selvaraju et al. 2017, eq. 1)."""
    return terms.gradient.mean((2, 3))


def grad_cam_plus_plus(terms: Terms) -> Tensor:
    """Weights of Grad-CAM++, w = Σ alpha ReLU(g) (Chattopadhay et al. 2018, eqs. 7 and 19).

    alpha = g² / (2 g² + g³ ΣA), the sum of A over the whole map. Divided by g² this is 1 / (2 + g ΣA): a constant
    added to the published denominator would drown g², which is of order 1e-10 for the mean over a large mask.
    Where 2 + g ΣA vanishes, as it can for negative A, alpha is 0.
    """
    divisor = (terms.positive * terms.total[:, :, None, None]).add_(2)
    lowest = terms.total.min()
    if lowest < 0 and terms.positive.amax() * lowest + 2 < _SINGULAR:
        divisor.masked_fill_(divisor.abs() < _SINGULAR, torch.inf)
    return torch.div(terms.positive, divisor, out=divisor).sum((2, 3))


def x_grad_cam(terms: Terms) -> Tensor:
    """Weights of XGrad-CAM, w = Σ g A / Σ A (Fu et al. 2020, eq. 8).

    A channel whose activations add up to zero has weight 0.
    """
    weights = terms.product.sum((2, 3)) / terms.total
    return weights.masked_fill_(terms.total == 0, 0)


def layer_cam(terms: Terms) -> Tensor:
    """Map of Layer-CAM, ReLU Σ_d ReLU(g_d) A_d (Jiang et al. 2021, eqs. 5 to 7)."""
    return (terms.positive * terms.activation).sum(1).clamp_min_(0)


def hires_cam(terms: Terms) -> Tensor:
    """Map of HiResCAM, ReLU Σ_d g_d A_d (Draelos & Carin 2020, eq. 4)."""
    return terms.product.sum(1).clamp_min_(0)


# Methods that weight each channel as a whole, ReLU Σ_d w_d A_d, and those that weight every place by itself.
CHANNEL_WEIGHTS: dict[str, Callable[[Terms], Tensor]] = {
    "gradcam": grad_cam,
    "gradcam++": grad_cam_plus_plus,
    "xgradcam": x_grad_cam,
}
PLACE_BY_PLACE: dict[str, Callable[[Terms], Tensor]] = {"layercam": layer_cam, "hirescam": hires_cam}
GRADIENT_METHODS = ("gradcam", "gradcam++", "layercam", "hirescam", "xgradcam")


def gradient_maps(activation: Tensor, gradient: Tensor, methods: Sequence[str]) -> dict[str, Tensor]:
    """Compute the maps of several methods for one layer.

    Parameters
    ----------
    activation, gradient : (B, D, h, w) Tensor
        A and g = dy/dA.
    methods : sequence of str
        Of `GRADIENT_METHODS`.

    Returns
    -------
    dict
        ``{method: (B, h, w) Tensor}``.
    """
    # A few cases at a time: what the methods share then stays in the processor's cache.
    step = max(1, _CHUNK // activation[0].numel())
    parts = [
        _chunk_maps(Terms(some, its), methods)
        for some, its in zip(torch.split(activation, step), torch.split(gradient, step), strict=True)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in methods}


def _chunk_maps(terms: Terms, methods: Sequence[str]) -> dict[str, Tensor]:
    maps = {name: PLACE_BY_PLACE[name](terms) for name in methods if name in PLACE_BY_PLACE}
    weighted = [name for name in methods if name in CHANNEL_WEIGHTS]
    if weighted:
        weights = torch.stack([CHANNEL_WEIGHTS[name](terms) for name in weighted], dim=1)
        combined = torch.einsum("bkd,bdhw->bkhw", weights, terms.activation).clamp_min_(0)
        maps |= dict(zip(weighted, combined.unbind(1), strict=True))
    return maps
