"""Kinds of files that are recognised and not read, and their registry: one registration names the files of a camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from prismseg.base import Message
from prismseg.base.registry import Registry
from prismseg.thermal.frames.foreign.segments import JpegClues, read_clues

_HEAD_BYTES = 4096
_MOST_BYTES = 40 * 2**20  # of a JPEG that is looked into


class Specimen:
    """A file to be recognised; what is asked for is read once.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    suffix : str
        Of its name, in lower case with a dot.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.suffix = path.suffix.lower()

    @cached_property
    def size(self) -> int:
        """Bytes; 0 where the file cannot be read."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @cached_property
    def head(self) -> bytes:
        """Its first 4,096 bytes."""
        try:
            with self.path.open("rb") as stream:
                return stream.read(_HEAD_BYTES)
        except OSError:
            return b""

    @cached_property
    def jpeg(self) -> JpegClues:
        """What a JPEG says of the camera that made it; empty for other files."""
        if not self.head.startswith(b"\xff\xd8") or self.size > _MOST_BYTES:
            return JpegClues()
        try:
            return read_clues(self.path.read_bytes())
        except OSError:
            return JpegClues()


@dataclass(frozen=True)
class ForeignKind:
    """Files of one kind that are not read.

    Attributes
    ----------
    what : Message
        What such a file is, as in "a Testo thermal picture (BMT)".
    remedy : Message
        Why it is not measured, and how its owner gets °C out of it.
    recognises : callable
        Whether a file is one.
    """

    what: Message
    remedy: Message
    recognises: Callable[[Specimen], bool]

    def describe(self, specimen: Specimen) -> Message:
        """Say what a file is, with the camera's name where the file has it."""
        camera = specimen.jpeg.camera
        if not camera:
            return self.what
        return Message("{what} (its Exif block names {camera})", what=self.what, camera=camera)


FOREIGN_KINDS: Registry[ForeignKind] = Registry("foreign kind of file")
"""Kinds by name; the first that recognises a file names it."""

_FOREIGN = "prismseg.thermal.frames.foreign"
for _name in ("dji", "hikmicro", "infiray", "guide", "autel", "seek", "other_maker"):
    FOREIGN_KINDS.register(_name, f"{_FOREIGN}.jpegs:{_name.upper()}")
for _name in ("testo", "fluke", "optris", "infratec", "flir_science", "avio", "uni_t", "irg", "dji_raw", "p2_raw"):
    FOREIGN_KINDS.register(_name, f"{_FOREIGN}.cameras:{_name.upper()}")
for _name in ("video", "phone", "workbook", "archive", "gif", "pdf", "dicom", "matlab", "camera_raw"):
    FOREIGN_KINDS.register(_name, f"{_FOREIGN}.documents:{_name.upper()}")


def identify(specimen: Specimen) -> ForeignKind | None:
    """Find the kind of a file that is not read; None where it is not known.

    Examples
    --------
    >>> path = Path("sole.is2")
    >>> _ = path.write_bytes(b"anything")
    >>> str(identify(Specimen(path)).what)
    'a Fluke thermal picture (IS2)'
    """
    return next((kind for kind in FOREIGN_KINDS.values() if kind.recognises(specimen)), None)
