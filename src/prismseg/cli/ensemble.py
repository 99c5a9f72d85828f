"""`prismseg ensemble`: several trained networks as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.cli.options import DATA_OPTIONS, Quiet, list_settings, refuse_idle, with_data_options


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_settings(layout="data.layout"),
        epilog=(
            "Examples:\n\n"
            "prismseg ensemble runs/nerves-cv --out runs/nerves-all   (the folds of a cross-validation)\n\n"
            "prismseg ensemble runs/unet runs/resunet --weights 2,1 --out runs/both\n\n"
            "prismseg ensemble runs/unet-cv runs/fcn-cv --weights auto --out runs/both   (weights by held-out cases)\n\n"
            "prismseg predict runs/both new-patients/   (an ensemble is a network as any other)"
        ),
    )(ensemble)


@with_data_options
def ensemble(
    context: typer.Context,
    models: Annotated[
        list[Path],
        typer.Argument(
            help="Runs, folders of networks, shipped networks; of a cross-validation all folds, which share one weight."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the ensemble.")],
    weights: Annotated[
        str,
        typer.Option(
            help="equal; auto: chosen on cases that no network which predicts them has seen; or a number for each, 2,1."
        ),
    ] = "equal",
    data: Annotated[
        Path | None, typer.Option(help="Choose weights on these data, not on those of the first run.")
    ] = None,
    data_options: dict[str, Any] | None = None,
    quiet: Quiet = False,
) -> None:
    """Put trained networks of the same classes together: one network that averages their probabilities.

    Each is fed as it is used to, whatever its size, intensity, encoder or architecture. The folder is taken by predict,
    evaluate, explain, export and the monitor as that of any network; what one of its members has seen, it has seen.
    """
    from prismseg.train import make_ensemble

    refuse_idle(
        context, (weights != "auto", "without --weights auto, which chooses on data", ("data", *DATA_OPTIONS))
    )
    folder = make_ensemble(
        models,
        out,
        weights=weights if weights in ("equal", "auto") else _numbers(weights),
        data=data,
        options=data_options,
        tell=typer.echo,
        show_progress=not quiet,
    )
    typer.echo(f"Network: {folder}")
    typer.echo(f"Now segment images with it: prismseg predict {folder} IMAGES")


def _numbers(text: str) -> tuple[float, ...]:
    from prismseg.base import ConfigError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--weights {text} is not equal, auto or a number for each network, such as 2,1."
        ) from error
