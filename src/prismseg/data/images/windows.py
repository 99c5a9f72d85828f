"""Windows of images that are too large to be read whole: TIFF (tiles, strips, pyramids) and NPY, from the disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.images.codecs import lacks_codec, missing_codec

_TIFF_SUFFIXES = (".tif", ".tiff")
# Decoded tiles and strips that are kept for the next window, and the largest of them that is decoded at all.
KEPT_BYTES = 2**27
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
_JPEG = 7
_ALPHA_SAMPLES = (1, 2)
_DEPTHS = ("uint8", "uint16", "float16", "float32", "float64")


class ImageWindows(ABC):
    """An image on the disk of which windows are read.

    Attributes
    ----------
    path : Path
        Its file.
    shape : (int, int, int)
        Height, width and channels, without alpha.
    dtype : numpy.dtype
        Of its pixels.
    left_out : int
        Other images of the file, which are not read: labels and overviews of a slide. Reduced copies do not count.
    alone : bool
        Whether the file holds this image alone, so that `prismseg.data.read_image` reads it too.
    """

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    left_out: int = 0
    alone: bool = True

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return self.shape[0] * self.shape[1]

    @abstractmethod
    def read(self, rows: slice, columns: slice, step: int = 1) -> NDArray[np.generic]:
        """Read pixels (h, w, C) of the window, every `step`-th of both sides.

        Raises
        ------
        DataError
            When the file is damaged.
        """


def open_windows(path: str | Path) -> ImageWindows | None:
    """Open an image of which windows can be read from the disk.

    Parameters
    ----------
    path : path
        A TIFF file (in tiles or strips; of a pyramid the finest level) or NPY file.

    Returns
    -------
    ImageWindows or None
        None for other formats, and for a file that `prismseg.data.read_image` is to read or refuse.

    Raises
    ------
    DataError
        When it is a TIFF of which no window can be read: the message says why.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "slide.tif"
    >>> tifffile.imwrite(path, np.arange(64 * 96, dtype=np.uint16).reshape(64, 96), tile=(32, 32))
    >>> windows = open_windows(path)
    >>> windows.shape, windows.read(slice(40, 42), slice(7, 9))[..., 0].tolist()
    ((64, 96, 1), [[3847, 3848], [3943, 3944]])
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size == 0:
        return None
    if path.suffix.lower() == ".npy":
        return _open_npy(path)
    return _open_tiff(path) if path.suffix.lower() in _TIFF_SUFFIXES else None


def _open_npy(path: Path) -> ImageWindows | None:
    try:
        stored: NDArray[np.generic] = np.load(path, allow_pickle=False, mmap_mode="r")
    except Exception:  # whatever is wrong with it, `read_image` says it
        return None
    shape = stored.shape if stored.ndim == 3 else (*stored.shape, 1)
    if len(shape) != 3 or 0 in shape or stored.dtype.name not in _DEPTHS:
        return None
    return NpyWindows(path, (shape[0], shape[1], shape[2]), stored.dtype)


def _open_tiff(path: Path) -> ImageWindows | None:
    try:
        with tifffile.TiffFile(path) as file:
            levels = file.series[0].levels
            page = levels[0].keyframe
            many = len(file.pages) > 1
            stack = len(levels[0].pages) != 1 or levels[0].size > page.size or page.imagedepth > 1
            if (many and len(levels) == 1) or stack:
                return None  # which is refused where images are read
            others = len(file.series) - 1
            orientation = page.tags.get("Orientation")
            turned = orientation is not None and orientation.value not in (0, 1)
            return TiffWindows(path, page, others, turned=turned, alone=not many)
    except DataError:
        raise
    except Exception:  # tifffile raises nearly every type for damaged files; `read_image` says what is wrong
        return None


class NpyWindows(ImageWindows):
    """Windows of an NPY file."""

    def __init__(self, path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype

    def read(self, rows: slice, columns: slice, step: int = 1) -> NDArray[np.generic]:
        """Read pixels (h, w, C), see `ImageWindows.read`."""
        # Mapped anew each time: what has been read would count as this process's memory while the map is open.
        stored = np.load(self.path, allow_pickle=False, mmap_mode="r")
        window = np.array(stored[_stepped(rows, step), _stepped(columns, step)])
        return window if window.ndim == 3 else window[..., None]


class TiffWindows(ImageWindows):
    """Windows of a page of a TIFF file; only the tiles or strips that they touch are read and decoded.

    Raises
    ------
    DataError
        When windows cannot be read, see `open_windows`.
    """

    def __init__(
        self, path: Path, page: tifffile.TiffPage, left_out: int, *, turned: bool, alone: bool = True
    ) -> None:
        self.path, self.left_out, self.alone = path, left_out, alone
        self._page = page
        if page.compression == _JPEG:
            _ = page.is_jfif  # needed for decoding, and looked up in the file, which is open only now
        meaning, compression = int(page.photometric), int(page.compression)
        self._inverted = meaning == _WHITE_IS_ZERO
        alpha = bool(page.extrasamples) and int(page.extrasamples[-1]) in _ALPHA_SAMPLES
        self.shape = (page.imagelength, page.imagewidth, page.samplesperpixel - alpha)
        self.dtype = np.dtype(page.dtype) if page.dtype is not None else np.dtype(np.void)
        why = None
        if turned:
            why = "it is stored turned or mirrored (TIFF orientation); save it upright"
        elif meaning not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) and (meaning, compression) != (_YCBCR, _JPEG):
            why = f"its colours are of the kind {page.photometric.name}; save it as grey or RGB"
        elif self.dtype.name not in _DEPTHS:
            why = f"it holds values of the type {self.dtype}; save it with 8 or 16 bits or as floats"
        elif self._inverted and self.dtype.kind != "u":
            why = "its white is 0 and it does not hold whole numbers"
        if why is not None:
            raise DataError(f"{path} cannot be read piece by piece: {why}.")
        separate = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.samplesperpixel > 1
        self._planes = page.samplesperpixel if separate else 1
        if page.is_tiled:
            self._sides = (page.tilelength, page.tilewidth)
        else:
            self._sides = (min(page.rowsperstrip, page.imagelength), page.imagewidth)
        self._grid = tuple(-(-whole // side) for whole, side in zip(self.shape[:2], self._sides, strict=True))
        self._mapped = page.compression == 1 and page.is_contiguous and page.is_memmappable and not page.is_tiled
        size = self._sides[0] * self._sides[1] * self.dtype.itemsize * (page.samplesperpixel // self._planes)
        if not self._mapped and size > KEPT_BYTES:
            raise DataError(
                f"{path} cannot be read piece by piece: it is compressed in pieces of {size // 2**20} MiB. Save it in "
                "tiles (with tifffile: imwrite(name, pixels, tile=(512, 512), compression='zlib'))."
            )
        self._kept: OrderedDict[int, NDArray[np.generic]] = OrderedDict()
        self._kept_bytes = 0

    def read(self, rows: slice, columns: slice, step: int = 1) -> NDArray[np.generic]:
        """Read pixels (h, w, C), see `ImageWindows.read`."""
        if self._mapped:
            window = self._read_mapped(_stepped(rows, step), _stepped(columns, step))
        else:
            window = self._read_pieces(rows, columns, step)
        if self._inverted:
            window = np.invert(window)
        return window[..., : self.shape[2]]

    def _read_mapped(self, rows: slice, columns: slice) -> NDArray[np.generic]:
        page = self._page
        shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
        if self._planes > 1:
            shape = (page.samplesperpixel, page.imagelength, page.imagewidth)
        dtype = self.dtype.newbyteorder(page.parent.byteorder)
        stored = np.memmap(self.path, dtype, "r", page.dataoffsets[0], shape)
        window = stored[:, rows, columns].transpose(1, 2, 0) if self._planes > 1 else stored[rows, columns]
        return np.array(window).astype(self.dtype, copy=False)

    def _read_pieces(self, rows: slice, columns: slice, step: int) -> NDArray[np.generic]:
        (high, wide), (down, across) = self._sides, self._grid
        shape = (len(range(rows.start, rows.stop, step)), len(range(columns.start, columns.stop, step)))
        window = np.zeros((*shape, self._page.samplesperpixel), self.dtype)
        for plane in range(self._planes):
            for row in range(rows.start // high, -(-rows.stop // high)):
                for column in range(columns.start // wide, -(-columns.stop // wide)):
                    piece = self._piece((plane * down + row) * across + column)
                    from_rows, to_rows = _overlap(rows, row * high, piece.shape[0], step)
                    from_columns, to_columns = _overlap(columns, column * wide, piece.shape[1], step)
                    channels = slice(plane, plane + 1) if self._planes > 1 else slice(None)
                    window[to_rows, to_columns, channels] = piece[from_rows, from_columns]
        return window

    def _piece(self, index: int) -> NDArray[np.generic]:
        """Pixels (h, w, C) of a tile or strip, decoded now or kept from before."""
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index]
        piece = self._decode(index)
        self._kept[index] = piece
        self._kept_bytes += piece.nbytes
        while self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= self._kept.popitem(last=False)[1].nbytes
        return piece

    def _decode(self, index: int) -> NDArray[np.generic]:
        page = self._page
        try:
            with self.path.open("rb") as file:
                file.seek(page.dataoffsets[index])
                data = file.read(page.databytecounts[index])
            if len(data) < page.databytecounts[index]:
                raise ValueError("its end is missing")
            decoded, _, shape = page.decode(
                data or None, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
            )
        except Exception as error:  # codecs raise nearly every type for damaged files
            if lacks_codec(error):
                raise missing_codec(self.path, page) from error
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(
                f"{self.path} is truncated or damaged ({reason}); copy it anew or leave it out."
            ) from error
        if decoded is None:  # a tile that the file leaves out
            return np.full((*shape[1:3], shape[3]), page.nodata, self.dtype)
        return np.asarray(decoded[0], self.dtype)


def _stepped(part: slice, step: int) -> slice:
    return slice(part.start, part.stop, step)


def _overlap(window: slice, start: int, length: int, step: int) -> tuple[slice, slice]:
    """Where every `step`-th pixel of a window lies in a piece, and where in the window's array."""
    first = max(-(-(start - window.start) // step), 0)
    last = max(-(-(min(start + length, window.stop) - window.start) // step), first)
    place = window.start + first * step - start
    return slice(place, place + (last - first - 1) * step + 1 if last > first else place, step), slice(first, last)
