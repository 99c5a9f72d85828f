"""Settings of the shortcut study."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from prismseg.base.settings import Settings

Mark = Literal["tied", "flipped", "none"]


class ShortcutSettings(Settings):
    """A training on images with a planted shortcut, and what the network then rests on.

    Attributes
    ----------
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

    mark: Literal["tied", "none"] = "tied"
    cut_out: bool = False
    relevance: float = Field(default=0.0, ge=0)
    steps: int = Field(default=400, ge=1)
    images: int = Field(default=96, ge=8)
    width: float = Field(default=0.5, gt=0)
    seed: int = Field(default=0, ge=0)
