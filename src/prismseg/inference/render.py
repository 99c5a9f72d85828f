"""How images and classes look in overlays and reports."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from prismseg.base.page import COLOURS

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources


def displayable(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Turn an image (H, W, C) of any depth into an 8-bit RGB copy; other depths are spread over 1–99 %.

    Images of more than three channels show their first one.
    """
    pixels = image if image.ndim == 3 else image[..., None]
    if pixels.shape[2] not in (1, 3):
        pixels = pixels[..., :1]
    if pixels.dtype != np.uint8:
        values = pixels.astype(np.float32)
        low, high = np.nanpercentile(values, (1, 99))
        scaled = (values - low) / max(float(high - low), 1e-12) * 255
        pixels = np.clip(np.nan_to_num(scaled), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.uint8))


def class_colour(cls: int) -> tuple[int, int, int]:
    """Colour of foreground class `cls` (1, 2, …): orange, sky blue, green … of Okabe & Ito."""
    order = (COLOURS[4], COLOURS[5], COLOURS[2], COLOURS[3], COLOURS[6], COLOURS[1], COLOURS[0])
    red, green, blue = ImageColor.getrgb(order[(cls - 1) % len(order)])[:3]
    return red, green, blue
