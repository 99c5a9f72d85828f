"""Contact sheets: many pictures side by side, to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.frame import PhantomFrame

SHOWN = 6
EDGE_COLOUR = (255, 80, 0)
PANEL = 2.2  # width of one picture, inches
OUTLINES = {RIGHT: "white", LEFT: "#5fd3ff"}
GREY_TEXT = "0.35"


def draw_contact_sheet(sessions: Sequence[Sequence[PhantomFrame]], minutes: Sequence[float]) -> Figure:
    """Draw a row a session and a column a minute: °C under one colour bar, true outlines, true means below."""
    height, width = sessions[0][0].celsius.shape
    panel = PANEL * height / width + 0.28
    size = (PANEL * len(minutes) + 1.3, max(panel * len(sessions) + 0.55, 2.0))
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.01, hspace=0.01))
    panels = figure.subplots(len(sessions), len(minutes), squeeze=False)
    low, high = np.percentile([frame.celsius for frames in sessions for frame in frames], (0.5, 99.5))
    for row, (line, frames) in enumerate(zip(panels, sessions, strict=True)):
        for axes, frame, minute in zip(line, frames, minutes, strict=True):
            picture = axes.imshow(frame.celsius, cmap="inferno", vmin=low, vmax=high)
            for label, colour in OUTLINES.items():
                if (frame.labels == label).any():
                    axes.contour(frame.labels == label, levels=[0.5], colors=colour, linewidths=0.9)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            means = "   ".join(
                f"{side} {mean:.1f}" for side, mean in (("R", frame.right), ("L", frame.left)) if np.isfinite(mean)
            )
            axes.set_xlabel(f"{means} °C" if means else "no foot", fontsize=7.5, color=GREY_TEXT, labelpad=2)
            if row == 0:
                axes.set_title(f"{minute:g} min", fontsize=10, pad=5)
        line[0].set_ylabel(f"session {row + 1}\n{frames[0].domain}, {frames[0].framing}", fontsize=8)
    bar = figure.colorbar(picture, ax=panels, aspect=14 * len(sessions), pad=0.015, extend="both")
    bar.set_label("°C", fontsize=9)
    bar.outline.set_visible(False)
    words = "outlines: the patient's right foot (R) white, left foot (L) blue; below: true means"
    figure.supxlabel(words, fontsize=7.5, color=GREY_TEXT)
    return figure


def tile_greys(frames: Sequence[PhantomFrame], *, columns: int = 6, outlines: bool = True) -> NDArray[np.uint8]:
    """Put the exported grey pictures of `frames`, all of one size, side by side with their true outlines.

    Returns
    -------
    (rows * H, columns * W, 3) uint8
    """
    height, width = frames[0].grey.shape
    rows = -(-len(frames) // columns)
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for number, frame in enumerate(frames):
        picture = np.repeat(frame.grey[..., None], 3, axis=2)
        if outlines:
            inside = frame.mask > 0
            picture[inside ^ ndimage.binary_erosion(inside)] = EDGE_COLOUR
        top, left = number // columns * height, number % columns * width
        sheet[top : top + height, left : left + width] = picture
    return sheet
