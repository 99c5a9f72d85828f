"""Pictures of maps over images, their colour scale, and sheets of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.segmentation import find_boundaries

from prismseg.inference.render import class_colour, displayable

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

Pixels = NDArray[np.uint8]

COLOURMAP = "inferno"  # perceptually uniform, and readable in grey
TILE = 176  # pixels of a tile's longer side
PERCENTILE = 99.5  # upper end of the scale where a few hot pixels stand out, see `choose_scale`
_OPACITY = 0.85  # of the map where its relevance is highest, so that the image shows through
_DIMMED = 0.8  # brightness of the image beneath, so that bright places do not outshine the map
_HOT = 2  # a maximum above this many times the percentile is that of a few hot pixels …
_ALONE = 0.5  # … if no mean over 3 x 3 pixels reaches this share of it; else the map is focused on a place


class Scale(NamedTuple):
    """Values at the two ends of the colour bar, and how the upper one was chosen.

    Attributes
    ----------
    low, high : float
    top : {"max", "p99.5"}
        The map's largest value, or its 99.5th percentile; what lies above is drawn as the upper end.
    """

    low: float
    high: float
    top: str

    def unit(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Scale values to [0, 1]; a constant map becomes 0."""
        spread = self.high - self.low
        scaled = (np.asarray(values, np.float32) - self.low) / spread if spread > 0 else np.zeros_like(values)
        return scaled.clip(0, 1).astype(np.float32)


def choose_scale(values: NDArray[np.floating], valid: NDArray[np.bool_] | None = None) -> Scale:
    """Choose the range in which a map (H, W) is drawn: from its least value to its largest, or to a percentile.

    In early layers a single hot pixel, such as a corner of the image, may be many times as large as all others, which
    would all be black. Where the largest value is more than twice the 99.5th percentile and isolated (no mean
    over 3 x 3 pixels reaches half of it), the percentile is the upper end. A map that is focused on a small place
    keeps its maximum. Only pixels that `valid` (H, W), by default all, are looked at.
    """
    kept = values if valid is None or not valid.any() else values[valid]
    low, high = float(kept.min()), float(kept.max())
    percentile = float(np.percentile(kept, PERCENTILE))
    if high - low > _HOT * (percentile - low) > 0:
        plane = values if valid is None else np.where(valid, values, low)
        smooth = ndimage.uniform_filter(plane.astype(np.float64) - low, 3, mode="constant")
        if float(smooth.max()) < _ALONE * (high - low):
            return Scale(low, percentile, f"p{PERCENTILE}")
    return Scale(low, high, "max")


def background(image: NDArray[np.generic], size: tuple[int, int]) -> Pixels:
    """Make the grey picture (H, W, 3) of an image, at the network's size, that maps are drawn over."""
    picture = (
        Image.fromarray(displayable(image)).convert("L").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    )
    return np.asarray(picture.convert("RGB"))


def blend(heat: NDArray[np.floating], beneath: NDArray[np.floating]) -> NDArray[np.float32]:
    """Lay relevance (H, W) in [0, 1] over a picture (H, W, 3), opaque where it is high: (H, W, 3) of 0 to 255.

    Tiles and the colour bar are both made by this function.
    """
    heat = heat.clip(0, 1)
    colour = matplotlib.colormaps[COLOURMAP](heat)[..., :3].astype(np.float32) * 255
    # Relevance of a tenth is faint, of a half clearly visible.
    alpha = _OPACITY * np.sqrt(heat)[..., None].astype(np.float32)
    mixed: NDArray[np.float32] = (1 - alpha) * _DIMMED * beneath.astype(np.float32) + alpha * colour
    return mixed


def overlay_map(picture: Pixels, values: NDArray[np.floating], mask: NDArray[np.bool_]) -> Pixels:
    """Lay a map over a picture, opaque where the relevance is high, with the contour of `mask` in white.

    Parameters
    ----------
    picture : (H, W, 3) uint8
    values : (H, W)
        Relevance in [0, 1], see `Scale.unit`.
    mask : (H, W) bool

    Returns
    -------
    (h, w, 3) uint8
        A tile whose longer side has 176 pixels.
    """
    size = _tile_size(picture.shape[:2])
    base = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    heat = np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    return _with_contour(blend(heat, base), mask, size, (255, 255, 255))


def overlay_masks(picture: Pixels, truth: NDArray[np.integer], pred: NDArray[np.integer]) -> Pixels:
    """Draw the contours of the true classes in their colours, and of the predicted ones in white, as a tile."""
    size = _tile_size(picture.shape[:2])
    tile = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    for mask, own_colour in ((pred, False), (truth, True)):
        for cls in np.unique(mask[(mask > 0) & (mask < 255)]):
            colour = class_colour(int(cls)) if own_colour else (255, 255, 255)
            tile = _with_contour(tile.astype(np.float32), mask == cls, size, colour)
    return tile


def _tile_size(shape: Sequence[int]) -> tuple[int, int]:
    scale = TILE / max(shape)
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def _with_contour(
    pixels: NDArray[np.float32], mask: NDArray[np.bool_], size: tuple[int, int], colour: tuple[int, int, int]
) -> Pixels:
    large = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    drawn = pixels.clip(0, 255).astype(np.uint8)
    drawn[find_boundaries(large, mode="inner")] = colour
    return drawn


def colour_bar(length: int = 256, thickness: int = 48) -> Pixels:
    """Draw the colours of overlays (thickness, length, 3): relevance from left to right, the image from dark to bright.

    A tile's colour depends on both; a bar of the colour map alone would show colours that no tile has.
    """
    heat = np.broadcast_to(np.linspace(0, 1, length, dtype=np.float32), (thickness, length))
    grey = np.linspace(255, 0, thickness, dtype=np.float32)[:, None, None]
    return blend(heat, np.broadcast_to(grey, (thickness, length, 3))).round().astype(np.uint8)


def draw_scale() -> Figure:
    """Draw the colour scale of the tiles as a figure of its own."""
    figure = Figure(figsize=(3.6, 0.95), layout="constrained")
    draw_bar(figure.add_subplot())
    return figure


def draw_bar(axes: Axes) -> None:
    """Draw the colour scale of the tiles on given axes."""
    axes.imshow(colour_bar(), extent=(0, 1, 0, 1), aspect="auto")
    axes.set_xticks([0, 1], labels=["map's minimum", f"maximum, or\n{PERCENTILE}th percentile where marked"])
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.get_xticklabels()[1].set_horizontalalignment("right")
    axes.set_yticks([0, 1], labels=["dark", "bright"])
    axes.set_ylabel("image", fontsize=7)
    axes.tick_params(labelsize=7, length=2)


def draw_sheet(tiles: Sequence[tuple[str, Pixels]], title: str, *, columns: int = 6) -> Figure:
    """Draw a sheet of tiles with their captions and the colour scale."""
    rows = -(-len(tiles) // columns)
    height, width = tiles[0][1].shape[:2]
    tall, bar = (1.44 * height / width + 0.34) * rows, 0.62
    figure = Figure(figsize=(1.55 * columns + 0.2, tall + bar + 0.6), layout="constrained")
    halves: NDArray[np.object_] = np.asarray(figure.subfigures(2, 1, height_ratios=(tall + 0.6, bar)))
    above, below = halves
    panels = above.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, (caption, tile) in zip(panels.flat, tiles, strict=False):
        axes.imshow(tile)
        axes.set_title(caption, fontsize=7, pad=2)
    above.suptitle(title, fontsize=10)
    left, middle, right = below.subplots(1, 3, width_ratios=(1, 2, 1))
    draw_bar(middle)
    left.set_axis_off()
    right.set_axis_off()
    return figure
