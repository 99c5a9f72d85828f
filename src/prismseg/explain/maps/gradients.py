"""Relevance of the image's own pixels from gradients: gradient times input, integrated gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from prismseg.explain.maps.method import ImageContext, ImageMaps, ImageMethod
from prismseg.explain.registries import BASELINES

if TYPE_CHECKING:
    from prismseg.explain.maps.method import Scores

# Baseline of the registered method. Networks that divide their input by its size, as Fourier features do, say of
# every multiple of an image the same and jump at 0: on the way from a black image there is no gradient at all.
PATH_FROM = "blur"
STEPS = 32  # points of Gauss and Legendre on the way from the baseline


def score_gradients(scores: Scores, images: Tensor, factors: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Compute the scores (B, K) of images (B, C, H, W) and their gradients (B, K, C, H, W).

    Scores are multiplied by `factors` (B, K) on the way and gradients divided by them, lest they underflow where the
    network computes in half precision.
    """
    source = images.detach().requires_grad_()
    values = scores(source)
    scaled = values if factors is None else values * factors
    count = values.shape[1]
    gradients = [
        torch.autograd.grad(scaled[:, index].sum(), source, retain_graph=index < count - 1)[0]
        for index in range(count)
    ]
    stacked = torch.stack(gradients, dim=1)
    return values.detach(), stacked if factors is None else stacked / factors[:, :, None, None, None]


def integrated_gradients(
    scores: Scores, images: Tensor, baseline: Tensor, steps: int = STEPS, *, factors: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    r"""Compute integrated gradients (Sundararajan et al. 2017, eq. 1), signed.

    $$R_i = (x_i - b_i) \int_0^1 \frac{\partial y(b + t (x - b))}{\partial x_i} \, dt$$

    They are complete: their sum is $y(x) - y(b)$. What the sum over the steps lacks of it is the residual.

    Parameters
    ----------
    scores : callable
        Scores (B, K) of images (B, C, H, W), with gradients.
    images, baseline : (B, C, H, W) Tensor
    steps : int
        Points at which the gradient is taken.
    factors : (B, K) Tensor, optional
        As in `score_gradients`.

    Returns
    -------
    relevance : (B, K, C, H, W) Tensor
        Signed.
    residual : (B, K) Tensor
        How far their sum is from $y(x) - y(b)$, as `lacking` has it.

    Examples
    --------
    >>> x = torch.tensor([[[[1.0, 2.0]]]])
    >>> relevance, residual = integrated_gradients(lambda x: (x**2).sum((2, 3)), x, torch.zeros_like(x))
    >>> relevance.flatten().tolist(), bool(residual.abs().max() < 1e-6)
    ([1.0, 4.0], True)
    """
    points, weights = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros(0)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        _, gradients = score_gradients(scores, baseline + point * (images - baseline), factors)
        total = weight * gradients + (total if total.numel() else 0)
    relevance = total * (images - baseline)[:, None]
    with torch.no_grad():
        expected = scores(images) - scores(baseline)
    return relevance, lacking(relevance.sum((2, 3, 4)), expected)


def lacking(total: Tensor, expected: Tensor) -> Tensor:
    """Compute how far a sum of relevance is from what it must be, as a share of the larger of both; 0 where both are 0.

    Examples
    --------
    >>> lacking(torch.tensor([0.9, 0.0, 0.0, -1.0]), torch.tensor([1.0, 1.0, 0.0, 1.0])).tolist()
    [0.10000002384185791, 1.0, 0.0, 2.0]
    """
    larger = torch.maximum(total.abs(), expected.abs())
    return torch.where(larger > 0, (total - expected).abs() / larger, 0.0)


def _gradient_times_input(context: ImageContext) -> Tensor:
    _, gradients = score_gradients(context.scores, context.images, context.factors)
    return (gradients * context.images[:, None]).sum(2).clamp_min(0)


def _integrated(context: ImageContext) -> ImageMaps:
    baseline = BASELINES[PATH_FROM](context.images)
    relevance, residual = integrated_gradients(context.scores, context.images, baseline, factors=context.factors)
    return ImageMaps(relevance.sum(2).clamp_min(0), residual)


GRADIENT_INPUT = ImageMethod(
    title="gradient × input",
    formula=r"\operatorname{ReLU} \sum_c x_c\, \partial y / \partial x_c",
    citation="Shrikumar et al. 2017",
    maps=_gradient_times_input,
)
INTEGRATED_GRADIENTS = ImageMethod(
    title="integrated gradients",
    formula=r"\operatorname{ReLU} \sum_c (x_c - b_c) \int_0^1 \partial y(b + t(x - b)) / \partial x_c \, dt",
    citation="Sundararajan et al. 2017",
    maps=_integrated,
    slow=True,
)
