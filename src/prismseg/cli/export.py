"""`prismseg export`: the network for other run times."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(epilog="Example: prismseg export runs/nerves --onnx nerves.onnx")(export)


def export(
    model: Annotated[Path, typer.Argument(help="Folder of a run or of a network, or a shipped network.")],
    onnx: Annotated[Path | None, typer.Option(help="ONNX file to write.")] = None,
) -> None:
    """Export a network to ONNX and check it against PyTorch (needs the extra [onnx])."""
    from prismseg.nets import export_onnx, find_model, load_model, results_folder

    folder = find_model(model)
    path = onnx or results_folder(model) / f"{folder.name}.onnx"
    error = export_onnx(load_model(folder), path)
    typer.echo(f"Wrote {path}; largest difference to PyTorch {error:.1e}")
