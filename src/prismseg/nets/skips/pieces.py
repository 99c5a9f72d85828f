"""Skip layers that bring a whole image to root mean square 1, in networks that are shown the image in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from prismseg.features.normalize import unit_rms
from prismseg.nets.instant.tiles import Tile, compute_in_tiles
from prismseg.nets.segmentation import SegmentationModel

Axes = tuple[int, ...]


class ImageStatistics:
    """Root mean squares of an image at every layer of a network that divides by them, gathered over its pieces.

    A piece by itself has others: a piece of background would be enlarged to the size of one full of structure, and the
    pieces would not fit together. So a network looks at all pieces (`look`) before it computes any (`compute`). Layers
    that take means otherwise (group and instance normalisation) are left as they are.

    Parameters
    ----------
    network : nn.Module
        The network; its layers are set back after each call.

    Examples
    --------
    >>> from prismseg.nets.blocks import UnitRMS
    >>> x = torch.tensor([3.0, 4.0, 0.0, 5.0]).reshape(1, 1, 1, 4)
    >>> statistics = ImageStatistics(UnitRMS())
    >>> for start in (0, 2):
    ...     statistics.look(x[..., start : start + 2], Tile(0, 1, 0, 1), Tile(start, start + 2, start, start + 2))
    >>> statistics.compute(x[..., :2]).flatten() * 12.5**0.5
    tensor([3., 4.])
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._layers = [module for module in network.modules() if getattr(module, "rms", None) is unit_rms]
        # Sums of squares (B, 1, 1, 1) and numbers of values of each layer, for each way in which images are mirrored.
        self._sums: dict[Axes, dict[int, tuple[Tensor, int]]] = {}

    @property
    def needed(self) -> bool:
        """Whether the network has such a layer."""
        return bool(self._layers)

    def look(self, x: Tensor, rows: Tile, columns: Tile, axes: Axes = ()) -> None:
        """Add what is kept of a piece x (B, C, h, w), which is mirrored along `axes` before the network sees it."""
        if not self._layers:
            return
        sums = self._sums.setdefault(axes, {})

        def note(layer: int, values: Tensor) -> Tensor:
            stride = x.shape[-2] // values.shape[-2]
            kept = (values.flip(axes) if axes else values)[..., rows.kept(stride), columns.kept(stride)].double()
            before, count = sums.get(layer, (torch.zeros((), dtype=torch.float64, device=values.device), 0))
            added = kept.square().sum((1, 2, 3), keepdim=True)
            sums[layer] = (before + added, count + kept[0].numel())
            return unit_rms(values)

        self._call(note, x, axes)

    def compute(self, x: Tensor, axes: Axes = ()) -> Tensor:
        """Give the network's output for a piece x, mirrored along `axes`; before any `look`, that for x alone."""
        sums = self._sums.get(axes)
        if not sums:
            return self._call(None, x, axes)

        def divide(layer: int, values: Tensor) -> Tensor:
            total, count = sums[layer]
            # An image that is 0 here stays 0, as in `unit_rms`.
            inverse = torch.where(total > 0, (total / count).rsqrt(), 0.0)
            return (values * inverse).to(values.dtype)

        return self._call(divide, x, axes)

    def to_json(self) -> list[Any]:
        """Give the statistics of one image as JSON values."""
        return [
            [list(axes), [[layer, float(total), count] for layer, (total, count) in sums.items()]]
            for axes, sums in self._sums.items()
        ]

    def take_json(self, values: list[Any]) -> None:
        """Take up what `to_json` gave."""
        # Of the shape that `look` gives them: a tensor without axes would let layers divide in single precision.
        self._sums = {
            tuple(axes): {
                layer: (torch.full((1, 1, 1, 1), total, dtype=torch.float64), count)
                for layer, total, count in sums
            }
            for axes, sums in values
        }

    def _call(self, change: Callable[[int, Tensor], Tensor] | None, x: Tensor, axes: Axes) -> Tensor:
        with self._changed(change):
            found: Tensor = self.network(x.flip(axes) if axes else x)
        return found

    @contextmanager
    def _changed(self, change: Callable[[int, Tensor], Tensor] | None) -> Iterator[None]:
        if change is None:
            yield
            return
        try:
            for index, layer in enumerate(self._layers):
                layer.rms = _bound(change, index)  # type: ignore[assignment]
            yield
        finally:
            for layer in self._layers:
                layer.rms = unit_rms  # type: ignore[assignment]


def segment_in_tiles(network: SegmentationModel, x: Tensor) -> Tensor:
    """Logits (B, K, H, W) of images x (B, C, H, W), computed in tiles where these are large."""
    statistics = ImageStatistics(network)
    return compute_in_tiles(statistics.compute, x, network.stride, look=statistics.look)


def _bound(change: Callable[[int, Tensor], Tensor], index: int) -> Callable[[Tensor], Tensor]:
    return lambda values: change(index, values)
