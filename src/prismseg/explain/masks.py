"""Masks brought to the grids on which maps live, and the sums of maps against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import DataError
from prismseg.data.sample import IGNORE

Array = NDArray[np.float64]
Plane = NDArray[np.float32]

# What is kept of every map; all measures follow from it, under any normalisation.
SUMS = ("total", "inside", "border", "lowest", "highest", "pointing", "rank")


class Grid(NamedTuple):
    """The masks of one case on the grid of a map; cells that stand for no counting pixel are left out.

    Attributes
    ----------
    kept : (n,) bool or None
        Cells that are not left out; None where all are kept.
    weight : (n,) float32
        Pixels that a cell stands for.
    inside, border : (K, n) float32
        How many of them have the class, or are near its contour.
    equal : bool
        Whether all cells weigh the same.
    """

    kept: NDArray[np.bool_] | None
    weight: Plane
    inside: Plane
    border: Plane
    equal: bool


@dataclass(frozen=True)
class ClassMasks:
    """Masks of one batch, ready to be compared with maps of any resolution.

    A map S on a coarse grid means its bilinear enlargement up(S). Since Σ up(S) M = Σ S up'(M), with up' the adjoint
    of the enlargement, sums over pixels are taken on the map's own grid and are exact. Which cells are most
    relevant (rank accuracy, pointing game, least and largest value) is judged on that grid too.

    Attributes
    ----------
    planes : (B, 2 K + 1, H, W) float32 Tensor
        Which pixels have each class, which are near its contour, and which count (truth not 255).
    area, band : (B, K)
        Pixels of each class and of the band around its contour.
    pixels : (B,)
        Pixels that count.
    """

    planes: Tensor
    area: Array
    band: Array
    pixels: Array
    _grids: dict[tuple[int, int], list[Grid]] = field(default_factory=dict)

    @classmethod
    def of(cls, masks: Tensor, classes: Sequence[int], *, width: int) -> ClassMasks:
        """Prepare `masks` (B, H, W) of class indices for `classes`; the band reaches `width` pixels each way.

        Distances are those of a king on a chess board; a class's contour lies between its pixels and the others,
        not at the image's edge.
        """
        inside = torch.stack([masks == number for number in classes], dim=1).float()
        counts = (masks != IGNORE)[:, None].float()
        side = 2 * width + 1
        # max_pool2d pads with minus infinity: what lies beyond the image is neither inside nor outside.
        grown = F.max_pool2d(inside, side, stride=1, padding=width)
        shrunk = 1 - F.max_pool2d(1 - inside, side, stride=1, padding=width)
        planes = torch.cat([inside, (grown - shrunk) * counts, counts], dim=1)
        sums = planes.sum((2, 3), dtype=torch.float64).cpu().numpy()
        number = len(classes)
        return cls(planes, area=sums[:, :number], band=sums[:, number:-1], pixels=sums[:, -1])

    def on_grid(self, size: tuple[int, int]) -> list[Grid]:
        """Masks of each case on a grid of h by w cells."""
        if size not in self._grids:
            planes = enlargement_adjoint(self.planes, size).flatten(2).cpu().numpy()
            self._grids[size] = [_grid(case) for case in planes]
        return self._grids[size]

    def sums(self, maps: Tensor, index: int) -> Array:
        """Sum up `maps` (B, h, w), nowhere negative, against class number `index`: (B, 7), as `SUMS` names them."""
        grids = self.on_grid((maps.shape[1], maps.shape[2]))
        rows = maps.flatten(1).cpu().numpy()
        return np.array(list(map(_case_sums, rows, grids, repeat(index), self.area[:, index])))


def enlargement_adjoint(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Adjoint of bilinear enlargement from `size` (h, w) to that of `planes` (B, N, H, W): (B, N, h, w)."""
    if tuple(planes.shape[-2:]) == size:
        return planes
    with torch.enable_grad():
        small = planes.new_zeros((*planes.shape[:2], *size), requires_grad=True)
        large = F.interpolate(small, size=planes.shape[-2:], mode="bilinear", align_corners=False)
        return torch.autograd.grad(large, small, planes)[0]


def _grid(planes: Plane) -> Grid:
    weight = planes[-1]
    kept = None if weight.all() else weight > 0
    if kept is not None:
        planes = np.ascontiguousarray(planes[:, kept])
    inside, border = np.split(planes[:-1], 2)
    weight = planes[-1]
    return Grid(kept, weight, inside, border, equal=weight.size > 0 and float(np.ptp(weight)) < 1e-4 * weight[0])


def _case_sums(row: Plane, grid: Grid, index: int, area: float) -> tuple[float, ...]:
    values = row if grid.kept is None else row[grid.kept]
    highest = values.max(initial=0)
    if highest <= 0:
        return (0.0,) * len(SUMS)
    inside = grid.inside[index]
    best = (values == highest).astype(np.float32)
    return (
        float(values @ grid.weight),
        float(values @ inside),
        float(values @ grid.border[index]),
        float(values.min()),
        float(highest),
        float(best @ inside / (best @ grid.weight)),
        rank_accuracy(values, grid, index, area),
    )


def rank_accuracy(values: Plane, grid: Grid, index: int, area: float) -> float:
    """Share of the most relevant pixels, as many as the mask has, that lie inside the mask.

    (Relevance rank accuracy, Arras et al. 2022, eq. 5.) Among cells of equal relevance any may be taken: the value is
    the mean over all choices, as in the pointing game. 0 for an empty mask.
    """
    if area == 0:
        return 0.0
    threshold = _threshold(values, grid, area)
    above = (values > threshold).astype(np.float32)
    ties = (values == threshold).astype(np.float32)
    share = (area - float(above @ grid.weight)) / float(ties @ grid.weight)
    inside = grid.inside[index]
    return float(above @ inside + share * (ties @ inside)) / area


def _threshold(values: Plane, grid: Grid, area: float) -> float:
    """Value of the last cell that is taken when `area` pixels are, the most relevant first."""
    if grid.equal:
        count = min(values.size, max(1, int(np.ceil(area / grid.weight[0] - 1e-3))))
        # A whole sort beats np.partition, which crawls where many values are equal, as the zeros of a map are.
        return float(np.sort(values)[values.size - count])
    order = np.argsort(-values)
    reached = np.cumsum(grid.weight[order], dtype=np.float64) >= area * (1 - 1e-6)
    return float(values[order[int(reached.argmax())]])


def as_labels(masks: Tensor, images: Tensor) -> Tensor:
    """Bring masks to (B, H, W) int64.

    Raises
    ------
    DataError
        When they do not fit the images or are not whole numbers.
    """
    labels = masks[:, 0] if masks.ndim == 4 and masks.shape[1] == 1 else masks
    if labels.shape != (images.shape[0], *images.shape[-2:]):
        raise DataError(f"The masks have shape {tuple(masks.shape)}, the images {tuple(images.shape)}.")
    if labels.is_floating_point() and not torch.equal(labels, labels.round()):
        raise DataError("The masks hold fractions; class indices are whole numbers.")
    return labels.to(images.device, torch.long)


def check_labels(masks: Tensor, class_count: int) -> None:
    """Refuse labels that are neither a class nor 255."""
    odd = masks[(masks != IGNORE) & ((masks >= class_count) | (masks < 0))]
    if odd.numel():
        raise DataError(f"A mask holds label {int(odd[0])}, but the network has {class_count} classes.")
