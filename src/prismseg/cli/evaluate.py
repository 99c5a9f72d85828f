"""`prismseg evaluate`: how good a trained network is, with intervals and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.options import (
    Binary,
    Channels,
    Classes,
    Colours,
    Device,
    Group,
    Layout,
    MaskSuffix,
    Mirror,
    Out,
    Quiet,
    class_names,
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        epilog=(
            "Examples:\n\n"
            "prismseg evaluate runs/nerves\n\n"
            "prismseg evaluate runs/nerves --against runs/baseline/evaluation\n\n"
            "prismseg evaluate runs/nerves/model other-hospital/ --out runs/other-hospital"
        )
    )(evaluate)


def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder of a run (or of a network, with DATA).")],
    data: Annotated[Path | None, typer.Argument(help="Measure on all cases of these data instead.")] = None,
    out: Out = None,
    part: Annotated[str, typer.Option(help="Part of the run's split: test, validation or train.")] = "test",
    against: Annotated[
        Path | None, typer.Option(help="Another evaluation folder of the same cases, to compare case by case.")
    ] = None,
    layout: Layout = "auto",
    group: Group = "auto",
    binary: Binary = False,
    classes: Classes = None,
    mask_suffix: MaskSuffix = None,
    channels: Channels = None,
    colours: Colours = None,
    mirror: Mirror = False,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Measure a network: Dice, IoU, sensitivity, specificity, precision, 95 % Hausdorff distance.

    Writes metrics_per_case.csv, summary.json and report.html.
    """
    from prismseg.cli.tables import print_summary
    from prismseg.train import evaluate_data, evaluate_run

    if data is None:
        report = evaluate_run(
            model, part=part, out=out, against=against, mirror=mirror, device=device, show_progress=not quiet
        )
    else:
        from prismseg.data import open_dataset

        dataset = open_dataset(
            data,
            layout=layout,
            group=group,
            binary=binary,
            classes=class_names(classes),
            mask_suffix=mask_suffix,
            channels=channels,
            colours=colours,
        )
        report = evaluate_data(
            model, dataset, out=out, against=against, mirror=mirror, device=device, show_progress=not quiet
        )
    print_summary(report.parent / "summary.json")
    typer.echo(f"Report: {report}")
