"""`prismseg thermal train`: a network for thermal feet from simulation alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.cli.options import Quiet, refuse_idle


def train(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="pretrained (U-Net on EfficientNet-lite0, as thermal-feet) or small (as thermal-feet-small) "
            "[default: pretrained]."
        ),
    ] = None,
    left_out: Annotated[
        str | None,
        typer.Option(
            help="Domain that is never learnt, on which the best network is chosen; none to learn from all "
            "[default: ellipse]."
        ),
    ] = None,
    initial: Annotated[
        str | None, typer.Option("--from", help="Go on from this run or network of the same recipe.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps [default: 1000; small: 4000].")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Frames a step; each is seen once [default: 12; small: 16].")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Network input, height x width [default: 192x256].")] = None,
    skip: Annotated[str | None, typer.Option(help="Layer on the skips [default: none; small: crffg].")] = None,
    multiplier: Annotated[int | None, typer.Option(help="Skip width M: 1 or 3 [default: 1].")] = None,
    left_out_frames: Annotated[int, typer.Option(min=1, help="Frames that choose.")] = 128,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of frames and weights [default: 0].")] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume the run in --out, with its settings but for those given here."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train a network for thermal feet on simulated frames alone, as those shipped were trained.

    First leave a domain out, to see what the network does on feet of a kind that it has never seen; then go on from
    there on all domains.
    """
    from prismseg.thermal.network.training import ALL, phantom_config, resumed_phantom_config, train_on_phantoms
    from prismseg.train.configure import parse_size

    given: dict[str, Any] = {
        "recipe": recipe,
        "left_out": left_out,
        "initial": initial,
        "steps": steps,
        "batch_size": batch_size,
        "size": None if size is None else parse_size(size),
        "skip": skip,
        "multiplier": multiplier,
        "seed": seed,
    }
    refuse_idle(context, (left_out == ALL, "where no domain is left out", ("left_out_frames",)))
    given = {key: value for key, value in given.items() if value is not None}
    if left_out == ALL:
        given["left_out"] = None
    config = resumed_phantom_config(out, **given) if resume else phantom_config(out, **given)
    folder = train_on_phantoms(
        config, out, left_out_frames=left_out_frames, resume=resume, show_progress=not quiet
    )
    typer.echo(f"Best network: {folder.model}")
