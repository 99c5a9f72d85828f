"""A session's curves as a figure: changes of soles and regions with 95 % intervals, thresholds and flags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prismseg.base import ConfigError, Message
from prismseg.thermal.anatomy import SIDES, TOES, WHOLE_SOLE
from prismseg.thermal.output.palettes import SIDE_COLOURS
from prismseg.thermal.sessions.changes import Value
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.flags.rules.asymmetry import AsymmetrySettings
from prismseg.thermal.sessions.flags.rules.toes import ToeSettings
from prismseg.thermal.sessions.flags.rules.warming import WarmingSettings
from prismseg.thermal.sessions.session import Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DIFFERENCE = "#555555"
_THRESHOLD = "#999999"
_WIDTH = 10.0
# Heights of the rows in inches: whole soles, their difference, a row of regions, a flag.
_WHOLE, _APART, _REGIONS, _FLAG = 3.0, 1.6, 1.6, 0.24
_COLUMNS = 5  # of regions
# Captures that have labels of their own, and the least distance between two labels as a share of the axis.
_MOST_LABELS, _LABEL_DISTANCE = 15, 0.045
_NAME_HEIGHT = 0.07  # share of the panel of whole soles that the name of a threshold takes
_MARGIN = 0.03  # before the first and after the last capture, as a share of the time between them
_MANY = 40  # captures from which points are drawn small
_LEVELS = {"notice": 0.35, "unconfirmed": 0.35, "present": 0.7, "clear": 1.0}


def has_changes(session: Session) -> bool:
    """Tell whether a sole was measured at t0 and after it, so that there is a change to draw."""
    later = [entry for entry in session.measured if entry is not session.baseline]
    return any(session.delta(entry, side).known for entry in later for side in SIDES)


def draw_curves(session: Session, *, title: str = "") -> Figure:
    """Draw the changes from t0 of soles and background, of right against left, and of each region, with the flags.

    Ticks are at the captures; crosses at the foot of the axis are frames without numbers. A bar for each flag shows when
    it was seen, and the frames it rests on are ringed.

    Parameters
    ----------
    session : Session
        As measured.
    title : str
        Above the curves.

    Returns
    -------
    matplotlib Figure
        Without the difference where only one foot was measured.

    Raises
    ------
    ConfigError
        When there is no change to draw: no t0, or no frame after it.

    Examples
    --------
    >>> from prismseg.thermal import Session
    >>> from prismseg.thermal.phantom import draw_subject
    >>> session, subject = Session(regions=["nerves"]), draw_subject(seed=5, number=0)
    >>> for minute in (0, 5):
    ...     frame = subject.frame_at(minute)
    ...     entry = session.add(frame.celsius, frame.mask, minute=minute)
    >>> len(draw_curves(session).axes)  # whole soles, their difference, five territories
    7
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not has_changes(session):
        raise ConfigError(
            Message("There is no change to draw: the session needs a measured t0 and a frame after it.")
        )
    flags = [flag for flag in session.flags() if flag.name != "quality" and flag.minutes]
    apart = any(session.difference(entry).known for entry in session.measured if entry is not session.baseline)
    regions = [region for region in session.regions if region != WHOLE_SOLE]
    rows = [regions[first : first + _COLUMNS] for first in range(0, len(regions), _COLUMNS)]
    heights = [
        _WHOLE,
        *([_FLAG * len(flags)] if flags else []),
        *([_APART] if apart else []),
        *[_REGIONS] * len(rows),
    ]
    figure = Figure(figsize=(_WIDTH, sum(heights) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(heights), _COLUMNS, height_ratios=heights)
    whole = figure.add_subplot(grid[0, :])
    _draw_whole(whole, session, flags, title)
    row = 1
    if flags:
        strip = figure.add_subplot(grid[row, :], sharex=whole)
        _draw_flags(strip, flags, session)
        row += 1
    if apart:
        _draw_difference(figure.add_subplot(grid[row, :], sharex=whole), session)
        row += 1
    _draw_regions(figure, grid, row, rows, session)
    figure.supxlabel(
        "Bands: 95 %. Research use only: observations, not diagnoses.", fontsize=8, x=0.99, ha="right"
    )
    return figure


def _draw_whole(axes: Any, session: Session, flags: Sequence[Flag], title: str) -> None:
    _draw_sides(axes, session, WHOLE_SOLE)
    background = [(entry.minute, session.background(entry)) for entry in session.measured]
    known = [(minute, value.value) for minute, value in background if value.known]
    if known:  # curves that follow it may be the camera's drift
        axes.plot(*zip(*known, strict=True), color=_DIFFERENCE, lw=1.0, linestyle="--", label="background")
    for flag in flags:
        if flag.name == "warming" and flag.side is not None:
            _ring(axes, session, flag)
    warming = session.settings.group(WarmingSettings)
    lower = _draw_threshold(axes, warming.warming, f"warming {warming.warming:g} °C")
    _draw_threshold(axes, warming.clear_warming, f"clear warming {warming.clear_warming:g} °C")
    failed = [entry.minute for entry in session.entries if not entry.ok]
    if failed:
        axes.plot(
            failed, [0.0] * len(failed), "x", color="#D55E00", markersize=5, clip_on=False, zorder=5,
            transform=axes.get_xaxis_transform(), label="frame without numbers",
        )  # fmt: skip
    axes.set_title(title or "Change of mean temperature from t0, whole sole", loc="left", fontsize=11)
    axes.set_ylabel("Δ (°C)")
    axes.set_xlabel("minutes since the test dose", fontsize=9)
    axes.legend(frameon=False, loc="upper left", fontsize=9, ncols=4, columnspacing=1.2)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.12 * (high - low))  # room for the legend
    if warming.clear_warming - warming.warming < _NAME_HEIGHT * (high - low):
        lower.set(va="top", position=(-3, -2))  # below its line, where the name of the next one lies close above
    _set_ticks(axes, [entry.minute for entry in session.entries])


def _ring(axes: Any, session: Session, flag: Flag) -> None:
    """Ring the points that a flag of one sole rests on."""
    assert flag.side is not None
    seen = [entry for entry in session.measured if entry.minute in flag.minutes]
    known = [(entry.minute, value.value) for entry in seen if (value := session.delta(entry, flag.side)).known]
    if known:
        axes.plot(*zip(*known, strict=True), "o", mfc="none", mec=SIDE_COLOURS[flag.side], markersize=8, mew=0.9)


def _draw_threshold(axes: Any, value: float, text: str, *, both: bool = False) -> Any:
    for height in (value, -value) if both else (value,):
        axes.axhline(height, color=_THRESHOLD, linewidth=0.9, linestyle=":", zorder=1)
    return axes.annotate(
        text, (1.0, value), xycoords=("axes fraction", "data"), xytext=(-3, 2), textcoords="offset points",
        ha="right", va="bottom", fontsize=7.5, color="#666666",
    )  # fmt: skip


def _draw_flags(axes: Any, flags: Sequence[Flag], session: Session) -> None:
    """Draw a bar for each flag from the first to the last minute at which it was seen; the stronger, the fuller."""
    for height, flag in enumerate(reversed(flags)):
        colour = _DIFFERENCE if flag.side is None else SIDE_COLOURS[flag.side]
        first, last = min(flag.minutes), max(flag.minutes)
        look = {"color": colour, "alpha": _LEVELS[flag.level], "solid_capstyle": "butt"}
        axes.plot([first, last], [height, height], lw=6, **look)
        axes.plot(list(flag.minutes), [height] * len(flag.minutes), "o", color=colour, markersize=4)
    names = [_flag_name(flag) for flag in reversed(flags)]
    axes.set_yticks(range(len(flags)), names, fontsize=8)
    axes.set_ylim(-0.6, len(flags) - 0.4)
    axes.tick_params(left=False, bottom=False, labelbottom=False, which="both")
    axes.spines[:].set_visible(False)


def _flag_name(flag: Flag) -> str:
    """Name, side and, where it says more than that it was seen, level of a flag in a few words."""
    side = "" if flag.side is None else f", {flag.side}"
    level = f" ({flag.level})" if flag.level in ("clear", "unconfirmed") else ""
    return f"{flag.name}{side}{level}"


def _draw_difference(axes: Any, session: Session) -> None:
    _prepare(axes)
    points = [(entry.minute, session.difference(entry)) for entry in session.measured]
    _draw_band(axes, points, _DIFFERENCE, "")
    asymmetric = session.settings.group(AsymmetrySettings).asymmetric
    _draw_threshold(axes, asymmetric, f"asymmetric ±{asymmetric:g} °C", both=True)
    axes.set_title("Right minus left, changes from t0", loc="left", fontsize=10)
    axes.set_ylabel("Δ right - Δ left (°C)", fontsize=8)
    reach = 1.15 * float(np.max(np.abs(axes.get_ylim())))
    axes.set_ylim(-reach, reach)


def _draw_regions(figure: Figure, grid: Any, row: int, rows: Sequence[Sequence[str]], session: Session) -> None:
    first: Any = None
    toes = session.settings.group(ToeSettings).toe_warming
    minutes = [entry.minute for entry in session.entries]
    for place, regions in enumerate(rows, start=row):
        for column, region in enumerate(regions):
            axes = figure.add_subplot(grid[place, column], sharey=first)
            first = first or axes
            _draw_sides(axes, session, region)
            if region == TOES and toes:
                _draw_threshold(axes, toes, f"{toes:g} °C")
            axes.set_title(region, fontsize=9)
            axes.tick_params(labelsize=8)
            _set_limits(axes, minutes)
            axes.locator_params(axis="x", nbins=4, integer=True)
            if place == row + len(rows) - 1:
                axes.set_xlabel("min", fontsize=8)
            if column:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel("Δ (°C)", fontsize=8)


def _draw_sides(axes: Any, session: Session, region: str) -> None:
    _prepare(axes)
    for side in SIDES:
        points = [(entry.minute, session.delta(entry, side, region)) for entry in session.measured]
        _draw_band(axes, points, SIDE_COLOURS[side], side)


def _draw_band(axes: Any, points: Sequence[tuple[float, Value]], colour: str, label: str) -> None:
    """Draw a curve with its 95 % interval; nothing where no value is known."""
    known = [(minute, value) for minute, value in points if value.known]
    if not known:
        return
    minutes, values = [minute for minute, _ in known], [value for _, value in known]
    low, high = [value.low for value in values], [value.high for value in values]
    axes.fill_between(minutes, low, high, color=colour, alpha=0.18, lw=0)
    size = 3.5 if len(known) < _MANY else 1.8
    axes.plot(minutes, [value.value for value in values], "o-", color=colour, markersize=size, lw=1.5, label=label)


def _set_ticks(axes: Any, minutes: Sequence[float]) -> None:
    """Set a tick at every capture, with its minute where there is room; of many captures round minutes are labelled."""
    captures = sorted(set(minutes))
    if len(captures) > _MOST_LABELS:
        axes.locator_params(axis="x", nbins=12, integer=True)
    else:
        span = max(captures[-1] - captures[0], 1.0)
        labelled = captures[:1]
        for minute in captures[1:]:
            if minute - labelled[-1] >= _LABEL_DISTANCE * span:
                labelled.append(minute)
        axes.set_xticks(labelled, [f"{minute:g}" for minute in labelled])
    axes.set_xticks(captures, minor=True)
    _set_limits(axes, minutes)


def _set_limits(axes: Any, minutes: Sequence[float]) -> None:
    margin = _MARGIN * max(max(minutes) - min(minutes), 1.0)
    axes.set_xlim(min(minutes) - margin, max(minutes) + margin)


def _prepare(axes: Any) -> None:
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
