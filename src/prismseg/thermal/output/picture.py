"""A frame as a picture to look at: uniform colours, one bar in °C, a scale that is given and not fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import ConfigError, Message, atomic_path
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.output.palettes import DEFAULT_PALETTE, NO_VALUE, PALETTES, Palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INCHES_TALL = 4.2
_DOTS_PER_INCH = 130
_SHOWN_SHARE = 0.0005  # of pixels beyond the scale
# Isotherms follow the frame smoothed by a Gaussian of as many pixels: along the noise they would be specks.
_SMOOTH = 1.5
_STYLES = ("solid", "dashed", "dashdot", "dotted")


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
    palette: str = DEFAULT_PALETTE,
    isotherms: Sequence[float] = (),
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
    palette : str
        Of `PALETTES`.
    isotherms : sequence of float
        Temperatures in °C along which lines are drawn, after a slight smoothing.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ConfigError
        When the scale is empty, a mask has another size, or there is no such palette.

    Examples
    --------
    >>> frame = Frame(np.linspace(20.0, 34.0, 4800).reshape(60, 80))
    >>> figure = draw_frame(frame, scale=(18, 36), outlines={"warm": frame.celsius > 30})
    >>> len(figure.axes)  # the picture and its colour bar
    2
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    low, high = scale
    colours = PALETTES[palette]
    height, width = frame.size
    tall = _INCHES_TALL
    figure = Figure(figsize=(max(tall * width / height, 2.0) + 1.6, tall + 0.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paint_frame(figure, axes, frame, scale, colours, isotherms)
    axes.set_title(plain(title or show_name(frame.source)), fontsize=9, loc="left", wrap=True)
    axes.text(
        0, -0.02, _caption(frame, low, high), transform=axes.transAxes, fontsize=7, va="top", linespacing=1.5
    )
    named = outlines or {}
    cycle = (colours.left, colours.right, *colours.other)
    draw_outlines(axes, frame, named, {name: cycle[number % len(cycle)] for number, name in enumerate(named)})
    return figure


def write_picture(
    path: str | Path,
    frame: Frame,
    *,
    scale: tuple[float, float],
    outlines: Mapping[str, NDArray[np.bool_]] | None = None,
    title: str | None = None,
    palette: str = DEFAULT_PALETTE,
    isotherms: Sequence[float] = (),
) -> Path:
    """Write the picture of `draw_frame` to a file.

    Parameters
    ----------
    path : str or Path
        The file; its suffix says the format, ``.png`` or another one that Matplotlib writes.
    frame, scale, outlines, title, palette, isotherms
        As `draw_frame` takes them.

    Raises
    ------
    OutputError
        When the file cannot be written.
    ConfigError
        As `draw_frame` raises it.
    """
    figure = draw_frame(frame, scale=scale, outlines=outlines, title=title, palette=palette, isotherms=isotherms)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=_DOTS_PER_INCH)
    return Path(path)


def show_name(source: str) -> str:
    """Give the name of a file as text that can be drawn and written, also where the name is no valid text."""
    return Path(source).name.encode("utf-8", "replace").decode("utf-8")


def plain(text: str) -> str:
    """Keep Matplotlib from taking dollar signs, of a file's name perhaps, for a formula."""
    return text.replace("$", r"\$")


def paint_frame(
    figure: Figure,
    axes: Any,
    frame: Frame,
    scale: tuple[float, float],
    palette: Palette,
    isotherms: Sequence[float],
) -> None:
    """Paint a frame into axes, with its colour bar and isotherms.

    Raises
    ------
    ConfigError
        When the scale is empty.
    """
    from matplotlib import colormaps

    low, high = scale
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(
            Message(
                "The scale of a picture goes from a lower to a higher temperature, not {low:g} to {high:g}.",
                low=low,
                high=high,
            )
        )
    colours = colormaps[palette.colour_map].with_extremes(bad=NO_VALUE)
    celsius = np.ma.masked_invalid(frame.celsius)
    image = axes.imshow(celsius, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.set_axis_off()
    bar = figure.colorbar(image, ax=axes, extend="both", fraction=0.06, pad=0.02)
    bar.set_label("°C")
    bar.set_ticks(_ticks(low, high))
    reached = sorted({float(level) for level in isotherms if celsius.min() < level < celsius.max()})
    if reached:
        filled = np.where(np.isfinite(frame.celsius), frame.celsius, frame.mean)
        smooth = np.ma.masked_where(celsius.mask, ndimage.gaussian_filter(filled, _SMOOTH))
        styles = [_STYLES[number % len(_STYLES)] for number in range(len(reached))]
        axes.contour(smooth, levels=reached, colors=[palette.line], linewidths=0.8, linestyles=styles)
        for level, style in zip(reached, styles, strict=True):
            bar.ax.axhline(level, color=palette.line, linewidth=1.0, linestyle=style)


def _ticks(low: float, high: float) -> list[float]:
    """Both ends of the scale and round numbers between them that do not crowd the ends."""
    step = next(
        (step for step in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if (high - low) / step <= 8), high - low
    )
    between = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    return [low, *(float(tick) for tick in between if min(tick - low, high - tick) > step * 0.4), high]


def describe_span(frame: Frame, ends: tuple[float, float]) -> list[str]:
    """Say what temperatures a frame holds, and how much of it lies beyond the ends of a scale."""
    minimum, maximum = frame.span
    parts = [f"{minimum:.1f} … {frame.mean:.1f} … {maximum:.1f} °C (lowest, mean, highest)"]
    known = frame.celsius[np.isfinite(frame.celsius)]
    beyond = (("below", float((known < ends[0]).mean())), ("above", float((known > ends[1]).mean())))
    parts += [f"{share:.1%} {word} the scale" for word, share in beyond if share >= _SHOWN_SHARE]
    return [*parts, "grey: no value"] if known.size < frame.celsius.size else parts


def _caption(frame: Frame, low: float, high: float) -> str:
    first, *rest = describe_span(frame, (low, high))
    if frame.parameters.emissivity is not None:
        rest.insert(0, f"emissivity {frame.parameters.emissivity:.2f}")
    return "\n".join((first, " · ".join(rest)))


def draw_outlines(
    axes: Any,
    frame: Frame,
    outlines: Mapping[str, NDArray[np.bool_]],
    colours: Mapping[str, str],
    *,
    legend: bool = True,
) -> None:
    """Draw the borders of masks over a frame, each in its colour, with or without a legend below.

    Raises
    ------
    ConfigError
        When a mask has another size than the frame.
    """
    from matplotlib.lines import Line2D

    handles = []
    for name, mask in outlines.items():
        if np.shape(mask) != frame.size:
            raise ConfigError(
                Message(
                    "The mask {name} has the shape {shape} and its frame {frame}.",
                    name=repr(name),
                    shape=np.shape(mask),
                    frame=frame.size,
                )
            )
        # A frame of background around it closes the outlines of masks that touch the border.
        padded = np.pad(np.asarray(mask, dtype=np.float32), 1)
        rows, columns = (np.arange(length) - 1 for length in padded.shape)
        axes.contour(columns, rows, padded, levels=[0.5], colors=[colours[name]], linewidths=1.4)
        handles.append(Line2D([], [], color=colours[name], label=name))
    axes.set_xlim(-0.5, frame.size[1] - 0.5)
    axes.set_ylim(frame.size[0] - 0.5, -0.5)
    if handles and legend:
        axes.legend(
            handles=handles,
            fontsize=7,
            loc="upper right",
            bbox_to_anchor=(1, -0.01),
            ncols=len(handles),
            facecolor="#404040",
            labelcolor="white",
        )
