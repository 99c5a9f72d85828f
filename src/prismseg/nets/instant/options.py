"""What an instant segmenter sees of a pixel; imports no torch."""

from __future__ import annotations

from pydantic import Field

from prismseg.base.settings import Settings


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
