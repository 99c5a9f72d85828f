"""Contact sheets: many frames side by side, to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.frame import PhantomFrame

EDGE_COLOUR = (255, 80, 0)
OUTLINES = {RIGHT: "white", LEFT: "#5fd3ff"}
OUTLINE_WIDTH = 0.9  # points
GREY_TEXT = "0.35"
TITLE, LABEL, SMALL = 10, 8, 7.5  # sizes of text, points
# Inches: width of one image, of a row's label and the colour bar; height of the words below an image, of titles and
# legend; the least height of a sheet; spaces between images.
IMAGE, SIDES, WORDS, ENDS, LEAST_HEIGHT = 2.2, 1.3, 0.28, 0.55, 2.0
PADDING, SPACE = 0.03, 0.01
BAR_ASPECT, BAR_SPACE = 14, 0.015
SHOWN_PERCENTILES = (0.5, 99.5)  # of the temperatures between which colours are spread


def draw_contact_sheet(sessions: Sequence[Sequence[PhantomFrame]], minutes: Sequence[float]) -> Figure:
    """Draw a row a session and a column a minute: °C under one colour bar, true outlines, true means below."""
    height, width = sessions[0][0].celsius.shape
    row_height = IMAGE * height / width + WORDS
    size = (IMAGE * len(minutes) + SIDES, max(row_height * len(sessions) + ENDS, LEAST_HEIGHT))
    layout = ConstrainedLayoutEngine(w_pad=PADDING, h_pad=PADDING, wspace=SPACE, hspace=SPACE)
    figure = Figure(figsize=size, layout=layout)
    panels = figure.subplots(len(sessions), len(minutes), squeeze=False)
    low, high = np.percentile([frame.celsius for frames in sessions for frame in frames], SHOWN_PERCENTILES)
    for row, (line, frames) in enumerate(zip(panels, sessions, strict=True)):
        for axes, frame, minute in zip(line, frames, minutes, strict=True):
            image = axes.imshow(frame.celsius, cmap="inferno", vmin=low, vmax=high)
            for label, colour in OUTLINES.items():
                if (frame.labels == label).any():
                    axes.contour(frame.labels == label, levels=[0.5], colors=colour, linewidths=OUTLINE_WIDTH)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            means = "   ".join(
                f"{side} {mean:.1f}" for side, mean in (("R", frame.right), ("L", frame.left)) if np.isfinite(mean)
            )
            axes.set_xlabel(f"{means} °C" if means else "no foot", fontsize=SMALL, color=GREY_TEXT, labelpad=2)
            if row == 0:
                axes.set_title(f"{minute:g} min", fontsize=TITLE, pad=5)
        line[0].set_ylabel(f"session {row + 1}\n{frames[0].domain}, {frames[0].framing}", fontsize=LABEL)
    bar = figure.colorbar(image, ax=panels, aspect=BAR_ASPECT * len(sessions), pad=BAR_SPACE, extend="both")
    bar.set_label("°C", fontsize=9)
    bar.outline.set_visible(False)
    words = "outlines: the patient's right foot (R) white, left foot (L) blue; below: true means"
    figure.supxlabel(words, fontsize=SMALL, color=GREY_TEXT)
    return figure


def tile_grey_images(
    frames: Sequence[PhantomFrame], *, columns: int = 6, outlines: bool = True
) -> NDArray[np.uint8]:
    """Put the exported grey images of `frames`, all of one size, side by side with their true outlines.

    Returns
    -------
    (rows * H, columns * W, 3) uint8

    Examples
    --------
    >>> from prismseg.thermal.phantom import frame_at
    >>> tile_grey_images([frame_at(0, number, size=(32, 48)) for number in range(5)], columns=3).shape
    (64, 144, 3)
    """
    height, width = frames[0].grey.shape
    rows = -(-len(frames) // columns)
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for number, frame in enumerate(frames):
        image = np.repeat(frame.grey[..., None], 3, axis=2)
        if outlines:
            inside = frame.mask > 0
            image[inside ^ ndimage.binary_erosion(inside)] = EDGE_COLOUR
        top, left = number // columns * height, number % columns * width
        sheet[top : top + height, left : left + width] = image
    return sheet
