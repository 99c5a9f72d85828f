"""Figures of studies: boxes a variant, lines against the training size, ranks with their critical difference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import stats

from prismseg.base.page import COLOURS

SIZE_AXIS = "images"
MARKERS = "osD^vPX*"
WIDEST = 24.0  # inches
_KEY_ROWS = 18  # of a legend's column


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure that needs no screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_measures(table: pd.DataFrame) -> dict[str, Figure]:
    """Draw every measure of pooled cases: boxes over cases, and lines where the training size differs.

    Parameters
    ----------
    table : DataFrame
        From `prismseg.study.aggregate.pooled`: axes, class, layer, measure, case, group, value.
    """
    axes = [name for name in table.columns if name not in ("class", "layer", "measure", "case", "group", "value")]
    figures = {}
    whole = table[table["layer"].isin(("", "(mean)"))]
    for measure, part in whole.groupby("measure", sort=False):
        figures[f"boxes-{measure}"] = draw_boxes(part, axes, str(measure))
        if SIZE_AXIS in axes and part[SIZE_AXIS].nunique() > 1:
            figures[f"size-{measure}"] = draw_against_size(part, axes, str(measure))
    layers = table[~table["layer"].isin(("", "(mean)"))]
    for measure, part in layers.groupby("measure", sort=False):
        figures[f"layers-{measure}"] = draw_layers(part, axes, str(measure))
    return figures


def draw_boxes(table: pd.DataFrame, axes: list[str], measure: str) -> Figure:
    """Draw one box a point of the grid and class, over its cases."""
    table = table.dropna(subset=["value"])
    names = _names(table, axes)
    points = list(dict.fromkeys(names))
    classes = list(dict.fromkeys(table["class"]))
    figure = new_figure(min(max(5.0, 0.42 * len(points) * len(classes) + 2), WIDEST), 4.2)
    drawn = figure.add_subplot()
    width = 0.8 / max(len(classes), 1)
    for number, cls in enumerate(classes):
        values = [table["value"][(names == point) & (table["class"] == cls)].to_numpy() for point in points]
        places = [index + (number - (len(classes) - 1) / 2) * width for index in range(len(points))]
        boxes = drawn.boxplot(
            values, positions=places, widths=0.85 * width, patch_artist=True, showmeans=True,
            medianprops={"color": "black"}, flierprops={"markersize": 2},
            meanprops={"marker": "D", "markersize": 3.5, "markerfacecolor": "white", "markeredgecolor": "black"},
        )  # fmt: skip
        for box in boxes["boxes"]:
            box.set_facecolor(COLOURS[number % len(COLOURS)])
            box.set_alpha(0.75)
        if cls:
            drawn.plot([], [], "s", color=COLOURS[number % len(COLOURS)], label=cls)
    drawn.set_xticks(
        range(len(points)),
        points,
        rotation=40 if len(points) > 3 else 0,
        ha="right" if len(points) > 3 else "center",
        fontsize=8,
    )
    _finish(drawn, measure, legend=len(classes) > 1)
    return figure


def draw_against_size(table: pd.DataFrame, axes: list[str], measure: str) -> Figure:
    """Draw means with 95 % intervals against the number of training images, one line a variant, one panel a class."""
    from prismseg.train.statistics import bootstrap_ci

    table = table.dropna(subset=["value"])
    others = [name for name in axes if name != SIZE_AXIS]
    classes = list(dict.fromkeys(table["class"]))
    sizes = sorted(table[SIZE_AXIS].unique(), key=size_of)
    figure = new_figure(4.6 * len(classes) + 1.8, 4.2)
    first: Any = None
    for column, cls in enumerate(classes):
        drawn = first = figure.add_subplot(1, len(classes), column + 1, sharey=first)
        part = table[table["class"] == cls]
        names = _names(part, others)
        for number, name in enumerate(dict.fromkeys(names)):
            line = part[names == name]
            places, means, lows, highs = [], [], [], []
            for index, size in enumerate(sizes):
                here = line[line[SIZE_AXIS] == size]
                if here.empty:
                    continue
                low, high = (
                    bootstrap_ci(here["value"], here["group"]) if here["group"].nunique() > 1 else (np.nan, np.nan)
                )
                places.append(index)
                means.append(here["value"].mean())
                lows.append(low)
                highs.append(high)
            style = _style(number)
            drawn.fill_between(places, lows, highs, color=style["color"], alpha=0.12, lw=0)
            drawn.plot(places, means, **style, markersize=4, label=name or "all")
        drawn.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        drawn.set_xlabel("training images")
        drawn.set_title(cls, fontsize=10)
        _finish(drawn, measure if not column else "", legend=column == len(classes) - 1)
    return figure


def draw_layers(table: pd.DataFrame, axes: list[str], measure: str) -> Figure:
    """Draw the mean of each layer, one line a variant, one panel a class."""
    classes = list(dict.fromkeys(table["class"]))
    layers = list(dict.fromkeys(table["layer"]))
    figure = new_figure(max(7.0, 0.32 * len(layers) + 3), 2.6 * len(classes) + 1)
    for row, cls in enumerate(classes):
        drawn = figure.add_subplot(len(classes), 1, row + 1)
        part = table[table["class"] == cls]
        means = part.groupby([_names(part, axes), "layer"], sort=False)["value"].mean()
        for number, name in enumerate(dict.fromkeys(means.index.get_level_values(0))):
            line = means[name].reindex(layers)
            drawn.plot(range(len(layers)), line, **_style(number), ms=3, lw=1, label=name or "all")
        drawn.set_xticks(range(len(layers)), layers if row == len(classes) - 1 else [], rotation=90, fontsize=7)
        drawn.set_title(cls, fontsize=10, loc="left")
        _finish(drawn, measure, legend=row == 0)
    return figure


def draw_ranks(ranks: pd.Series, difference: float, measure: str) -> Figure:
    """Draw mean ranks and what differs by less than the critical difference (Demsar 2006, JMLR 7, fig. 1).

    Parameters
    ----------
    ranks : Series
        Mean rank by variant; 1 is best.
    difference : float
        Critical difference of two mean ranks, see `critical_difference`.
    measure : str
        What was ranked.
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
    for start, (first, low) in enumerate(ordered.items()):
        alike = ordered[(ordered >= low) & (ordered <= low + difference)]
        if len(alike) > 1 and (start == 0 or ordered.iloc[start - 1] < alike.iloc[-1] - difference):
            drawn.plot([low - 0.02, alike.iloc[-1] + 0.02], [-start - 0.3] * 2, color="black", lw=2.5, alpha=0.6)
        del first
    drawn.set_xlim(0.8, len(ordered) + 1.2)
    drawn.set_yticks([])
    drawn.set_xlabel(
        f"mean rank by {measure} (1 is best); joined: closer than the critical difference {difference:.2f}"
    )
    drawn.spines[["left", "top", "right"]].set_visible(False)
    return figure


def draw_differences(comparison: pd.DataFrame, axis: str, others: list[str], measure: str) -> Figure:
    """Draw paired differences with their 95 % intervals: a row a point, a colour a pair, a panel a class.

    Parameters
    ----------
    comparison : DataFrame
        Of one measure, from `prismseg.study.aggregate.compare_study`.
    axis, others : str, list of str
        The axis that is compared, and the others of the tables.
    measure : str
        What is compared.
    """
    points, pairs = _names(comparison, others), comparison[axis].astype(str) + " - " + comparison["reference"]
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
    figure.supxlabel(f"difference of {measure}, 95 % interval over groups", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    columns = min(4, 2 * len(classes))
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, fontsize=8, frameon=False)
    return figure


def critical_difference(variants: int, groups: int, alpha: float = 0.05) -> float:
    """Difference of mean ranks that the Nemenyi test calls significant (Demsar 2006, JMLR 7, section 3.2.2).

    ``q sqrt(k (k + 1) / (6 N))`` with q the studentised range for k variants and infinite degrees of freedom,
    over sqrt 2.
    """
    q = float(stats.studentized_range.ppf(1 - alpha, variants, np.inf)) / math.sqrt(2)
    return q * math.sqrt(variants * (variants + 1) / (6 * groups))


def _style(number: int) -> dict[str, Any]:
    """Tell lines apart by colour, and, where there are more than colours, by stroke and marker."""
    turn = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "ls": ("-", "--", ":", "-.")[turn % 4],
        "marker": MARKERS[turn % len(MARKERS)],
    }


def _names(table: pd.DataFrame, axes: list[str]) -> pd.Series:
    """Name each row by what tells its point apart from the others."""
    differing = [name for name in axes if table[name].nunique() > 1] or axes[:1]
    if not differing:
        return pd.Series("", index=table.index)
    # Column by column: tables with relevance by layer have millions of rows.
    names = table[differing[0]].astype(str)
    for name in differing[1:]:
        names = names + ", " + table[name].astype(str)
    return names


def size_of(label: object) -> float:
    """Order of a training size; "all" comes last."""
    text = str(label)
    return float(text) if text.replace(".", "", 1).isdecimal() else math.inf


def _finish(axes: Any, measure: str, *, legend: bool) -> None:
    axes.set_ylabel(measure)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if legend:
        count = len(axes.get_legend_handles_labels()[1])
        axes.legend(
            frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), ncols=math.ceil(count / _KEY_ROWS)
        )
