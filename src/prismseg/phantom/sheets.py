"""Contact sheets: many pictures side by side, to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.phantom.frame import PhantomFrame

SHOWN = 6
EDGE_COLOUR = (255, 80, 0)


def draw_contact_sheet(sessions: Sequence[Sequence[PhantomFrame]], minutes: Sequence[float]) -> Figure:
    """Draw a row a session and a column a minute, with the true outlines and one colour bar for all."""
    figure = Figure(figsize=(2.2 * len(minutes) + 0.9, 1.75 * len(sessions) + 0.3), layout="constrained")
    panels = figure.subplots(len(sessions), len(minutes), squeeze=False)
    low, high = np.percentile([frame.celsius for frames in sessions for frame in frames], (0.5, 99.5))
    for row, (line, frames) in enumerate(zip(panels, sessions, strict=True)):
        for axes, frame, minute in zip(line, frames, minutes, strict=True):
            picture = axes.imshow(frame.celsius, cmap="inferno", vmin=low, vmax=high)
            if frame.mask.any():
                axes.contour(frame.mask, levels=[0.5], colors="white", linewidths=0.6)
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(f"{minute:g} min", fontsize=9)
        line[0].set_ylabel(f"session {row + 1}", fontsize=9)
    figure.colorbar(picture, ax=panels, label="°C", shrink=0.6)
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
