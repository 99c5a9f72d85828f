"""Figures of every measure of a segmentation study: boxes, lines against the training size, curves over layers.

With more variants than a reader tells apart, each value of the first axis has a panel of its own; a variant has the same
colour in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from prismseg.base.page import COLOURS
from prismseg.evaluation import mean_interval
from prismseg.study.definition.columns import WHOLE
from prismseg.study.drawing import (
    SIZE_AXIS,
    differing_axes,
    finish_axes,
    line_style,
    name_points,
    new_figure,
    size_order,
)

_MOST_TOGETHER = 8  # variants in a panel: as many as there are colours
_WIDEST = 24.0  # inches


@dataclass(frozen=True)
class _Panels:
    """How the points of a grid are distributed to panels.

    Attributes
    ----------
    axis : str
        Axis of which each value has a panel; empty where there is one panel.
    levels : list
        Values of that axis.
    names : list of str
        Variants within a panel.
    points : Series
        Variant of each row of the table.
    """

    axis: str
    levels: list[Any]
    names: list[str]
    points: pd.Series

    def rows(self, table: pd.DataFrame, level: Any) -> pd.DataFrame:
        """Rows of one panel."""
        return table[table[self.axis] == level] if self.axis else table

    def style(self, name: str) -> dict[str, Any]:
        """Colour, stroke and marker of a variant, the same in all panels."""
        return line_style(self.names.index(name))


def draw_segmentation(table: pd.DataFrame) -> dict[str, Figure]:
    """Draw every measure of pooled cases: boxes over cases, and lines where the training size differs.

    Parameters
    ----------
    table : DataFrame
        From `prismseg.study.aggregate.pooled`: axes, class, layer, measure, case, group, value.
    """
    axes = [name for name in table.columns if name not in ("class", "layer", "measure", "case", "group", "value")]
    figures = {}
    whole = table[table["layer"].isin(WHOLE)]
    for measure, part in whole.groupby("measure", sort=False):
        figures[f"boxes-{measure}"] = draw_boxes(part, axes, str(measure))
        if SIZE_AXIS in axes and part[SIZE_AXIS].nunique() > 1:
            figures[f"size-{measure}"] = draw_against_size(part, axes, str(measure))
    layers = table[~table["layer"].isin(WHOLE)]
    for measure, part in layers.groupby("measure", sort=False):
        figures[f"layers-{measure}"] = draw_layers(part, axes, str(measure))
    return figures


def draw_boxes(table: pd.DataFrame, axes: list[str], measure: str) -> Figure:
    """Draw one box a point of the grid and class, over its cases."""
    table = table.dropna(subset=["value"])
    panels = _panels(table, axes)
    classes = list(dict.fromkeys(table["class"]))
    width = 0.42 * len(panels.names) * len(classes) + 2
    figure = new_figure(min(max(5.0, width), _WIDEST), 2.4 * len(panels.levels) + 1.8)
    drawn = figure.subplots(len(panels.levels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for row, level in enumerate(panels.levels):
        part = panels.rows(table, level)
        points = panels.points[part.index]
        for number, cls in enumerate(classes):
            values = [part["value"][(points == name) & (part["class"] == cls)] for name in panels.names]
            step = 0.8 / len(classes)
            places = [index + (number - (len(classes) - 1) / 2) * step for index in range(len(values))]
            boxes = drawn[row].boxplot(
                values, positions=places, widths=0.85 * step, patch_artist=True, showmeans=True,
                medianprops={"color": "black"}, flierprops={"markersize": 2},
                meanprops={"marker": "D", "markersize": 3.5, "markerfacecolor": "white", "markeredgecolor": "black"},
            )  # fmt: skip
            for box in boxes["boxes"]:
                box.set_facecolor(COLOURS[number % len(COLOURS)])
                box.set_alpha(0.75)
            if cls and not row:
                drawn[0].plot([], [], "s", color=COLOURS[number % len(COLOURS)], label=cls)
        _set_title(drawn[row], level)
        finish_axes(drawn[row], measure, legend=not row and len(classes) > 1)
    long = len(panels.names) > 3
    drawn[-1].set_xticks(
        range(len(panels.names)),
        panels.names,
        rotation=40 if long else 0,
        ha="right" if long else "center",
        fontsize=8,
    )
    return figure


def draw_against_size(table: pd.DataFrame, axes: list[str], measure: str) -> Figure:
    """Draw means against the number of training images, one line a variant, one column a class.

    Bands are 95 % intervals over groups; there is none with fewer than 6 groups.
    """
    table = table.dropna(subset=["value"])
    panels = _panels(table, [name for name in axes if name != SIZE_AXIS])
    classes = list(dict.fromkeys(table["class"]))
    sizes = sorted(table[SIZE_AXIS].unique(), key=size_order)
    figure = new_figure(4.2 * len(classes) + 1.8, 2.6 * len(panels.levels) + 1.4)
    drawn = figure.subplots(len(panels.levels), len(classes), sharex=True, sharey=True, squeeze=False)
    for row, level in enumerate(panels.levels):
        for column, cls in enumerate(classes):
            part = panels.rows(table, level)
            part = part[part["class"] == cls]
            for name in panels.names:
                line = part[panels.points[part.index] == name]
                if not line.empty:
                    _draw_line(drawn[row, column], line, sizes, panels.style(name))
            _set_title(drawn[row, column], level, cls)
            finish_axes(drawn[row, column], "" if column else measure)
    drawn[-1, 0].set_xticks(range(len(sizes)), [str(size) for size in sizes])
    figure.supxlabel("training images", fontsize=9)
    _add_legend(figure, panels)
    return figure


def draw_layers(table: pd.DataFrame, axes: list[str], measure: str) -> Figure:
    """Draw the mean of each layer, one line a variant, one row a class: networks with the most training images."""
    if SIZE_AXIS in axes:
        largest = max(table[SIZE_AXIS].unique(), key=size_order)
        table = table[table[SIZE_AXIS] == largest]
    panels = _panels(table, axes)
    classes = list(dict.fromkeys(table["class"]))
    layers = [list(dict.fromkeys(panels.rows(table, level)["layer"])) for level in panels.levels]
    widths = [len(each) + 2 for each in layers]
    figure = new_figure(min(max(7.0, 0.2 * sum(widths) + 1.5), _WIDEST), 2.2 * len(classes) + 2.4)
    drawn = figure.subplots(
        len(classes), len(layers), sharex="col", sharey="row", squeeze=False, gridspec_kw={"width_ratios": widths}
    )
    for column, level in enumerate(panels.levels):
        for row, cls in enumerate(classes):
            part = panels.rows(table, level)
            part = part[part["class"] == cls]
            means = part.groupby([panels.points[part.index], "layer"], sort=False)["value"].mean()
            for name in dict.fromkeys(means.index.get_level_values(0)):
                line = means[name].reindex(layers[column])
                drawn[row, column].plot(range(len(line)), line, **panels.style(name), ms=3, lw=1)
            _set_title(drawn[row, column], level, cls)
            finish_axes(drawn[row, column], "" if column else measure)
        drawn[-1, column].set_xticks(range(len(layers[column])), layers[column], rotation=90, fontsize=7)
    _add_legend(figure, panels)
    return figure


def _panels(table: pd.DataFrame, axes: list[str]) -> _Panels:
    """One panel, or one for each value of the first axis that differs."""
    axes = differing_axes(table, axes)
    names = name_points(table, axes)
    together = list(dict.fromkeys(names))
    if len(together) <= _MOST_TOGETHER or len(axes) < 2:
        return _Panels("", [""], together, names)
    names = name_points(table, axes[1:])
    return _Panels(axes[0], list(dict.fromkeys(table[axes[0]])), list(dict.fromkeys(names)), names)


def _draw_line(drawn: Any, line: pd.DataFrame, sizes: list[Any], style: dict[str, Any]) -> None:
    places, means, lows, highs = [], [], [], []
    for index, size in enumerate(sizes):
        here = line[line[SIZE_AXIS] == size]
        if here.empty:
            continue
        interval = mean_interval(here["value"], here["group"]).columns()
        places.append(index)
        means.append(here["value"].mean())
        lows.append(interval["ci_low"])
        highs.append(interval["ci_high"])
    drawn.fill_between(places, lows, highs, color=style["color"], alpha=0.12, lw=0)
    drawn.plot(places, means, **style, markersize=4)


def _set_title(drawn: Any, *parts: Any) -> None:
    drawn.set_title(", ".join(str(part) for part in parts if part != ""), fontsize=10, loc="left")


def _add_legend(figure: Figure, panels: _Panels) -> None:
    """Name the lines once, above all panels."""
    if panels.names == [""]:
        return
    drawn = figure.axes[0]
    lines = [drawn.plot([], [], **panels.style(name))[0] for name in panels.names]
    figure.legend(lines, panels.names, loc="outside upper center", ncols=5, fontsize=8, frameon=False)
