"""Infidelity: whether the relevance of hidden squares adds up to what the score loses."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from prismseg.explain.measures.masks import Array
from prismseg.explain.measures.relevance import divide
from prismseg.explain.registries import FILLS

SQUARES = 50  # hidden one at a time
_SIDES = (1 / 8, 1 / 3)  # least and largest side of a square, as a share of the image's shorter side


class HiddenSquares(NamedTuple):
    """Squares that were hidden one at a time, and what the scores lost.

    Attributes
    ----------
    hidden : (Q, H, W) bool Tensor
        The same squares for every case.
    lost : (Q, B, K) array
        Score on the whole image less that without the square.
    """

    hidden: Tensor
    lost: Array


def hide_squares(
    images: Tensor,
    scores: Callable[[Tensor], Tensor],
    fill: str,
    count: int = SQUARES,
    seed: int = 0,
    *,
    depth: int = 1,
    at_once: int = 1,
) -> HiddenSquares:
    """Hide random squares of images (B, C, H, W), one at a time, and watch the scores (B, K).

    Parameters
    ----------
    fill : str
        Of `prismseg.explain.FILLS`.
    count : int
        How many squares; their sides lie between an eighth and a third of the image's.
    depth : int
        Slices of volumes (B, C, D H, W); a square is of one slice.
    at_once : int
        How many squares S are hidden in one call of `scores`, which gets images (S B, C, H, W) then.
    """
    height, width = images.shape[2] // depth, images.shape[3]
    generator = np.random.default_rng(seed)
    hidden = torch.zeros(count, *images.shape[2:], dtype=torch.bool, device=images.device)
    lost = []
    with torch.no_grad():
        before = scores(images)
        for square in hidden:
            side = max(1, round(generator.uniform(*_SIDES) * min(height, width)))
            top, left = generator.integers(0, height - side + 1), generator.integers(0, width - side + 1)
            top += height * int(generator.integers(depth)) if depth > 1 else 0
            square[top : top + side, left : left + side] = True
        for some in torch.split(hidden, at_once):
            seen = torch.cat(
                [
                    FILLS[fill](images, square.expand(len(images), -1, -1), torch.Generator().manual_seed(seed))
                    for square in some
                ]
            )
            found = scores(seen).reshape(len(some), len(images), -1)
            lost.append((before - found).double().cpu().numpy())
    return HiddenSquares(hidden, np.concatenate(lost))


def unexplained_share(maps: Tensor, squares: HiddenSquares, index: int) -> Array:
    r"""Compute the infidelity (Yeh et al. 2019, def. 2.1) of maps (B, H, W) as a share of all that the scores lost: (B,).

    $$\min_b \frac{\sum_q (b \sum_{u \in q} S_u - \Delta_q)^2}{\sum_q \Delta_q^2}$$

    for squares $q$ whose hiding costs the score $\Delta_q$. The factor $b \ge 0$ brings a map, which has no unit, to
    that of the score; so 0 means that relevance adds up to the loss, and 1 that it says nothing of it.

    Parameters
    ----------
    maps : (B, H, W) Tensor
    squares : HiddenSquares
    index : int
        Number of the class among the scores.
    """
    held = torch.einsum("bhw,qhw->qb", maps.double(), squares.hidden.double()).cpu().numpy()
    lost = squares.lost[:, :, index]
    factor = np.maximum(divide((held * lost).sum(0), (held**2).sum(0)), 0)
    return divide(((factor * held - lost) ** 2).sum(0), (lost**2).sum(0), otherwise=np.nan)


def infidelity(maps: Tensor, squares: HiddenSquares, index: int) -> Array:
    r"""Compute the infidelity as published, $\operatorname{mean}_q (\sum_{u \in q} S_u - \Delta_q)^2$: (B,).

    It is for maps in the unit of the score, such as signed integrated gradients; arguments as in `unexplained_share`.
    """
    held = torch.einsum("bhw,qhw->qb", maps.double(), squares.hidden.double()).cpu().numpy()
    mean: Array = ((held - squares.lost[:, :, index]) ** 2).mean(0)
    return mean
