"""Means of measures by point of the grid, a panel a measure: the figure of studies whose runs are numbers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from prismseg.base.page import COLOURS
from prismseg.study.definition.columns import RESERVED
from prismseg.study.drawing import finish_axes, name_points, new_figure

_COLUMNS = 3


def draw_means(table: pd.DataFrame, measures: Sequence[str]) -> dict[str, Figure]:
    """Draw the mean of each measure over cases and repeats, a bar a point, with a dot for each repeat.

    Parameters
    ----------
    table : DataFrame
        Rows of many runs: measure, value, and the axes of the study.
    measures : sequence of str
        Which are drawn, as far as there are any.

    Returns
    -------
    dict of str to Figure
        ``means``; empty without rows.
    """
    axes = [str(name) for name in table if name not in (*RESERVED, "seed", "fold")]
    repeats = [name for name in ("seed", "fold") if name in table]
    shown = [name for name in measures if (table["measure"] == name).any()]
    if not shown:
        return {}
    table = table.assign(point=name_points(table, axes))
    points = list(dict.fromkeys(table["point"]))
    rows = math.ceil(len(shown) / _COLUMNS)
    figure = new_figure(3.6 * min(_COLUMNS, len(shown)), (1.2 + 0.28 * len(points)) * rows)
    panels = figure.subplots(rows, min(_COLUMNS, len(shown)), squeeze=False).ravel()
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    for panel, measure in zip(panels, shown, strict=False):
        part = table[table["measure"] == measure]
        means = part.groupby("point", sort=False)["value"].mean().reindex(points)
        panel.barh(range(len(points)), means, color=COLOURS[0], alpha=0.6)
        if repeats:
            each = part.groupby(["point", *repeats], sort=False)["value"].mean().reset_index()
            panel.plot(each["value"], each["point"].map(points.index), "k.", markersize=3)
        panel.set_yticks(range(len(points)), points, fontsize=7)
        panel.invert_yaxis()
        finish_axes(panel, "")
        panel.set_xlabel(measure, fontsize=8)
    return {"means": figure}
