"""Masks brought to the grids on which maps live, and the sums of maps against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from prismseg.data.sample import IGNORE
from prismseg.explain.tensors import resize_maps

Array = NDArray[np.float64]
Plane = NDArray[np.float32]

# What is kept of every map; all measures follow from it, under any normalisation.
SUMS = ("total", "inside", "border", "on_region", "lowest", "highest", "pointing", "rank")

# Relative difference below which two values of an enlarged map are equal: bilinear weights add up to 1 only to
# within rounding, so that an enlarged constant map is constant to within a few units of the last place.
EQUAL = 1e-6
_STRIDE = 61  # of the sample that a threshold is sought in; prime, lest it meets the columns of a picture


@dataclass(frozen=True)
class ClassMasks:
    """Masks of one batch, ready to be compared with maps of any resolution.

    A map S on a coarse grid means its bilinear enlargement up(S) to the image. Since Σ up(S) M = Σ S up'(M), with up'
    the adjoint of the enlargement, sums over pixels are taken on the map's own grid and are exact. What is not linear
    in the map (least and largest value, pointing game, rank accuracy) is judged on the enlarged map: the coarse one
    has other extremes.

    Attributes
    ----------
    planes : (B, 3 K + 1, H, W) float32 Tensor
        Which pixels have each class, which are near its contour, over which its score is taken, and which count
        (truth not 255).
    area, band, region, hit : (B, K)
        Pixels of each class, of the band around its contour, of the region over which its score is taken, and of
        the region inside the class.
    pixels : (B,)
        Pixels that count.
    """

    planes: Tensor
    area: Array
    band: Array
    region: Array
    hit: Array
    pixels: Array
    _coarse: dict[tuple[int, int], Plane] = field(default_factory=dict)
    _fine: list[NDArray[np.bool_]] = field(default_factory=list)

    @classmethod
    def from_labels(
        cls, masks: Tensor, classes: Sequence[int], *, width: int, regions: Tensor | None = None
    ) -> ClassMasks:
        """Prepare `masks` (B, H, W) of class indices for `classes`; the band reaches `width` pixels each way.

        Distances are those of a king on a chess board; a class's contour lies between its pixels and the others,
        not at the image's edge. `regions` (B, K, H, W) of 0 and 1 are those of `regions_of`; by default each class's
        own pixels.
        """
        inside = torch.stack([masks == number for number in classes], dim=1).float()
        counts = (masks != IGNORE)[:, None].float()
        near_both = _grown(inside, width) + _grown(1 - inside, width) - 1
        scored = inside if regions is None else regions.float() * counts
        planes = torch.cat([inside, near_both * counts, scored, counts], dim=1)
        sums = planes.sum((2, 3), dtype=torch.float64).cpu().numpy()
        hit = (scored * inside).sum((2, 3), dtype=torch.float64).cpu().numpy()
        area, band, region = np.split(sums[:, :-1], 3, axis=1)
        return cls(planes, area=area, band=band, region=region, hit=hit, pixels=sums[:, -1])

    def sums(self, maps: Tensor, index: int) -> Array:
        """Sum up maps (N, B, h, w), nowhere negative, against class number `index`.

        Returns
        -------
        (N, B, 8) array
            As `SUMS` names them; all 0 for a map that is zero everywhere.
        """
        number, size = self.area.shape[1], (maps.shape[2], maps.shape[3])
        chosen = [3 * number, index, number + index, 2 * number + index]
        if size not in self._coarse:
            self._coarse[size] = enlargement_adjoint(self.planes, size).flatten(2).cpu().numpy()
        if not self._fine:
            self._fine.append(self.planes.flatten(2).bool().cpu().numpy())
        rows = maps.float().flatten(2).cpu().numpy()
        result = np.zeros((*maps.shape[:2], len(SUMS)))
        for case in range(maps.shape[1]):
            result[:, case, :4] = _products(rows[:, case], self._coarse[size][case, chosen])
            counts, inside = self._fine[0][case, chosen[0]], self._fine[0][case, index]
            whole = None if counts.all() else counts
            if whole is not None:
                inside = inside[whole]
            enlarged = resize_maps(maps[:, case].float(), (self.planes.shape[2], self.planes.shape[3])).flatten(1)
            for place, values in enumerate(enlarged.cpu().numpy()):
                result[place, case, 4:] = _judge(values if whole is None else values[whole], inside)
        result[result[..., SUMS.index("highest")] <= 0] = 0
        return result


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


def _products(values: Plane, planes: Plane) -> Array:
    """Sum up maps (N, cells) over planes (P, cells): (N, P)."""
    # One product a plane: BLAS is five times slower on matrices of three rows.
    return np.stack([values @ plane for plane in planes], axis=1, dtype=np.float64)


def _judge(values: Plane, inside: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Least and largest value, pointing game and rank accuracy of a map (n,) over the pixels that count."""
    if not values.size:
        return 0, 0, 0, 0
    lowest, highest = float(values.min()), float(values.max())
    if highest <= 0:
        return 0, 0, 0, 0
    # Among pixels of equal relevance any may be pointed at: the mean over all choices.
    best = inside[values >= highest * (1 - EQUAL)]
    return lowest, highest, float(best.mean()), rank_accuracy(values, inside)


def rank_accuracy(values: Plane, inside: NDArray[np.bool_]) -> float:
    """Share of the most relevant pixels, as many as the mask has, that lie inside the mask.

    (Relevance rank accuracy, Arras et al. 2022, eq. 5.) Among pixels of equal relevance any may be taken: the value is
    the mean over all choices, as in the pointing game.

    Parameters
    ----------
    values : (n,) float32
        Relevance of each pixel, nowhere negative.
    inside : (n,) bool
        The mask.

    Returns
    -------
    float
        In [0, 1]; 0 for an empty mask.

    Examples
    --------
    >>> rank_accuracy(np.float32([5, 4, 1, 0]), np.array([True, False, True, False]))
    0.5
    """
    area = int(inside.sum())
    if not area:
        return 0.0
    threshold = _last_taken(values, area)
    above, least = values > threshold * (1 + EQUAL), threshold * (1 - EQUAL)
    ties = (values >= least) & ~above
    share = (area - np.count_nonzero(above)) / np.count_nonzero(ties)
    hits = np.count_nonzero(above & inside) + share * np.count_nonzero(ties & inside)
    return float(hits / area)


def _last_taken(values: Plane, count: int) -> float:
    """Value of the last pixel that is taken when the `count` most relevant are."""
    # After Floyd & Rivest 1975: a sorted sample tells a narrow range that holds the value, and only that is
    # partitioned. np.partition of everything takes three times as long, and crawls where many values are equal.
    sample = np.sort(values[::_STRIDE])
    place, margin = sample.size * (1 - count / values.size), 2 * np.sqrt(sample.size)
    low = sample[int(place - margin)] if place > margin else sample[0] - 1
    high = sample[int(place + margin)] if place + margin < sample.size else np.inf
    above = np.count_nonzero(values > high)
    within = values[(values > low) & (values <= high)]
    if above < count <= above + within.size:
        return _largest(within, int(count - above))
    if above + within.size < count <= np.count_nonzero(values >= low):
        return float(low)
    return _largest(values, count)


def _largest(values: Plane, count: int) -> float:
    """Value that is in place `count` from the top."""
    return float(np.partition(values, values.size - count)[values.size - count])
