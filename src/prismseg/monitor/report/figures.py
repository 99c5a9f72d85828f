"""Figures of the report: pictures with outlines and one scale, curves with their uncertainty."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.thermal import REGIONS, SIDES, WHOLE, Entry, Session, Side, Value, outlines
from prismseg.thermal.picture import COLOUR_MAP
from prismseg.thermal.uncertainty import Z95

# Okabe & Ito 2008, told apart by all kinds of colour vision; lines and marks differ as well.
COLOURS: dict[Side, str] = {"left": "#0072B2", "right": "#D55E00"}
_LINES: dict[Side, tuple[str, str]] = {"left": ("-", "o"), "right": ("--", "s")}
_DPI = 200
CURVES, SCALE = (7.2, 4.9), (7.2, 0.45)  # inches, width and height
_ON_PICTURE: dict[Side, str] = {"left": "#6cc0ff", "right": "#ff9d5c"}


def scale_of(session: Session) -> tuple[float, float]:
    """Whole degrees that hold all soles and most of every frame, the same for all pictures."""
    lows, highs = [25.0], [30.0]
    for entry in session.entries:
        if entry.frame is not None:
            low, high = np.nanpercentile(entry.frame.celsius, (2, 99.8))
            lows.append(float(low))
            highs.append(float(high))
    return float(np.floor(min(lows))), float(np.ceil(max(highs)))


def draw_picture(entry: Entry, scale: tuple[float, float], language: Language) -> bytes:
    """Draw one frame with both soles outlined and named."""
    assert entry.frame is not None
    height, width = entry.frame.size
    figure = Figure(figsize=(3, 3 * height / width), layout=None)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(np.ma.masked_invalid(entry.frame.celsius), cmap=COLOUR_MAP, vmin=scale[0], vmax=scale[1])
    if entry.soles is not None and entry.ok:
        for side in SIDES:
            mask = entry.soles.side(side)
            if mask is None:
                continue
            for line in outlines(mask).get(1, []):
                axes.plot(line[:, 1], line[:, 0], color="black", linewidth=2.6)
                axes.plot(
                    line[:, 1], line[:, 0], color=_ON_PICTURE[side], linewidth=1.3, linestyle=_LINES[side][0]
                )
            rows, columns = np.nonzero(mask)
            text = language(Message("L")) if side == "left" else language(Message("R"))
            axes.text(columns.mean(), rows.max() - 0.06 * height, text, color="white", ha="center", weight="bold")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    return _png(figure)


def draw_scale(scale: tuple[float, float]) -> bytes:
    """Draw the one scale of colours."""
    figure = Figure(figsize=SCALE)
    axes = figure.add_axes((0.02, 0.55, 0.91, 0.4))
    colours = ScalarMappable(Normalize(*scale), COLOUR_MAP)
    bar = figure.colorbar(colours, cax=axes, orientation="horizontal")
    bar.ax.tick_params(labelsize=8)
    figure.text(0.945, 0.6, "°C", fontsize=9)
    return _png(figure)


def draw_curves(session: Session, language: Language) -> bytes:
    """Draw the change of both whole soles, right minus left, and each territory, with 95 % intervals."""
    figure = Figure(figsize=CURVES, layout="constrained")
    grid = figure.add_gridspec(3, 5, height_ratios=(3, 1.2, 1.5))
    main, apart = figure.add_subplot(grid[0, :]), figure.add_subplot(grid[1, :])
    measured = session.measured
    minutes = [entry.minute for entry in measured]
    for side in SIDES:
        _band(main, minutes, [session.delta(entry, side, WHOLE) for entry in measured], side, language)
    main.axhline(session.settings.warming, color="0.35", linestyle=":", linewidth=1)
    main.set_ylabel(language(Message("Change, °C")))
    main.set_title(language(Message("Whole sole, change since the baseline")), loc="left", fontsize=10)
    main.legend(frameon=False, ncols=2)
    _band(apart, minutes, [session.difference(entry) for entry in measured], None, language)
    apart.set_ylabel("°C")
    apart.set_title(language(Message("right minus left")), loc="left", fontsize=10)
    apart.set_xlabel(language(Message("Minutes since the test dose")))
    small = [figure.add_subplot(grid[2, k], sharey=None) for k in range(5)]
    for axes, region in zip(small, [name for name in REGIONS if name != WHOLE], strict=True):
        for side in SIDES:
            _band(axes, minutes, [session.delta(entry, side, region) for entry in measured], side, language)
        axes.set_title(language(Message(region)), loc="left", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.locator_params(axis="y", nbins=4, integer=True)
    for axes in (main, apart, *small):
        axes.axhline(0, color="0.35", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.set_major_formatter(lambda value, _: _tick(value, language))
    return _png(figure)


def _band(
    axes: object, minutes: Sequence[float], values: Sequence[Value], side: Side | None, language: Language
) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    middle = np.array([value.value for value in values])
    half = Z95 * np.array([value.error for value in values])
    line, mark = ("-", "D") if side is None else _LINES[side]
    colour = "0.2" if side is None else COLOURS[side]
    axes.fill_between(minutes, middle - half, middle + half, color=colour, alpha=0.18, linewidth=0)
    label = None if side is None else language(Message(side))
    axes.plot(minutes, middle, linestyle=line, marker=mark, markersize=4, color=colour, label=label)


def _tick(value: float, language: Language) -> str:
    text = language.number(value, 0 if value == round(value) else 1, sign=value != 0)
    return text.replace("-", "−")


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    # Without the library's version in the file, the same report is the same bytes.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
