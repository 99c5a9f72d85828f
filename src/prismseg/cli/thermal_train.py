"""`prismseg thermal train`: a network for thermal feet from simulation alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.options import Quiet


def train(
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    left_out: Annotated[
        str, typer.Option(help="Domain that is never learnt, on which the best network is chosen.")
    ] = "ellipse",
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 4000,
    batch_size: Annotated[int, typer.Option(min=1, help="Frames a step; each is seen once.")] = 16,
    size: Annotated[str, typer.Option(help="Network input, height x width.")] = "192x256",
    multiplier: Annotated[int, typer.Option(help="Skip width M: 1 or 3.")] = 1,
    left_out_frames: Annotated[int, typer.Option(min=1, help="Frames of the left-out domain.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Seed of frames and weights.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train a network for thermal feet on simulated frames alone, as the one shipped was trained."""
    from prismseg.train.config import parse_size
    from prismseg.train.phantoms import phantom_config, train_on_phantoms

    config = phantom_config(
        out,
        left_out=left_out,
        steps=steps,
        batch_size=batch_size,
        size=parse_size(size),
        multiplier=multiplier,
        seed=seed,
    )
    folder = train_on_phantoms(
        config, out, left_out_frames=left_out_frames, resume=resume, show_progress=not quiet
    )
    typer.echo(f"Best network: {folder.model}")
