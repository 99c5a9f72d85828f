"""`prismseg uncertainty`: what a trained network does not know, fitted after training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.base.registry.choices import list_choices
from prismseg.cli.options import Device, Mirror


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_choices(kind="prismseg.train.registries:UNCERTAINTY_FITS"),
        epilog=(
            "Examples:\n\n"
            "prismseg uncertainty runs/nerves\n\n"
            "prismseg predict runs/nerves new-patients/ --uncertainty-by last-layer\n\n"
            "prismseg predict runs/all-folds new-patients/ --uncertainty-by ensemble   (nothing to fit)"
        ),
    )(uncertainty)


def uncertainty(
    run: Annotated[Path, typer.Argument(help="Folder of a run, of a cross-validation that of a fold.")],
    kind: Annotated[str, typer.Option(help="{names}.")] = "last-layer",
    mirror: Mirror = None,
    device: Device = "cpu",
) -> None:
    """Fit the uncertainty of a trained network on its training cases; the network stays as it is.

    Writes RUN/uncertainty, which predict --uncertainty-by takes: maps of predictive entropy, mutual information and
    variance.
    """
    from prismseg.train import fit_uncertainty

    out, notes = fit_uncertainty(run, kind, mirror=mirror, device=device)
    for note in notes:
        typer.echo(note)
    typer.echo(f"Fitted: {out}")
