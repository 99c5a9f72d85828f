"""How far the evidence of one output pixel reaches in each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from prismseg.explain.atlas import Atlas
from prismseg.explain.measures.masks import Array
from prismseg.explain.network import Window
from prismseg.explain.registries import METHODS
from prismseg.explain.tensors import as_images

MASS = 0.95  # share of the gradient's magnitude that counts as its reach
# Pixels that a layer's evidence may reach while the layer still acts on each pixel by itself: less than to the next one.
POINTWISE = 0.5
_EXACT = 1e-3  # pixels within which places agree
ALIVE = 3  # output pixels whose gradient must reach a layer, so that one dead unit does not decide
SPARE = 25  # further output pixels to try where dead units let no gradient through
# Places of the output pixels, as shares of the image's sides.
_PROBES = ((0.5, 0.5), (0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))


@dataclass
class _Footprints:
    """Gradient magnitudes (h, w), or (d, h, w), of single output pixels in one layer, with the places of these."""

    pixels: list[tuple[int, ...]] = field(default_factory=list)
    masses: list[Array] = field(default_factory=list)

    def add(self, pixel: tuple[int, ...], mass: Array) -> None:
        """Add the gradient of one pixel, unless it vanishes: then it says nothing about the kernels."""
        if mass.any():
            self.pixels.append(pixel)
            self.masses.append(mass)

    def reach(self, size: tuple[int, ...]) -> float:
        """Compute the largest radius, NaN where no gradient was found."""
        if not self.masses:
            return float("nan")
        lengths = zip(size, self.masses[0].shape, strict=True)
        scales = [self._scale(axis, length / cells) for axis, (length, cells) in enumerate(lengths)]
        return max(_radius(mass, pixel, scales) for pixel, mass in zip(self.pixels, self.masses, strict=True))

    def _scale(self, axis: int, pitch: float) -> tuple[float, float]:
        """Find the pixels per cell, and the pixel on which the centre of the first cell lies, along one axis.

        Commonly the cells divide the image among them. Where a network adds or cuts off a border of its own, they do
        not; then both follow from where the gradients of several pixels lie.
        """
        places = np.array([pixel[axis] for pixel in self.pixels], float)
        centres, widths = np.array([_position(mass, axis) for mass in self.masses]).T
        usual = (pitch, pitch / 2 - 0.5)
        if np.ptp(centres) < 1:
            return usual
        slope, start = np.polyfit(centres, places, 1)
        off = np.abs(start + slope * centres - places).max()
        if abs(slope - 1) < _EXACT and off < _EXACT:
            return 1.0, float(round(start))  # a cell is a pixel
        # A wide footprint may lean to one side, and a pixel lies somewhere in its cell.
        if (np.abs(usual[1] + pitch * centres - places) <= pitch * (widths + 0.5) + _EXACT).all() or slope <= 0:
            return usual
        return float(slope), float(start)


def layer_reach(atlas: Atlas, image: Tensor) -> dict[str, float]:
    """Measure, for every layer, the radius around an output pixel that holds 95 % of its gradient's magnitude.

    Where it is 0, a layer acts on each pixel by itself: maps that weight places (Layer-CAM, HiResCAM) are then zero
    outside of the region whose score is explained, whatever the network has learned.

    It depends on the network's kernels, not on the image's size: distances are measured on the image as the layers
    see it, with the border that a network adds to bring its sides to a multiple of its stride.

    Parameters
    ----------
    atlas : Atlas
        Its network and layers are used.
    image : (1, C, H, W) Tensor
        An image as the network takes it.

    Returns
    -------
    dict
        ``{layer: radius}``: Chebyshev distance from cell centre to pixel, in pixels of the image; the largest of five
        output pixels, or more where units are dead. NaN where no gradient arrives at all.
    """
    image, _, window = atlas.network.pad(as_images(image, atlas.model))
    footprints: dict[str, _Footprints] = {}
    probed = 0
    with atlas.network.trace(image) as (trace, logits):
        height, width = logits.shape[-2:]
        # Classes get different weights, so that their gradients do not cancel out.
        weights = torch.arange(1, logits.shape[1] + 1, dtype=logits.dtype, device=logits.device)
        for row, column in _pixels(window):

            def consume(layer: str, _: Tensor, gradient: Tensor, pixel: tuple[int, int] = (row, column)) -> None:
                mass = gradient.double().abs().sum(1)[0].cpu().numpy()
                shape = atlas.network.shape_of(mass.shape, (height, width))
                if len(shape) > 2:
                    down = divmod(pixel[0], height // atlas.network.depth)
                    footprints.setdefault(layer, _Footprints()).add((*down, pixel[1]), mass.reshape(shape))
                    return
                footprints.setdefault(layer, _Footprints()).add(pixel, mass)

            trace.backward((logits[0, :, row, column] * weights).sum(), consume, last=False)
            probed += 1
            if probed >= len(_PROBES) and all(len(layer.masses) >= ALIVE for layer in footprints.values()):
                break
    size = atlas.network.shape_of((height, width), (height, width))
    return {layer: footprints[layer].reach(size) for layer in atlas.layers}


def pointwise_layers(reach: Mapping[str, float], method: str) -> list[str]:
    """List the layers in which maps of a method lie on the region by construction; none where all would be.

    Parameters
    ----------
    reach : mapping
        Radius by layer, see `layer_reach`.
    method : str
        Of `prismseg.explain.METHODS`.

    Examples
    --------
    >>> pointwise_layers({"encoder.0": 12.0, "head": 0.0}, "layercam")
    ['head']
    >>> pointwise_layers({"encoder.0": 12.0, "head": 0.0}, "gradcam")
    []
    """
    if not METHODS[method].place_by_place:
        return []
    layers = [layer for layer, radius in reach.items() if radius < POINTWISE]
    return layers if len(layers) < len(reach) else []


def _pixels(window: Window) -> Iterator[tuple[int, int]]:
    """Yield the output pixels to try: five in a regular pattern, then random ones."""
    spare = np.random.default_rng(0).random((SPARE, 2)).tolist()
    for down, right in [*_PROBES, *spare]:
        yield window.top + int(down * (window.height - 1)), window.left + int(right * (window.width - 1))


def _position(mass: Array, axis: int) -> tuple[float, float]:
    """Find the centre of gravity of `mass` along one axis, and its standard deviation, in cells."""
    along = mass.sum(tuple(other for other in range(mass.ndim) if other != axis))
    total, cells = along.sum(), np.arange(along.size)
    centre = float(along @ cells / total)
    return centre, float(np.sqrt(along @ (cells - centre) ** 2 / total))


def _radius(mass: Array, pixel: tuple[int, ...], scales: list[tuple[float, float]]) -> float:
    """Find the distance from `pixel` within which `MASS` of a layer's gradient, (h, w) or (d, h, w), lies."""
    away = [
        np.abs(start + pitch * np.arange(cells) - place)
        for cells, (pitch, start), place in zip(mass.shape, scales, pixel, strict=True)
    ]
    distance = reduce(np.maximum, np.ix_(*away)).ravel()
    order = np.argsort(distance, kind="stable")
    held = np.cumsum(mass.ravel()[order])
    return float(distance[order[int(np.searchsorted(held, MASS * held[-1]))]])
