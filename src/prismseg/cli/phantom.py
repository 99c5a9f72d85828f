"""`prismseg phantom`: simulated thermal feet with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.base.registry.choices import list_choices
from prismseg.cli.options import Quiet


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_choices(domain="prismseg.thermal.phantom.domains:DOMAINS"),
        epilog=(
            "Examples:\n\n"
            "prismseg phantom --out feet --sessions 30 --seed 7\n\n"
            "prismseg phantom --out legs --sessions 10 --framing above --domain solid --size 120x160"
        ),
    )(phantom)


def phantom(
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    sessions: Annotated[int, typer.Option(min=1, help="How many simulated people, each with 6 frames.")] = 12,
    domain: Annotated[
        list[str] | None,
        typer.Option(help="Generator of the feet: {names}. All by default; may be given again."),
    ] = None,
    framing: Annotated[
        list[str] | None,
        typer.Option(help="soles (to the camera; the default) or above (legs and feet); may be given again."),
    ] = None,
    size: Annotated[str, typer.Option(help="Of the frames, height x width.")] = "240x320",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same frames on the same machine.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Write a data set of simulated thermal feet in °C, with masks, sides, territories and true temperatures.

    Each session is another person, with frames 0, 1, 5, 10, 15 and 20 minutes after the test dose of an epidural: the
    feet of some get warm. contact_sheet.png shows the first sessions, calibration.csv compares all with real ones.
    """
    from prismseg.base import progress_bar
    from prismseg.thermal.phantom import DEFAULT_MINUTES, write_sessions
    from prismseg.train.configure import parse_size

    with progress_bar("simulating", sessions * len(DEFAULT_MINUTES), visible=not quiet) as advance:
        folder = write_sessions(
            out,
            sessions=sessions,
            domains=domain or None,
            framings=framing or ("soles",),
            size=parse_size(size),
            seed=seed,
            progress=lambda done, _: advance(done, ""),
        )
    typer.echo(f"Data set: {folder}")
    typer.echo(f"To look at: {folder / 'contact_sheet.png'}")
