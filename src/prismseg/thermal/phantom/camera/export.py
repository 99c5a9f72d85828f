"""The 8-bit grey picture that a camera or its software makes of temperatures: range, palette, sharpening, JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from prismseg.thermal.phantom.camera.overlay import burn_in
from prismseg.thermal.phantom.painting.raster import Field

# Colours from cold to warm at equal steps; a picture in them is later turned to grey by its luminance.
PALETTES = {
    "iron": ((0, 0, 10), (50, 0, 130), (150, 0, 150), (215, 60, 60), (250, 150, 10), (255, 220, 70), (255, 255, 240)),
    "rainbow": ((0, 0, 100), (0, 90, 220), (0, 190, 150), (110, 220, 30), (250, 210, 0), (240, 80, 0), (220, 220, 220)),
    "hot": ((0, 0, 0), (110, 0, 0), (220, 20, 0), (255, 120, 0), (255, 210, 0), (255, 255, 110), (255, 255, 255)),
    "spring": ((10, 10, 90), (20, 70, 160), (0, 140, 130), (160, 20, 60), (230, 110, 0), (250, 200, 30), (255, 255, 230)),
}  # fmt: skip
LUMA = (0.299, 0.587, 0.114)
BINS = 256


@dataclass(frozen=True)
class Export:
    """How temperatures become grey levels.

    Attributes
    ----------
    tails : (float, float)
        Shares of the pixels that are clipped to black and to white.
    margin : (float, float)
        How far beyond these limits the range reaches, in shares of it; negative ones clip more.
    contrast : (float, float)
        Darkest and lightest grey that are used, 0 to 1.
    gamma : float
        Exponent on the normalised temperature.
    equalise : float
        Weight of plateau equalisation, by which cameras spread crowded temperatures.
    palette : str
        ``"grey"``, or the colour palette of which only the luminance is left.
    inverted : bool
        Whether warm is black.
    sharpen : float
        Strength of edge enhancement.
    overlay : bool
        Whether text and marks are burned in.
    jpeg : int
        Quality of compression, 0 for none.
    """

    tails: tuple[float, float]
    margin: tuple[float, float]
    contrast: tuple[float, float]
    gamma: float
    equalise: float
    palette: str
    inverted: bool
    sharpen: float
    overlay: bool
    jpeg: int

    def picture(self, rng: np.random.Generator, celsius: Field) -> NDArray[np.uint8]:
        """Grey picture (H, W) of temperatures (H, W) in °C."""
        low, high = np.quantile(celsius[::2, ::2], (self.tails[0], 1 - self.tails[1]))
        span = max(float(high - low), 0.5)
        low, high = low - self.margin[0] * span, high + self.margin[1] * span
        level = np.clip((celsius - np.float32(low)) / np.float32(max(high - low, 0.3)), 0, 1)
        if self.equalise > 0:
            level = (1 - self.equalise) * level + self.equalise * _equalised(level)
        if self.sharpen > 0:
            level = np.clip(level + np.float32(self.sharpen) * (level - ndimage.uniform_filter(level, 5)), 0, 1)
        if self.gamma != 1:
            level = level ** np.float32(self.gamma)
        if self.inverted:
            level = 1 - level
        shown = luminance(self.palette)[np.round(level * (BINS - 1)).astype(np.intp)]
        shown = self.contrast[0] + (self.contrast[1] - self.contrast[0]) * shown
        grey = np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8)
        if self.overlay:
            grey = burn_in(grey, rng, (float(low), float(high)), inverted=self.inverted)
        return _compressed(grey, self.jpeg) if self.jpeg else grey


@cache
def luminance(palette: str) -> Field:
    """Luminance (256,) of a palette's colours from cold to warm, 0 to 1."""
    if palette == "grey":
        return np.linspace(0, 1, BINS, dtype=np.float32)
    colours = np.asarray(PALETTES[palette], float) @ LUMA / 255
    return np.interp(np.linspace(0, 1, BINS), np.linspace(0, 1, len(colours)), colours).astype(np.float32)


def draw_export(rng: np.random.Generator) -> Export:
    """Draw a camera's and its software's settings, unknown to whoever reads the picture."""
    chance = rng.random(8)
    palette = str(rng.choice(list(PALETTES))) if chance[0] < 0.18 else "grey"
    low = rng.uniform(0, 0.35) if chance[1] < 0.25 else 0.0
    high = rng.uniform(max(low + 0.3, 0.55), 1.0) if chance[2] < 0.25 else 1.0
    wide = rng.uniform(-0.25, 1.2, size=2) if chance[3] < 0.35 else rng.normal(0, 0.04, size=2)
    tails = rng.uniform(0, 0.04, size=2) if chance[4] < 0.5 else np.zeros(2)
    return Export(
        tails=(float(tails[0]), float(tails[1])),
        margin=(float(wide[0]), float(wide[1])),
        contrast=(float(low), float(high)),
        gamma=float(np.exp(rng.normal(0, 0.35))) if chance[5] < 0.5 else 1.0,
        equalise=float(rng.uniform(0.1, 0.9)) if chance[6] < 0.25 else 0.0,
        palette=palette,
        inverted=bool(chance[7] < 0.08),
        sharpen=float(rng.uniform(0.2, 2.0)) if rng.random() < 0.25 else 0.0,
        overlay=bool(rng.random() < 0.7),
        jpeg=int(rng.integers(25, 97)) if rng.random() < 0.75 else 0,
    )


def draw_session_export(rng: np.random.Generator) -> Export:
    """Draw the monitor's own way to show a picture: grey, from the coldest to the warmest pixel, with its overlay."""
    tails = rng.uniform(0, 0.01, size=2)
    return Export(
        tails=(float(tails[0]), float(tails[1])),
        margin=(0.0, 0.0),
        contrast=(0.0, 1.0),
        gamma=1.0,
        equalise=0.0,
        palette="grey",
        inverted=False,
        sharpen=0.0,
        overlay=True,
        jpeg=int(rng.integers(70, 97)),
    )


def _equalised(level: Field) -> Field:
    counts = np.histogram(level[::2, ::2], bins=BINS, range=(0, 1))[0]
    # The plateau keeps a large even background from taking all grey levels.
    counts = np.minimum(counts, 3 * counts.mean())
    share = np.concatenate([[0], np.cumsum(counts)]) / max(counts.sum(), 1)
    spread: Field = np.interp(level, np.linspace(0, 1, BINS + 1), share).astype(np.float32)
    return spread


def _compressed(grey: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
