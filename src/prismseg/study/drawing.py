"""What figures of all studies share: size, colours, names of points."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from prismseg.base.page import COLOURS

SIZE_AXIS = "images"  # axis of a grid whose values are training sizes
MARKERS = "osD^vPX*"
_LEGEND_ROWS = 18  # of a legend's column


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure, in inches, that needs no screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def line_style(number: int) -> dict[str, Any]:
    """Tell lines apart by colour, and, where there are more than colours, by stroke and marker."""
    turn = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "ls": ("-", "--", ":", "-.")[turn % 4],
        "marker": MARKERS[turn % len(MARKERS)],
    }


def differing_axes(table: pd.DataFrame, axes: list[str]) -> list[str]:
    """Find the axes on which points differ; the first where none does."""
    return [name for name in axes if table[name].nunique() > 1] or axes[:1]


def name_points(table: pd.DataFrame, axes: list[str]) -> pd.Series:
    """Name each row by what tells its point apart from the others."""
    shown = differing_axes(table, axes)
    if not shown:
        return pd.Series("", index=table.index)
    # Column by column: tables with relevance by layer have millions of rows.
    names = table[shown[0]].astype(str)
    for name in shown[1:]:
        names = names + ", " + table[name].astype(str)
    return names


def size_order(label: object) -> float:
    """Give the number by which training sizes are sorted; "all" comes last.

    Examples
    --------
    >>> sorted(["all", "100", "20"], key=size_order)
    ['20', '100', 'all']
    """
    text = str(label)
    return float(text) if text.replace(".", "", 1).isdecimal() else math.inf


def finish_axes(axes: Axes, measure: str, *, legend: bool = False) -> None:
    """Give a panel its label, its grid and, if asked, its legend."""
    axes.set_ylabel(measure)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if legend:
        count = len(axes.get_legend_handles_labels()[1])
        axes.legend(
            frameon=False,
            fontsize=8,
            loc="upper left",
            bbox_to_anchor=(1, 1),
            ncols=math.ceil(count / _LEGEND_ROWS),
        )
