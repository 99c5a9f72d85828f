"""`prismseg phantom`: simulated thermal feet with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.options import Quiet


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(epilog="Example: prismseg phantom --out feet --patients 30 --seed 7")(phantom)


def phantom(
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    patients: Annotated[int, typer.Option(min=1, help="How many simulated patients.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same pictures.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Write a data set of simulated thermal sole pictures in °C, with masks."""
    from prismseg.base import progress_bar
    from prismseg.phantom import DEFAULT_MINUTES, write_study

    total = patients * len(DEFAULT_MINUTES)
    with progress_bar("simulating", total, visible=not quiet) as advance:
        folder = write_study(out, patients=patients, seed=seed, progress=lambda done, _: advance(done, ""))
    typer.echo(f"Data set: {folder}")
    typer.echo(f"To look at: {folder / 'contact_sheet.png'}")
