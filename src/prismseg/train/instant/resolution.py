"""How finely an instant segmenter has to look: the coarsest grid that still draws the masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import DataError
from prismseg.data import IGNORE, SegmentationDataset
from prismseg.train.instant.cases import spread

# Sides of the images that the network sees (of a square of as many pixels) and pixels a cell, the cheapest first.
TRIED = ((256, 4), (256, 2), (384, 2), (512, 2))
DRAWN = 0.95  # Dice to the masks from which a grid is fine enough
LOOKED_AT = 16  # masks
SIDE_STEP = 32  # sides are multiples of it, the coarsest stride of the encoders


@dataclass(frozen=True)
class Resolution:
    """Input size and grid of an instant segmenter.

    Attributes
    ----------
    size : (int, int)
        Height and width of the images that it sees.
    grid : int
        Pixels a side of the cells.
    dice : float
        Of masks that are drawn on this grid and enlarged again, to those as they are: no network does better.
    """

    size: tuple[int, int]
    grid: int
    dice: float


def choose_resolution(
    dataset: SegmentationDataset, size: tuple[int, int] | None = None, grid: int | None = None
) -> Resolution:
    """Choose the cheapest resolution whose grid draws the masks of a data set, or the finest one there is.

    Parameters
    ----------
    dataset : SegmentationDataset
        With masks.
    size : (int, int), optional
        The size, where it is given.
    grid : int, optional
        The grid, where it is given.

    Raises
    ------
    DataError
        When no image has a mask.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from PIL import Image
    >>> from prismseg.data import open_dataset
    >>> folder = mkdtemp()
    >>> for part in ("images", "masks"):
    ...     (Path(folder) / part).mkdir()
    ...     drawn = np.zeros((200, 100), np.uint8)
    ...     drawn[50:150, 30:80] = 1
    ...     Image.fromarray(drawn).save(Path(folder) / part / "a.png")
    >>> found = choose_resolution(open_dataset(folder))
    >>> found.size, found.grid
    ((352, 192), 4)
    """
    labelled = sorted(set(range(len(dataset))) - set(dataset.unlabelled))
    chosen = [dataset[labelled[place]].mask for place in spread([range(len(labelled))], LOOKED_AT)]
    masks = [mask for mask in chosen if mask is not None]
    if not masks:
        raise DataError(f"No image of {dataset.root} has a mask, so there is nothing to fit.")
    aspect = float(np.median([mask.shape[0] / mask.shape[1] for mask in masks]))
    best: Resolution | None = None
    for side, cells in dict.fromkeys((0 if size else side, grid or cells) for side, cells in TRIED):
        height, width = size or (
            max(1, round(side * factor / SIDE_STEP)) * SIDE_STEP
            for factor in (math.sqrt(aspect), 1 / math.sqrt(aspect))
        )
        dice = float(np.mean([drawn_dice(mask, (-(-height // cells), -(-width // cells))) for mask in masks]))
        if best is None or dice > best.dice:
            best = Resolution((height, width), cells, dice)
        if dice >= DRAWN:
            break
    assert best is not None
    return best


def drawn_dice(mask: NDArray[np.uint8], cells: tuple[int, int]) -> float:
    """Dice of a mask (H, W) that is drawn as shares of each class on `cells` and enlarged again, to itself.

    It is the mean over the classes beside the background that occur in either; 1 where there are none. Pixels whose
    class is unknown do not count.

    Examples
    --------
    >>> mask = np.zeros((8, 8), np.uint8)
    >>> mask[:, :4] = 1
    >>> drawn_dice(mask, (8, 8)), drawn_dice(mask, (1, 1))
    (1.0, 0.0)
    """
    known = torch.from_numpy(mask != IGNORE)
    labels = torch.from_numpy(np.where(mask == IGNORE, 0, mask)).long()
    shares = F.one_hot(labels).permute(2, 0, 1)[None].float() * known
    drawn = _enlarge(F.interpolate(shares, size=cells, mode="area"), mask.shape).argmax(1)[0]
    scores = []
    for label in sorted({*torch.unique(labels).tolist(), *torch.unique(drawn).tolist()} - {0}):
        truth, pred = (labels == label) & known, (drawn == label) & known
        scores.append(float(2 * (truth & pred).sum() / (truth.sum() + pred.sum())))
    return float(np.mean(scores)) if scores else 1.0


def _enlarge(values: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(values, size=tuple(size), mode="bilinear", align_corners=False)
