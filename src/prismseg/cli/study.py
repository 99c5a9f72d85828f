"""`prismseg study`: experiments as files; run, look, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.options import Quiet

File = Annotated[Path, typer.Argument(help="The study, a YAML file such as studies/usgra.yaml.")]
Root = Annotated[Path | None, typer.Option("--out", help="Folder of the study; by default runs/NAME-OF-THE-FILE.")]
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
    verbs.command(
        epilog=(
            "Examples:\n\nprismseg study run studies/usgra.yaml --quick\n\n"
            "prismseg study run studies/usgra.yaml --backend ray --address auto   (a cluster)"
        )
    )(run)
    verbs.command(epilog="Example: prismseg study status studies/usgra.yaml --quick")(status)
    verbs.command(epilog="Example: prismseg study report studies/usgra.yaml --quick")(report)
    app.add_typer(
        verbs, name="study", help="Experiments as files: grids of runs, each done once; tables and figures."
    )


def run(
    file: File,
    out: Root = None,
    quick: Quick = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=VALUE,VALUE", help="Do these runs alone for now, such as images=20,40."),
    ] = None,
    backend: Annotated[str, typer.Option(help="loky (this machine), ray, dask, or sequential.")] = "loky",
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time; by default one a core.")] = None,
    address: Annotated[str | None, typer.Option(help="Of the Ray or Dask cluster.")] = None,
    keep_stale: KeepStale = False,
    quiet: Quiet = False,
) -> None:
    """Do the runs of a study that are not done yet, or that are stale, and report.

    A run that was cut goes on where it stopped, one that failed is repeated, and so is one whose data, code or version
    have changed since. Several people may run the same study in the same folder: each run is done once. Exit code
    1 when a run failed.
    """
    from prismseg.cli.tables import print_stale
    from prismseg.study import Store, choose_runs, execute, expand, read_study, report_study

    study = read_study(file, quick=quick)
    runs, root = expand(study), _root(file, out, quick=quick)
    chosen = choose_runs(runs, only or [])
    print_stale(study.kind, Store(root), chosen, kept=keep_stale)
    options = {"keep_stale": keep_stale, "jobs": jobs, "address": address, "show_progress": not quiet}
    counts = execute(study.kind, chosen, root, backend=backend, **options)  # type: ignore[arg-type]
    typer.echo(", ".join(f"{number} {state}" for state, number in counts.items()))
    if counts["done"]:
        typer.echo(f"Page: {report_study(study, runs, root, keep_stale=keep_stale)}")
    if counts["failed"]:
        raise typer.Exit(1)


def status(file: File, out: Root = None, quick: Quick = False) -> None:
    """Say how far a study has come, which runs are stale and why, and why runs failed."""
    from prismseg.cli.tables import print_study
    from prismseg.study import Store, expand, read_study

    study = read_study(file, quick=quick)
    print_study(study.kind, Store(_root(file, out, quick=quick)), expand(study))


def report(file: File, out: Root = None, quick: Quick = False, keep_stale: KeepStale = False) -> None:
    """Put together what is finished: one page, CSV, LaTeX, figures."""
    from prismseg.study import expand, read_study, report_study

    study = read_study(file, quick=quick)
    page = report_study(study, expand(study), _root(file, out, quick=quick), keep_stale=keep_stale)
    typer.echo(f"Page: {page}")


def _root(file: Path, out: Path | None, *, quick: bool) -> Path:
    return out or Path("runs") / f"study-{file.stem}{'-quick' if quick else ''}"
