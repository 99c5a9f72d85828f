"""`prismseg demo`: the main job, start to end, on simulated feet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.options import Quiet


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(epilog="Example: prismseg demo --out runs/demo")(demo)


def demo(
    out: Annotated[Path, typer.Option(help="Folder to make.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation and the training.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Simulate thermal feet, train a CRFFg U-Net on them, explain and evaluate it, and write reports."""
    from prismseg.cli.tables.evaluation import print_summary
    from prismseg.thermal.demo import run_demo

    report = run_demo(out, seed=seed, show_progress=not quiet)
    print_summary(report.parent / "summary.json")
    typer.echo(f"Report: {report}")
    typer.echo(f"Where the evidence lies: {report.parents[1] / 'explanation' / 'explanation.html'}")
