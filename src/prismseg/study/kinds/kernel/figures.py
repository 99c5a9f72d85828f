"""Figures of the kernel study: error against output dimension with theory's curve, against sigma, and what is gained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from prismseg.base.page import COLOURS
from prismseg.evaluation import mean_interval
from prismseg.study.drawing import new_figure

_KEYS = ["kernel", "map", "estimator", "outputs", "sigma"]
_NAMES = {"rff": "RFF", "crffg": "CRFFg"}
_MAP_STYLES = (("-", "o"), ("", "s"))
_THEORY_STYLES = {"cos": "--", "cos, stratified": "-.", "paired": ":"}
_LABELS = {
    "rmse": "RMSE of the kernel matrix",
    "mean_abs": "mean absolute error",
    "max_abs": "largest absolute error",
    "epsilon": "eps: two maps of one point differ by",
}
_ROUNDING = 1e-6
_INDEPENDENT = "cos, iid"
_ESTIMATORS = (
    _INDEPENDENT,
    "cos, stratified",
    "cos, orthogonal",
    "paired, iid",
    "paired, orthogonal",
    "cos, orthogonal-stratified",
)
_COLOUR_OF = dict(zip(_ESTIMATORS, COLOURS, strict=False))
_NARROWEST, _ENTRY_WIDTH = 6.0, 1.75  # inches: of a figure, and of an entry of its legend
_BESIDE = 0.04  # of the value: how far markers of the second map stand aside on a logarithmic axis


def draw_kernel(table: pd.DataFrame) -> dict[str, Figure]:
    """Draw the rows of many runs of `prismseg.study.kinds.kernel.run.run_kernel`.

    Parameters
    ----------
    table : DataFrame
        Columns kernel, map, estimator, outputs, sigma, case, measure, value. Axes of a study that bear these names must
        have these values.

    Returns
    -------
    dict of str to Figure
        ``outputs-rmse``, ``-mean_abs``, ``-max_abs`` and ``-epsilon``: error against Q, a panel a kernel. Where sigma
        differs, these are drawn at the one nearest to 1, and ``sigma-rmse`` shows the rest. ``gain-rmse``: mean squared
        error relative to that of independent cosines in theory, at the largest Q.
    """
    table = table.dropna(subset=["value"])
    table = table.assign(outputs=pd.to_numeric(table["outputs"]), sigma=pd.to_numeric(table["sigma"]))
    if table.empty:
        return {}
    sigma = min(table["sigma"].unique(), key=lambda value: abs(math.log(value)))
    points = summarize(table)
    main = points[points["sigma"] == sigma]
    figures = {f"outputs-{measure}": _draw_panels(main, measure, "outputs") for measure in _LABELS}
    if table["sigma"].nunique() > 1:
        widths = sorted(points["outputs"].unique())
        middle = widths[len(widths) // 2]
        figures["sigma-rmse"] = _draw_panels(
            points[points["outputs"] == middle], "rmse", "sigma", note=f" (Q = {middle})"
        )
    gain = _draw_gain(main)
    return figures | ({"gain-rmse": gain} if gain is not None else {})


def summarize(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over draws and its 95 % interval (NaN with fewer than 6 draws), for each point of the grid and measure.

    Of the RMSE the mean is that of squares, under the root: its expectation is what theory gives, while the mean of
    roots is smaller.
    """
    rows = []
    for keys, part in table.groupby([*_KEYS, "measure"], sort=False):
        measure, values = keys[-1], part["value"].to_numpy(float)
        power = 2 if measure == "rmse" else 1
        ends = mean_interval(values**power, range(len(values))).columns()
        bounds = np.array([np.mean(values**power), ends["ci_low"], ends["ci_high"]]) ** (1 / power)
        rows.append([*keys, *bounds])
    return pd.DataFrame(rows, columns=[*_KEYS, "measure", "mean", "low", "high"])


def _variants(points: pd.DataFrame) -> list[str]:
    """Estimators, always in the same order."""
    return sorted(set(points["estimator"]), key=_ESTIMATORS.index)


def _draw_panels(points: pd.DataFrame, measure: str, against: str, *, note: str = "") -> Figure:
    kernels = list(dict.fromkeys(points["kernel"]))
    columns = min(4, len(kernels))
    rows = math.ceil(len(kernels) / columns)
    width = max(2.75 * columns + 1.2, _NARROWEST)
    figure = new_figure(width, 2.55 * rows + 1.2)
    panels = figure.subplots(rows, columns, sharex=True, sharey=against == "outputs", squeeze=False).ravel()
    # A difference that is nothing but rounding has no place on a logarithmic axis.
    drawn = points[(points["measure"] == measure) & (points["mean"] > _ROUNDING)]
    variants, maps = _variants(drawn), sorted(set(drawn["map"]), reverse=True)
    for axes, kernel in zip(panels, kernels, strict=False):
        for estimator in variants:
            for which, kind in enumerate(maps):
                line = drawn[
                    (drawn["kernel"] == kernel) & (drawn["estimator"] == estimator) & (drawn["map"] == kind)
                ].sort_values(against)
                _draw_line(axes, line, against, which, _COLOUR_OF[estimator])
        _draw_theory(axes, points[points["kernel"] == kernel], measure, against)
        axes.set(xscale="log", yscale="log")
        axes.set_title(kernel, fontsize=10)
        axes.grid(color="#e4e4e4", lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(kernels) :]:
        axes.set_visible(False)
    for axes in panels[: len(kernels)]:
        _mark_ticks(axes, points[against].unique())
    for axes in panels[max(0, len(kernels) - columns) : len(kernels)]:
        axes.set_xlabel(
            "output dimension Q" if against == "outputs" else f"sigma / median distance{note}", fontsize=9
        )
        axes.tick_params(labelbottom=True)
    figure.supylabel(_LABELS[measure], fontsize=10)
    curves = [axes.get_legend_handles_labels() for axes in panels[: len(kernels)]]
    theory = {label: line for lines, labels in curves for line, label in zip(lines, labels, strict=True)}
    handles = [*_legend_entries(variants, maps), *theory.values()]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=int(width / _ENTRY_WIDTH), fontsize=8, frameon=False
    )
    return figure


def _legend_entries(variants: Sequence[str], maps: Sequence[str]) -> list[Line2D]:
    """Legend: colours are estimators, markers are maps."""
    handles = [Line2D([], [], color=_COLOUR_OF[estimator], lw=2.5, label=estimator) for estimator in variants]
    for which, kind in enumerate(maps):
        style, marker = _MAP_STYLES[which % len(_MAP_STYLES)]
        face = "#555555" if style else "white"
        handles.append(
            Line2D(
                [], [], color="#555555", ls=style or "none", marker=marker, mfc=face, label=_NAMES.get(kind, kind)
            )
        )
    return handles


def _draw_line(axes: Axes, line: pd.DataFrame, against: str, which: int, colour: str) -> None:
    if line.empty:
        return
    style, marker = _MAP_STYLES[which % len(_MAP_STYLES)]
    places = line[against] * (1 + _BESIDE * which)
    if style:
        axes.fill_between(places, line["low"], line["high"], color=colour, alpha=0.15, lw=0)
    else:
        around = [line["mean"] - line["low"], line["high"] - line["mean"]]
        axes.errorbar(places, line["mean"], around, fmt="none", ecolor=colour, elinewidth=0.9)
    face = colour if style else "white"
    axes.plot(places, line["mean"], ls=style or "none", marker=marker, ms=4, mfc=face, color=colour, lw=1.2)


def _draw_theory(axes: Axes, here: pd.DataFrame, measure: str, against: str) -> None:
    """Draw one curve a closed form: orthogonal frequencies have none and are left to those of independent ones."""
    rows = here[(here["measure"] == f"theory_{measure}") & (here["mean"] > _ROUNDING)]
    stratified = rows["estimator"].str.contains("stratified").map({True: ", stratified", False: ""})
    names = rows["estimator"].str.split(",").str[0] + stratified
    for name, style in _THEORY_STYLES.items():
        line = rows[names == name].drop_duplicates(against).sort_values(against)
        if not line.empty:
            axes.plot(line[against], line["mean"], style, color="black", lw=0.9, label=f"theory {name}")


def _draw_gain(points: pd.DataFrame) -> Figure | None:
    """Dots of mean squared error over theory's for independent cosines; None where those were not run."""
    points = points[points["outputs"] == points["outputs"].max()]
    theory = points[(points["measure"] == "theory_rmse") & (points["estimator"] == _INDEPENDENT)]
    reference = theory.drop_duplicates("kernel").set_index("kernel")["mean"]
    errors = points[(points["measure"] == "rmse") & points["kernel"].isin(reference.index)]
    if errors.empty:
        return None
    kernels, maps = list(dict.fromkeys(errors["kernel"])), sorted(set(errors["map"]), reverse=True)
    variants = _variants(errors)
    figure = new_figure(7.6, 0.62 * len(kernels) + 1.5)
    axes = figure.add_subplot()
    for number, estimator in enumerate(variants):
        for which, kind in enumerate(maps):
            line = errors[(errors["estimator"] == estimator) & (errors["map"] == kind)]
            if line.empty:
                continue
            square = line["kernel"].map(reference) ** 2
            ratio, low, high = (line[name] ** 2 / square for name in ("mean", "low", "high"))
            step = 0.8 / (len(variants) * len(maps))
            heights = line["kernel"].map(kernels.index) + (number * len(maps) + which + 0.5) * step - 0.4
            colour = _COLOUR_OF[estimator]
            face = "white" if which else colour
            axes.errorbar(
                ratio, heights, xerr=[ratio - low, high - ratio], fmt=_MAP_STYLES[which % 2][1], ms=4, color=colour,
                mfc=face, elinewidth=0.9,
            )  # fmt: skip
    axes.axvline(1, color="black", lw=0.9, ls="--")
    axes.set_yticks(range(len(kernels)), kernels)
    axes.set_ylim(len(kernels) - 0.5, -0.5)
    for height in range(1, len(kernels)):
        axes.axhline(height - 0.5, color="#dddddd", lw=0.6)
    axes.set_xlim(0, None)
    axes.set_xlabel(
        f"mean squared error over that of independent cosines in theory (Q = {points['outputs'].max()})"
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        handles=_legend_entries(variants, maps), frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1)
    )
    return figure


def _mark_ticks(axes: Axes, values: Iterable[float]) -> None:
    axes.set_xticks(sorted(values), [f"{value:g}" for value in sorted(values)], fontsize=8)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(axis="y", labelsize=8)
    axes.minorticks_off()
