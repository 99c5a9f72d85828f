"""Kinds of files that are read as frames, and their registry: one registration adds the files of a camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from prismseg.base import DataError, Message
from prismseg.base.registry import Registry
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.frames.listing.choice import frame_path
from prismseg.thermal.frames.metadata import FrameMetadata

MAX_BYTES = 40 * 2**20  # R-JPEGs with a photo of 12 megapixels have 10 MB, the largest matrices 25 MB
HEAD_BYTES = 64  # of a file, by which its kind is recognised


@dataclass(frozen=True, eq=False)
class FrameFile:
    """A file to be read.

    Attributes
    ----------
    path : Path
        The file.
    head : bytes
        Its first `HEAD_BYTES` bytes.
    metadata : FrameMetadata
        What arguments, sidecar and name say about it.
    parameters : mapping of str to float
        Radiometric parameters to use in place of the file's own; only for readers that compute temperatures.
    number : int or None
        Which of several frames in it; None where that was not said.
    """

    path: Path
    head: bytes = b""
    metadata: FrameMetadata = field(default_factory=FrameMetadata)
    parameters: Mapping[str, float] = field(default_factory=dict)
    number: int | None = None

    @property
    def name(self) -> str:
        """File and number of the frame, for messages."""
        return str(self.path) if self.number is None else str(frame_path(self.path, self.number))


@dataclass(frozen=True)
class FrameReader:
    """How one kind of file is recognised and read.

    Attributes
    ----------
    read : callable
        Makes a `Frame`, or raises a `DataError` that names the file and says why it cannot.
    suffixes : tuple of str
        Of such files' names, in lower case with a dot: those that are looked for in folders and offered by dialogs.
    magics : tuple of bytes
        What the content of such files begins with. Without any the kind is recognised by the suffix.
    unlisted_suffixes : tuple of str
        Suffixes that such files may have too, but mostly others have.
    recognises : callable, optional
        A closer look at a file that begins with one of `magics`, or that has one of `unlisted_suffixes` in a folder.
    computes_celsius : bool
        Whether the file holds a detector's counts with their calibration, so that other radiometric parameters can be
        stated.
    list_times : callable, optional
        For kinds of which a file may hold several frames: when each was taken, None where it does not say.

    Examples
    --------
    Files of a camera that writes 60 x 80 hundredths of a kelvin behind the word CAM1:

    >>> from pathlib import Path
    >>> import numpy as np
    >>> from prismseg.thermal import FRAME_READERS, Frame, FrameReader, read_frame
    >>> def read_cam1(file):
    ...     counts = np.fromfile(file.path, "<u2", offset=4).reshape(60, 80)
    ...     return Frame(counts / 100 - 273.15, source=str(file.path), kind="counts", camera="CAM1")
    >>> reader = FrameReader(read_cam1, suffixes=(".cam1",), magics=(b"CAM1",))
    >>> path = Path("sole.cam1")
    >>> _ = path.write_bytes(b"CAM1" + np.linspace(29000, 31000, 4800).astype("<u2").tobytes())
    >>> with FRAME_READERS.temporarily("cam1", reader, summary="Raw files of the CAM1."):
    ...     read_frame(path).size
    (60, 80)
    """

    read: Callable[[FrameFile], Frame]
    suffixes: tuple[str, ...]
    magics: tuple[bytes, ...] = ()
    unlisted_suffixes: tuple[str, ...] = ()
    recognises: Callable[[FrameFile], bool] = lambda file: True
    computes_celsius: bool = False
    list_times: Callable[[FrameFile], Sequence[datetime | None]] | None = None

    def accepts(self, file: FrameFile, *, by_content: bool) -> bool:
        """Whether a file is of this kind, by its content or else by its name."""
        if by_content:
            return bool(self.magics) and file.head.startswith(self.magics) and self.recognises(file)
        return not self.magics and file.path.suffix.lower() in (*self.suffixes, *self.unlisted_suffixes)


FRAME_READERS: Registry[FrameReader] = Registry("frame reader")
"""Kinds of files by name; the first that accepts a file reads it."""

_FRAMES = "prismseg.thermal.frames"
FRAME_READERS.register(
    "flir", f"{_FRAMES}.flir.rjpeg:READER", summary="FLIR radiometric JPEG: counts with their calibration."
)
FRAME_READERS.register(
    "fff", f"{_FRAMES}.flir.fff:READER", summary="FLIR FFF file, or a film of such frames (SEQ, CSQ)."
)
FRAME_READERS.register(
    "bitmap",
    f"{_FRAMES}.bitmap:READER",
    summary="TIFF or PNG of °C or of counts with a scale; 8-bit grey picture with its limits.",
)
FRAME_READERS.register(
    "npy", f"{_FRAMES}.matrix:NPY_READER", summary="NumPy matrix of °C, or of counts with a scale."
)
FRAME_READERS.register(
    "text", f"{_FRAMES}.text.reader:READER", summary="CSV, TSV or TXT matrix of °C with or without headings."
)


class _Suffixes(Set[str]):
    """Suffixes of all registered readers, whenever they are asked for."""

    def __contains__(self, suffix: object) -> bool:
        return suffix in self._listed()

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed())

    def __len__(self) -> int:
        return len(self._listed())

    def _listed(self) -> dict[str, None]:
        return dict.fromkeys(suffix for reader in FRAME_READERS.values() for suffix in reader.suffixes)


FRAME_SUFFIXES: Set[str] = _Suffixes()
"""Suffixes of files that are looked for as frames, in lower case with a dot; follows `FRAME_READERS`."""


def read_head(path: str | Path) -> bytes:
    """Read the first `HEAD_BYTES` bytes of a file, however large; errors as `read_limited`."""
    return _read(Path(path), None)


def read_limited(path: str | Path, limit: int = MAX_BYTES) -> bytes:
    """Read the bytes of a file.

    Raises
    ------
    DataError
        When it is missing, empty, may not be read, or is larger than any frame.
    """
    return _read(Path(path), limit)


def _read(path: Path, limit: int | None) -> bytes:
    if not path.is_file():
        raise DataError(Message("There is no file {path}; restore it, or take it out of the list.", path=path))
    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError(Message("{path} is empty (0 bytes); copy it again or leave it out.", path=path))
        if limit is None:
            with path.open("rb") as stream:
                return stream.read(HEAD_BYTES)
        if size > limit:
            raise DataError(
                Message(
                    "{path} has {size:.0f} MiB, more than any thermal frame; leave it out.",
                    path=path,
                    size=size / 2**20,
                )
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            Message(
                "{path} cannot be read ({error}); change its permissions or leave it out.",
                path=path,
                error=error.strerror,
            )
        ) from error
