"""A large image piece by piece, with a margin around each piece, so that memory does not grow with the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

TILE = 1024  # pixels a side of what is kept of a tile; images up to TILE + 2 MARGIN a side are taken in one piece
MARGIN = 128  # pixels around it that the encoder sees besides


class Tile(NamedTuple):
    """A piece of an image along one side: what is read, and what is kept of it, in pixels from the image's start."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    def kept(self, stride: int) -> slice:
        """Where what is kept lies in a map of the tile with one value per `stride` pixels."""
        start = (self.keep_start - self.start) // stride
        return slice(start, start + (self.keep_stop - self.keep_start) // stride)


def cut(length: int, *, tile: int = TILE, margin: int = MARGIN) -> Iterator[Tile]:
    """Cut a side of an image into tiles; what is kept of them covers it once.

    Parameters
    ----------
    length : int
        Of the side; `tile`, `margin` and it are multiples of a network's stride, and so are all places.

    Examples
    --------
    >>> [tuple(tile) for tile in cut(40, tile=16, margin=8)]
    [(0, 24, 0, 16), (8, 40, 16, 32), (24, 40, 32, 40)]
    >>> [tuple(tile) for tile in cut(32, tile=16, margin=8)]
    [(0, 32, 0, 32)]
    """
    if length <= tile + 2 * margin:
        yield Tile(0, length, 0, length)
        return
    for start in range(0, length, tile):
        stop = min(start + tile, length)
        yield Tile(max(start - margin, 0), min(stop + margin, length), start, stop)


def multiple_of(step: int, length: int) -> int:
    """Round a length up to a multiple of `step`.

    Examples
    --------
    >>> multiple_of(32, 128), multiple_of(32, 129)
    (128, 160)
    """
    return -(-length // step) * step


def continue_to(x: Tensor, height: int, width: int) -> Tensor:
    """Continue images (B, C, H, W) to the right and below by their nearest pixels."""
    below, right = height - x.shape[-2], width - x.shape[-1]
    return F.pad(x, (0, right, 0, below), mode="replicate") if below or right else x


def compute_in_tiles(
    compute: Callable[[Tensor], Tensor],
    x: Tensor,
    stride: int,
    *,
    look: Callable[[Tensor, Tile, Tile], object] | None = None,
    tile: int = TILE,
    margin: int = MARGIN,
) -> Tensor:
    """Compute maps of images, tile by tile where these are large.

    Images are continued to multiples of `stride` at the right and below, so that every tile lies on the grid of the
    whole. What is computed is that of the whole image where `compute` looks no farther than the margin.

    Parameters
    ----------
    compute : callable
        From images (B, C, h, w) to maps (B, K, h, w).
    x : (B, C, H, W) Tensor
        The images.
    stride : int
        Of the network.
    look : callable, optional
        Called with each tile and its place along both sides before any is computed, where there are several.
    tile, margin : int
        Sides of what is kept of a tile and of what is read around it; rounded up to multiples of `stride`.

    Returns
    -------
    (B, K, H, W) Tensor

    Examples
    --------
    >>> import torch
    >>> x = torch.rand(1, 1, 70, 50)
    >>> blur = lambda part: F.avg_pool2d(part, 3, 1, 1, count_include_pad=False)
    >>> tiled = compute_in_tiles(blur, x, 2, tile=16, margin=2)
    >>> bool(torch.allclose(tiled, blur(x), atol=1e-6)), tiled.shape
    (True, torch.Size([1, 1, 70, 50]))
    """
    height, width = x.shape[-2:]
    x = continue_to(x, multiple_of(stride, height), multiple_of(stride, width))
    tile, margin = multiple_of(stride, tile), multiple_of(stride, margin)
    rows, columns = (list(cut(side, tile=tile, margin=margin)) for side in x.shape[-2:])
    if len(rows) == len(columns) == 1:
        return compute(x)[..., :height, :width]
    parts = [
        (row, column, x[..., row.start : row.stop, column.start : column.stop])
        for row, column in product(rows, columns)
    ]
    if look is not None:
        for row, column, part in parts:
            look(part, row, column)
    whole: Tensor | None = None
    for row, column, part in parts:
        found = compute(part)
        if whole is None:
            whole = found.new_empty(*found.shape[:2], *x.shape[-2:])
        kept = found[..., row.kept(1), column.kept(1)]
        whole[..., row.keep_start : row.keep_stop, column.keep_start : column.keep_stop] = kept
    assert whole is not None
    return whole[..., :height, :width]
