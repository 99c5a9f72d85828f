"""What the network still says of an image seen through a map: drop, increase and gain of its confidence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prismseg.explain.measures.masks import Array
from prismseg.explain.measures.measures import divide

PERTURBATION = ("drop", "increase", "gain")

# Class-mean probabilities (B, K) of images (B, C, H, W).
Confidence = Callable[[Tensor], Tensor]


def perturbation(
    images: Tensor, maps: Tensor, index: int, before: Tensor, scored: NDArray[np.bool_], confidence: Confidence
) -> Array:
    """Compare the confidence Y on images with O on images times their maps.

    Maps are spread over [0, 1] each. ``drop`` = max(0, Y − O) / Y and ``increase`` = 1[O > Y] (Chattopadhay et al.
    2018, sec. 4.1), ``gain`` = max(0, O − Y) / (1 − Y) (Zhang et al. 2024, eq. 13); Y and O are mean probabilities
    of the class over its region.

    Parameters
    ----------
    images : (B, C, H, W) Tensor
        As the network takes them; 0 is what a map hides.
    maps : (B, H, W) Tensor
        Maps of one layer for class number `index`.
    before : (B, K) Tensor
        Confidence on the images.
    scored : (B,) bool array
        Cases whose region is not empty.
    confidence : callable
        See `Confidence`.

    Returns
    -------
    (B, 3) array
        NaN for a case without a region, such as a class that is predicted nowhere: there is no confidence to lose.
    """
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    unit = torch.where(high > low, (maps - low) / (high - low), 0.0)
    first = before[:, index].double().cpu().numpy()
    after = confidence(images * unit[:, None])[:, index].double().cpu().numpy()
    lost, won = np.maximum(first - after, 0), np.maximum(after - first, 0)
    found = np.stack([divide(lost, first), (after > first).astype(float), divide(won, 1 - first)], axis=1)
    found[~scored] = np.nan
    return found
