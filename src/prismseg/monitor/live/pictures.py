"""Pictures for the screen, drawn from °C with one fixed, perceptually even scale; and overlays over them."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prismseg.thermal import Frame
from prismseg.thermal.output.palettes import DEFAULT_COLOUR_MAP

Rgb = NDArray[np.uint8]
_MISSING = (90, 90, 110)  # no colour of the scale: a pixel without a temperature


@cache
def colours(name: str = DEFAULT_COLOUR_MAP) -> Rgb:
    """256 colours of a scale, (256, 3)."""
    from matplotlib import colormaps

    return np.round(255 * colormaps[name](np.linspace(0, 1, 256))[:, :3]).astype(np.uint8)


def coloured(frame: Frame, scale: tuple[float, float]) -> Rgb:
    """Colour a frame (H, W, 3); what lies beyond the scale has the colour of its end."""
    low, high = scale
    celsius = frame.celsius
    finite = np.isfinite(celsius)
    steps = np.clip((np.where(finite, celsius, low) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    picture = colours()[steps]
    picture[~finite] = _MISSING
    return picture


def jpeg(picture: Rgb, quality: int = 88) -> bytes:
    """Encode a picture for the live view."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def png(picture: NDArray[np.uint8]) -> bytes:
    """Encode a grey, RGB or RGBA picture without loss."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def overlay(values: NDArray[np.floating], name: str, strength: float = 0.85) -> NDArray[np.uint8]:
    """Draw values from 0 to 1 as (H, W, 4): the more, the less of what lies below shines through."""
    share = np.clip(np.nan_to_num(values), 0, 1)
    rgb = colours(name)[(255 * share).astype(np.uint8)]
    alpha = np.round(255 * strength * share).astype(np.uint8)
    return np.dstack([rgb, alpha])
