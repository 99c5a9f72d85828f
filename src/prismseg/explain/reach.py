"""How far the evidence of one output pixel reaches in each layer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from prismseg.explain.atlas import Atlas
from prismseg.explain.masks import Array

MASS = 0.95
_PROBES = ((0.5, 0.5), (0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))


def layer_reach(atlas: Atlas, image: Tensor) -> dict[str, float]:
    """Radius around an output pixel that holds 95 % of its gradient's magnitude, for every layer.

    Where it is 0, a layer acts on each pixel by itself: maps that weight places (Layer-CAM, HiResCAM) are then zero
    outside the region whose score is explained, whatever the network has learnt.

    Parameters
    ----------
    atlas : Atlas
        Its network and layers are used.
    image : (1, C, H, W) Tensor
        An image as the network takes it.

    Returns
    -------
    dict
        ``{layer: radius}`` in pixels of the image, a chess king's distance from cell centre to pixel; the largest of
        five output pixels.
    """
    found: dict[str, float] = {}
    with atlas.logits(image) as (trace, logits):
        height, width = logits.shape[-2:]
        # Classes get different weights, lest their gradients cancel out.
        weights = torch.arange(1, logits.shape[1] + 1, dtype=logits.dtype, device=logits.device)
        for number, (down, right) in enumerate(_PROBES):
            row, column = int(down * (height - 1)), int(right * (width - 1))

            def consume(layer: str, _: Tensor, gradient: Tensor, row: int = row, column: int = column) -> None:
                mass = gradient.abs().sum(1)[0].double().cpu().numpy()
                radius = _radius(mass, (row, column), (height, width))
                found[layer] = max(found.get(layer, 0.0), radius)

            trace.backward((logits[0, :, row, column] * weights).sum(), consume, last=number == len(_PROBES) - 1)
    return {layer: found[layer] for layer in atlas.layers}


def _radius(mass: Array, pixel: tuple[int, int], size: tuple[int, int]) -> float:
    """Distance from `pixel` within which `MASS` of a layer's gradient (h, w) lies."""
    if not mass.any():
        return 0.0
    away = [
        np.abs((np.arange(cells) + 0.5) * length / cells - 0.5 - place)
        for cells, length, place in zip(mass.shape, size, pixel, strict=True)
    ]
    distance = np.maximum(away[0][:, None], away[1][None, :]).ravel()
    order = np.argsort(distance, kind="stable")
    held = np.cumsum(mass.ravel()[order])
    return float(distance[order[int(np.searchsorted(held, MASS * held[-1]))]])
