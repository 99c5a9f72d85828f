"""Many files at once: a summary of each frame, which files are rejected and why, pictures on one scale."""

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

from prismseg.base import ConfigError, OutputError, PrismsegError, atomic_path, make_folder, write_text
from prismseg.base.deprecation import renamed
from prismseg.thermal.frames.frame import PARAMETER_NAMES, Frame, Parameters
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


@renamed(refusal="rejection")
@dataclass(frozen=True)
class FrameSummary:
    """One file: the numbers of its frame, or why it was rejected.

    Attributes
    ----------
    path : Path
        The file.
    size : tuple or None
        Height and width in pixels; None when rejected.
    span : tuple or None
        Lowest and highest °C.
    mean : float or None
        Mean in °C.
    kind, time, camera, parameters, notes
        Of the `Frame`.
    rejection : str or None
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
    rejection: str | None = None


def summarize_frames(
    paths: Sequence[str | Path],
    read: Callable[[Path], Frame],
    *,
    progress: Callable[[int, str], None] | None = None,
) -> list[FrameSummary]:
    """Read files and keep their numbers; a rejected one is listed with its reason and stops nothing.

    Parameters
    ----------
    paths : sequence of str or Path
        The files.
    read : callable
        Reads one of them, see `prismseg.thermal.read_frame`.
    progress : callable, optional
        Told how many files are done, and the last one's name.

    Examples
    --------
    >>> from prismseg.thermal import read_frame
    >>> (summary,) = summarize_frames(["absent.jpg"], read_frame)
    >>> summary.mean, summary.rejection[:24]
    (None, 'There is no file absent.')
    """
    summaries = []
    for done, path in enumerate(map(Path, paths), start=1):
        try:
            summaries.append(_summarize(path, read(path)))
        except PrismsegError as error:
            summaries.append(FrameSummary(path, rejection=str(error)))
        if progress is not None:
            progress(done, path.name)
    return summaries


def _summarize(path: Path, frame: Frame) -> FrameSummary:
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


@renamed(readings="summaries")
def export_frames(
    summaries: Sequence[FrameSummary],
    out: str | Path,
    read: Callable[[Path], Frame],
    *,
    scale: tuple[float, float] | Literal["all", "each"] = "all",
    progress: Callable[[int, str], None] | None = None,
) -> Path:
    """Write ``frames.csv``, ``pictures/NAME.png`` and ``celsius/NAME.tiff`` (float32 °C) below `out`.

    Nothing but temperatures goes into pictures and TIFFs: no serial number, position or photo of the originals.

    Parameters
    ----------
    summaries : sequence of FrameSummary
        From `summarize_frames`.
    out : str or Path
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
    out = Path(out)
    good = [summary for summary in summaries if summary.span is not None]
    names: dict[str, Path] = {}
    for summary in summaries:
        if summary.path.resolve().parent == out.resolve():
            raise OutputError(f"The results would be written among the frames in {out}; choose another --out.")
        first = names.setdefault(summary.path.name, summary.path) if summary.rejection is None else summary.path
        if first != summary.path:
            raise ConfigError(f"{first} and {summary.path} share a name; read them into different folders.")
    for folder in ("pictures", "celsius"):
        make_folder(out / folder)
    spans = [summary.span for summary in good if summary.span is not None]
    for done, summary in enumerate(good, start=1):
        frame = read(summary.path)
        name = summary.path.name
        ends = whole_degree_scale([frame.span] if scale == "each" else spans) if isinstance(scale, str) else scale
        write_picture(out / "pictures" / f"{name}.png", frame, scale=ends)
        with atomic_path(out / "celsius" / f"{name}.tiff") as temporary:
            Image.fromarray(np.asarray(frame.celsius)).save(temporary)
        if progress is not None:
            progress(done, name)
    return write_text(out / "frames.csv", _table(summaries))


def _table(summaries: Sequence[FrameSummary]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, summaries))
    return buffer.getvalue()


def _row(summary: FrameSummary) -> list[str]:
    numbers = [""] * 5
    if summary.size is not None and summary.span is not None and summary.mean is not None:
        degrees = (summary.span[0], summary.mean, summary.span[1])
        numbers = [*map(str, summary.size), *(f"{value:.3f}" for value in degrees)]
    parameters = summary.parameters.to_dict()
    return [
        str(summary.path),
        summary.kind,
        *numbers,
        *(f"{parameters[name]:.4g}" if name in parameters else "" for name in PARAMETER_NAMES),
        summary.time.isoformat() if summary.time is not None else "",
        summary.camera or "",
        "; ".join(summary.notes),
        summary.rejection or "",
    ]
