"""A measured frame as a picture: soles, regions, means, parameters, and a histogram of each sole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message
from prismseg.base.constants import Z95
from prismseg.base.figures import check_formats
from prismseg.thermal.anatomy import SIDES, WHOLE_SOLE, Side
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.output.palettes import DEFAULT_PALETTE, PALETTES, SIDE_COLOURS, Palette
from prismseg.thermal.output.picture import (
    describe_span,
    draw_outlines,
    paint_frame,
    plain,
    show_name,
    whole_degree_scale,
)
from prismseg.thermal.regions.region_set import REGION_SETS, RegionSet
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.session import Session
from prismseg.thermal.soles.pieces import bounding_window
from prismseg.thermal.soles.territories import Territories

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scale = tuple[float, float] | Literal["soles", "all", "each"]

_TALL = 4.2  # inches of the picture
_HISTOGRAM = 2.6  # inches
_BIN = 0.25  # °C
# Percentiles of a sole between which the soles' own scale reaches: a rim of background would else decide it.
_SOLE_ENDS = (1, 99)
_UNITS = {
    "emissivity": "emissivity {:.2f}",
    "reflected": "reflected {:.1f} °C",
    "distance": "{:.1f} m",
    "humidity": "humidity {:.0%}",
    "atmosphere": "air {:.1f} °C",
    "window_transmission": "window {:.2f}",
}


@dataclass(frozen=True)
class PictureSettings:
    """How the frames of a session are drawn.

    Attributes
    ----------
    scale : tuple of float, "soles", "all" or "each"
        Lowest and highest °C of the colours: whole degrees that hold all soles of the session, or all of its frames, or
        each frame's own.
    palette : str
        Of `PALETTES`.
    isotherms : tuple of float
        °C along which lines are drawn.
    borders : str
        Set of regions whose borders are drawn, of `REGION_SETS`, or "none".
    histogram : bool
        Whether a histogram of each sole stands beside the picture.
    formats : tuple of str
        Of `prismseg.base.figures.FORMATS`.

    Raises
    ------
    ConfigError
        When there is no such palette, set of regions or format.
    """

    scale: Scale = "soles"
    palette: str = DEFAULT_PALETTE
    isotherms: tuple[float, ...] = ()
    borders: str = "nerves"
    histogram: bool = True
    formats: tuple[str, ...] = ("png",)

    def __post_init__(self) -> None:
        PALETTES.require(self.palette)
        if self.borders != "none":
            REGION_SETS.require(self.borders)
        if not all(np.isfinite(self.isotherms)):
            raise ConfigError(Message("Isotherms are temperatures in °C, such as 30, 32."))
        check_formats(self.formats)


def scale_of(session: Session, scale: Scale, frame: Frame) -> tuple[float, float]:
    """Give the lowest and the highest °C of the colours of a frame.

    Without a measured sole, the soles' scale is that of all frames.
    """
    if not isinstance(scale, str):
        return scale
    if scale == "each":
        return whole_degree_scale([frame.span])
    spans = [_sole_span(entry) for entry in session.measured] if scale == "soles" else []
    known = [span for span in spans if span is not None]
    return whole_degree_scale(known or [entry.frame.span for entry in session.entries if entry.frame is not None])


def _sole_span(entry: Entry) -> tuple[float, float] | None:
    masks = legend_masks(entry)
    if entry.frame is None or not masks:
        return None
    values = entry.frame.celsius[np.logical_or.reduce(list(masks.values()))]
    low, high = np.nanpercentile(values, _SOLE_ENDS)
    return float(low), float(high)


def legend_masks(entry: Entry) -> dict[str, NDArray[np.bool_]]:
    """Give the soles of a frame (H, W) by their names in a picture's legend; without soles what was found, unnamed.

    Examples
    --------
    >>> from prismseg.thermal import Soles
    >>> mask = np.zeros((120, 160), bool)
    >>> mask[20:100, 25:55] = mask[20:100, 95:125] = True
    >>> list(legend_masks(Entry(0.0, "frame", soles=Soles.from_mask(mask))))
    ["patient's left", "patient's right"]
    """
    soles = entry.soles
    if soles is None:
        return {}
    named = {f"patient's {side}": mask for side in SIDES if (mask := soles.side(side)) is not None}
    return named or ({"foreground": soles.cleaned} if soles.cleaned.any() else {})


def draw_measured(
    session: Session,
    entry: Entry,
    settings: PictureSettings | None = None,
    *,
    scale: tuple[float, float] | None = None,
) -> Figure:
    """Draw a frame of a session with what was measured in it.

    Outlines and borders of regions; at each sole its mean with the 95 % interval and its change from t0; below, the time,
    the camera and all parameters that the temperatures were computed with; beside it, the histogram of each sole. A
    frame without numbers shows the reason instead.

    Parameters
    ----------
    session : Session
        As measured.
    entry : Entry
        One of its frames, which could be read.
    settings : PictureSettings, optional
        How it is drawn.
    scale : tuple of float, optional
        Ends of the colours, as `scale_of` gives them for these settings; computed where it is not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ConfigError
        When the frame could not be read, or a scale is empty.

    Examples
    --------
    >>> from prismseg.thermal.phantom import draw_subject
    >>> session, frame = Session(), draw_subject(seed=5, number=0).frame_at(0)
    >>> entry = session.add(frame.celsius, frame.mask, minute=0)
    >>> len(draw_measured(session, entry).axes)  # picture, histogram, colour bar
    3
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chosen, frame = settings or PictureSettings(), entry.frame
    if frame is None:
        raise ConfigError(
            Message("{file} was not read, so there is nothing to draw.", file=show_name(entry.source))
        )
    palette, ends = PALETTES[chosen.palette], scale or scale_of(session, chosen.scale, frame)
    height, width = frame.size
    wide = max(_TALL * width / height, 2.4) + 1.2
    beside = chosen.histogram and entry.ok
    figure = Figure(figsize=(wide + (_HISTOGRAM if beside else 0.2), _TALL + 1.0), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(1, 2 if beside else 1, width_ratios=(wide, _HISTOGRAM) if beside else None)
    axes = figure.add_subplot(grid[0, 0])
    histogram = figure.add_subplot(grid[0, 1]) if beside else None
    paint_frame(figure, axes, frame, ends, palette, chosen.isotherms)
    _draw_soles(axes, session, entry, palette, chosen)
    state = "" if entry.ok else f": no numbers ({entry.status})"
    title = f"{show_name(entry.source)}, {entry.minute:g} min{state}"
    axes.set_title(plain(title), fontsize=9, loc="left", wrap=True)
    caption = plain(_caption(entry, frame, ends))
    axes.text(0, -0.02, caption, transform=axes.transAxes, fontsize=7, va="top", linespacing=1.5)
    if histogram is not None:
        _draw_histogram(histogram, entry, frame, ends, chosen.isotherms)
    return figure


def _draw_soles(axes: Any, session: Session, entry: Entry, palette: Palette, settings: PictureSettings) -> None:
    assert entry.frame is not None
    masks = legend_masks(entry)
    colours = {f"patient's {side}": colour for side, colour in palette.sides.items()}
    colours["foreground"] = palette.other[0]
    draw_outlines(axes, entry.frame, masks, colours, legend=False)
    for side in SIDES:
        found, mask = entry.territories.get(side), masks.get(f"patient's {side}")
        if not entry.ok or mask is None:
            continue
        sets = [] if settings.borders == "none" else [REGION_SETS[settings.borders]]
        if found is not None:
            _draw_borders(axes, found, mask, [*sets, *_drawn_sets(session, side)], palette)
        if side in entry.estimates:
            _write_mean(axes, session, entry, side, mask, palette)


def _drawn_sets(session: Session, side: Side) -> Sequence[RegionSet]:
    """Regions drawn by hand, where the frame that they were drawn on has been measured."""
    drawn = session.drawn
    if drawn is None:
        return ()
    there = next((entry for entry in session.measured if entry.source == drawn.source), None)
    placed: Mapping[Side, Sequence[RegionSet]] = {} if there is None else drawn.place(there.territories)
    return placed.get(side, ())


def _draw_borders(
    axes: Any, found: Territories, mask: NDArray[np.bool_], sets: Sequence[RegionSet], palette: Palette
) -> None:
    """Draw the lines between the regions of a sole; its outline is drawn already."""
    window = bounding_window(mask)
    u, v = found.registration.over(*window)
    rows, columns = (np.arange(part.start, part.stop) for part in window)
    for regions in sets:
        labels = regions.label_at(u, v)
        for label in np.unique(labels[mask[window]]):
            inside = np.ma.masked_where(~mask[window], (labels == label).astype(np.float32))
            if label and not inside.all() and min(inside.shape) > 1:
                axes.contour(
                    columns, rows, inside, levels=[0.5], colors=[palette.line], linewidths=0.7, linestyles="--"
                )


def _write_mean(
    axes: Any, session: Session, entry: Entry, side: Side, mask: NDArray[np.bool_], palette: Palette
) -> None:
    """Write mean and change of a sole above its toes, or below its heel where there is no room."""
    from matplotlib.patheffects import withStroke

    estimate, change = entry.estimates[side][WHOLE_SOLE], session.delta(entry, side)
    lines = [f"{side} {estimate.mean:.1f} ± {Z95 * estimate.error:.1f} °C"]
    if change.known and entry is not session.baseline:
        lines.append(f"Δ {change} °C")
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, width = mask.shape
    above = rows[0] > 0.06 * height * len(lines)
    column = min(max(float(columns.mean()), 0.16 * width), 0.84 * width)
    axes.text(
        column, rows[0] - 0.01 * height if above else min(rows[-1] + 0.01 * height, 0.99 * height), "\n".join(lines),
        ha="center", va="bottom" if above or rows[-1] > 0.9 * height else "top", fontsize=7.5, color=palette.sides[side],
        path_effects=[withStroke(linewidth=2.4, foreground="black")],
    )  # fmt: skip


def _caption(entry: Entry, frame: Frame, ends: tuple[float, float]) -> str:
    taken = [frame.time.isoformat(sep=" ", timespec="seconds")] if frame.time is not None else []
    stated = frame.parameters.to_dict()
    parameters = [_UNITS[name].format(value) for name, value in stated.items() if name in _UNITS]
    facts = [*taken, *([frame.camera] if frame.camera else []), *(parameters or ["parameters not stated"])]
    last = str(entry.reason) if not entry.ok else f"cautions: {len(entry.cautions)}" if entry.cautions else ""
    lines = [
        " · ".join(describe_span(frame, ends)),
        " · ".join(facts),
        " ".join([last, *map(str, entry.notes)]).strip(),
    ]
    return "\n".join(_wrap(line) for line in lines if line)


def _wrap(text: str, most: int = 105) -> str:
    from textwrap import fill

    return fill(text, most)


def _draw_histogram(
    axes: Any, entry: Entry, frame: Frame, ends: tuple[float, float], isotherms: Sequence[float]
) -> None:
    """Draw how many pixels of each sole have which temperature, along the scale of the colours."""
    bins = np.arange(ends[0], ends[1] + _BIN, _BIN)
    for side in SIDES:
        mask = None if entry.soles is None else entry.soles.side(side)
        if mask is None or side not in entry.estimates:
            continue
        values = np.clip(frame.celsius[mask], *ends)
        weights = np.full(values.shape, 100 / values.size)
        look = {"color": SIDE_COLOURS[side], "orientation": "horizontal", "histtype": "stepfilled"}
        axes.hist(values, bins, weights=weights, alpha=0.35, label=side, **look)
        axes.axhline(entry.estimates[side][WHOLE_SOLE].mean, color=SIDE_COLOURS[side], lw=1.3)
    for level in isotherms:
        axes.axhline(level, color="#999999", lw=0.8, linestyle=":")
    axes.set_ylim(*ends)
    axes.set_xlabel("% of the sole's pixels", fontsize=8)
    axes.set_title("°C, lines: means", fontsize=8, loc="left")
    axes.tick_params(labelsize=7)
    axes.legend(frameon=False, fontsize=7, loc="best")
    axes.spines[["top", "right"]].set_visible(False)
