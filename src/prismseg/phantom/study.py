"""A simulated study on the disk: pictures in °C, masks, and a table that groups them by patient."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tifffile
from matplotlib.figure import Figure
from PIL import Image

from prismseg.base import ConfigError, OutputError, atomic_path, make_folder, write_text
from prismseg.phantom.scene import REFERENCE_SIZE, PhantomFrame, draw_patient, simulate_frame

DEFAULT_MINUTES = (0, 5, 10, 15, 20)
SHOWN_PATIENTS = 6
SMALLEST_SIDE = 32  # pixels; below, toes are no longer drawn apart


def write_study(
    out: str | Path,
    *,
    patients: int = 12,
    minutes: Sequence[float] = DEFAULT_MINUTES,
    size: tuple[int, int] = REFERENCE_SIZE,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Simulate patients and write what `prismseg.data.open_dataset` reads.

    ``images/P01_t05.tiff`` (float32, °C), ``masks/P01_t05.png`` (0 background, 1 sole), ``dataset.csv`` (image, mask,
    group, minute and the true mean temperature of each foot) and ``contact_sheet.png`` to look at.

    Parameters
    ----------
    out : path
        New or empty folder.
    patients : int
        How many patients.
    minutes : sequence of float
        When each is pictured.
    size : (int, int)
        Height and width of the pictures.
    seed : int
        The same seed gives the same study; patient number k does not depend on how many there are.
    progress : callable, optional
        Called with pictures done and in all.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConfigError
        When there is no patient, no minute or a repeated one, or the pictures are too small.
    OutputError
        When the folder holds something already or cannot be written.
    """
    _check_plan(patients, minutes, size)
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} exists and is not an empty folder; choose another one.")
    for name in ("images", "masks"):
        make_folder(folder / name)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["image", "mask", "group", "minute", "left_celsius", "right_celsius"])
    shown: list[list[PhantomFrame]] = []
    for number in range(patients):
        rng = np.random.default_rng([seed, number])
        patient = draw_patient(rng)
        frames = []
        for step, minute in enumerate(minutes):
            frame = simulate_frame(rng, patient, minute, size=size)
            name = f"P{number + 1:02d}_t{minute:02g}"
            _write_frame(folder, name, frame)
            means = [f"{value:.3f}" for value in (frame.left, frame.right)]
            writer.writerow([f"images/{name}.tiff", f"masks/{name}.png", f"P{number + 1:02d}", minute, *means])
            frames.append(frame)
            if progress is not None:
                progress(number * len(minutes) + step + 1, patients * len(minutes))
        if number < SHOWN_PATIENTS:
            shown.append(frames)
    with atomic_path(folder / "contact_sheet.png") as temporary:
        draw_contact_sheet(shown, minutes).savefig(temporary, dpi=110)
    # Written last: a folder without its table is an unfinished study.
    write_text(folder / "dataset.csv", table.getvalue())
    return folder


def draw_contact_sheet(patients: Sequence[Sequence[PhantomFrame]], minutes: Sequence[float]) -> Figure:
    """Draw a row a patient and a column a minute, with the true outlines and one colour bar for all."""
    figure = Figure(figsize=(2.2 * len(minutes) + 0.9, 1.75 * len(patients) + 0.3), layout="constrained")
    panels = figure.subplots(len(patients), len(minutes), squeeze=False)
    low, high = np.percentile([frame.celsius for frames in patients for frame in frames], (0.5, 99.5))
    for row, (line, frames) in enumerate(zip(panels, patients, strict=True)):
        for axes, frame, minute in zip(line, frames, minutes, strict=True):
            picture = axes.imshow(frame.celsius, cmap="inferno", vmin=low, vmax=high)
            axes.contour(frame.mask, levels=[0.5], colors="white", linewidths=0.6)
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(f"{minute:g} min", fontsize=9)
        line[0].set_ylabel(f"patient {row + 1}", fontsize=9)
    figure.colorbar(picture, ax=panels, label="°C", shrink=0.6)
    return figure


def _check_plan(patients: int, minutes: Sequence[float], size: tuple[int, int]) -> None:
    if patients < 1:
        raise ConfigError(f"A study needs at least one patient, not {patients}.")
    if not minutes or len(set(minutes)) < len(minutes) or min(minutes) < 0:
        raise ConfigError(
            f"The minutes of a study are 0 or later and differ from each other, unlike {list(minutes)}."
        )
    if min(size) < SMALLEST_SIDE:
        raise ConfigError(
            f"Pictures of {size[0]} x {size[1]} pixels are too small; use {SMALLEST_SIDE} or more a side."
        )


def _write_frame(folder: Path, name: str, frame: PhantomFrame) -> None:
    with atomic_path(folder / "images" / f"{name}.tiff") as temporary:
        tifffile.imwrite(temporary, frame.celsius, compression=None, metadata=None, software="")
    with atomic_path(folder / "masks" / f"{name}.png") as temporary:
        Image.fromarray(frame.mask).save(temporary)
