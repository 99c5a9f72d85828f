"""`prismseg evaluate`: how good a trained network is, with intervals and images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.cli.options import Device, Mirror, Out, Quiet, list_settings, refuse_idle, with_data_options

_MARGINS, _FOREIGN = "Margins", "Foreign images"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_settings(
            layout="data.layout", uncertainty_by="prismseg.inference.bayesian.registries:UNCERTAINTIES"
        ),
        epilog=(
            "Examples:\n\n"
            "prismseg evaluate runs/nerves\n\n"
            "prismseg evaluate runs/nerves --against runs/baseline/evaluation\n\n"
            "prismseg evaluate runs/nerves other-hospital/ --out runs/other-hospital\n\n"
            "prismseg evaluate runs/nerves-cv --margins 0.1\n\n"
            "prismseg evaluate runs/nerves --uncertainty-by last-layer --unfamiliar hearts/\n\n"
            "prismseg evaluate runs/nerves /new/place/of/nerves   (its data were moved)"
        ),
    )(evaluate)


@with_data_options
def evaluate(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="Folder of a run (or of a network, with DATA).")],
    data: Annotated[
        Path | None,
        typer.Argument(
            help="Measure on these data instead: other ones, or the run's own where they lie now. Cases are recognised "
            "by content."
        ),
    ] = None,
    out: Out = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="test, validation, train; with DATA also new and same-group (of a patient that was trained on); "
            "several with commas, or all. Without: test, and new with DATA."
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Another evaluation folder of the same cases, to compare case by case.")
    ] = None,
    margins: Annotated[
        float | None,
        typer.Option(
            help="Calibrate margins around the masks that fail for a new group with at most this probability; 0.1 "
            "takes 9 groups that the network has not seen.",
            rich_help_panel=_MARGINS,
        ),
    ] = None,
    margins_per: Annotated[
        str,
        typer.Option(
            help="group: all images of a new group at once. case: one image of it.", rich_help_panel=_MARGINS
        ),
    ] = "group",
    margins_share: Annotated[
        float,
        typer.Option(
            help="Share of the true mask that counts; 0.99 forgives 1 % of it.", rich_help_panel=_MARGINS
        ),
    ] = 1.0,
    uncertainty_by: Annotated[
        str | None,
        typer.Option(
            help="Also look whether this uncertainty is larger for noise, blank and --unfamiliar images than for own "
            "ones: {names}; what is not an ensemble is fitted by `prismseg uncertainty RUN`.",
            rich_help_panel=_FOREIGN,
        ),
    ] = None,
    unfamiliar: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of images (or a data set with images/) that the network was not made for; may be repeated.",
            rich_help_panel=_FOREIGN,
        ),
    ] = None,
    data_options: dict[str, Any] | None = None,
    mirror: Mirror = None,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Measure a network: Dice, IoU, sensitivity, specificity, precision, 95 % Hausdorff distance.

    Data are read as the run read its own (layout, groups, classes), but for the options given here. Writes
    metrics_per_case.csv, summary.json and report.html; with --margins also margins.json, which predict takes.
    """
    from prismseg.cli.tables.evaluation import print_summary
    from prismseg.evaluation import MarginSettings
    from prismseg.train import evaluate_data, evaluate_run
    from prismseg.train.runs.data import open_for

    refuse_idle(context, (margins is None, "without --margins", ("margins_per", "margins_share")))
    how: dict[str, Any] = {
        "out": out, "against": against, "mirror": mirror, "device": device, "show_progress": not quiet,
        "uncertainty_by": uncertainty_by, "unfamiliar": unfamiliar or (),
        "margins": None if margins is None else MarginSettings(margins, margins_per, margins_share),  # type: ignore[arg-type]
    }  # fmt: skip
    if data is None:
        report = evaluate_run(model, part=part or "test", options=data_options, **how)
    else:
        dataset, notes = open_for(model, data, data_options)
        report = evaluate_data(model, dataset, part=part, notes=notes, **how)
    print_summary(report.parent / "summary.json")
    typer.echo(f"Report: {report}")
