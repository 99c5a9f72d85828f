"""`prismseg check`: what is wrong with a data set, before it costs a night of training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.cli.options import Quiet, list_settings, with_data_options


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_settings(layout="data.layout"),
        epilog=(
            "Examples:\n\n"
            "prismseg check nerves/ --group block:12\n\n"
            "prismseg check nuclei/ --binary\n\n"
            "prismseg check organs/ --colours legend.csv"
        ),
    )(check)


@with_data_options
def check(
    data: Annotated[Path, typer.Argument(help="Folder (or CSV) of images and masks.")],
    data_options: dict[str, Any] | None = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Tell every finding, not one a kind.")] = False,
    quiet: Quiet = False,
) -> None:
    """Say what a data set was recognised as and look for faults; exit code 1 when there are errors.

    Finds unreadable and left-out files, masks of another size or orientation, missing pairs, labels that are meant
    otherwise (colours, alpha, from 1 on, grey values), empty masks, copies of images across groups and tiny groups.
    """
    from prismseg.cli.tables.findings import print_findings
    from prismseg.data.checks.check import check_with
    from prismseg.data.options import make_options

    # Without a run there is nothing that "none" could take back.
    given = {name: value for name, value in (data_options or {}).items() if value not in (None, "none")}
    result = check_with(data, make_options(**given), show_progress=not quiet)
    if result.recognised:
        typer.echo(result.recognised)
    print_findings(result.findings, verbose=verbose)
    if any(finding.severity == "error" for finding in result.findings):
        raise typer.Exit(1)
