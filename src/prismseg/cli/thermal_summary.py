"""`prismseg thermal summary`: several measured sessions in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def summary(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Folders that `thermal measure --out` wrote, or folders that hold such folders."),
    ],
    at: Annotated[str, typer.Option(help="Minutes at which changes are given (nearest frame within 1 min).")] = (
        "5,10,15,20"
    ),
    region: Annotated[str, typer.Option(help="Whose changes: whole sole, toes, medial plantar …")] = "whole sole",
    out: Annotated[Path | None, typer.Option(help="CSV file with all columns.")] = None,
) -> None:
    """Put measured sessions into one table: frames, baseline, changes at some minutes, the largest change, flags.

    Sessions that were measured with different networks, thresholds or versions are named as such. Research use only:
    observations, not diagnoses.
    """
    from prismseg.base import write_text
    from prismseg.cli.frames import numbers
    from prismseg.cli.tables.thermal import print_sessions
    from prismseg.thermal import find_results, summarize_sessions

    minutes = numbers("--at", at)
    table = summarize_sessions(find_results(paths), minutes=minutes, region=region)
    print_sessions(table, minutes, region)
    if out is not None:
        typer.echo(f"Table: {write_text(out, table.to_csv(index=False))}")
