"""Maps over images as small pictures, and sheets of them."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import find_boundaries

from prismseg.train.render import class_colour, displayable

Pixels = NDArray[np.uint8]

COLOURMAP = "inferno"
TILE = 176  # side of a tile's longer edge, pixels
_OPACITY = 0.85


def background(image: NDArray[np.generic], size: tuple[int, int]) -> Pixels:
    """Grey picture (H, W, 3) of an image at the network's size, under its maps."""
    picture = (
        Image.fromarray(displayable(image)).convert("L").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    )
    return np.asarray(picture.convert("RGB"))


def overlay_map(picture: Pixels, values: NDArray[np.floating], mask: NDArray[np.bool_]) -> Pixels:
    """Lay a map over a picture, opaque where the relevance is high, with the contour of `mask` in white.

    Parameters
    ----------
    picture : (H, W, 3) uint8
    values : (H, W)
        Relevance in [0, 1].
    mask : (H, W) bool

    Returns
    -------
    (h, w, 3) uint8
        A tile whose longer side has 176 pixels.
    """
    size = _tile_size(picture.shape[:2])
    base = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    heat = np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    colour = matplotlib.colormaps[COLOURMAP](heat.clip(0, 1))[..., :3].astype(np.float32) * 255
    # Relevance of a tenth is faint, of a half clearly visible.
    alpha = _OPACITY * np.sqrt(heat.clip(0, 1))[..., None]
    return _with_contour((1 - alpha) * 0.8 * base + alpha * colour, mask, size, (255, 255, 255))


def overlay_masks(picture: Pixels, truth: NDArray[np.integer], found: NDArray[np.integer]) -> Pixels:
    """Tile with the contours of the true classes in their colours and of the predicted ones in white."""
    size = _tile_size(picture.shape[:2])
    tile = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    for mask, own_colour in ((found, False), (truth, True)):
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


def draw_sheet(tiles: Sequence[tuple[str, Pixels]], title: str, *, columns: int = 6) -> Figure:
    """Sheet of tiles with their captions and the colour bar of relevance."""
    rows = -(-len(tiles) // columns)
    height, width = tiles[0][1].shape[:2]
    figure = Figure(
        figsize=(1.55 * columns + 0.6, (1.5 * height / width + 0.28) * rows + 0.5), layout="constrained"
    )
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, (caption, tile) in zip(panels.flat, tiles, strict=False):
        axes.imshow(tile)
        axes.set_title(caption, fontsize=7, pad=2)
    figure.suptitle(title, fontsize=10)
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 1), COLOURMAP)
    bar = figure.colorbar(scale, ax=list(panels.flat), fraction=0.015, pad=0.01)
    bar.set_label("relevance, each map on its own scale", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure
