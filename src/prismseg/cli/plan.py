"""`prismseg plan`: what training would choose for a data set, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.cli.options import Within, duration, list_settings, with_data_options


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_settings(layout="data.layout"),
        epilog=(
            "Examples:\n\n"
            "prismseg plan nerves/\n\n"
            "prismseg plan nerves/ --limit 20 --device cuda\n\n"
            "prismseg plan nuclei/ --binary --time\n\n"
            "prismseg plan nerves/ --within 10m\n\n"
            "prismseg plan nerves/ --json > plan.json"
        ),
    )(plan)


@with_data_options
def plan(
    data: Annotated[Path, typer.Argument(help="Folder (or CSV) of images and masks.")],
    data_options: dict[str, Any] | None = None,
    limit: Annotated[int | None, typer.Option(help="Plan for this many training images.")] = None,
    device: Annotated[str, typer.Option(help="Plan for auto, cpu, cuda …")] = "auto",
    time: Annotated[
        bool, typer.Option("--time", help="Measure how long a step takes here, by taking some.")
    ] = False,
    within: Within = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what `prismseg train DATA` would choose, and why.

    Looks at the data (sizes, channels, classes, how thin their structures are, how many images and groups) and
    at the machine, and prints what was found, each setting that follows from it with its reason, about how long
    training takes, and whether it would refuse the data. Nothing is trained or written. Every setting can be chosen
    otherwise, see prismseg train --help.
    """
    from prismseg.base import PrismsegError
    from prismseg.data import open_dataset
    from prismseg.train.plan.plan import make_plan
    from prismseg.train.plan.report import describe_data, describe_plan, describe_time, spoken_time
    from prismseg.train.runs.partition import make_partition
    from prismseg.train.runs.requirements import check_cases

    given = {name: value for name, value in (data_options or {}).items() if value not in (None, "none")}
    seconds = duration(within)
    dataset = open_dataset(data, **given)
    settings = {
        "data": {"path": str(data.resolve()), **given},
        "split": {} if limit is None else {"limit": limit},
        "device": device,
    }
    made = make_plan(dataset, settings)
    found = None
    if time or seconds is not None:
        from prismseg.train.plan.timing import fit_into_time, time_run

        if seconds is not None:
            made = fit_into_time(made.on(replace(made.resources, seconds=seconds)), dataset)
        found = time_run(made, dataset)
    refusal = None
    try:
        check_cases(made.config(), dataset, make_partition(made.config(), dataset).split)
    except PrismsegError as error:
        refusal = str(error)
    if as_json:
        measured = {} if found is None else {"seconds_a_step": round(found.step, 4)}
        typer.echo(json.dumps(made.to_dict() | measured | {"refusal": refusal}, indent=2, ensure_ascii=False))
        return
    for title, lines in (("Data", describe_data(made.data)), ("Plan", describe_plan(made))):
        typer.echo(title)
        for line in lines:
            typer.echo(f"  {line}")
    if found is None:
        typer.echo(describe_time(made))
    else:
        whole = spoken_time(found.seconds(made.config()))
        typer.echo(f"A step takes {found.step:.2f} s here, training {whole}.")
    if refusal is not None:
        typer.echo(f"But prismseg train refuses these data as they are. {refusal}")
