"""`prismseg thermal review`: one page with every frame, to judge many pictures in a few minutes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from prismseg.cli.frames import (
    Counts,
    Degrees,
    Frames,
    Grey,
    Humidity,
    Metres,
    PaletteName,
    Polarity,
    Share,
    Window,
    reader,
)
from prismseg.cli.options import Device, Quiet, refuse_idle


def review(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of frames, of which each (and each folder directly in it) is one session; or files."
        ),
    ],
    model: Annotated[str, typer.Option(help="Network that finds the feet: a shipped one, a run, or a folder.")] = (
        "thermal-feet"
    ),
    masks: Annotated[
        Path | None, typer.Option(help="Folder of masks (NAME.png) to use instead of a network.")
    ] = None,
    view: Annotated[
        str, typer.Option(help="soles-to-camera (the patient's right foot is on the left), or mirrored.")
    ] = "soles-to-camera",
    feet: Annotated[
        str, typer.Option(help="both; or left or right, where the other foot is missing or covered.")
    ] = "both",
    separate: Annotated[
        bool,
        typer.Option("--separate", help="Judge each frame by itself: pictures of many patients in one folder."),
    ] = False,
    emissivity: Share = None,
    reflected: Degrees = None,
    distance: Metres = None,
    humidity: Humidity = None,
    atmosphere: Degrees = None,
    window: Window = None,
    grey: Grey = None,
    counts: Counts = None,
    polarity: Polarity = None,
    frames: Frames = None,
    palette: PaletteName = "inferno",
    out: Annotated[Path, typer.Option(help="The page.")] = Path("review.html"),
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Write a page with every frame, its outlines, and the reason of each refusal and caution.

    On it, step with the arrow keys, filter (refused, with cautions, without remarks, not judged), say whether what was
    done is right, and save these decisions as CSV or JSON. The page is one file, works without a network, and prints.
    Frames whose times cannot be told are judged each by itself. Exit code 1 when no frame could be measured.
    """
    from prismseg.base import progress_bar
    from prismseg.thermal import PALETTES, Session, check_feet, check_view
    from prismseg.thermal.network.segmenter import open_segmenter
    from prismseg.thermal.review.folders import find_folders, review_folder
    from prismseg.thermal.review.page import KINDS, write_review

    refuse_idle(context, (masks is not None, "beside --masks, which are used instead of a network", ("model",)))
    PALETTES.require(palette)
    new_session = partial(Session, check_view(view), feet=check_feet(feet), regions=())
    read = reader(emissivity, reflected, distance, humidity, atmosphere, window, grey, counts, polarity)
    folders = find_folders(paths, frames)
    segmenter, _ = open_segmenter(model, masks, device=device)
    groups = []
    for folder in folders:
        with progress_bar(folder.title, len(folder.files), visible=not quiet) as advance:
            groups.append(
                review_folder(
                    folder, read, segmenter, new_session, palette=palette, separate=separate, progress=advance
                )
            )
    kinds = [str(card.kind) for group in groups for card in group.cards]
    written = write_review(out, groups)
    typer.echo(
        f"{len(kinds)} frames: {', '.join(f'{kinds.count(kind)} {words}' for kind, words in KINDS.items())}."
    )
    typer.echo(f"Page: {written}")
    if kinds.count("refused") == len(kinds):
        raise typer.Exit(1)
