"""Figures of whole studies: differences and ranks; what all figures share."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from prismseg.base.page import COLOURS

SIZE_AXIS = "images"
MARKERS = "osD^vPX*"
_KEY_ROWS = 18  # of a legend's column


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure that needs no screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_ranks(ranks: pd.Series, measure: str, groups: int) -> Figure:
    """Draw mean ranks over groups, which describe these trainings and test nothing.

    Parameters
    ----------
    ranks : Series
        Mean rank by variant; 1 is best.
    measure : str
        What was ranked.
    groups : int
        Over how many groups.
    """
    ordered = ranks.sort_values()
    figure = new_figure(7, 1.2 + 0.28 * len(ordered))
    drawn = figure.add_subplot()
    for height, (name, rank) in enumerate(ordered.items()):
        drawn.plot([rank], [-height], "o", color=COLOURS[0])
        drawn.annotate(
            f" {name}  {rank:.2f}",
            (rank, -height),
            fontsize=8,
            va="center",
            xytext=(4, 0),
            textcoords="offset points",
        )
    drawn.set_xlim(0.8, len(ordered) + 1.2)
    drawn.set_yticks([])
    drawn.set_xlabel(
        f"mean rank by {measure} over {groups} groups (1 is best); differences are tested in the table"
    )
    drawn.spines[["left", "top", "right"]].set_visible(False)
    return figure


def draw_differences(comparison: pd.DataFrame, axis: str, others: list[str], measure: str) -> Figure:
    """Draw differences with their 95 % intervals, where there are any: a row a point, a colour a pair, a panel a class.

    Parameters
    ----------
    comparison : DataFrame
        Of one measure, from `prismseg.study.aggregate.compare_study`.
    axis, others : str, list of str
        The axis that is compared, and the others of the tables.
    measure : str
        What is compared.
    """
    points, pairs = names_of(comparison, others), comparison[axis].astype(str) + " - " + comparison["reference"]
    rows, kinds = list(dict.fromkeys(points)), list(dict.fromkeys(pairs))
    classes = list(dict.fromkeys(comparison["class"]))
    figure = new_figure(3.6 * len(classes) + 1.8, 0.2 * (1 + len(kinds) / 2) * len(rows) + 1.3)
    panels = figure.subplots(1, len(classes), sharex=True, sharey=True, squeeze=False)[0]
    for axes, cls in zip(panels, classes, strict=True):
        for number, kind in enumerate(kinds):
            part = comparison[(comparison["class"] == cls) & (pairs == kind)]
            heights = points[part.index].map(rows.index) + 0.8 * ((number + 0.5) / len(kinds) - 0.5)
            around = [part["difference"] - part["ci_low"], part["ci_high"] - part["difference"]]
            axes.errorbar(
                part["difference"], heights, xerr=around, fmt=MARKERS[number % len(MARKERS)], ms=4, elinewidth=1,
                color=COLOURS[number % len(COLOURS)], label=kind,
            )  # fmt: skip
        axes.axvline(0, color="black", lw=0.9)
        for height in range(1, len(rows)):
            axes.axhline(height - 0.5, color="#dddddd", lw=0.6)
        axes.set_title(cls, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(rows)), rows, fontsize=8)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    known = ", 95 % CI over groups and seeds" if comparison["ci_low"].notna().any() else ""
    figure.supxlabel(f"difference of {measure}{known}", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    columns = min(4, 2 * len(classes))
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, fontsize=8, frameon=False)
    return figure


def style_of(number: int) -> dict[str, Any]:
    """Tell lines apart by colour, and, where there are more than colours, by stroke and marker."""
    turn = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "ls": ("-", "--", ":", "-.")[turn % 4],
        "marker": MARKERS[turn % len(MARKERS)],
    }


def differing(table: pd.DataFrame, axes: list[str]) -> list[str]:
    """Find the axes on which points differ; the first where none does."""
    return [name for name in axes if table[name].nunique() > 1] or axes[:1]


def names_of(table: pd.DataFrame, axes: list[str]) -> pd.Series:
    """Name each row by what tells its point apart from the others."""
    told = differing(table, axes)
    if not told:
        return pd.Series("", index=table.index)
    # Column by column: tables with relevance by layer have millions of rows.
    names = table[told[0]].astype(str)
    for name in told[1:]:
        names = names + ", " + table[name].astype(str)
    return names


def size_of(label: object) -> float:
    """Order of a training size; "all" comes last."""
    text = str(label)
    return float(text) if text.replace(".", "", 1).isdecimal() else math.inf


def finish(axes: Any, measure: str, *, legend: bool = False) -> None:
    """Give a panel its label, grid and, where wanted, its key."""
    axes.set_ylabel(measure)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if legend:
        count = len(axes.get_legend_handles_labels()[1])
        axes.legend(
            frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), ncols=math.ceil(count / _KEY_ROWS)
        )
