"""A frame as a picture to look at: uniform colours, one bar in °C, a scale that is given and not fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message, atomic_path
from prismseg.thermal.frames.frame import Frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Perceptually uniform from black to yellow (Smith & van der Walt 2015), and monotonic in greyscale prints.
COLOUR_MAP = "inferno"
_NO_VALUE = "#7f7f7f"
# Those colours of Okabe & Ito 2008 that the map does not contain.
_OUTLINES = ("#56B4E9", "#009E73", "#FFFFFF", "#0072B2")
_INCHES_TALL = 4.2
_DOTS_PER_INCH = 130


def whole_degree_scale(spans: list[tuple[float, float]]) -> tuple[float, float]:
    """Give the scale in whole °C that holds all spans, at least one degree wide.

    Examples
    --------
    >>> whole_degree_scale([(21.4, 33.2), (19.8, 30.0)])
    (19.0, 34.0)
    """
    low = math.floor(min(span[0] for span in spans))
    return float(low), float(max(math.ceil(max(span[1] for span in spans)), low + 1))


def draw_frame(
    frame: Frame,
    *,
    scale: tuple[float, float],
    outlines: Mapping[str, NDArray[np.bool_]] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a frame with one colour bar in °C.

    Parameters
    ----------
    frame : Frame
        What to draw.
    scale : tuple of float
        Lowest and highest °C of the colours. It is never fitted here, so that the same colour is the same temperature in
        every picture of a session; what lies beyond is counted below the picture.
    outlines : mapping of str to (H, W) bool array, optional
        Masks whose borders are drawn, by the name in the legend.
    title : str, optional
        Above the picture; else the file's name.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ConfigError
        When the scale is empty or a mask has another size.

    Examples
    --------
    >>> frame = Frame(np.linspace(20.0, 34.0, 4800).reshape(60, 80))
    >>> figure = draw_frame(frame, scale=(18, 36), outlines={"warm": frame.celsius > 30})
    >>> len(figure.axes)  # the picture and its colour bar
    2
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    low, high = scale
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(
            Message(
                "The scale of a picture goes from a lower to a higher temperature, not {low:g} to {high:g}.",
                low=low,
                high=high,
            )
        )
    height, width = frame.size
    tall = _INCHES_TALL
    figure = Figure(figsize=(max(tall * width / height, 2.0) + 1.6, tall + 0.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = colormaps[COLOUR_MAP].with_extremes(bad=_NO_VALUE)
    image = axes.imshow(
        np.ma.masked_invalid(frame.celsius), cmap=colours, vmin=low, vmax=high, interpolation="nearest"
    )
    axes.set_axis_off()
    axes.set_title(title or Path(frame.source).name, fontsize=9, loc="left", wrap=True)
    bar = figure.colorbar(image, ax=axes, extend="both", fraction=0.06, pad=0.02)
    bar.set_label("°C")
    bar.set_ticks(_ticks(low, high))
    axes.text(
        0, -0.02, _caption(frame, low, high), transform=axes.transAxes, fontsize=7, va="top", linespacing=1.5
    )
    _draw_outlines(axes, frame, outlines or {})
    return figure


def write_picture(
    path: str | Path,
    frame: Frame,
    *,
    scale: tuple[float, float],
    outlines: Mapping[str, NDArray[np.bool_]] | None = None,
    title: str | None = None,
) -> Path:
    """Write the picture of `draw_frame` to a file.

    Parameters
    ----------
    path : str or Path
        The file; its suffix says the format, ``.png`` or another one that Matplotlib writes.
    frame, scale, outlines, title
        As `draw_frame` takes them.

    Raises
    ------
    OutputError
        When the file cannot be written.
    ConfigError
        As `draw_frame` raises it.
    """
    figure = draw_frame(frame, scale=scale, outlines=outlines, title=title)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=_DOTS_PER_INCH)
    return Path(path)


def _ticks(low: float, high: float) -> list[float]:
    """Both ends of the scale and round numbers between them that do not crowd the ends."""
    step = next(
        (step for step in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if (high - low) / step <= 8), high - low
    )
    between = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    return [low, *(float(tick) for tick in between if min(tick - low, high - tick) > step * 0.4), high]


def _caption(frame: Frame, low: float, high: float) -> str:
    minimum, maximum = frame.span
    parts = [f"{minimum:.1f} … {frame.mean:.1f} … {maximum:.1f} °C (lowest, mean, highest)"]
    if frame.parameters.emissivity is not None:
        parts.append(f"emissivity {frame.parameters.emissivity:.2f}")
    known = frame.celsius[np.isfinite(frame.celsius)]
    for word, share in (("below", float((known < low).mean())), ("above", float((known > high).mean()))):
        if share:
            parts.append(f"{share:.1%} {word} the scale")
    if known.size < frame.celsius.size:
        parts.append("grey: no value")
    return "\n".join((parts[0], " · ".join(parts[1:])))


def _draw_outlines(axes: Any, frame: Frame, outlines: Mapping[str, NDArray[np.bool_]]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for number, (name, mask) in enumerate(outlines.items()):
        if np.shape(mask) != frame.size:
            raise ConfigError(
                Message(
                    "The mask {name} has the shape {shape} and its frame {frame}.",
                    name=repr(name),
                    shape=np.shape(mask),
                    frame=frame.size,
                )
            )
        colour = _OUTLINES[number % len(_OUTLINES)]
        # A frame of background around it closes the outlines of masks that touch the border.
        padded = np.pad(np.asarray(mask, dtype=np.float32), 1)
        rows, columns = (np.arange(length) - 1 for length in padded.shape)
        axes.contour(columns, rows, padded, levels=[0.5], colors=[colour], linewidths=1.4)
        handles.append(Line2D([], [], color=colour, label=name))
    axes.set_xlim(-0.5, frame.size[1] - 0.5)
    axes.set_ylim(frame.size[0] - 0.5, -0.5)
    if handles:
        axes.legend(
            handles=handles,
            fontsize=7,
            loc="upper right",
            bbox_to_anchor=(1, -0.01),
            ncols=len(handles),
            facecolor="#404040",
            labelcolor="white",
        )
