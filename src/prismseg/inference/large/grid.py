"""The pieces that a large image is cut into."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

from prismseg.data import Preprocess
from prismseg.nets.instant.tiles import TILE, Tile, cut, multiple_of

_TIFF_STEP = 16  # sides of tiles in a TIFF file are multiples of it (TIFF 6.0)


@dataclass(frozen=True)
class Piece:
    """A piece of an image: what the network reads and what is kept of it, on the network's grid.

    Attributes
    ----------
    row, column : int
        Its place among the pieces.
    rows, columns : Tile
        Along both sides.
    """

    row: int
    column: int
    rows: Tile
    columns: Tile


@dataclass(frozen=True)
class Grid:
    """How an image is cut: every pixel is kept of one piece.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the image, pixels.
    shrink : int
        Pixels of the image, a side, to one of the network's.
    kept : (int, int)
        Height and width of what is kept of a whole piece, pixels of the image; multiples of 16.
    pieces : tuple of Piece
        Row by row.
    """

    shape: tuple[int, int]
    shrink: int
    kept: tuple[int, int]
    pieces: tuple[Piece, ...]

    def read(self, piece: Piece) -> tuple[slice, slice]:
        """Rows and columns of the image that the network sees of a piece."""
        rows, columns = (
            slice(min(part.start * self.shrink, whole - 1), min(part.stop * self.shrink, whole))
            for part, whole in zip((piece.rows, piece.columns), self.shape, strict=True)
        )
        return rows, columns

    def keep(self, piece: Piece) -> tuple[slice, slice]:
        """Rows and columns of the image that are kept of a piece."""
        rows, columns = (
            slice(part.keep_start * self.shrink, min(part.keep_stop * self.shrink, whole))
            for part, whole in zip((piece.rows, piece.columns), self.shape, strict=True)
        )
        return rows, columns


def cut_image(height: int, width: int, preprocess: Preprocess, stride: int, overlap: int) -> Grid:
    """Cut an image of this height and width for a network of this stride.

    Parameters
    ----------
    height, width : int
        Pixels.
    preprocess : Preprocess
        With fit "native".
    stride : int
        Of the network; sides of pieces are multiples of it.
    overlap : int
        Pixels, on the network's grid, that it sees around what is kept; rounded up to a multiple of the stride.

    Examples
    --------
    >>> grid = cut_image(3000, 1200, Preprocess((256, 256), 3, fit="native"), 32, 128)
    >>> len(grid.pieces), grid.kept
    (3, (1024, 1200))
    >>> grid.read(grid.pieces[1])
    (slice(896, 2176, None), slice(0, 1200, None))
    """
    shrink = preprocess.shrink
    tile = multiple_of(math.lcm(stride, _TIFF_STEP), max(TILE // shrink, 1))
    sides = [
        list(cut(multiple_of(stride, side), tile=tile, margin=multiple_of(stride, overlap)))
        for side in preprocess.size_for(height, width)
    ]
    kept = [
        multiple_of(_TIFF_STEP, min(places[0].keep_stop * shrink, side)) if len(places) == 1 else tile * shrink
        for places, side in zip(sides, (height, width), strict=True)
    ]
    every = (
        Piece(row, column, rows, columns)
        for (row, rows), (column, columns) in product(enumerate(sides[0]), enumerate(sides[1]))
    )
    # What was added up to the stride may make a last piece of which no pixel lies in the image.
    pieces = tuple(
        piece
        for piece in every
        if piece.rows.keep_start * shrink < height and piece.columns.keep_start * shrink < width
    )
    return Grid((height, width), shrink, (kept[0], kept[1]), pieces)
