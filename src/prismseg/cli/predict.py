"""`prismseg predict`: masks for pictures without one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.options import Device, Mirror, Quiet


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        epilog=(
            "Examples:\n\n"
            "prismseg predict runs/nerves new-patient.png --out results\n\n"
            "prismseg predict runs/nerves/model new-patients/ --out results --mirror"
        )
    )(predict)


def predict(
    model: Annotated[Path, typer.Argument(help="Folder of a run or of a network.")],
    images: Annotated[Path, typer.Argument(help="A picture or a folder of pictures.")],
    out: Annotated[Path, typer.Option(help="Folder for masks, overlays and probabilities.")] = Path("predictions"),
    probabilities: Annotated[bool, typer.Option(help="Also write class probabilities (NPY).")] = True,
    mirror: Mirror = False,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Segment a picture or a folder of pictures, each at its own size."""
    from prismseg.train import Predictor, find_model, predict_files

    predictor = Predictor.from_pretrained(find_model(model), mirror=mirror, device=device)
    masks = predict_files(predictor, images, out, probabilities=probabilities, show_progress=not quiet)
    typer.echo(f"Wrote {len(masks)} masks to {out / 'masks'} and overlays to {out / 'overlays'}")
