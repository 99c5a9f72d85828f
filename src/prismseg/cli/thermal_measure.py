"""`prismseg thermal measure`: temperature of both soles and their nerve territories, over a session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.frames import ColourScale, Counts, Degrees, Grey, Humidity, Metres, Share, colour_scale, reader
from prismseg.cli.options import Device, Out, Quiet


def measure(
    paths: Annotated[list[Path], typer.Argument(help="Frames of one session: files in order, or a folder.")],
    minutes: Annotated[
        str | None,
        typer.Option(help="Since the test dose, one a frame: 0,1,5,10; else from names (S01_t05.jpg) or clocks."),
    ] = None,
    model: Annotated[str, typer.Option(help="Network that finds the feet: a shipped one, a run, or a folder.")] = (
        "thermal-feet"
    ),
    masks: Annotated[
        Path | None, typer.Option(help="Folder of masks (NAME.png) to use instead of a network.")
    ] = None,
    view: Annotated[
        str, typer.Option(help="soles-to-camera (the patient's right foot is on the left), or mirrored.")
    ] = "soles-to-camera",
    emissivity: Share = None,
    reflected: Degrees = None,
    distance: Metres = None,
    humidity: Humidity = None,
    atmosphere: Degrees = None,
    grey: Grey = None,
    counts: Counts = None,
    out: Out = None,
    scale: ColourScale = "all",
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Measure both soles in the frames of one session: means with errors, changes from t0, left against right, flags.

    A frame that cannot be trusted (one foot, a foot cut off, no °C, a clock that goes back …) gets no number, and its
    reason. With --out: curves.csv, differences.csv, frames.csv, session.json, curves.png and pictures with outlines.
    Exit code 1 when no frame could be measured. Research use only: observations, not diagnoses.
    """
    from prismseg.base import progress_bar
    from prismseg.cli.tables import print_session
    from prismseg.thermal import Session, check_view, find_frames, in_order, write_session
    from prismseg.train.feet import measure_files, open_segment

    ends = colour_scale(scale)
    stated = _numbers(minutes)
    files = find_frames(paths)
    if stated is None:
        files = in_order(files)
    segment, found_by = open_segment(model, masks, device=device)
    session = Session(check_view(view))
    with progress_bar("measuring", len(files), visible=not quiet) as advance:
        measure_files(
            files,
            reader(emissivity, reflected, distance, humidity, atmosphere, grey, counts),
            segment,
            session,
            minutes=stated,
            progress=advance,
        )
    print_session(session)
    if out is not None:
        with progress_bar("drawing", len(files), visible=not quiet) as advance:
            table = write_session(session, out, scale=ends, facts=found_by, progress=advance)
        typer.echo(f"Table: {table}")
        typer.echo(f"Pictures: {out / 'pictures'}")
    if not session.measured:
        raise typer.Exit(1)


def _numbers(text: str | None) -> list[float] | None:
    from prismseg.base import ConfigError

    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"--minutes {text!r} is not a list of numbers such as 0,1,5,10,15,20.") from error
