"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_LAYOUT = typer.Option(help="Folder layout: auto, folders, nnunet, table, pets or feet.", rich_help_panel="Data")
_GROUP = typer.Option(
    help=(
        "What counts as one patient: auto, image, prefix (text before the first _), block:N (N consecutive "
        "file numbers), csv, or regex:PATTERN with one group in parentheses."
    ),
    rich_help_panel="Data",
)
Layout = Annotated[str, _LAYOUT]
Group = Annotated[str, _GROUP]
Binary = Annotated[
    bool,
    typer.Option("--binary", help="Every label above 0 is foreground (instance labels).", rich_help_panel="Data"),
]
# Where a file may say the same, an option that is not given must not look as if it were.
LayoutGiven = Annotated[str | None, _LAYOUT]
GroupGiven = Annotated[str | None, _GROUP]
BinaryGiven = Annotated[
    bool | None,
    typer.Option(
        "--binary/--no-binary",
        help="Every label above 0 is foreground (instance labels).",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(help="Class names, background first: background,nerve,vessel", rich_help_panel="Data"),
]
MaskSuffix = Annotated[
    str | None,
    typer.Option(help="What mask names add to image names, such as _mask.", rich_help_panel="Data"),
]
_CHANNELS = typer.Option(help="Read images as 1 (grey) or 3 (RGB) channels.", rich_help_panel="Data")
Channels = Annotated[int | None, _CHANNELS]
ChannelsGiven = Annotated[str | None, _CHANNELS]
Colours = Annotated[
    Path | None,
    typer.Option(
        help=(
            "Legend of the masks: a CSV, JSON, YAML or CVAT labelmap that says which colour (or stored number) is "
            "which class."
        ),
        rich_help_panel="Data",
    ),
]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, cuda:1, mps …")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]
Mirror = Annotated[
    bool,
    typer.Option("--mirror", help="Average with the prediction of the mirrored image (test-time augmentation)."),
]
Out = Annotated[Path | None, typer.Option(help="Folder for the results.")]


def names(text: str | None) -> tuple[str, ...] | str | None:
    """Split ``"a,b"``; "none" stays what it is, and takes back what a file says."""
    if text is None or text.strip() == "none":
        return None if text is None else "none"
    return tuple(name.strip() for name in text.split(","))


def legend(path: Path | None) -> dict[str, str] | str | None:
    """Read the legend at `path`; "none" stays what it is, and takes back what a file says."""
    from prismseg.data import read_legend

    if path is None or str(path) == "none":
        return None if path is None else "none"
    return read_legend(path)
