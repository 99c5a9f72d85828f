"""Methods that weight a layer's activations by the gradient of a class's score.

Activations A and gradients g = dy/dA have shape (B, D, h, w); maps have shape (B, h, w) and are nowhere negative.
Cases do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from prismseg.explain.maps.method import ChannelMethod, GradientMethod, LayerGradients, PlaceMethod

_SINGULAR = 1e-6  # below which a divisor of Grad-CAM++, of order 2, counts as 0
# Elements of a layer that are worked on at a time: 6 MB of single precision, so that what the methods share stays in the
# processor's cache.
_CHUNK = 1_600_000


def grad_cam(layer: LayerGradients) -> Tensor:
    """Weights of Grad-CAM, w = mean(g) (Selvaraju et al. 2017, eq. 1)."""
    return layer.gradient.mean((2, 3))


def grad_cam_plus_plus(layer: LayerGradients) -> Tensor:
    """Weights of Grad-CAM++, w = Σ alpha ReLU(g) (Chattopadhay et al. 2018, eqs. 7 and 19).

    alpha = g² / (2 g² + g³ ΣA), the sum of A over the whole map. Divided by g² this is 1 / (2 + g ΣA): a constant
    added to the published denominator would drown g², which is of order 1e-10 for the mean over a large mask.
    Where 2 + g ΣA vanishes, as it can for negative A, alpha is 0.
    """
    divisor = (layer.positive * layer.total[:, :, None, None]).add_(2)
    lowest = layer.total.min()
    if lowest < 0 and layer.positive.amax() * lowest + 2 < _SINGULAR:
        divisor.masked_fill_(divisor.abs() < _SINGULAR, torch.inf)
    return torch.div(layer.positive, divisor, out=divisor).sum((2, 3))


def x_grad_cam(layer: LayerGradients) -> Tensor:
    """Weights of XGrad-CAM, w = Σ g A / Σ A (Fu et al. 2020, eq. 8).

    A channel whose activations add up to zero has weight 0.
    """
    weights = layer.product.sum((2, 3)) / layer.total
    return weights.masked_fill_(layer.total == 0, 0)


def layer_cam(layer: LayerGradients) -> Tensor:
    """Map of Layer-CAM, ReLU Σ_d ReLU(g_d) A_d (Jiang et al. 2021, eqs. 5 to 7)."""
    return (layer.positive * layer.activation).sum(1).clamp_min_(0)


def hires_cam(layer: LayerGradients) -> Tensor:
    """Map of HiResCAM, ReLU Σ_d g_d A_d (Draelos & Carin 2020, eq. 4)."""
    return layer.product.sum(1).clamp_min_(0)


GRAD_CAM = ChannelMethod(
    title="Grad-CAM",
    formula=r"\operatorname{ReLU} \sum_d \operatorname{mean}(g_d)\, A_d",
    citation="Selvaraju et al. 2017",
    weights=grad_cam,
)
GRAD_CAM_PLUS_PLUS = ChannelMethod(
    title="Grad-CAM++",
    formula=r"\operatorname{ReLU} \sum_d w_d A_d, \; w_d = \sum \frac{\operatorname{ReLU}(g_d)}{2 + g_d \sum A_d}",
    citation="Chattopadhay et al. 2018",
    weights=grad_cam_plus_plus,
)
X_GRAD_CAM = ChannelMethod(
    title="XGrad-CAM",
    formula=r"\operatorname{ReLU} \sum_d w_d A_d, \; w_d = \sum g_d A_d \big/ \sum A_d",
    citation="Fu et al. 2020",
    weights=x_grad_cam,
)
LAYER_CAM = PlaceMethod(
    title="Layer-CAM",
    formula=r"\operatorname{ReLU} \sum_d \operatorname{ReLU}(g_d) \odot A_d",
    citation="Jiang et al. 2021",
    maps=layer_cam,
)
HIRES_CAM = PlaceMethod(
    title="HiResCAM",
    formula=r"\operatorname{ReLU} \sum_d g_d \odot A_d",
    citation="Draelos & Carin 2020",
    maps=hires_cam,
)


def gradient_maps(
    activation: Tensor, gradient: Tensor, methods: Mapping[str, GradientMethod]
) -> dict[str, Tensor]:
    """Compute the maps of several methods for one layer.

    Parameters
    ----------
    activation, gradient : (B, D, h, w) Tensor
        A and g = dy/dA.
    methods : mapping
        Method by name.

    Returns
    -------
    dict
        ``{method: (B, h, w) Tensor}``.

    Examples
    --------
    >>> ones = torch.ones(1, 2, 3, 3)
    >>> gradient_maps(ones, 0.5 * ones, {"hirescam": HIRES_CAM})["hirescam"].unique()
    tensor([1.])
    """
    step = max(1, _CHUNK // activation[0].numel())
    parts = [
        _chunk_maps(LayerGradients(*pair), methods)
        for pair in zip(torch.split(activation, step), torch.split(gradient, step), strict=True)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in methods}


def _chunk_maps(layer: LayerGradients, methods: Mapping[str, GradientMethod]) -> dict[str, Tensor]:
    maps = {name: method.maps(layer) for name, method in methods.items() if isinstance(method, PlaceMethod)}
    weighting = {name: method for name, method in methods.items() if isinstance(method, ChannelMethod)}
    if weighting:
        # One product for all methods: activations are read once.
        weights = torch.stack([method.weights(layer) for method in weighting.values()], dim=1)
        combined = torch.einsum("bkd,bdhw->bkhw", weights, layer.activation).clamp_min_(0)
        maps |= dict(zip(weighting, combined.unbind(1), strict=True))
    return maps
