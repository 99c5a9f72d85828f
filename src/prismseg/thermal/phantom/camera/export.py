"""The 8-bit grey image that a camera or its software makes of temperatures: range, palette, sharpening, JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from prismseg.base.deprecation import renamed
from prismseg.thermal.phantom.camera.screens import burn_in
from prismseg.thermal.phantom.distributions import Integers, Normal, Uniform
from prismseg.thermal.phantom.painting.raster import Field

# Colours from cold to warm at equal steps, after the palettes that cameras offer; an image in them is later turned to
# grey by its luminance.
PALETTES = {
    "iron": ((0, 0, 10), (50, 0, 130), (150, 0, 150), (215, 60, 60), (250, 150, 10), (255, 220, 70), (255, 255, 240)),
    "rainbow": ((0, 0, 100), (0, 90, 220), (0, 190, 150), (110, 220, 30), (250, 210, 0), (240, 80, 0), (220, 220, 220)),
    "hot": ((0, 0, 0), (110, 0, 0), (220, 20, 0), (255, 120, 0), (255, 210, 0), (255, 255, 110), (255, 255, 255)),
    "spring": ((10, 10, 90), (20, 70, 160), (0, 140, 130), (160, 20, 60), (230, 110, 0), (250, 200, 30), (255, 255, 230)),
}  # fmt: skip
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in luminance (ITU-R BT.601)
LEVELS = 256
SMALLEST_SPAN = 0.5  # °C; an even scene is not stretched to pure noise
SMALLEST_RANGE = 0.3  # °C, once margins have clipped it
SHARPENING_WIDTH = 5  # pixels of the mean that edges are enhanced against
PLATEAU = 3  # times the mean count of a histogram's bin, at which plateau equalisation cuts


@dataclass(frozen=True)
class ExportParameters:
    """What a camera's and its software's settings are drawn from: those of unknown images from anywhere."""

    palette_chance: float = 0.18  # that the image was in colours before it was turned to grey
    raised_black_chance: float = 0.25  # that the coldest pixel is not black
    black: Uniform = Uniform(0.0, 0.35)  # its grey then, of 1
    lowered_white_chance: float = 0.25  # that the warmest pixel is not white
    least_contrast: float = 0.3  # between both, of 1: feet stay visible
    lowest_white: float = 0.55  # grey of the warmest pixel, of 1
    other_range_chance: float = 0.35  # that the range is not that of the scene, but set by hand
    other_margin: Uniform = Uniform(-0.25, 1.2)  # how far it then goes beyond the scene's, shares of it
    margin: Normal = Normal(0.0, 0.04)  # the same for ranges set by the camera
    tails_chance: float = 0.5  # that the range leaves out the extremes
    tails: Uniform = Uniform(0.0, 0.04)  # share of the pixels left out at each end
    gamma_chance: float = 0.5  # that grey is no linear function of temperature
    log_gamma: Normal = Normal(0.0, 0.35)  # natural logarithm of the exponent: 0.5 to 2 in 95 of 100
    equalise_chance: float = 0.25  # that the camera equalises the histogram
    equalise: Uniform = Uniform(0.1, 0.9)  # weight of the equalised image
    inverted_chance: float = 0.08  # that warm is black
    sharpen_chance: float = 0.25  # that edges are enhanced
    sharpen: Uniform = Uniform(0.2, 2.0)  # how strongly
    overlay_chance: float = 0.7  # that text and marks are burned in
    jpeg_chance: float = 0.75  # that the file is a JPEG
    jpeg: Integers = Integers(25, 96)  # its quality


@dataclass(frozen=True)
class SessionExportParameters:
    """What the images of one monitor's sessions are drawn from: its range is that of the scene."""

    tails: Uniform = Uniform(0.0, 0.01)  # share of the pixels left out at each end
    jpeg: Integers = Integers(70, 96)  # quality


EXPORT = ExportParameters()
SESSION_EXPORT = SessionExportParameters()


@renamed(picture="to_grey")
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
    relief : float
        Strength with which edges of a visible picture are embossed, 0 for none; 1 is from black to white.
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
    relief: float = 0.0

    def to_grey(self, rng: np.random.Generator, celsius: Field, visible: Field | None = None) -> NDArray[np.uint8]:
        """Make the exported image.

        Parameters
        ----------
        rng : numpy.random.Generator
            Chooses the overlay.
        celsius : (H, W) float32
            Measured temperatures, °C.
        visible : (H, W) float32, optional
            Edges of the visible picture, -1 to 1, see `prismseg.thermal.phantom.camera.relief.draw_relief`.

        Returns
        -------
        (H, W) uint8
            Grey levels.
        """
        low, high = np.quantile(celsius[::2, ::2], (self.tails[0], 1 - self.tails[1]))
        span = max(float(high - low), SMALLEST_SPAN)
        low, high = low - self.margin[0] * span, high + self.margin[1] * span
        level = np.clip((celsius - np.float32(low)) / np.float32(max(high - low, SMALLEST_RANGE)), 0, 1)
        if self.equalise > 0:
            level = (1 - self.equalise) * level + self.equalise * _equalised(level)
        if self.sharpen > 0:
            edges = level - ndimage.uniform_filter(level, SHARPENING_WIDTH)
            level = np.clip(level + np.float32(self.sharpen) * edges, 0, 1)
        if visible is not None and self.relief > 0:
            level = np.clip(level + np.float32(self.relief) * visible, 0, 1)
        if self.gamma != 1:
            level = level ** np.float32(self.gamma)
        if self.inverted:
            level = 1 - level
        shown = luminance(self.palette)[np.round(level * (LEVELS - 1)).astype(np.intp)]
        shown = self.contrast[0] + (self.contrast[1] - self.contrast[0]) * shown
        grey = np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8)
        if self.overlay:
            grey = burn_in(grey, rng, (float(low), float(high)), inverted=self.inverted)
        return _compressed(grey, self.jpeg) if self.jpeg else grey


@cache
def luminance(palette: str) -> Field:
    """Luminance (256,) of a palette's colours from cold to warm, 0 to 1."""
    if palette == "grey":
        return np.linspace(0, 1, LEVELS, dtype=np.float32)
    colours = np.asarray(PALETTES[palette], float) @ LUMA / 255
    return np.interp(np.linspace(0, 1, LEVELS), np.linspace(0, 1, len(colours)), colours).astype(np.float32)


def draw_export(rng: np.random.Generator, parameters: ExportParameters = EXPORT) -> Export:
    """Draw a camera's and its software's settings, unknown to whoever reads the image."""
    p = parameters
    chance = rng.random(8)
    palette = str(rng.choice(list(PALETTES))) if chance[0] < p.palette_chance else "grey"
    black = p.black.draw(rng) if chance[1] < p.raised_black_chance else 0.0
    white = (
        rng.uniform(max(black + p.least_contrast, p.lowest_white), 1.0)
        if chance[2] < p.lowered_white_chance
        else 1.0
    )
    margin = (p.other_margin if chance[3] < p.other_range_chance else p.margin).sample(rng, 2)
    tails = p.tails.sample(rng, 2) if chance[4] < p.tails_chance else np.zeros(2)
    return Export(
        tails=(float(tails[0]), float(tails[1])),
        margin=(float(margin[0]), float(margin[1])),
        contrast=(float(black), float(white)),
        gamma=float(np.exp(p.log_gamma.draw(rng))) if chance[5] < p.gamma_chance else 1.0,
        equalise=float(p.equalise.draw(rng)) if chance[6] < p.equalise_chance else 0.0,
        palette=palette,
        inverted=bool(chance[7] < p.inverted_chance),
        sharpen=float(p.sharpen.draw(rng)) if rng.random() < p.sharpen_chance else 0.0,
        overlay=bool(rng.random() < p.overlay_chance),
        jpeg=p.jpeg.draw(rng) if rng.random() < p.jpeg_chance else 0,
    )


def draw_session_export(rng: np.random.Generator, parameters: SessionExportParameters = SESSION_EXPORT) -> Export:
    """Draw the monitor's own way to show an image: grey, from the coldest to the warmest pixel, with its overlay."""
    tails = parameters.tails.sample(rng, 2)
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
        jpeg=parameters.jpeg.draw(rng),
    )


def _equalised(level: Field) -> Field:
    """Levels with an even histogram, but for a plateau that keeps an even background from taking most of them."""
    counts = np.histogram(level[::2, ::2], bins=LEVELS, range=(0, 1))[0]
    counts = np.minimum(counts, PLATEAU * counts.mean())
    share = np.concatenate([[0], np.cumsum(counts)]) / max(counts.sum(), 1)
    spread: Field = np.interp(level, np.linspace(0, 1, LEVELS + 1), share).astype(np.float32)
    return spread


def _compressed(grey: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
