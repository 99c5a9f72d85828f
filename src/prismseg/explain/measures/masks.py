"""Sums of maps over masks, taken on the grids of the maps."""

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

# What is kept of every map, over the valid pixels: its sums over the image, the class, the band around the contour
# and the scored region; least and largest value; pointing game and rank accuracy. All measures follow from these,
# under any normalisation.
SUMS = ("total", "inside", "border", "on_region", "lowest", "highest", "pointing", "rank")

# Relative difference below which two values of an enlarged map count as equal. Bilinear weights add up to 1 only to
# within rounding, so that an enlarged constant map is constant to within a few units in the last place (1e-7).
EQUAL = 1e-6
_STRIDE = 61  # of the values that are sampled for a threshold; prime, lest it falls in step with columns


@dataclass(frozen=True)
class ClassMasks:
    r"""Masks of one batch, ready to be compared with maps of any resolution.

    A map $S$ on a coarse grid stands for its bilinear enlargement $U S$ to the image. Since
    $\langle U S, M \rangle = \langle S, U^\top M \rangle$, the adjoint of the enlargement is applied to the masks,
    and sums are taken on the map's own grid, exactly. What is not linear in the map (least and largest value,
    pointing game, rank accuracy) is computed on the enlarged map, which has other extremes than the coarse one.

    Attributes
    ----------
    planes : (B, 3 K + 1, H, W) float32 Tensor
        Pixels of each class, of the band around its contour, and over which its score is taken; last, the valid
        pixels (label not 255).
    area, band, region, hit : (B, K)
        How many pixels each class has, the band around its contour, the region over which its score is taken, and the
        part of that region that lies inside the class.
    pixels : (B,)
        How many pixels are valid.
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
        cls,
        masks: Tensor,
        classes: Sequence[int],
        *,
        width: int,
        regions: Tensor | None = None,
        depth: int = 1,
    ) -> ClassMasks:
        """Prepare `masks` (B, H, W) of class indices for `classes`; the band reaches `width` pixels each way.

        Distances are Chebyshev distances; a class's contour lies between its pixels and the others, not at the
        image's edge. `regions` (B, K, H, W) of 0 and 1 are those of `find_regions`; by default each class's
        own pixels. Of volumes (B, D H, W) the band reaches into the slices of either side.
        """
        inside = torch.stack([masks == number for number in classes], dim=1).float()
        valid = (masks != IGNORE)[:, None].float()
        near_both = _dilate(inside, width, depth) + _dilate(1 - inside, width, depth) - 1
        scored = inside if regions is None else regions.float() * valid
        planes = torch.cat([inside, near_both * valid, scored, valid], dim=1)
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
            self._coarse[size] = apply_enlargement_adjoint(self.planes, size).flatten(2).cpu().numpy()
        if not self._fine:
            self._fine.append(self.planes.flatten(2).bool().cpu().numpy())
        rows = maps.float().flatten(2).cpu().numpy()
        result = np.zeros((*maps.shape[:2], len(SUMS)))
        for case in range(maps.shape[1]):
            result[:, case, :4] = _products(rows[:, case], self._coarse[size][case, chosen])
            valid, inside = self._fine[0][case, chosen[0]], self._fine[0][case, index]
            kept = None if valid.all() else valid
            if kept is not None:
                inside = inside[kept]
            enlarged = resize_maps(maps[:, case].float(), (self.planes.shape[2], self.planes.shape[3])).flatten(1)
            for place, values in enumerate(enlarged.cpu().numpy()):
                result[place, case, 4:] = _values_at_extremes(values if kept is None else values[kept], inside)
        result[result[..., SUMS.index("highest")] <= 0] = 0
        return result


def _dilate(planes: Tensor, width: int, depth: int) -> Tensor:
    """Dilate the ones of `planes` by `width` pixels each way; outside of the image or volume there are none."""
    side = 2 * width + 1
    if depth > 1:
        volumes = planes.reshape(*planes.shape[:2], depth, -1, planes.shape[3])
        for kernel in ((side, 1, 1), (1, side, 1), (1, 1, side)):
            volumes = F.max_pool3d(volumes, kernel, stride=1, padding=tuple(length // 2 for length in kernel))
        return volumes.reshape(planes.shape)
    wide = F.max_pool2d(planes, (1, side), stride=1, padding=(0, width))
    return F.max_pool2d(wide, (side, 1), stride=1, padding=(width, 0))


def apply_enlargement_adjoint(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Apply the adjoint of bilinear enlargement from `size` (h, w) to planes (B, N, H, W): (B, N, h, w)."""
    if tuple(planes.shape[-2:]) == size:
        return planes
    down, across = (_enlargement(few, many, planes) for few, many in zip(size, planes.shape[-2:], strict=True))
    return down @ planes @ across.mT


def _enlargement(few: int, many: int, like: Tensor) -> Tensor:
    """Weights (few, many) of linear enlargement from `few` to `many` cells."""
    unit = torch.eye(few, dtype=like.dtype, device=like.device)[None]
    return F.interpolate(unit, size=many, mode="linear", align_corners=False)[0]


def _products(values: Plane, planes: Plane) -> Array:
    """Sum up maps (N, cells) over planes (P, cells): (N, P)."""
    # One product a plane: BLAS is five times slower on matrices of three rows.
    return np.stack([values @ plane for plane in planes], axis=1, dtype=np.float64)


def _values_at_extremes(values: Plane, inside: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Least and largest value, pointing game and rank accuracy of a map (n,) over the valid pixels."""
    if not values.size:
        return 0, 0, 0, 0
    lowest, highest = float(values.min()), float(values.max())
    if highest <= 0:
        return 0, 0, 0, 0
    # Where several pixels have the largest value, the mean over all choices of one.
    best = inside[values >= highest * (1 - EQUAL)]
    return lowest, highest, float(best.mean()), rank_accuracy(values, inside)


def rank_accuracy(values: Plane, inside: NDArray[np.bool_]) -> float:
    """Share of the most relevant pixels, as many as the mask has, that lie inside the mask.

    (Relevance rank accuracy, Arras et al. 2022, eq. 5.) Where pixels of equal relevance compete for the last places,
    it is the mean over all choices, as in the pointing game.

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
    threshold = _top_threshold(values, area)
    above, least = values > threshold * (1 + EQUAL), threshold * (1 - EQUAL)
    ties = (values >= least) & ~above
    share = (area - np.count_nonzero(above)) / np.count_nonzero(ties)
    hits = np.count_nonzero(above & inside) + share * np.count_nonzero(ties & inside)
    return float(hits / area)


def _top_threshold(values: Plane, count: int) -> float:
    """Find the least of the `count` largest values."""
    # After Floyd & Rivest 1975: a sorted sample gives a narrow range that holds the value, and only that is
    # partitioned. np.partition of all values takes three times as long, and far longer where many values are equal.
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
    """Find the value in place `count` from the top."""
    return float(np.partition(values, values.size - count)[values.size - count])
