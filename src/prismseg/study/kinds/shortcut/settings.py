"""Settings of the shortcut study."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from prismseg.base.settings import Settings

Mark = Literal["tied", "flipped", "none"]


class ObjectData(Settings):
    """Pictures whose objects are shown in place of discs.

    Attributes
    ----------
    path : str or None
        Folder of a data set; everything above 0 in its masks is an object.
    group : str
        How groups are told, see `prismseg.data.DataOptions`. Training and test share none.
    """

    path: str | None
    group: str = "auto"


class ShortcutSettings(Settings):
    """A training on images with a planted shortcut, and what the network then rests on.

    Attributes
    ----------
    data : ObjectData, optional
        Whose objects are shown; discs without it.
    mark : {"tied", "none"}
        Whether a bright mark in a corner says in training which class the image shows.
    cut_out : bool
        Augment by filling a random square of each training image.
    relevance : float
        Weight of the relevance away from the objects in the loss (`train --relevance`).
    steps, images : int
        Of the training.
    width : float
        Of the network.
    """

    data: ObjectData | None = None
    mark: Literal["tied", "none"] = "tied"
    cut_out: bool = False
    relevance: float = Field(default=0.0, ge=0)
    steps: int = Field(default=400, ge=1)
    images: int = Field(default=96, ge=8)
    width: float = Field(default=0.5, gt=0)
    seed: int = Field(default=0, ge=0)


def hashed_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Write settings as runs had them that were finished before there were `data`."""
    return {name: value for name, value in settings.items() if name != "data" or value is not None}


def data_files(settings: ShortcutSettings) -> list[Path]:
    """List the pictures and masks that a run reads.

    Raises
    ------
    PrismsegError
        When there is no data set.
    """
    from prismseg.data.images.source import files_of
    from prismseg.data.layouts import list_cases

    if settings.data is None:
        return []
    cases = list_cases(Path(settings.data.path or "")).cases
    sources = [source for case in cases for source in (*case.images, *([case.mask] if case.mask else []))]
    return sorted({path for source in sources for path in files_of(source)})
