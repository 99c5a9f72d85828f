"""Many files at once: what each frame says, which are refused and why, pictures on one scale."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from prismseg.base import ConfigError, DataError, OutputError, PrismsegError, atomic_path, make_folder, write_text
from prismseg.thermal.frames.file_names import sort_naturally
from prismseg.thermal.frames.frame import PARAMETER_NAMES, Frame, Parameters
from prismseg.thermal.frames.reader import FRAME_SUFFIXES
from prismseg.thermal.output.picture import whole_degree_scale, write_picture

_UNITS = {
    "reflected": "reflected_c",
    "distance": "distance_m",
    "atmosphere": "atmosphere_c",
    "window_temperature": "window_temperature_c",
}
COLUMNS = (
    "file",
    "kind",
    "height",
    "width",
    "min_c",
    "mean_c",
    "max_c",
    *(_UNITS.get(name, name) for name in PARAMETER_NAMES),
    "time",
    "camera",
    "notes",
    "refused",
)


@dataclass(frozen=True)
class FrameSummary:
    """One file: the numbers of its frame, or why it was refused.

    Attributes
    ----------
    path : Path
        The file.
    size : tuple or None
        Height and width in pixels; None when refused.
    span : tuple or None
        Lowest and highest °C.
    mean : float or None
        Mean in °C.
    kind, time, camera, parameters, notes
        Of the `Frame`.
    refusal : str or None
        The error's message.
    """

    path: Path
    size: tuple[int, int] | None = None
    span: tuple[float, float] | None = None
    mean: float | None = None
    kind: str = ""
    time: datetime | None = None
    camera: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    notes: tuple[str, ...] = ()
    refusal: str | None = None


def find_frames(sources: Sequence[Path]) -> list[Path]:
    """Files that `sources` name: themselves, or those directly in a folder whose suffix a frame can have.

    Those of a folder come in natural order: ``t2`` before ``t10``.

    Raises
    ------
    DataError
        When a source does not exist or a folder holds no such file.
    """
    found: list[Path] = []
    for source in sources:
        if not source.exists():
            raise DataError(f"There is no file or folder {source}.")
        if not source.is_dir():
            found.append(source)
            continue
        inside = sort_naturally([path for path in source.iterdir() if _may_be_frame(path)])
        if not inside:
            raise DataError(
                f"There is no frame directly in {source}; looked for {', '.join(sorted(FRAME_SUFFIXES))}."
            )
        found.extend(inside)
    return list(dict.fromkeys(found))


def _may_be_frame(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in FRAME_SUFFIXES and not path.name.startswith(".")


def summarize_frames(
    paths: Sequence[Path], read: Callable[[Path], Frame], *, progress: Callable[[int, str], None] | None = None
) -> list[FrameSummary]:
    """Read every file with `read`; a refused one is listed with its reason and stops nothing."""
    readings = []
    for done, path in enumerate(paths, start=1):
        try:
            readings.append(_summary(path, read(path)))
        except PrismsegError as error:
            readings.append(FrameSummary(path, refusal=str(error)))
        if progress is not None:
            progress(done, path.name)
    return readings


def _summary(path: Path, frame: Frame) -> FrameSummary:
    return FrameSummary(
        path,
        frame.size,
        frame.span,
        frame.mean,
        frame.kind,
        frame.time,
        frame.camera,
        frame.parameters,
        frame.notes,
    )


def export_frames(
    readings: Sequence[FrameSummary],
    out: Path,
    read: Callable[[Path], Frame],
    *,
    scale: tuple[float, float] | Literal["all", "each"] = "all",
    progress: Callable[[int, str], None] | None = None,
) -> Path:
    """Write ``frames.csv``, ``pictures/NAME.png`` and ``celsius/NAME.tiff`` (float32 °C) below `out`.

    Nothing but temperatures goes into pictures and TIFFs: no serial number, position or photo of the originals.

    Parameters
    ----------
    readings : sequence of FrameSummary
        From `summarize_frames`.
    out : Path
        Folder to make.
    read : callable
        The same as for `summarize_frames`; frames are read once more, so that a large folder needs little memory.
    scale : tuple of float, "all" or "each"
        Lowest and highest °C of all pictures; "all" takes the whole degrees that hold every frame, so that colours can be
        compared; "each" gives every picture its own.
    progress : callable, optional
        Told how many files are done, and the last one's name.

    Returns
    -------
    Path
        The CSV file.

    Raises
    ------
    OutputError
        When the results would land among the frames, or cannot be written.
    ConfigError
        When two files share a name.
    """
    good = [reading for reading in readings if reading.span is not None]
    names: dict[str, Path] = {}
    for reading in readings:
        if reading.path.resolve().parent == out.resolve():
            raise OutputError(f"The results would be written among the frames in {out}; choose another --out.")
        first = names.setdefault(reading.path.name, reading.path) if reading.refusal is None else reading.path
        if first != reading.path:
            raise ConfigError(f"{first} and {reading.path} share a name; read them into different folders.")
    for folder in ("pictures", "celsius"):
        make_folder(out / folder)
    spans = [reading.span for reading in good if reading.span is not None]
    for done, reading in enumerate(good, start=1):
        frame = read(reading.path)
        name = reading.path.name
        ends = whole_degree_scale([frame.span] if scale == "each" else spans) if isinstance(scale, str) else scale
        write_picture(out / "pictures" / f"{name}.png", frame, scale=ends)
        with atomic_path(out / "celsius" / f"{name}.tiff") as temporary:
            Image.fromarray(np.asarray(frame.celsius)).save(temporary)
        if progress is not None:
            progress(done, name)
    return write_text(out / "frames.csv", _table(readings))


def _table(readings: Sequence[FrameSummary]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, readings))
    return buffer.getvalue()


def _row(reading: FrameSummary) -> list[str]:
    numbers = [""] * 5
    if reading.size is not None and reading.span is not None and reading.mean is not None:
        degrees = (reading.span[0], reading.mean, reading.span[1])
        numbers = [*map(str, reading.size), *(f"{value:.3f}" for value in degrees)]
    stated = reading.parameters.stated()
    return [
        str(reading.path),
        reading.kind,
        *numbers,
        *(f"{stated[name]:.4g}" if name in stated else "" for name in PARAMETER_NAMES),
        reading.time.isoformat() if reading.time is not None else "",
        reading.camera or "",
        "; ".join(reading.notes),
        reading.refusal or "",
    ]
