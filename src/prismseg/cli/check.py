"""`prismseg check`: what is wrong with a data set, before it costs a night of training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.options import Binary, Channels, Classes, Group, Layout, MaskSuffix, class_names


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(epilog="Examples:\n\nprismseg check nerves/ --group block:12\n\nprismseg check nuclei/ --binary")(
        check
    )


def check(
    data: Annotated[Path, typer.Argument(help="Folder (or CSV) of images and masks.")],
    layout: Layout = "auto",
    group: Group = "auto",
    binary: Binary = False,
    classes: Classes = None,
    mask_suffix: MaskSuffix = None,
    channels: Channels = None,
) -> None:
    """Look for faults in a data set; exit code 1 when there are errors.

    Finds unreadable files, masks of another size, missing pairs, unexpected mask values, empty masks, duplicate
    images across groups and tiny groups.
    """
    from prismseg.cli.tables import print_findings
    from prismseg.data import check_dataset

    findings = check_dataset(
        data,
        layout=layout,
        group=group,
        binary=binary,
        classes=class_names(classes),
        mask_suffix=mask_suffix,
        channels=channels,
    )
    print_findings(findings)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
