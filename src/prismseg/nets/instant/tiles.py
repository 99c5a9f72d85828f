"""A large image piece by piece, with a margin around each piece, so that memory does not grow with the image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

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
