"""`prismseg spectrum`: which frequencies a network's CRFFg layers have learned, and what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.cli.options import DATA_OPTIONS, Device, Out, Quiet, list_settings, refuse_idle, with_data_options


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_settings(layout="data.layout"),
        epilog=(
            "Examples:\n\n"
            "prismseg spectrum runs/nerves\n\n"
            "prismseg spectrum runs/nerves --bands 8 --part validation\n\n"
            "prismseg spectrum thermal-feet --bands 0 --out runs/spectrum\n\n"
            "prismseg spectrum runs/nerves other-hospital/ --out runs/other-spectrum"
        ),
    )(spectrum)


@with_data_options
def spectrum(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="Folder of a run or of a network, or a shipped network.")],
    data: Annotated[
        Path | None, typer.Argument(help="Leave bands out on these data instead of the run's own.")
    ] = None,
    out: Out = None,
    bands: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Bands of frequencies a layer, each left out in turn; by default 4, or as many as a layer has filters; "
            "0: leave none out.",
        ),
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="Cases on which bands are left out: test (the default), validation, train …")
    ] = None,
    data_options: dict[str, Any] | None = None,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Measure the learned frequencies of every CRFFg layer: a page and CSV files.

    Radial and angular spectrum beside the kernel's density, effective rank, length scale, spectral norm and Lipschitz
    bound, before and after training; and how much Dice, and how much of the
    relevance on the class, is lost without each band of frequencies.
    """
    from prismseg.study.spectrum.report import band_rows_text, write_spectrum
    from prismseg.train.runs.data import open_for

    refuse_idle(
        context,
        (bands == 0, "where no band is left out (--bands 0)", ("data", "part")),
        (data is None, "without DATA, since the run's own are read as it read them", DATA_OPTIONS),
    )
    dataset = None if data is None else open_for(model, data, data_options)[0]
    report = write_spectrum(
        model, out, dataset=dataset, bands=bands, part=part, device=device, show_progress=not quiet
    )
    for row in band_rows_text(report):
        typer.echo(
            f"Without band {row['band']} of {row['layer']} Dice falls by {row['drop']:.4f} "
            f"(as many filters at random: {row['random_drop']:.4f}), the relevance on the class by {row['rho_drop']:.4f} "
            f"({row['random_rho_drop']:.4f})"
        )
    for note in report.notes:
        typer.echo(note)
    typer.echo(f"Page: {report.page}")
