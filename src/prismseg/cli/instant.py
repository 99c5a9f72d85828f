"""`prismseg instant`: from a folder of images and masks to a network in seconds, nothing trained."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prismseg.cli.options import (
    Fit,
    Fold,
    Folds,
    Fraction,
    Fractions,
    Intensity,
    Limit,
    PredefinedSplit,
    Quiet,
    SplitSeed,
    list_settings,
    names,
    refuse_idle,
    with_data_options,
)

if TYPE_CHECKING:
    from prismseg.train import TrainConfig

FIT = "Fit"
CONTEXT = 500  # random Fourier features of the second fit
CONTEXT_CELLS = 64  # of its finest windows along a side of the image


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_settings(
            layout="data.layout",
            intensity="intensity",
            fit="fit",
            encoder="model.encoder",
            postprocess="postprocess",
        ),
        epilog=(
            "Examples:\n\n"
            "prismseg instant nerves/ --out runs/instant   (then: prismseg predict runs/instant new/)\n\n"
            "prismseg instant nerves/ --group prefix --size 320 --zooms 0.8,1.25 --out runs/instant\n\n"
            "prismseg instant nerves/ --folds 5 --out runs/instant-cv   (then: prismseg evaluate runs/instant-cv)\n\n"
            "prismseg instant nerves/ --suggest 5 --pool unlabelled/   (which images to label next)\n\n"
            "prismseg instant nerves/ --encoder-weights copied/efficientnet-lite0-57934424.pth   (no package at hand)"
        ),
    )(instant)


@with_data_options
def instant(
    called: typer.Context,
    data: Annotated[
        Path, typer.Argument(help="Folder (or CSV) of images and masks; images without a mask are left out.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/instant"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish the run in --out that was cut; a finished one stays as it is.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Fit also data in which check finds errors.")] = False,
    data_options: dict[str, Any] | None = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Network input, 256 or 240x320 (height x width); by default the smallest that still draws the masks.",
            rich_help_panel="Data",
        ),
    ] = None,
    intensity: Intensity = None,
    fit: Fit = None,
    encoder: Annotated[
        str, typer.Option(help="{names}, or timm:NAME where timm is installed.", rich_help_panel=FIT)
    ] = "efficientnet_lite0",
    encoder_weights: Annotated[
        str,
        typer.Option(
            help="imagenet (needs the extra encoders), a file, or a trained network with this encoder; none: random.",
            rich_help_panel=FIT,
        ),
    ] = "imagenet",
    grid: Annotated[
        int | None,
        typer.Option(
            help="Pixels a side of the cells that are fitted: 2, 4, 8 …; by default 4, or 2 where masks need it.",
            rich_help_panel=FIT,
        ),
    ] = None,
    features: Annotated[
        int,
        typer.Option(help="Random Fourier features beside the encoder's, an even number.", rich_help_panel=FIT),
    ] = 0,
    context: Annotated[
        int,
        typer.Option(
            help="Random Fourier features of a second fit, on what the first one finds around each pixel; 0: none.",
            rich_help_panel=FIT,
        ),
    ] = CONTEXT,
    image: Annotated[
        bool, typer.Option("--image", help="Look at the intensities too.", rich_help_panel=FIT)
    ] = False,
    position: Annotated[
        bool, typer.Option("--position", help="Look at the place in the image too.", rich_help_panel=FIT)
    ] = False,
    mirror: Annotated[
        bool, typer.Option("--mirror/--no-mirror", help="Learn from mirrored images too.", rich_help_panel=FIT)
    ] = True,
    zooms: Annotated[
        str | None,
        typer.Option(help="Learn from images scaled by these factors too: 0.8,1.25", rich_help_panel=FIT),
    ] = None,
    light: Annotated[
        bool,
        typer.Option(
            "--light/--no-light",
            help="Learn from copies in another light too (colours mixed, greys bent, inverted) where it costs little.",
            rich_help_panel=FIT,
        ),
    ] = True,
    postprocess: Annotated[
        str | None, typer.Option(help="Of predicted masks: {names}.", rich_help_panel=FIT)
    ] = None,
    fractions: Fractions = None,
    folds: Folds = None,
    fold: Fold = None,
    predefined_split: PredefinedSplit = None,
    limit: Limit = None,
    fraction: Fraction = None,
    split_seed: SplitSeed = None,
    suggest: Annotated[
        int,
        typer.Option(
            min=0,
            help="Name this many images without a mask that should be labelled next, with the regions to look at.",
            rich_help_panel="Label next",
        ),
    ] = 0,
    pool: Annotated[
        Path | None,
        typer.Option(
            help="Folder (or list) of images to choose from; without it the images of DATA without a mask.",
            rich_help_panel="Label next",
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report/--no-report", help="Measure the groups that are left out at full size, with a page."
        ),
    ] = True,
    quiet: Quiet = False,
) -> None:
    """Fit a segmenter in seconds: a pretrained encoder, and a linear head in closed form.

    All labelled images are used unless the data bring a split along or one is asked for. What the network is worth on
    groups it has not seen comes along, since every group is left out of the fit in turn. The run's folder is taken by
    predict, evaluate, explain and export as one of `prismseg train` is; its held-out/ holds the measured groups and how
    the penalty was chosen.
    """
    from prismseg.base import ConfigError
    from prismseg.cli.tables.instant import print_held_out
    from prismseg.inference.images import find_images
    from prismseg.train import configure
    from prismseg.train import train as run

    if pool is not None and not suggest:
        raise ConfigError("--pool names images to choose from; say how many to suggest with --suggest.")
    # What is not there is said before anything is fitted.
    images = None if pool is None else find_images([pool]).names
    chosen: dict[str, Any] = {
        "data": {"path": str(data.resolve()), **(data_options or {})},
        "split": {
            "fractions": names(fractions), "folds": folds, "fold": fold, "predefined": predefined_split,
            "limit": limit, "fraction": fraction, "seed": split_seed,
        },
        "model": {
            "arch": "instant", "skip": "none", "encoder": encoder, "weights": encoder_weights,
            "options": {"fourier": features, "context": context, "image": image, "position": position},
        },
        "instant": {
            "mirror": mirror, "zooms": names(zooms) or (), "report": report, **({} if light else {"lights": (0,)}),
        },
        "intensity": intensity, "fit": fit, "postprocess": postprocess, "force": force,
    }  # fmt: skip
    refuse_idle(called, (folds is not None, "in a cross-validation (--folds)", ("fractions",)))
    settings = configure(_with_resolution(chosen, size, grid))
    folders = run(settings, out, resume=resume, tell=typer.echo, show_progress=not quiet)
    for folder in folders:
        print_held_out(folder)
        typer.echo(f"Network: {folder.model}")
    if suggest:
        _suggest(settings, folders[0].root, suggest, images)
    typer.echo(f"Now segment other images: prismseg predict {folders[0].model} IMAGES")


def _with_resolution(chosen: dict[str, Any], size: str | None, grid: int | None) -> dict[str, Any]:
    """Add the size and the grid to the settings: those given, and where no size is given those that draw the masks."""
    from prismseg.train import configure
    from prismseg.train.instant.resolution import choose_resolution
    from prismseg.train.runs.data import open_configured

    given = chosen | {"size": size}
    stated = None if size is None else configure(given).size
    if stated is None or grid is None:
        found = choose_resolution(open_configured(configure(given)), stated, grid)
        stated, grid = found.size, found.grid
        typer.echo(
            f"Size {found.size[0]} x {found.size[1]} in cells of {found.grid}, which draw the masks with a Dice of "
            f"{found.dice:.3f} (--size, --grid)."
        )
    scale = math.sqrt(math.prod(stated)) / CONTEXT_CELLS
    options = chosen["model"]["options"] | {"grid": grid, "context_scale": scale}
    return given | {"size": stated, "model": chosen["model"] | {"options": options}}


def _suggest(settings: TrainConfig, root: Path, count: int, pool: Iterable[Path] | None) -> None:
    """Write and print which images to label next, of `pool` or of the data without a mask."""
    from prismseg.base import DataError
    from prismseg.data import read_image
    from prismseg.inference import Predictor, suggest_images, write_suggestions
    from prismseg.train.runs.data import open_configured

    if pool is None:
        dataset = open_configured(settings)
        if not dataset.unlabelled:
            raise DataError(
                f"Every image of {dataset.root} has a mask, so none can be suggested; name a folder of others: --pool."
            )
        images = ((str(sample.image_path), sample.image) for sample in (dataset[k] for k in dataset.unlabelled))
    else:
        images = ((str(path), read_image(path)) for path in pool)
    found = suggest_images(Predictor.from_pretrained(root), images, count)
    table = write_suggestions(root / "suggestions", found)
    typer.echo("Label next (mean entropy of the regions that the network is least sure of):")
    for rank, each in enumerate(found, start=1):
        typer.echo(f"  {rank}. {each.name}  {each.score:.3f}")
    typer.echo(f"Regions: {table.parent}")
