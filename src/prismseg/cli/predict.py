"""`prismseg predict`: masks for images without one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prismseg.base.registry.choices import list_choices
from prismseg.cli.options import Device, Mirror, Quiet, refuse_idle

if TYPE_CHECKING:
    from prismseg.inference.large.predict import LargePrediction
    from prismseg.nets import Ensemble

_SHOWN = 5


def _average(model: Path) -> Ensemble | None:
    """Average the folds of a cross-validation; None of any other network."""
    from prismseg.nets.storage.lookup import is_shipped, list_folds

    if is_shipped(model) or (model / "config.json").is_file() or not list_folds(model):
        return None
    from prismseg.train import average_folds

    ensemble = average_folds(model)
    typer.echo(f"Average of the {len(ensemble.names)} folds of {model}")
    return ensemble


def _told(found: LargePrediction) -> str:
    """Say what came of a large image."""
    from prismseg.inference.large.predict import VISIBLE

    parts = [f"{found.pieces} pieces"]
    if found.resumed == found.pieces:
        parts.append("all of them finished before")
    elif found.resumed:
        parts.append(f"{found.resumed} of them finished before")
    if found.resumed < found.pieces > 1:
        parts.append(f"where they meet, probabilities differ by at most {found.seam:.2g}")
    if found.left_out:
        parts.append(f"{found.left_out} other images of the file are left out")
    text = "; ".join(parts)
    if found.seam > VISIBLE:
        text += (
            ". Seams may be seen: the network looks farther than what it is shown around a piece (a larger --overlap "
            "helps), or takes means over all that it is shown (group and instance normalisation; then none helps)"
        )
    return text


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_choices(uncertainty_by="prismseg.inference.bayesian.registries:UNCERTAINTIES"),
        epilog=(
            "Examples:\n\n"
            "prismseg predict runs/nerves new-patient.png --out results\n\n"
            "prismseg predict runs/nerves/model new-patients/ more/*.jpg --out results --mirror\n\n"
            "prismseg predict runs/nerves table.csv --out results --probabilities\n\n"
            "prismseg predict runs/nerves-cv new-patients/ --out results   (the average of all folds)\n\n"
            "prismseg predict runs/slides slide.tif --out results   (of a run with --fit native: piece by piece)\n\n"
            "prismseg predict runs/instant new-patients/ --out results --uncertainty\n\n"
            "prismseg predict runs/all-folds new-patients/ --uncertainty-by ensemble\n\n"
            "prismseg predict runs/nerves new-patients/ --margins runs/nerves/evaluation/margins.json"
        ),
    )(predict)


def predict(
    context: typer.Context,
    model: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run, of a network or of a cross-validation, whose folds are averaged; or a shipped network."
        ),
    ],
    images: Annotated[
        list[Path],
        typer.Argument(
            help="Images, folders of images, lists (.txt, a path a line) or tables (.csv, column image)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for masks, overlays and probabilities.")] = Path("predictions"),
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Also write class probabilities (NPY, large).")
    ] = False,
    uncertainty: Annotated[
        bool,
        typer.Option(
            "--uncertainty",
            help="Also write how sure the network is of each pixel; of an instant segmenter also variances and shares of "
            "the logits (NPZ, PNG).",
        ),
    ] = False,
    uncertainty_by: Annotated[
        str | None,
        typer.Option(
            help="Also write predictive entropy, mutual information and variance by {names}; what is "
            "not an ensemble is fitted by `prismseg uncertainty RUN`."
        ),
    ] = None,
    margins: Annotated[
        Path | None,
        typer.Option(
            help="A margins.json of `prismseg evaluate --margins`: also draw and write the contours that hold the truth."
        ),
    ] = None,
    shrink: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Segment images at their own pixels (1), or at so many times fewer a side, instead of squeezing them to "
            "the network's size; by default as it was trained.",
        ),
    ] = None,
    large_from: Annotated[
        float,
        typer.Option(
            min=0,
            help="Images at their own pixels from this many megapixels on are segmented piece by piece, in flat memory "
            "(TIFF and NPY; the mask is a TIFF in tiles). Stopped, the same command goes on.",
        ),
    ] = 16.0,
    overlap: Annotated[
        int, typer.Option(min=0, help="Pixels that the network sees around each of these pieces.")
    ] = 128,
    mirror: Mirror = None,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Segment images, each at its own size; exit code 1 when some could not be.

    An image that is damaged is reported and the others are segmented.
    """
    from prismseg.inference import BayesianPredictor, Margins, Predictor, predict_files
    from prismseg.nets import find_model, load_model, results_folder

    network = _average(model) or load_model(find_model(model))
    predictor = Predictor(network, mirror=mirror, device=device, shrink=shrink)
    refuse_idle(
        context,
        (
            predictor.preprocess.fit != "native",
            "where images are squeezed to the network's size (add --shrink 1, or train with --fit native)",
            ("large_from", "overlap"),
        ),
    )
    bayesian = None
    if uncertainty_by is not None:
        fitted = results_folder(model) / "uncertainty"
        bayesian = BayesianPredictor(predictor, uncertainty_by, fitted)
    report = predict_files(
        predictor,
        images,
        out,
        probabilities=probabilities,
        uncertainty=uncertainty,
        bayesian=bayesian,
        margins=None if margins is None else Margins.load(margins),
        large_from=large_from,
        overlap=overlap,
        show_progress=not quiet,
    )
    typer.echo(f"Wrote {len(report.masks)} masks to {out / 'masks'} and overlays to {out / 'overlays'}")
    for path, found in report.large.items():
        typer.echo(f"{path}: {_told(found)}")
    if report.unread:
        names = ", ".join(str(path) for path in report.unread[:_SHOWN])
        more = f" and {len(report.unread) - _SHOWN} more" if len(report.unread) > _SHOWN else ""
        typer.echo(f"Left out, since their suffix is that of no image: {len(report.unread)} ({names}{more})")
    if report.failed:
        typer.echo(f"Without a mask: {len(report.failed)}", err=True)
        for reason in report.failed.values():
            typer.echo(f"  {reason}", err=True)
        raise typer.Exit(1)
