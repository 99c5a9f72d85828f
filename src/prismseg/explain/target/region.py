"""What a region is: a rule that says over which pixels the logit of a class is averaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Region:
    r"""A choice of the pixels $R_r$ over which the score of class $r$ is averaged.

    Attributes
    ----------
    title : str
        As reports call it: "predicted mask".
    pixels : callable
        Function of logits (B, K, H, W), masks (B, H, W) or None, and class indices; returns bool (B, K', H, W).
        Pixels with the label 255 are taken out afterwards.
    pixels_of : callable, optional
        Of a family of regions such as ``pixel:12x30``: a function of the part of the name after the colon, and then of
        what `pixels` takes, that is called in its place.
    needs_masks : bool
        Whether the masks must be given.
    is_reference : bool
        Whether it is the mask that maps are compared with, so that measures are circular.
    is_whole_image : bool
        Whether it holds all pixels, so that any map lies on it.
    """

    title: str
    pixels: Callable[[Tensor, Tensor | None, Sequence[int]], Tensor] | None = None
    pixels_of: Callable[[str, Tensor, Tensor | None, Sequence[int]], Tensor] | None = None
    needs_masks: bool = False
    is_reference: bool = False
    is_whole_image: bool = False
