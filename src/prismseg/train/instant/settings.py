"""How an instant segmenter is fitted; imports no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from prismseg.base.settings import Settings

# Penalties that are tried, as shares of the trace of the Gram matrix: from fits of every pixel to fits of the mean.
PENALTIES = (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
PENALTY = 1e-3  # where nothing can be left out
LIGHTS = (0.0, 0.3, 1.0)


class InstantSettings(Settings):
    """Choices of a fit, the section `instant` of a run's settings.

    Attributes
    ----------
    mirror : bool
        Learn from the mirrored images too.
    zooms : tuple of float
        Learn from the images scaled by these factors too.
    lights : tuple of float
        Weights that are tried for two copies of each image in another light (colours mixed, greys bent; one of them
        inverted), against the image itself; 0 leaves them out. The largest that costs almost nothing is taken.
    cells : int
        Cells of each class of an image that are learnt from at the most; drawn at random, always the same ones, they
        stand for all.
    penalties : tuple of float
        Penalties that are tried on groups left out, as shares of the trace of the Gram matrix.
    balances : tuple of float
        Powers of the inverse share of a class that are tried as its weight: 0 takes pixels as they are, 1 gives each
        class the same weight.
    folds : int
        Groups are left out one by one; where there are more than these, in this many parts.
    judged : int
        At most this many images are predicted without their group to choose by, evenly taken from all groups.
    cache_mib : int
        MiB of features that are kept between the passes; what does not fit is computed again.
    report : bool
        Measure the groups that are left out at full size too, and write a page.

    Examples
    --------
    >>> InstantSettings(zooms=(0.8, 1.25)).copies
    6
    """

    mirror: bool = True
    zooms: tuple[Annotated[float, Field(gt=0.2, lt=5)], ...] = ()
    lights: Annotated[tuple[Annotated[float, Field(ge=0, le=10)], ...], Field(min_length=1)] = LIGHTS
    cells: int = Field(default=2048, ge=1)
    penalties: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = PENALTIES
    balances: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)] = (0.5,)
    folds: int = Field(default=10, ge=2)
    judged: int = Field(default=100, ge=2)
    cache_mib: int = Field(default=1024, ge=0)
    report: bool = True

    @property
    def copies(self) -> int:
        """How often each image is learnt from, in its own light."""
        return (1 + self.mirror) * (1 + len(self.zooms))
