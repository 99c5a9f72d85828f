"""Simulated sessions on the disk: frames in °C, truth, and a table that groups them by session."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from prismseg.base import ConfigError, OutputError, atomic_path, make_folder, write_text
from prismseg.thermal.phantom.frame import REFERENCE_SIZE, PhantomFrame, check_size
from prismseg.thermal.phantom.output.calibration import Record, compare, format_comparisons
from prismseg.thermal.phantom.output.contact_sheet import draw_contact_sheet
from prismseg.thermal.phantom.subject import draw_subject

DEFAULT_MINUTES = (0, 1, 5, 10, 15, 20)
FOLDERS = ("images", "masks", "labels", "territories", "grey")
SESSIONS_SHOWN, SHEET_DPI = 6, 110  # on the contact sheet
COLUMNS = ("image", "mask", "group", "minute", "left_celsius", "right_celsius", "domain", "framing")


def write_sessions(
    out: str | Path,
    *,
    sessions: int = 12,
    minutes: Sequence[float] = DEFAULT_MINUTES,
    domains: Sequence[str] | None = None,
    framings: Sequence[str] = ("soles",),
    size: tuple[int, int] = REFERENCE_SIZE,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Simulate sessions and write what `prismseg.data.open_dataset` reads.

    ``images/S01_t05min.tiff`` (float32, °C), ``masks/S01_t05min.png`` (0 background, 1 foot), the same names in
    ``labels`` (1 left, 2 right foot), ``territories`` (1 to 5, see `TERRITORIES`) and ``grey`` (the image a camera
    exports), ``dataset.csv`` (image, mask, group, minute, true mean temperature of each foot, domain, framing),
    ``calibration.csv`` (statistics of the soles beside those of real sessions) and ``contact_sheet.png`` to look at.

    Parameters
    ----------
    out : path
        New or empty folder.
    sessions : int
        How many, each of another person.
    minutes : sequence of float
        When each person has a frame.
    domains, framings : sequence of str
        See `prismseg.thermal.phantom.draw_subject`.
    size : (int, int)
        Height and width of the frames.
    seed : int
        The same seed gives the same files on the same machine; session number k does not depend on how many there are.
    progress : callable, optional
        Called with the number of frames written and of all.

    Returns
    -------
    Path
        The folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     out = write_sessions(folder, sessions=1, minutes=(0, 5), size=(32, 48))
    ...     sorted(path.name for path in (out / "images").iterdir())
    ['S01_t00min.tiff', 'S01_t05min.tiff']

    Raises
    ------
    ConfigError
        When there is no session, no minute or a repeated one, when the frames are too small, or for unknown domains
        or framings.
    OutputError
        When the folder holds something already or cannot be written.
    """
    _check_plan(sessions, minutes, size)
    draw_subject(seed, 0, domains, framings)
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} exists and is not an empty folder; choose another one.")
    for name in FOLDERS:
        make_folder(folder / name)
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(COLUMNS)
    shown: list[list[PhantomFrame]] = []
    soles: list[Record] = []
    for number in range(sessions):
        subject = draw_subject(seed, number, domains, framings)
        frames = []
        for step, minute in enumerate(minutes):
            frame = subject.frame_at(minute, size=size)
            group = f"S{number + 1:02d}"
            name = f"{group}_{_moment(minute)}"
            _write_frame(folder, name, frame)
            means = [f"{value:.3f}" for value in (frame.left, frame.right)]
            writer.writerow(
                [f"images/{name}.tiff", f"masks/{name}.png", group, minute, *means, frame.domain, frame.framing]
            )
            frames.append(frame)
            if frame.framing == "soles":
                soles.append(Record.from_frame(frame, number, minute))
            if progress is not None:
                progress(number * len(minutes) + step + 1, sessions * len(minutes))
        if number < SESSIONS_SHOWN:
            shown.append(frames)
    with atomic_path(folder / "contact_sheet.png") as temporary:
        draw_contact_sheet(shown, minutes).savefig(temporary, dpi=SHEET_DPI)
    # The real sessions show soles alone: views from above have nothing to be compared with.
    if soles:
        write_text(folder / "calibration.csv", format_comparisons(compare(soles)))
    # Written last: a folder without its table is an unfinished study.
    write_text(folder / "dataset.csv", lines.getvalue())
    return folder


def _check_plan(sessions: int, minutes: Sequence[float], size: tuple[int, int]) -> None:
    if sessions < 1:
        raise ConfigError(f"A study needs at least one session, not {sessions}.")
    usable = all(np.isfinite(minute) and minute >= 0 for minute in minutes)
    # Compared as names: two frames of one name would be one file.
    if not minutes or not usable or len({_moment(minute) for minute in minutes}) < len(minutes):
        raise ConfigError(
            f"The minutes of a session are 0 or later and differ from each other, unlike {list(minutes)}."
        )
    check_size(size)


def _moment(minute: float) -> str:
    return f"t{minute:02g}min"


def _write_frame(folder: Path, name: str, frame: PhantomFrame) -> None:
    with atomic_path(folder / "images" / f"{name}.tiff") as temporary:
        tifffile.imwrite(temporary, frame.celsius, compression=None, metadata=None, software="")
    images = {"masks": frame.mask, "labels": frame.labels, "territories": frame.territories, "grey": frame.grey}
    for part, image in images.items():
        with atomic_path(folder / part / f"{name}.png") as temporary:
            Image.fromarray(np.ascontiguousarray(image)).save(temporary)
