"""`prismseg convert`: a data set in the layout of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.base.registry.choices import list_choices
from prismseg.cli.options import Quiet, with_data_options


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_choices(layout="prismseg.data.layouts:LAYOUTS", to="prismseg.data.conversion.targets:TARGETS"),
        epilog=(
            "Examples:\n\n"
            "prismseg convert cvat-export/ --to folders --out nerves\n\n"
            "prismseg convert nerves/ --to nnunet --out Dataset101_Nerves --group prefix\n\n"
            "prismseg convert nuclei/ --binary --classes background,nucleus --to coco --out nuclei-coco"
        ),
    )(convert)


@with_data_options
def convert(
    data: Annotated[Path, typer.Argument(help="Folder (or CSV) of images and masks, in any layout.")],
    to: Annotated[str, typer.Option(help="Layout to write: {names}.")],
    out: Annotated[Path, typer.Option(help="Folder to make; it must not exist.")],
    data_options: dict[str, Any] | None = None,
    quiet: Quiet = False,
) -> None:
    """Write a data set in another layout: same masks, groups, classes and split, images without loss.

    The folder appears when everything is written. Shapes become the pixels that `check` and `train` take them for.
    """
    from prismseg.data import convert_dataset, open_dataset
    from prismseg.data.conversion.targets import TARGETS

    _ = TARGETS[to]  # an unknown layout is refused before the data are read
    # Without a run there is nothing that "none" could take back.
    given = {name: value for name, value in (data_options or {}).items() if value not in (None, "none")}
    dataset = open_dataset(data, **given)
    written = convert_dataset(dataset, out, to, show_progress=not quiet)
    typer.echo(
        f"Wrote {written.cases} images and their masks of the classes {', '.join(dataset.classes)} to {written.folder}"
    )
    if dataset.annotators:
        typer.echo(
            f"Written is one mask an image, made of those of {', '.join(dataset.annotators)}, by "
            f"{given.get('annotators', 'staple')}; the masks of each are written with --annotators NAME."
        )
    if written.left_out:
        typer.echo(f"Left out, since they have no mask: {written.left_out} images")
    for note in written.notes:
        typer.echo(note)
