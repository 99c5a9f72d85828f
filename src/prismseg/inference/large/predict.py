"""One large image, piece by piece: each is read, segmented and written before the next, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import DataError, ModelError
from prismseg.base.files import sync
from prismseg.base.memory import release_memory
from prismseg.base.version import VERSION
from prismseg.data.images.windows import ImageWindows
from prismseg.data.preparation.levels import Levels, find_levels
from prismseg.inference.large.grid import Grid, Piece, cut_image
from prismseg.inference.large.store import PieceStore
from prismseg.inference.margins import fingerprint
from prismseg.inference.predictor import Predictor, require_one_label
from prismseg.nets import InstantSegmenter
from prismseg.nets.instant.features import POSITION
from prismseg.nets.instant.tiles import continue_to
from prismseg.nets.skips.pieces import ImageStatistics

# Pieces, evenly spread, over which the root mean squares are taken that skip layers divide by: all of an image of up to
# 64 megapixels. Of larger ones they are those of a sample, the same for all pieces, so that there are no seams.
LOOKED_AT = 64
VISIBLE = 1e-3  # difference of probabilities of a pixel by two pieces, from which a seam may be seen


@dataclass(frozen=True)
class LargePrediction:
    """What came of a large image.

    Attributes
    ----------
    mask : Path
        The mask, a TIFF in tiles.
    pieces : int
        How many pieces there are.
    resumed : int
        Pieces that an earlier, stopped prediction had finished; all of them where the mask was there already.
    seam : float
        Largest difference between the probabilities that two neighbouring pieces give for a pixel at their border, over
        the borders of the pieces that were predicted now; 0 where there are none.
    left_out : int
        Other images of the file.
    """

    mask: Path
    pieces: int
    resumed: int
    seam: float
    left_out: int = 0


def require_pieces(predictor: Predictor, asked: Sequence[str] = ()) -> None:
    """Refuse what cannot be predicted piece by piece.

    Parameters
    ----------
    predictor : Predictor
        Of the network.
    asked : sequence of str
        What is to be written beside masks and overlays.

    Raises
    ------
    ModelError
        When the network needs the whole image, its post-processing the whole mask, or anything but probabilities is asked
        for.
    """
    if (name := predictor.model.metadata.get("postprocess", "none")) != "none":
        raise ModelError(
            f"The post-processing {name!r} of this network needs the whole mask, so it cannot segment images piece by "
            "piece; leave large images out, or scale them down."
        )
    if any(
        isinstance(module, InstantSegmenter) and POSITION in module.features.widths
        for module in predictor.model.modules()
    ):
        raise ModelError(
            "This network takes into account where in the image a pixel lies, so it cannot segment images piece by "
            "piece; leave large images out, or fit it without positions."
        )
    require_one_label(predictor, "segmentation piece by piece")
    if unmet := [name for name in asked if name != "probabilities"]:
        raise ModelError(
            f"Of images that are segmented piece by piece no {' and '.join(unmet)} can be written, only --probabilities; "
            f"leave out --{' and --'.join(unmet)}, or the large images."
        )


def grid_of(predictor: Predictor, windows: ImageWindows, overlap: int) -> Grid:
    """Cut an image for a network."""
    return cut_image(*windows.shape[:2], predictor.preprocess, predictor.model.stride, overlap)


def predict_large(
    predictor: Predictor,
    windows: ImageWindows,
    mask: Path,
    *,
    colours: list[int],
    draw: Callable[[NDArray[np.generic], NDArray[np.uint8]], object],
    overlay_pixels: int,
    overlap: int,
    probabilities: Path | None = None,
    advance: Callable[[int], None] = lambda done: None,
) -> LargePrediction:
    """Segment an image piece by piece.

    A piece is finished when its file is on the disk; a prediction that is stopped goes on from there when it is asked for
    again, unless image, network or settings have changed.

    Parameters
    ----------
    predictor : Predictor
        Of a network with fit "native".
    windows : ImageWindows
        The image.
    mask : path
        Where the mask is written.
    colours : list of int
        Palette of the mask, flat RGB.
    draw : callable
        Given the image and the mask, both thinned out to at most `overlay_pixels` pixels, before the pieces are removed.
    overlay_pixels : int
        See `draw`.
    overlap : int
        Pixels, on the network's grid, that it sees around what is kept of a piece.
    probabilities : path, optional
        Where to write the probabilities, (K, H, W) float16.
    advance : callable
        Called with the number of finished pieces.

    Raises
    ------
    DataError
        When the file is damaged, or its pixels cannot be used.
    OutputError
        When something cannot be written.
    """
    grid = grid_of(predictor, windows, overlap)
    store = PieceStore(mask, grid, _key(predictor, windows, overlap, probabilities is not None))
    count = len(grid.pieces)
    if store.is_finished() and (probabilities is None or probabilities.exists()):
        store.remove()
        advance(count)
        return LargePrediction(mask, count, count, 0.0, windows.left_out)
    resumed = store.open()
    partial = (
        None if probabilities is None else _PartialArray(probabilities, (len(predictor.classes), *grid.shape))
    )
    if partial is not None and partial.start() and resumed:
        store.remove()  # the pieces of the mask are there, but their probabilities are gone
        resumed = store.open()
    advance(resumed)
    seams = _Seams()
    if resumed < count:
        try:
            levels, statistics = _look_over(predictor, windows, grid, store)
        except DataError:
            if not resumed:  # there is nothing to go on from
                store.remove()
                if partial is not None:
                    partial.remove()
            raise
        done = resumed
        for piece in grid.pieces:
            if store.has(piece):
                continue
            found = _predict_piece(predictor, windows, levels, statistics, grid, piece, seams)
            if partial is not None:
                partial.put(grid.keep(piece), found)
            store.put(piece, found.argmax(0).to(torch.uint8).numpy())
            done += 1
            advance(done)
            release_memory()
    step = int(np.ceil(np.sqrt(grid.shape[0] * grid.shape[1] / overlay_pixels)))
    draw(windows.read(slice(0, grid.shape[0]), slice(0, grid.shape[1]), step), store.thumbnail(step))
    store.assemble(colours)
    if partial is not None:
        partial.finish()
    store.remove()
    return LargePrediction(mask, count, resumed, seams.largest, windows.left_out)


def _predict_piece(
    predictor: Predictor,
    windows: ImageWindows,
    levels: Levels,
    statistics: ImageStatistics,
    grid: Grid,
    piece: Piece,
    seams: _Seams,
) -> Tensor:
    """Probabilities (K, h, w) of what is kept of a piece, at the image's own size."""
    rows, columns = piece.rows, piece.columns
    x = _prepare(windows, levels, grid, piece)
    low = predictor.probabilities(x, in_tiles=False, statistics=statistics).float().cpu()
    seams.compare(piece, low[0])
    if grid.shrink > 1:
        # Without what continues the image, so that its border is enlarged as that of the whole.
        high, wide = predictor.preprocess.size_for(*grid.shape)
        low = low[..., : high - rows.start, : wide - columns.start]
        low = F.interpolate(low, scale_factor=grid.shrink, mode="bilinear", align_corners=False)
    kept_rows, kept_columns = grid.keep(piece)
    top, left = (rows.keep_start - rows.start) * grid.shrink, (columns.keep_start - columns.start) * grid.shrink
    high, wide = kept_rows.stop - kept_rows.start, kept_columns.stop - kept_columns.start
    return low[0, :, top : top + high, left : left + wide]


class _Seams:
    """Compares what neighbouring pieces give for pixels at their border, which both of them have seen."""

    def __init__(self) -> None:
        self.largest = 0.0
        self._right: dict[tuple[int, int], Tensor] = {}
        self._below: dict[tuple[int, int], Tensor] = {}

    def compare(self, piece: Piece, low: Tensor) -> None:
        """Compare the probabilities (K, h, w) of a piece with those of the ones to the left and above."""
        rows, columns, place = piece.rows, piece.columns, (piece.row, piece.column)
        kept = low[:, rows.kept(1), columns.kept(1)]
        top, left = rows.keep_start - rows.start, columns.keep_start - columns.start
        beside = self._right.pop((place[0], place[1] - 1), None)
        if beside is not None and left > 0:
            self._note(beside, low[:, rows.kept(1), left - 1])
        above = self._below.pop((place[0] - 1, place[1]), None)
        if above is not None and top > 0:
            self._note(above, low[:, top - 1, columns.kept(1)])
        self._right = {place: kept[:, :, -1].clone()}
        self._below[place] = kept[:, -1].clone()

    def _note(self, one: Tensor, other: Tensor) -> None:
        self.largest = max(self.largest, float((one - other).abs().max()))


class _PartialArray:
    """An NPY file that is filled piece by piece under another name."""

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self.path, self.shape = path, shape
        self.partial = path.with_name(f".{path.stem}.partial.npy")

    def start(self) -> bool:
        """Make the file unless one of this shape is there; return whether it was made."""
        try:
            if np.load(self.partial, mmap_mode="r").shape == self.shape:
                return False
        except (OSError, ValueError, EOFError):
            pass  # none, or one that was cut off while it was made
        np.lib.format.open_memmap(self.partial, mode="w+", dtype=np.float16, shape=self.shape)
        return True

    def put(self, place: tuple[slice, slice], values: Tensor) -> None:
        # Mapped anew for each piece: what was written would count as this process's memory while the map is open.
        stored = np.load(self.partial, mmap_mode="r+")
        stored[:, place[0], place[1]] = values.numpy()
        stored.flush()

    def remove(self) -> None:
        """Leave nothing behind."""
        self.partial.unlink(missing_ok=True)

    def finish(self) -> None:
        """Put the file in its place."""
        sync(self.partial)
        self.partial.replace(self.path)
        sync(self.path.parent)


def _look_over(
    predictor: Predictor, windows: ImageWindows, grid: Grid, store: PieceStore
) -> tuple[Levels, ImageStatistics]:
    """Find what is taken from the whole image, or read what an earlier prediction has found."""
    statistics = predictor.statistics()
    known = store.read_facts()
    if known is not None:
        statistics.take_json(known["statistics"])
        return Levels.from_json(predictor.preprocess, known["levels"]), statistics
    levels = find_levels(predictor.preprocess, windows.dtype, lambda: _read_all(windows, grid))
    if statistics.needed and len(grid.pieces) > 1:
        step = len(grid.pieces) / min(LOOKED_AT, len(grid.pieces))
        for place in range(min(LOOKED_AT, len(grid.pieces))):
            piece = grid.pieces[int((place + 0.5) * step)]
            x = _prepare(windows, levels, grid, piece)
            predictor.look(x, piece.rows, piece.columns, statistics)
            release_memory()
    store.write_facts({"levels": levels.to_json(), "statistics": statistics.to_json()})
    return levels, statistics


def _prepare(windows: ImageWindows, levels: Levels, grid: Grid, piece: Piece) -> Tensor:
    """Prepare what the network sees of a piece: (1, C, h, w)."""
    x = levels.tensor(_pixels(windows, *grid.read(piece)))[None]
    return continue_to(x, piece.rows.stop - piece.rows.start, piece.columns.stop - piece.columns.start)


def _read_all(windows: ImageWindows, grid: Grid) -> Iterator[NDArray[np.generic]]:
    for piece in grid.pieces:
        yield _pixels(windows, *grid.keep(piece))
        release_memory()


def _pixels(windows: ImageWindows, rows: slice, columns: slice) -> NDArray[np.generic]:
    window = windows.read(rows, columns)
    return window.astype(np.float32) if window.dtype.kind == "f" else window


def _key(predictor: Predictor, windows: ImageWindows, overlap: int, probabilities: bool) -> dict[str, Any]:
    """Name what a prediction depends on; the image by its name, size and time, since reading it takes minutes."""
    stamp = windows.path.stat()
    return {
        "software": f"prismseg {VERSION}",
        "image": [windows.path.name, stamp.st_size, stamp.st_mtime_ns],
        "network": fingerprint(predictor),
        "classes": predictor.classes,
        "preprocess": predictor.preprocess.to_dict(),
        "overlap": overlap,
        "probabilities": probabilities,
    }
