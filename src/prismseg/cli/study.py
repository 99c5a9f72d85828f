"""`prismseg study`: experiments as files; list, run, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prismseg.base.registry.choices import list_choices
from prismseg.cli.options import Quiet, refuse_idle

if TYPE_CHECKING:
    from prismseg.study import Study

Source = Annotated[
    str, typer.Argument(metavar="STUDY", help="Name of a study (see `prismseg study list`), or a YAML file.")
]
Root = Annotated[Path | None, typer.Option("--out", help="Folder of the study; by default runs/study-NAME.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder of the data, in place of the one that the file of the study names.")
]
KeepStale = Annotated[
    bool,
    typer.Option(
        "--keep-stale", help="Keep runs whose data, code or version have changed since; the page marks them."
    ),
]
Quick = Annotated[bool, typer.Option("--quick", help="The small form that the file describes, for minutes.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    verbs = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    verbs.command("list")(list_all)
    verbs.command(
        cls=list_choices(backend="prismseg.study:BACKENDS"),
        epilog=(
            "Examples:\n\nprismseg study run kernel --quick\n\n"
            "prismseg study run usgra --data ultrasound --backend ray --address auto   (a cluster)"
        ),
    )(run)
    verbs.command(epilog="Example: prismseg study status kernel --quick")(status)
    verbs.command(epilog="Example: prismseg study report kernel --quick")(report)
    verbs.command(epilog="Example: prismseg study show kernel")(show)
    verbs.command(epilog="Example: prismseg study copy kernel mine.yaml")(copy)
    app.add_typer(
        verbs, name="study", help="Experiments as files: grids of runs, each done once; tables and figures."
    )


def list_all() -> None:
    """List the studies that are part of prismseg."""
    from prismseg.cli.tables.studies import print_studies
    from prismseg.study import list_studies

    print_studies(list_studies())


def run(
    context: typer.Context,
    source: Source,
    out: Root = None,
    data: Data = None,
    quick: Quick = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=VALUE,VALUE", help="Do these runs alone for now, such as images=20,40."),
    ] = None,
    backend: Annotated[
        str, typer.Option(help="Where runs are worked on, loky being processes of this machine: {names}.")
    ] = "loky",
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time; by default one a core.")] = None,
    address: Annotated[str | None, typer.Option(help="Of the Ray or Dask cluster.")] = None,
    keep_stale: KeepStale = False,
    quiet: Quiet = False,
) -> None:
    """Do the runs of a study that are not done yet, or that are stale, and report.

    A run that was cut continues where it stopped, one that failed is repeated, and so is one whose data, code or version
    have changed since. Several people may run the same study in the same folder: each run is done once. Exit code
    1 when a run failed.
    """
    from prismseg.cli.tables.studies import print_stale
    from prismseg.study import RunStore, choose_runs, execute, expand, report_study

    refuse_idle(
        context,
        (backend in ("loky", "sequential"), f"on {backend}, which is on this machine", ("address",)),
        (backend == "sequential", "on sequential, which does one run at a time", ("jobs",)),
    )
    study, root = _open(source, out, data, quick=quick)
    runs = expand(study)
    chosen = choose_runs(runs, only or [])
    print_stale(study.kind, RunStore(root), chosen, keep=keep_stale)
    counts = execute(
        study.kind,
        chosen,
        root,
        backend=backend,
        jobs=jobs,
        address=address,
        keep_stale=keep_stale,
        show_progress=not quiet,
    )
    typer.echo(", ".join(f"{number} {state}" for state, number in counts.items()))
    if counts["done"]:
        typer.echo(f"Page: {report_study(study, runs, root, keep_stale=keep_stale)}")
    if counts["failed"]:
        raise typer.Exit(1)


def status(source: Source, out: Root = None, data: Data = None, quick: Quick = False) -> None:
    """Say how far a study has come, which runs are stale and why, and why runs failed."""
    from prismseg.cli.tables.studies import print_study
    from prismseg.study import RunStore, expand

    study, root = _open(source, out, data, quick=quick)
    print_study(study.kind, RunStore(root), expand(study))


def report(
    source: Source, out: Root = None, data: Data = None, quick: Quick = False, keep_stale: KeepStale = False
) -> None:
    """Report what is finished: one page, CSV, LaTeX, figures."""
    from prismseg.study import expand, report_study

    study, root = _open(source, out, data, quick=quick)
    typer.echo(f"Page: {report_study(study, expand(study), root, keep_stale=keep_stale)}")


def show(source: Source) -> None:
    """Print the file of a study."""
    from prismseg.base import read_text
    from prismseg.study import find_study

    typer.echo(read_text(find_study(source)), nl=False)


def copy(
    name: Annotated[str, typer.Argument(help="Name of a study, see `prismseg study list`.")],
    target: Annotated[Path | None, typer.Argument(help="The new file; by default NAME.yaml.")] = None,
) -> None:
    """Copy the file of a study, to change it and run it."""
    from prismseg.study import copy_study

    path = copy_study(name, target)
    typer.echo(f"Change {path}, then run it: prismseg study run {path}")


def _open(source: str, out: Path | None, data: Path | None, *, quick: bool) -> tuple[Study, Path]:
    from prismseg.study import default_folder, read_study

    return read_study(source, quick=quick, data=data), out or default_folder(source, quick=quick)
