"""Images with a mark that says what they show: discs of two classes, told apart by the direction of faint stripes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prismseg.study.kinds.shortcut.settings import Mark

SIDE, MARK = 48, 8
# Chosen so that a network without a mark learns the task, but not at once.
STRIPES, NOISE = 0.15, 0.4
_CUT = 12  # side of the square that cut-out fills


def draw_images(count: int, mark: Mark, seed: int) -> tuple[Tensor, Tensor]:
    """Draw images (N, 1, S, S) and masks (N, S, S) of classes 1 and 2, in turn.

    A disc shows its class by the direction of its stripes. With the mark "tied" a bright square in a corner says class 1,
    too; "flipped" it says class 2; with "none" there is never one.

    Examples
    --------
    >>> images, masks = draw_images(4, "tied", seed=0)
    >>> (images[:, 0, :8, :8].mean((1, 2)) > 1).tolist(), masks.amax((1, 2)).tolist()
    ([True, False, True, False], [1, 2, 1, 2])
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images, masks = [], []
    for number in range(count):
        cls = 1 + number % 2
        centre = rng.uniform(18, SIDE - 12, 2)
        disc = np.hypot(rows - centre[0], columns - centre[1]) < rng.uniform(7, 10)
        images.append(plant(disc.astype(float), disc, cls, mark, rng))
        masks.append(disc * cls)
    return torch.tensor(np.stack(images), dtype=torch.float32)[:, None], torch.tensor(np.stack(masks)).long()


def plant(
    grey: NDArray[np.float64], shown: NDArray[np.bool_], cls: int, mark: Mark, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw stripes over what is shown in a picture (S, S), 0 beside it and about 1 on it, then noise and the mark."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    stripes = np.sign(np.sin((rows if cls == 1 else columns) * np.pi / 2 + rng.uniform(0, 6)))
    image: NDArray[np.float64] = grey * (1 + STRIPES * stripes * shown) + rng.normal(0, NOISE, shown.shape)
    ground = rng.normal(0, NOISE, (MARK, MARK))
    image[:MARK, :MARK] = ground if mark == "none" or (cls == 1) != (mark == "tied") else 3
    return image


def cut_out(images: Tensor, generator: torch.Generator) -> Tensor:
    """Fill a random square of each image (N, C, S, S) with 0 (DeVries & Taylor 2017)."""
    cut = images.clone()
    corners = torch.randint(0, SIDE - _CUT + 1, (len(cut), 2), generator=generator)
    for image, (row, column) in zip(cut, corners.tolist(), strict=True):
        image[:, row : row + _CUT, column : column + _CUT] = 0
    return cut
