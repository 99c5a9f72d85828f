"""What a first fit finds around each pixel, and the second closed-form fit that learns from it.

A pixel is told by what lies around it too: a heart is one blob in the middle of tissue, a nerve lies beside its vessel.
The first fit looks at features of the encoder, which see far but blurred. The second one looks at the classes that the
first one finds near and far from a pixel, in eight directions (auto-context, Tu & Bai 2010), and at the edges and ridges
of the image itself, through random Fourier features; its outputs are added to those of the first one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.features import RandomFourierFeatures
from prismseg.nets.instant.heads import register_head

# Widths of the Gaussian windows over which classes are averaged around a pixel, in units of `scale`.
WINDOWS = (1.0, 2.0, 4.0, 8.0, 16.0)
# Distances at which they are looked up in eight directions; each over a window of half of it.
DISTANCES = (3.0, 6.0, 12.0, 24.0)
DIRECTIONS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]
# Widths of the Gaussian windows of edges and ridges, in pixels; each gives grey, slope and both curvatures.
DETAILS = (0.7, 1.5, 3.0, 6.0)
REACH = 3.0  # of a Gaussian window, in its widths
BLOCK = 2**15  # cells whose inputs are computed at a time


class ContextStage(nn.Module):
    """Second linear head of an `InstantSegmenter`: random Fourier features of what the first one finds around a pixel.

    Built by the segmenter, its outputs are 0; `prismseg.train.fit_instant` fits it.

    Parameters
    ----------
    classes : int
        K, with the background.
    features : int
        Number of random Fourier features, an even one.
    grid : int
        Pixels of the image per cell.
    scale : float
        Pixels of the finest window over the classes.

    Attributes
    ----------
    width : int
        D, the number of facts about a cell.
    mean, scale : (D,) Tensor
        How they are standardised; together they have norm 1 on average.

    Examples
    --------
    >>> stage = ContextStage(classes=2, features=6, grid=2, scale=2.0)
    >>> maps = stage.describe(torch.rand(1, 2, 32, 48), torch.rand(1, 3, 32, 48))
    >>> maps.shape, stage.outputs(maps).shape, stage.inputs(maps.flatten(2)[0].T).shape
    (torch.Size([1, 54, 16, 24]), torch.Size([1, 2, 16, 24]), torch.Size([384, 61]))
    """

    mean: Tensor
    scale: Tensor
    weights: Tensor
    factor: Tensor
    noise: Tensor
    offsets: Tensor
    temperature: Tensor

    def __init__(self, classes: int, features: int, *, grid: int, scale: float) -> None:
        super().__init__()
        self.grid, self.unit = grid, scale / grid
        around = 1 + len(WINDOWS) + len(DISTANCES) * len(DIRECTIONS)
        self.width = (classes - 1) * around + 4 * len(DETAILS)
        self.fourier = RandomFourierFeatures(
            self.width, features, mapping="paired", orthogonal=True, normalization="none", amplitude="kernel"
        )
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))
        register_head(self, self.width + features + 1, classes)

    def describe(self, probabilities: Tensor, image: Tensor) -> Tensor:
        """Compute the facts about each cell.

        Parameters
        ----------
        probabilities : (B, K, H, W) Tensor
            Of the classes, by the first fit.
        image : (B, C, H, W) Tensor
            Of mean 0 and standard deviation 1.

        Returns
        -------
        (B, D, H / grid, W / grid) Tensor
        """
        found = F.avg_pool2d(probabilities[:, 1:], self.grid)
        maps = [found, *(blur(found, width * self.unit) for width in WINDOWS)]
        for distance in DISTANCES:
            window = blur(found, distance / 2 * self.unit)
            maps += list(look_around(window, max(1, round(distance * self.unit))))
        grey = image.mean(1, keepdim=True)
        details = torch.cat([each for width in DETAILS for each in edges_and_ridges(blur(grey, width))], dim=1)
        return torch.cat([*maps, F.avg_pool2d(details, self.grid)], dim=1)

    def inputs(self, facts: Tensor) -> Tensor:
        """Compute the inputs (N, E) of the head for facts (N, D) about cells."""
        standardized = (facts - self.mean) * self.scale
        return torch.cat([standardized, self.fourier(standardized), torch.ones_like(facts[:, :1])], dim=1)

    def outputs(self, maps: Tensor) -> Tensor:
        """Compute the outputs (B, K, h, w) for maps of `describe`."""
        return self._by_block(maps, lambda facts: self.inputs(facts) @ self.weights)

    def leverage(self, maps: Tensor) -> Tensor:
        """Z' A^-1 z (B, 1, h, w) for maps of `describe`."""
        return self._by_block(maps, lambda facts: (self.inputs(facts) @ self.factor).square().sum(1, keepdim=True))

    def _by_block(self, maps: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply a function of rows to the cells of maps, so many at a time, since the inputs are many more numbers."""
        rows = maps.movedim(1, -1)
        flat = rows.flatten(0, -2)
        if torch.compiler.is_exporting() or len(flat) <= BLOCK:
            values = function(flat)
        else:
            values = torch.cat([function(block) for block in torch.split(flat, BLOCK)])
        return values.reshape(*rows.shape[:-1], -1).movedim(-1, 1)


def blur(maps: Tensor, width: float) -> Tensor:
    """Average maps (B, C, H, W) over a Gaussian window of a width in pixels; beyond the border they go on as there.

    Examples
    --------
    >>> maps = torch.zeros(1, 1, 9, 9)
    >>> maps[..., 4, 4] = 1
    >>> blurred = blur(maps, 1.0)[0, 0]
    >>> round(float(blurred.sum()), 2), round(float(blurred[4, 4]), 3)  # 1 / (2 pi)
    (1.0, 0.159)
    """
    reach = max(1, math.ceil(REACH * width))
    steps = torch.arange(-reach, reach + 1, device=maps.device)
    window = torch.exp(-0.5 * (steps.to(maps) / width) ** 2)
    window = window / window.sum()
    down, across = (_averages(window, steps, side) for side in maps.shape[-2:])
    return down @ maps @ across.T


def _averages(window: Tensor, steps: Tensor, side: int) -> Tensor:
    """Matrix (side, side) that averages over a window; for maps of cells it is faster than a convolution of a channel."""
    seen = (torch.arange(side, device=steps.device)[:, None] + steps).clamp(0, side - 1)
    return window.new_zeros(side, side).scatter_add(1, seen, window.expand(side, -1))


def look_around(maps: Tensor, distance: int) -> list[Tensor]:
    """Give maps (B, C, H, W) as seen from each pixel at a distance in eight directions; beyond the border as there.

    Examples
    --------
    >>> row = torch.arange(4.0)[None, None, None]
    >>> [each.flatten().tolist() for each in look_around(row, 1)][3:5]  # to the left, to the right
    [[0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 3.0]]
    """
    height, width = maps.shape[-2:]
    padded = F.pad(maps, (distance,) * 4, mode="replicate")
    seen = []
    for down, right in DIRECTIONS:
        top, left = (1 + down) * distance, (1 + right) * distance
        seen.append(padded[..., top : top + height, left : left + width])
    return seen


def edges_and_ridges(grey: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Grey, slope and the larger and the smaller curvature (eigenvalues of the Hessian) of maps (B, 1, H, W).

    Examples
    --------
    >>> x = torch.arange(7.0).expand(1, 1, 7, 7)
    >>> _, slope, larger, smaller = edges_and_ridges(x**2)  # slope 2x, curvatures 2 and 0
    >>> [float(each[0, 0, 3, 3]) for each in (slope, larger, smaller)]
    [6.0, 2.0, 0.0]
    """
    padded = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    height, width = grey.shape[-2:]

    def at(down: int, right: int) -> Tensor:
        return padded[..., 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    across, along = (at(0, 1) - at(0, -1)) / 2, (at(1, 0) - at(-1, 0)) / 2
    xx, yy = at(0, 1) + at(0, -1) - 2 * grey, at(1, 0) + at(-1, 0) - 2 * grey
    xy = (at(1, 1) + at(-1, -1) - at(1, -1) - at(-1, 1)) / 4
    mean, spread = (xx + yy) / 2, ((xx - yy).square() / 4 + xy.square()).sqrt()
    return grey, (across.square() + along.square()).sqrt(), mean + spread, mean - spread
