"""Sums of the maps of one batch: each map is measured as soon as it is made, and dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prismseg.explain.batch import BatchMaps
from prismseg.explain.measures.masks import SUMS, Array, ClassMasks
from prismseg.explain.measures.perturbation import PERTURBATION_MEASURES, perturbation
from prismseg.explain.measures.sums import Axes, MapSums
from prismseg.explain.registries import knows_layer
from prismseg.explain.tensors import resize_maps, to_full_precision

_Values = dict[tuple[str, str, int], Array]  # by method, layer and number of class: (B, Q)


def sum_up(batch: BatchMaps, groups: Sequence[str]) -> MapSums:
    """Make all maps of a batch and keep only their sums.

    Parameters
    ----------
    batch : BatchMaps
        With masks.
    groups : sequence of str
        Patient (or other unit) of each case.
    """
    counter = _BatchSums(batch)
    batch.make(counter.take)
    return counter.result(groups)


class _BatchSums:
    def __init__(self, batch: BatchMaps) -> None:
        self._batch = batch
        self._sums: _Values = {}
        self._perturbed: _Values = {}
        self._masks: ClassMasks | None = None
        self._before: Tensor | None = None

    @property
    def masks(self) -> ClassMasks:
        """Masks that maps are compared with; the classes and regions are known once the first map is made."""
        if self._masks is None:
            batch = self._batch
            assert batch.masks is not None, "maps are measured against masks"
            width = batch.settings.border
            self._masks = ClassMasks.from_labels(
                batch.masks, batch.classes, width=width, regions=batch.scored, depth=batch.network.depth
            )
        return self._masks

    def take(self, layer: str, index: int, maps: dict[str, Tensor]) -> None:
        """Sum up the maps {method: (B, h, w)} of one layer and class."""
        maps = {method: values for method, values in maps.items() if not self._copied(method, layer, index)}
        if not maps:
            return
        sums = self.masks.sums(torch.stack(list(maps.values())), index)
        for method, values in zip(maps, sums, strict=True):
            self._sums[method, layer, index] = values
        if self._batch.settings.perturb:
            with torch.no_grad():
                for method, map_ in maps.items():
                    self._perturbed[method, layer, index] = self._perturb(map_, index)

    def _copied(self, method: str, layer: str, index: int) -> bool:
        """Whether the map is that of an earlier layer too, whose sums were copied."""
        if knows_layer(method):
            return False
        first = self._batch.network.layers[0]
        for values in (self._sums, self._perturbed):
            if (method, first, index) in values:
                values[method, layer, index] = values[method, first, index]
        return (method, first, index) in self._sums

    def _perturb(self, maps: Tensor, index: int) -> Array:
        batch = self._batch
        if self._before is None:
            empty = torch.from_numpy(self.masks.region == 0).to(batch.images.device)
            self._before = batch.confidence(batch.images).masked_fill(empty, torch.nan)
        return perturbation(
            to_full_precision(batch.images),
            resize_maps(maps, batch.size),
            self._before[:, index],
            lambda images: batch.confidence(images)[:, index],
        )

    def result(self, groups: Sequence[str]) -> MapSums:
        """Join what was taken."""
        batch, masks = self._batch, self.masks
        names = tuple(batch.settings.class_label(cls) for cls in batch.classes)
        axes = Axes(batch.settings.methods, batch.network.layers, names)
        count = len(batch.ids)
        return MapSums(
            axes=axes,
            ids=batch.ids,
            groups=tuple(groups),
            sums=_stacked(self._sums, axes, count, len(SUMS)),
            perturbed=_stacked(
                self._perturbed, axes, count, len(PERTURBATION_MEASURES) if batch.settings.perturb else 0
            ),
            residual=self._residuals(axes),
            area=masks.area,
            band=masks.band,
            region=masks.region,
            hit=masks.hit,
            pixels=masks.pixels,
        )

    def _residuals(self, axes: Axes) -> Array:
        """Residuals (B, M, K) of the methods that tell them; NaN of others, and where the region is empty."""
        result = np.full((len(self._batch.ids), len(axes.methods), len(axes.classes)), np.nan)
        for method, values in self._batch.residuals.items():
            result[:, axes.methods.index(method)] = values.double().cpu().numpy()
        result[np.broadcast_to(self.masks.region[:, None] == 0, result.shape)] = np.nan
        return result


def _stacked(values: _Values, axes: Axes, count: int, width: int) -> Any:
    """Values (B, Q) of each map as one array (B, M, L, K, Q)."""
    result = np.zeros((count, *axes.shape, width))
    for (method, layer, index), entry in values.items():
        result[:, axes.methods.index(method), axes.layers.index(layer), index] = entry
    return result
