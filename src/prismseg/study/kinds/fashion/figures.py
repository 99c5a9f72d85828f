"""Figures of the Fashion-MNIST study: each measure against the number of training images, one line a method."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from prismseg.base.page import COLOURS
from prismseg.study.drawing import MARKERS, new_figure
from prismseg.study.kinds.fashion.settings import LEARNING_RATE, WEIGHT_RATE

CONFIDENCE = 0.95
_NOT_LINES = ("measure", "value", "images", "seed", "case", "group", "class", "layer")


def draw_fashion(table: pd.DataFrame) -> dict[str, Figure]:
    """Draw mean and 95 % interval over seeds of each measure against the training size, on a logarithmic axis.

    Parameters
    ----------
    table : DataFrame
        Rows of `prismseg.study.kinds.fashion.run.run_fashion` of many runs, with columns images, measure and value.
        Every other column that differs between rows, but for the seed, tells lines apart.

    Returns
    -------
    dict of str to Figure
        ``size-accuracy`` and so on.
    """
    table = table[~table["measure"].isin((LEARNING_RATE, WEIGHT_RATE))]
    table = table.assign(images=pd.to_numeric(table["images"]), line=_lines(table))
    return {f"size-{measure}": _draw(part, str(measure)) for measure, part in table.groupby("measure", sort=False)}


def seed_interval(values: pd.Series) -> tuple[float, float]:
    """Student's interval of the mean over seeds, mean ± t SD / sqrt(n); NaN for a single seed."""
    if len(values) < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std() / math.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def _draw(table: pd.DataFrame, measure: str) -> Figure:
    figure = new_figure(7.2, 4.4)
    axes = figure.add_subplot()
    for number, (name, line) in enumerate(table.groupby("line", sort=False)):
        colour = COLOURS[number % len(COLOURS)]
        by_size = line.groupby("images")["value"]
        means = by_size.mean()
        intervals = [seed_interval(values) for _, values in by_size]
        low, high = ([ends[k] for ends in intervals] for k in (0, 1))
        axes.fill_between(means.index, low, high, color=colour, alpha=0.15, lw=0)
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(means.index, means, marker=marker, color=colour, markersize=4.5, label=str(name))
    _finish(axes, sorted(table["images"].unique()), measure)
    return figure


def _finish(axes: Axes, sizes: list[int], measure: str) -> None:
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("training images")
    axes.set_ylabel(
        "accuracy" if measure == "accuracy" else f"{measure.upper() if measure == 'f1' else measure} (macro)"
    )
    axes.set_title("mean and 95 % interval over seeds", fontsize=9, loc="left", color="#555555")
    axes.grid(color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _lines(table: pd.DataFrame) -> pd.Series:
    """Name each row by the columns that differ; one that only repeats another in other words is left out."""
    names = pd.Series("", index=table.index)
    for column in [name for name in table.columns if name not in _NOT_LINES]:
        values = table[column].astype(str)
        if values.nunique() > 1 and values.groupby(names).nunique().max() > 1:
            names = (names + ", " + values).str.removeprefix(", ")
    return names.where(names != "", "all")
