"""Finished pieces of a mask on the disk, from which a stopped prediction goes on, and the mask that they make."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from prismseg.base import atomic_path, make_folder, write_bytes, write_json
from prismseg.base.files import output_error
from prismseg.inference.large.grid import Grid, Piece

_LEVEL = 6  # of the compression


class PieceStore:
    """Pieces of a mask, each a file of its own until all are there.

    Parameters
    ----------
    mask : path
        Where the mask is to be; the pieces lie beside it in a hidden folder.
    grid : Grid
        How the image is cut.
    key : dict
        What the pieces depend on, as JSON values. Pieces of another key are removed.
    """

    def __init__(self, mask: Path, grid: Grid, key: dict[str, Any]) -> None:
        self.mask, self.grid, self.key = mask, grid, key
        self.folder = mask.parent / f".{mask.stem}.pieces"

    def is_finished(self) -> bool:
        """Whether the mask is there, made of the same image by the same network in the same way."""
        try:
            with tifffile.TiffFile(self.mask) as file:
                found: object = json.loads(file.pages.first.description)
        except (OSError, ValueError):  # no mask, or one that says nothing of how it was made
            return False
        return found == self.key

    def open(self) -> int:
        """Make the folder of the pieces, without such as were made otherwise; return how many are there."""
        stated = self.folder / "key.json"
        try:
            same = json.loads(stated.read_text(encoding="utf-8")) == self.key
        except (OSError, ValueError):
            same = False
        if not same:
            self.remove()
            make_folder(self.folder)
            write_json(stated, self.key)
        return sum(self.has(piece) for piece in self.grid.pieces)

    def read_facts(self) -> Any:
        """Give what `write_facts` kept; None where it kept nothing."""
        try:
            return json.loads((self.folder / "facts.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Keep facts of the whole image, JSON values, beside the pieces."""
        write_json(self.folder / "facts.json", facts)

    def has(self, piece: Piece) -> bool:
        """Whether a piece is finished."""
        return self._path(piece).exists()

    def put(self, piece: Piece, mask: NDArray[np.uint8]) -> None:
        """Keep what is predicted for a piece: (h, w), as much of it as lies in the image."""
        whole = np.zeros(self.grid.kept, np.uint8)
        whole[: mask.shape[0], : mask.shape[1]] = mask
        write_bytes(self._path(piece), zlib.compress(whole.tobytes(), _LEVEL))

    def get(self, piece: Piece) -> NDArray[np.uint8]:
        """Give a finished piece (h, w), as much of it as lies in the image."""
        whole = np.frombuffer(zlib.decompress(self._path(piece).read_bytes()), np.uint8).reshape(self.grid.kept)
        rows, columns = self.grid.keep(piece)
        return whole[: rows.stop - rows.start, : columns.stop - columns.start]

    def thumbnail(self, step: int) -> NDArray[np.uint8]:
        """Every `step`-th pixel of the mask, in both directions."""
        small = np.zeros([-(-side // step) for side in self.grid.shape], np.uint8)
        for piece in self.grid.pieces:
            rows, columns = self.grid.keep(piece)
            first = -rows.start % step, -columns.start % step
            part = self.get(piece)[first[0] :: step, first[1] :: step]
            top, left = -(-rows.start // step), -(-columns.start // step)
            small[top : top + part.shape[0], left : left + part.shape[1]] = part
        return small

    def assemble(self, colours: Sequence[int]) -> Path:
        """Write the mask as a TIFF in tiles, with a palette of flat RGB `colours`; whole or not at all."""
        colormap = np.zeros((256, 3), np.uint16)
        listed = np.array(colours, np.uint16).reshape(-1, 3)
        colormap[: len(listed)] = listed * 257
        with atomic_path(self.mask) as temporary:
            tifffile.imwrite(
                temporary,
                self._compressed(),
                shape=self.grid.shape,
                dtype=np.uint8,
                tile=self.grid.kept,
                compression="zlib",
                photometric="palette",
                colormap=colormap.T,
                metadata=None,
                description=json.dumps(self.key),
            )
        return self.mask

    def remove(self) -> None:
        """Remove the pieces."""
        try:
            shutil.rmtree(self.folder, ignore_errors=False)
        except FileNotFoundError:
            return
        except OSError as error:
            raise output_error(self.folder, error) from error

    def _compressed(self) -> Iterator[bytes]:
        return (self._path(piece).read_bytes() for piece in self.grid.pieces)

    def _path(self, piece: Piece) -> Path:
        return self.folder / f"{piece.row}-{piece.column}.bin"
