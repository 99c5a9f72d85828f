"""Masks brought to the grids on which maps live, and the sums of maps against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

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
    kept : (cells,) bool or None
        Cells that are not left out; None where all are kept.
    classes : list of (3, n) float32
        For each class, pixels that a kept cell stands for, how many of them have the class, and how many are near
        its contour.
    equal : bool
        Whether all kept cells stand for the same number of pixels.
    """

    kept: NDArray[np.bool_] | None
    classes: list[Plane]
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
        near_both = _grown(inside, width) + _grown(1 - inside, width) - 1
        planes = torch.cat([inside, near_both * counts, counts], dim=1)
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
        """Sum up maps (N, B, h, w), nowhere negative, against class number `index`.

        Returns
        -------
        (N, B, 7) array
            As `SUMS` names them; all 0 for a map that is zero everywhere.
        """
        grids = self.on_grid((maps.shape[2], maps.shape[3]))
        rows = maps.flatten(2).cpu().numpy()
        cases = [
            _case_sums(rows[:, case], grid, index, area)
            for case, (grid, area) in enumerate(zip(grids, self.area[:, index], strict=True))
        ]
        return np.stack(cases, axis=1)


def _grown(planes: Tensor, width: int) -> Tensor:
    """Grow the ones of `planes` by `width` pixels each way; beyond the image there are none."""
    side = 2 * width + 1
    wide = F.max_pool2d(planes, (1, side), stride=1, padding=(0, width))
    return F.max_pool2d(wide, (side, 1), stride=1, padding=(width, 0))


def enlargement_adjoint(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Adjoint of bilinear enlargement from `size` (h, w) to that of `planes` (B, N, H, W): (B, N, h, w)."""
    if tuple(planes.shape[-2:]) == size:
        return planes
    down, across = (_enlargement(few, many, planes) for few, many in zip(size, planes.shape[-2:], strict=True))
    return down @ planes @ across.mT


def _enlargement(few: int, many: int, like: Tensor) -> Tensor:
    """Weights (few, many) with which linear enlargement from `few` to `many` cells counts each cell in each."""
    unit = torch.eye(few, dtype=like.dtype, device=like.device)[None]
    return F.interpolate(unit, size=many, mode="linear", align_corners=False)[0]


def _grid(planes: Plane) -> Grid:
    weight = planes[-1]
    kept = None if weight.all() else weight > 0
    if kept is not None:
        planes = planes[:, kept]
    inside, border = np.split(planes[:-1], 2)
    weight = planes[-1]
    classes = [np.stack(of_class) for of_class in zip([weight] * len(inside), inside, border, strict=True)]
    return Grid(kept, classes, equal=weight.size > 0 and float(np.ptp(weight)) < 1e-4 * weight[0])


def _case_sums(rows: Plane, grid: Grid, index: int, area: float) -> Array:
    """Sum up maps (N, cells) of one case: (N, 7)."""
    values = rows if grid.kept is None else rows[:, grid.kept]
    planes = grid.classes[index]
    result = np.zeros((len(values), len(SUMS)))
    highest = values.max(axis=1, initial=0)
    best = _gathered(values == highest[:, None], planes[:2])
    result[:, :3] = _gathered(values, planes)
    result[:, 3] = values.min(axis=1, initial=np.inf)
    result[:, 4] = highest
    result[:, 5] = best[:, 1] / np.maximum(best[:, 0], np.finfo(np.float32).tiny)
    if area > 0:
        result[:, 6] = rank_accuracy(values, grid, index, area)
    result[highest <= 0] = 0
    return result


def _gathered(cells: NDArray[Any], planes: Plane) -> Array:
    """Sum up cells (N, n), values or whether they are chosen, over planes (P, n): (N, P)."""
    wide = cells.astype(np.float32, copy=False)
    # One product a plane: BLAS is five times slower on matrices of three rows.
    return np.stack([wide @ plane for plane in planes], axis=1, dtype=np.float64)


def rank_accuracy(values: Plane, grid: Grid, index: int, area: float) -> Array:
    """Share of the most relevant pixels, as many as the mask has, that lie inside the mask: (N,) for maps (N, cells).

    (Relevance rank accuracy, Arras et al. 2022, eq. 5.) Among cells of equal relevance any may be taken: the value is
    the mean over all choices, as in the pointing game.
    """
    planes = grid.classes[index]
    threshold = _thresholds(values, grid, planes[0], area)[:, None]
    above, ties = _gathered(values > threshold, planes[:2]), _gathered(values == threshold, planes[:2])
    share = (area - above[:, 0]) / ties[:, 0]
    return (above[:, 1] + share * ties[:, 1]) / area


def _thresholds(values: Plane, grid: Grid, weight: Plane, area: float) -> Plane:
    """Value (N,) of the last cell that is taken when `area` pixels are, the most relevant first."""
    if grid.equal:
        count = min(weight.size, max(1, int(np.ceil(area / weight[0] - 1e-3))))
        # A whole sort beats np.partition, which crawls where many values are equal, as the zeros of a map are.
        return np.sort(values, axis=1)[:, weight.size - count]
    order = np.argsort(-values, axis=1)
    last = (np.cumsum(weight[order], axis=1, dtype=np.float64) >= area * (1 - 1e-6)).argmax(axis=1)
    return np.take_along_axis(values, np.take_along_axis(order, last[:, None], axis=1), axis=1)[:, 0]


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
