"""`prismseg check`: what is wrong with a data set, before it costs a night of training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.options import Binary, Channels, Classes, Colours, Group, Layout, MaskSuffix, Quiet, names


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        epilog=(
            "Examples:\n\n"
            "prismseg check nerves/ --group block:12\n\n"
            "prismseg check nuclei/ --binary\n\n"
            "prismseg check organs/ --colours legend.csv"
        )
    )(check)


def check(
    data: Annotated[Path, typer.Argument(help="Folder (or CSV) of images and masks.")],
    layout: Layout = "auto",
    group: Group = "auto",
    binary: Binary = False,
    classes: Classes = None,
    mask_suffix: MaskSuffix = None,
    channels: Channels = None,
    colours: Colours = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Tell every finding, not one a kind.")] = False,
    quiet: Quiet = False,
) -> None:
    """Look for faults in a data set; exit code 1 when there are errors.

    Finds unreadable and left-out files, masks of another size or orientation, missing pairs, labels that are meant
    otherwise (colours, alpha, from 1 on, grey values), empty masks, copies of pictures across groups and tiny groups.
    """
    from prismseg.cli.tables import print_findings
    from prismseg.data import check_dataset

    findings = check_dataset(
        data,
        layout=layout,
        group=group,
        binary=binary,
        classes=names(classes),
        mask_suffix=mask_suffix,
        channels=channels,
        colours=colours,
        show_progress=not quiet,
    )
    print_findings(findings, verbose=verbose)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
