"""A session's curves as a picture: change of both soles and their territories, with 95 % intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from prismseg.base import ConfigError, Message
from prismseg.thermal.anatomy import REGIONS, SIDES, WHOLE_SOLE
from prismseg.thermal.sessions.flags.rules.asymmetry import AsymmetrySettings
from prismseg.thermal.sessions.flags.rules.warming import WarmingSettings
from prismseg.thermal.sessions.session import Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito 2008: distinct with any colour vision, and the hues of the outlines in pictures.
SIDE_COLOURS = {"left": "#0072B2", "right": "#009E73"}
_DIFFERENCE = "#555555"


def draw_curves(session: Session, *, title: str = "") -> Figure:
    """Draw the changes from t0 of both soles and the background, of right against left, and of each territory.

    Parameters
    ----------
    session : Session
        As measured.
    title : str
        Above the curves.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ConfigError
        When there is no change to draw: no t0, or no frame after it.

    Examples
    --------
    >>> from prismseg.thermal import Session
    >>> from prismseg.thermal.phantom import draw_subject
    >>> session, subject = Session(), draw_subject(seed=5, number=0)
    >>> for minute in (0, 5):
    ...     frame = subject.frame_at(minute)
    ...     entry = session.add(frame.celsius, frame.mask, minute=minute)
    >>> len(draw_curves(session).axes)  # whole soles, their difference, five territories
    7
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if session.baseline is None or len(session.measured) < 2:
        raise ConfigError(
            Message("There is no change to draw: the session needs a measured t0 and a frame after it.")
        )
    figure = Figure(figsize=(10, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(3, 5, height_ratios=(2.4, 1.3, 1.3))
    whole = figure.add_subplot(grid[0, :])
    _draw_sides(whole, session, WHOLE_SOLE)
    _draw_background(whole, session)
    warming = session.settings.group(WarmingSettings)
    for threshold in (warming.warming, warming.clear_warming):
        whole.axhline(threshold, color="#bbbbbb", linewidth=0.8, linestyle=":")
    whole.set_title(title or "Change of mean temperature from t0, whole sole", loc="left", fontsize=11)
    whole.set_ylabel("°C")
    whole.legend(frameon=False, loc="upper left", fontsize=9)
    apart = figure.add_subplot(grid[1, :], sharex=whole)
    _draw_difference(apart, session)
    first: Any = None
    for column, region in enumerate(REGIONS[1:]):
        axes = figure.add_subplot(grid[2, column], sharey=first)
        first = first or axes
        _draw_sides(axes, session, region)
        axes.set_title(region, fontsize=9)
        axes.set_xlabel("min", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.locator_params(axis="x", nbins=4, integer=True)
        if column:
            axes.tick_params(labelleft=False)
    first.set_ylabel("°C")
    figure.supxlabel(
        "bands: 95 %. Research use only: observations, not diagnoses.", fontsize=8, x=0.99, ha="right"
    )
    return figure


def _draw_sides(axes: Any, session: Session, region: str) -> None:
    _prepare(axes)
    for side in SIDES:
        points = [(entry.minute, session.delta(entry, side, region)) for entry in session.measured]
        known = [(minute, value) for minute, value in points if value.known]
        if not known:
            continue
        minutes = [minute for minute, _ in known]
        colour = SIDE_COLOURS[side]
        axes.fill_between(
            minutes,
            [value.low for _, value in known],
            [value.high for _, value in known],
            color=colour,
            alpha=0.18,
            lw=0,
        )
        axes.plot(
            minutes, [value.value for _, value in known], "o-", color=colour, markersize=3.5, lw=1.6, label=side
        )


def _draw_background(axes: Any, session: Session) -> None:
    """Draw what the background did: curves that follow it may be the camera's drift."""
    known = [(entry.minute, value) for entry in session.measured if (value := session.background(entry)).known]
    if known:
        minutes, values = [minute for minute, _ in known], [value.value for _, value in known]
        axes.plot(minutes, values, color=_DIFFERENCE, lw=1.0, linestyle="--", label="background")


def _draw_difference(axes: Any, session: Session) -> None:
    _prepare(axes)
    known = [(entry.minute, value) for entry in session.measured if (value := session.difference(entry)).known]
    if known:
        minutes = [minute for minute, _ in known]
        axes.fill_between(
            minutes, [v.low for _, v in known], [v.high for _, v in known], color=_DIFFERENCE, alpha=0.18, lw=0
        )
        axes.plot(minutes, [value.value for _, value in known], "o-", color=_DIFFERENCE, markersize=3.5, lw=1.4)
    asymmetric = session.settings.group(AsymmetrySettings).asymmetric
    for threshold in (-asymmetric, asymmetric):
        axes.axhline(threshold, color="#bbbbbb", linewidth=0.8, linestyle=":")
    axes.set_title("Right minus left, changes from t0", loc="left", fontsize=10)
    axes.set_ylabel("°C")
    axes.set_xlabel("minutes since the test dose")
    low, high = axes.get_ylim()
    reach = float(np.max(np.abs([low, high])))
    axes.set_ylim(-reach, reach)


def _prepare(axes: Any) -> None:
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
