"""How confident the network is of an image seen through a map: drop, increase and gain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prismseg.base.registry import Registry
from prismseg.evaluation import SHARE
from prismseg.explain.measures.masks import Array
from prismseg.explain.measures.relevance import divide


@dataclass(frozen=True, kw_only=True)
class PerturbationMeasure:
    """A number that compares the confidence on an image with that on the image seen through a map.

    Attributes
    ----------
    compute : callable
        Function of both confidences (B,), Y on the images and O on the images times their maps; returns an array
        (B,).
    label : str
        What tables of a report call it.
    bounds : (float, float), optional
        Between which it lies, for intervals.
    """

    compute: Callable[[Array, Array], Array]
    label: str
    bounds: tuple[float, float] | None = None


PERTURBATION_MEASURES: Registry[PerturbationMeasure] = Registry("measure of perturbation")
PERTURBATION_MEASURES.register(
    "drop",
    PerturbationMeasure(
        compute=lambda before, after: divide(np.maximum(before - after, 0), before), label="average drop"
    ),
    summary="max(0, Y - O) / Y (Chattopadhay et al. 2018, sec. 4.1).",
)
PERTURBATION_MEASURES.register(
    "increase",
    PerturbationMeasure(
        compute=lambda before, after: (after > before).astype(float), label="average increase", bounds=SHARE
    ),
    summary="Whether O > Y (Chattopadhay et al. 2018, sec. 4.1).",
)
PERTURBATION_MEASURES.register(
    "gain",
    PerturbationMeasure(
        compute=lambda before, after: divide(np.maximum(after - before, 0), 1 - before), label="average gain"
    ),
    summary="max(0, O - Y) / (1 - Y) (Zhang et al. 2024, eq. 13).",
)


def perturbation(images: Tensor, maps: Tensor, before: Tensor, confidence: Callable[[Tensor], Tensor]) -> Array:
    """Compare the confidence on images with that on the images times their maps.

    Maps are scaled to [0, 1] each. The measures are those of `PERTURBATION_MEASURES`; the confidence is the mean
    probability of a class over its region.

    Parameters
    ----------
    images : (B, C, H, W) Tensor
        As the network takes them; 0 is what a map hides.
    maps : (B, H, W) Tensor
        Maps of one layer and class.
    before : (B,) Tensor
        Confidence on the images; NaN for a case without a region, such as a class that is predicted nowhere: there is
        no confidence to lose.
    confidence : callable
        Function of images (B, C, H, W); returns the confidence (B,).

    Returns
    -------
    (B, 3) array
        NaN where `before` is.

    Examples
    --------
    >>> images, maps = torch.ones(1, 1, 1, 2), torch.tensor([[[0.0, 1.0]]])
    >>> perturbation(images, maps, torch.tensor([1.0]), lambda seen: seen.mean((1, 2, 3))).tolist()
    [[0.5, 0.0, 0.0]]
    """
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    unit = torch.where(high > low, (maps - low) / (high - low), 0.0)
    first = before.double().cpu().numpy()
    after = confidence(images * unit[:, None]).double().cpu().numpy()
    values = np.stack([measure.compute(first, after) for measure in PERTURBATION_MEASURES.values()], axis=1)
    values[np.isnan(first)] = np.nan
    return values
