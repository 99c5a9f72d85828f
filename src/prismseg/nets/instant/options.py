"""What an instant segmenter sees of a pixel; imports no torch."""

from __future__ import annotations

from pydantic import Field

from prismseg.base.settings import Settings

FINE_GRID = 2  # pixels a cell, from which the second fit works on the image's own grid


class InstantOptions(Settings):
    """Features of the pixels of an instant segmenter, the `options` of the architecture "instant".

    Attributes
    ----------
    grid : int
        Pixels of the image per cell of the grid on which the head is fitted.
    inner : bool
        Take maps on the way to the encoder's feature maps too, where it offers some.
    image : bool
        Take the intensities too, averaged over each cell.
    position : bool
        Take the place in the image too: x, y, x², xy and y², from -1 to 1.
    fourier : int
        Number of random Fourier features of all the others, an even one; 0 leaves them out.
    fourier_scale : float
        Their length scale, in units of the median distance between pixels.
    context : int
        Number of random Fourier features of a second fit, an even one; 0 leaves it out. It learns from what the first one
        finds around each pixel, see `prismseg.nets.instant.context`.
    context_scale : float
        Pixels of the finest window over what is found.

    Examples
    --------
    >>> InstantOptions(grid=2).fourier
    0
    """

    grid: int = Field(default=4, ge=1, le=32)
    inner: bool = True
    image: bool = False
    position: bool = False
    fourier: int = Field(default=0, ge=0, multiple_of=2)
    fourier_scale: float = Field(default=1.0, gt=0)
    context: int = Field(default=0, ge=0, multiple_of=2)
    context_scale: float = Field(default=4.0, gt=0)

    @property
    def context_grid(self) -> int:
        """Pixels a side of the cells of the second fit: half of the first one's, and those of a fine grid themselves."""
        return 1 if self.grid <= FINE_GRID else self.grid // 2
