"""`prismseg thermal read`: what is in thermal files, and what cannot be measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prismseg.cli.frames import (
    ColourScale,
    Counts,
    Degrees,
    Frames,
    Grey,
    Humidity,
    Metres,
    Polarity,
    Share,
    Window,
    colour_scale,
    reader,
)
from prismseg.cli.options import Out, Quiet, refuse_idle

if TYPE_CHECKING:
    from prismseg.thermal import FrameSummary


def read(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of frames.")],
    emissivity: Share = None,
    reflected: Degrees = None,
    distance: Metres = None,
    humidity: Humidity = None,
    atmosphere: Degrees = None,
    window: Window = None,
    grey: Grey = None,
    counts: Counts = None,
    polarity: Polarity = None,
    frames: Frames = None,
    out: Out = None,
    scale: ColourScale = "all",
    quiet: Quiet = False,
) -> None:
    """Read thermal frames: lowest, mean and highest °C, parameters, time, camera, and why a file is refused.

    FLIR radiometric JPEGs and films (FFF, SEQ, CSQ), matrices in °C (TIFF, CSV, NPY), and 8-bit grey pictures whose
    limits are stated. Colours are never turned into temperatures. With --out: frames.csv, pictures on one scale, and °C
    as TIFF without serial numbers, positions or photos. Exit code 1 when no file could be read.
    """
    from prismseg.base import progress_bar
    from prismseg.cli.tables.thermal import print_summaries
    from prismseg.thermal import export_frames, search_frames, summarize_frames

    ends = colour_scale(scale)
    refuse_idle(context, (out is None, "without --out, for which pictures are drawn", ("scale",)))
    read_one = reader(emissivity, reflected, distance, humidity, atmosphere, window, grey, counts, polarity)
    found = search_frames(paths, frames)
    files = found.files
    with progress_bar("reading", len(files), visible=not quiet) as advance:
        summaries: list[FrameSummary] = summarize_frames(files, read_one, progress=advance)
    print_summaries(summaries)
    if found.remark:
        typer.echo(found.remark)
    if all(summary.rejection is not None for summary in summaries):
        raise typer.Exit(1)
    if out is not None:
        good = sum(summary.rejection is None for summary in summaries)
        with progress_bar("drawing", good, visible=not quiet) as advance:
            table = export_frames(summaries, out, read_one, scale=ends, progress=advance)
        typer.echo(f"Table: {table}")
        typer.echo(f"Pictures: {out / 'pictures'}")
