"""`prismseg thermal`: frames in °C."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from prismseg.cli.options import Out, Quiet

if TYPE_CHECKING:
    from prismseg.thermal import Frame, Reading

Degrees = Annotated[
    float | None, typer.Option(help="In °C.", rich_help_panel="In place of the file's own (R-JPEG)")
]
Share = Annotated[
    float | None, typer.Option(min=0, help="From 0 to 1.", rich_help_panel="In place of the file's own (R-JPEG)")
]
_STATED = "What the files do not say"


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    verbs = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    verbs.command(
        epilog=(
            "Examples:\n\nprismseg thermal read session/ --emissivity 0.98 --out session-celsius\n\n"
            "prismseg thermal read sole_22.6to34.0C.png\n\nprismseg thermal read counts.tiff --counts 0.01:-273.15"
        )
    )(read)
    verbs.command(
        epilog="Example: prismseg thermal train --out runs/thermal-feet   (hours; Ctrl-C and --resume at will)"
    )(train)
    app.add_typer(
        verbs, name="thermal", help="Thermal frames in °C: what is in a file, and what cannot be measured."
    )


def read(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of frames.")],
    emissivity: Share = None,
    reflected: Degrees = None,
    distance: Annotated[
        float | None, typer.Option(min=0, help="In metres.", rich_help_panel="In place of the file's own (R-JPEG)")
    ] = None,
    humidity: Annotated[
        float | None,
        typer.Option(min=0, help="0.5 or 50 percent.", rich_help_panel="In place of the file's own (R-JPEG)"),
    ] = None,
    atmosphere: Degrees = None,
    grey: Annotated[
        str | None,
        typer.Option(
            help="°C of black and white in 8-bit grey pictures, such as 22.6:34.", rich_help_panel=_STATED
        ),
    ] = None,
    counts: Annotated[
        str | None,
        typer.Option(
            help="Scale and offset from numbers to °C, such as 0.01:-273.15 (hundredths of a kelvin).",
            rich_help_panel=_STATED,
        ),
    ] = None,
    out: Out = None,
    scale: Annotated[
        str,
        typer.Option(
            help="Ends of the colour bar in °C, such as 18:36; all: one that holds every frame; each: its own."
        ),
    ] = "all",
    quiet: Quiet = False,
) -> None:
    """Read thermal frames: lowest, mean and highest °C, parameters, time, camera, and why a file is refused.

    FLIR radiometric JPEGs, matrices in °C (TIFF, CSV, NPY), and 8-bit grey pictures whose limits are stated. Colours are
    never turned into temperatures. With --out: frames.csv, pictures on one scale, and °C as TIFF without serial numbers,
    positions or photos. Exit code 1 when no file could be read.
    """
    from prismseg.base import progress_bar
    from prismseg.cli.tables import print_readings
    from prismseg.thermal import Parameters, find_frames, read_frame, read_listing, write_listing

    chosen = Parameters(emissivity, reflected, distance, humidity, atmosphere)
    low, high = _pair("--grey", grey)
    factor, offset = _pair("--counts", counts)
    ends = _scale(scale)

    def reader(path: Path) -> Frame:
        return read_frame(path, low=low, high=high, scale=factor, offset=offset, **chosen.stated())

    files = find_frames(paths)
    with progress_bar("reading", len(files), visible=not quiet) as advance:
        readings: list[Reading] = read_listing(files, reader, progress=advance)
    print_readings(readings)
    if all(reading.refusal is not None for reading in readings):
        raise typer.Exit(1)
    if out is not None:
        good = sum(reading.refusal is None for reading in readings)
        with progress_bar("drawing", good, visible=not quiet) as advance:
            table = write_listing(readings, out, reader, scale=ends, progress=advance)
        typer.echo(f"Table: {table}")
        typer.echo(f"Pictures: {out / 'pictures'}")


def train(
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    left_out: Annotated[
        str, typer.Option(help="Domain that is never learnt, on which the best network is chosen.")
    ] = "ellipse",
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 4000,
    batch_size: Annotated[int, typer.Option(min=1, help="Frames a step; each is seen once.")] = 16,
    size: Annotated[str, typer.Option(help="Network input, height x width.")] = "192x256",
    multiplier: Annotated[int, typer.Option(help="Skip width M: 1 or 3.")] = 1,
    left_out_frames: Annotated[int, typer.Option(min=1, help="Frames of the left-out domain.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Seed of frames and weights.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train a network for thermal feet on simulated frames alone, as the one shipped was trained."""
    from prismseg.train.config import parse_size
    from prismseg.train.phantoms import phantom_config, train_on_phantoms

    config = phantom_config(
        out,
        left_out=left_out,
        steps=steps,
        batch_size=batch_size,
        size=parse_size(size),
        multiplier=multiplier,
        seed=seed,
    )
    folder = train_on_phantoms(
        config, out, left_out_frames=left_out_frames, resume=resume, show_progress=not quiet
    )
    typer.echo(f"Best network: {folder.model}")


def _pair(option: str, text: str | None) -> tuple[float, float] | tuple[None, None]:
    from prismseg.base import ConfigError

    if text is None:
        return None, None
    try:
        first, second = map(float, text.split(":"))
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r} is not two numbers with a colon between, such as 22.6:34."
        ) from error
    return first, second


def _scale(text: str) -> tuple[float, float] | Literal["all", "each"]:
    from prismseg.base import ConfigError

    if text == "all":
        return "all"
    if text == "each":
        return "each"
    low, high = _pair("--scale", text)
    if low is None or high is None or not low < high:
        raise ConfigError(f"--scale {text!r} is not a lower and a higher temperature, such as 18:36.")
    return low, high
