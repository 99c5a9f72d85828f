"""Bilinear enlargement of maps at chosen places alone, where all places would be many times as many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Corners(NamedTuple):
    """The four cells of a map between which each of N places lies.

    Attributes
    ----------
    cells : (N, 4) Tensor
        Places in the flattened map.
    weights : (N, 4) Tensor
        They sum to 1.
    """

    cells: Tensor
    weights: Tensor


def corners(size: Sequence[int], factor: int, rows: Tensor, columns: Tensor) -> Corners:
    """Find the corners of places in a map that is enlarged, as `torch.nn.functional.interpolate` does bilinearly.

    Parameters
    ----------
    size : sequence of int
        Height and width of the map.
    factor : int
        By how much it is enlarged.
    rows, columns : (N,) Tensor
        Places in the enlarged map.

    Examples
    --------
    >>> corners((2, 2), 2, torch.tensor([0]), torch.tensor([1]))
    Corners(cells=tensor([[0, 1, 2, 3]]), weights=tensor([[0.7500, 0.2500, 0.0000, 0.0000]]))
    """
    (top, bottom, down), (left, right, over) = (
        _between(place, factor, side) for place, side in zip((rows, columns), size, strict=True)
    )
    cells = [row * size[1] + column for row in (top, bottom) for column in (left, right)]
    weights = [vertical * horizontal for vertical in (1 - down, down) for horizontal in (1 - over, over)]
    return Corners(torch.stack(cells, dim=1), torch.stack(weights, dim=1))


def sample(values: Tensor, found: Corners) -> Tensor:
    """Values (N, C) at places of a map (C, H, W)."""
    sampled: Tensor = F.embedding_bag(
        found.cells, values.flatten(1).T.contiguous(), mode="sum", per_sample_weights=found.weights.to(values)
    )
    return sampled


def _between(places: Tensor, factor: int, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cells before and after each place along a side, and how far it lies from the first towards the second."""
    exact = ((places + 0.5) / factor - 0.5).clamp(min=0)
    first = exact.floor().long()
    return first, (first + 1).clamp(max=side - 1), exact - first
