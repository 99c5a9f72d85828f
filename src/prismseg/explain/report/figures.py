"""Figures of an explanation: curves over the layers, weights, randomisation, differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prismseg.base.page import COLOURS
from prismseg.explain.report.summary import MEAN_LAYER
from prismseg.inference.render import class_colour

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

STYLES = ("-", "--", ":")  # of the regions
# The measures that are drawn: normalisation and label of the axis.
CURVES = {
    "rho": ("none", "share of relevance inside\n(rho)"),
    "cam_dice": ("map", "CAM-Dice"),
    "border_lift": ("none", "border lift\n(1: chance)"),
}


def _width(layers: Sequence[str]) -> float:
    """Choose a width in inches at which the names of layers can be read on a page."""
    return max(7.5, min(0.36 * len(layers) + 2, 10 + 0.08 * len(layers)))


def line_colour(classes: Sequence[str], name: str) -> tuple[float, float, float]:
    """Choose the colour of a class: grey for the background, otherwise as in all pictures."""
    number = list(classes).index(name)
    if number == 0:
        return (0.45, 0.45, 0.45)
    red, green, blue = class_colour(number)
    return red / 255, green / 255, blue / 255


def draw_curves(summary: pd.DataFrame, method: str, classes: Sequence[str], areas: dict[str, float]) -> Figure:
    """Draw rho, CAM-Dice and border lift of every layer: a colour a class, a line style a region.

    Bands of the first region are 95 % intervals; there are none where the groups are too few for intervals.

    Parameters
    ----------
    summary : DataFrame
        Of `Atlas.summary`, with a column region.
    method : str
        Whose maps are measured.
    classes : sequence of str
        Names of the classes.
    areas : dict
        Share of the image that each class covers: what rho is without evidence.
    """
    rows = summary[(summary["method"] == method) & (summary["layer"] != MEAN_LAYER)]
    layers = list(dict.fromkeys(rows["layer"]))
    figure = Figure(figsize=(_width(layers), 8.2), layout="constrained")
    panels = figure.subplots(len(CURVES), 1, sharex=True)
    for axes, (measure, (kind, label)) in zip(panels, CURVES.items(), strict=True):
        chosen = rows[(rows["measure"] == measure) & (rows["normalization"] == kind)]
        for name in classes:
            for style, region in zip(STYLES, dict.fromkeys(chosen["region"]), strict=False):
                line = chosen[(chosen["region"] == region) & (chosen["class"] == name)]
                if line["mean"].notna().any():
                    _draw_line(axes, line, line_colour(classes, name), style, f"{name}, region {region}")
        _mark_parts(axes, layers)
        axes.set_ylabel(label, fontsize=9)
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    for name, share in areas.items():
        panels[0].axhline(share, color=line_colour(classes, name), linewidth=0.8, linestyle=(0, (1, 3)))
    panels[0].set_ylim(0, None)
    panels[-1].axhline(1, color="black", linewidth=0.8, linestyle=(0, (1, 3)))
    panels[-1].set_xticks(range(len(layers)), layers, rotation=90, fontsize=7)
    handles, labels = panels[0].get_legend_handles_labels()
    # Entries fill column by column: a column a class.
    figure.suptitle(f"{method}, score over the region named", fontsize=10)
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(3, len(classes)), fontsize=8, frameon=False
    )
    return figure


def _draw_line(axes: Axes, line: pd.DataFrame, colour: tuple[float, float, float], style: str, label: str) -> None:
    places = np.arange(len(line))
    axes.plot(
        places, line["mean"], color=colour, linestyle=style, marker=".", markersize=4, linewidth=1.3, label=label
    )
    if style == "-":
        axes.fill_between(places, line["ci_low"], line["ci_high"], color=colour, alpha=0.18, linewidth=0)


def _mark_parts(axes: Axes, layers: Sequence[str]) -> None:
    """Shade every other part of the network (encoder, bottleneck, skips, …)."""
    parts = [layer.split(".")[0] for layer in layers]
    begin = 0
    for number, part in enumerate(dict.fromkeys(parts)):
        length = parts.count(part)
        if number % 2 == 0:
            axes.axvspan(begin - 0.5, begin + length - 0.5, color="#f0f3f6", zorder=0, linewidth=0)
        begin += length
    axes.set_xlim(-0.5, len(layers) - 0.5)


def draw_weights(weights: pd.DataFrame, classes: Sequence[str], *, title: str) -> Figure:
    """Draw the weight of every layer in the fused map, a row a class, both modes side by side; `title` names the maps."""
    modes = list(dict.fromkeys(weights["mode"]))
    layers = list(dict.fromkeys(weights["layer"]))
    figure = Figure(figsize=(_width(layers), 1.4 + 0.9 * len(classes)), layout="constrained")
    panels = figure.subplots(len(classes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, classes, strict=True):
        for shift, mode in enumerate(modes):
            values = weights[(weights["class"] == name) & (weights["mode"] == mode)]["weight"]
            colour = line_colour(classes, name) if mode == modes[0] else "white"
            axes.bar(
                np.arange(len(layers)) + 0.4 * shift - 0.2 * (len(modes) - 1),
                values,
                width=0.4,
                color=colour,
                edgecolor=line_colour(classes, name),
                linewidth=0.8,
                label=mode,
            )
        axes.set_ylabel(name, fontsize=9)
        axes.set_xlim(-0.5, len(layers) - 0.5)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Weights of the layers: {title}", fontsize=10)
    panels[0].legend(frameon=False, fontsize=8, ncols=len(modes), loc="upper left")
    panels[-1].set_xticks(range(len(layers)), layers, rotation=90, fontsize=7)
    return figure


def draw_randomization(table: pd.DataFrame, *, title: str) -> Figure:
    """Draw the rank correlation with the trained network's maps over the number of scrambled layers."""
    figure = Figure(figsize=(_width(list(table["scrambled"].unique())), 4.8), layout="constrained")
    axes = figure.add_subplot()
    for number, (method, rows) in enumerate(table.groupby("method", sort=False)):
        line = rows.groupby("step")[["correlation", "ci_low", "ci_high"]].mean()
        axes.plot(line.index, line["correlation"], color=COLOURS[number], marker=".", label=method)
        axes.fill_between(
            line.index, line["ci_low"], line["ci_high"], color=COLOURS[number], alpha=0.15, linewidth=0
        )
    names = table.drop_duplicates("step").set_index("step")["scrambled"]
    axes.set_xticks(names.index, names, rotation=90, fontsize=7)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylim(min(-0.3, float(table["correlation"].min()) - 0.05), 1.05)
    axes.set_ylabel("rank correlation with\nthe trained network's maps", fontsize=9)
    axes.set_xlabel("scrambled from the output down to this layer")
    axes.set_title(f"Layer randomisation: {title}", fontsize=10)
    figure.legend(loc="outside lower center", ncols=6, frameon=False, fontsize=8)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_differences(comparison: pd.DataFrame, method: str, region: str, classes: Sequence[str]) -> Figure | None:
    """Draw the difference of rho to the other network, for every layer that both have; None where they share none."""
    rows = comparison.query("method == @method and region == @region and measure == 'rho'")
    rows = rows[~rows["layer"].str.startswith("(")]
    if rows.empty:
        return None
    layers = list(dict.fromkeys(rows["layer"]))
    figure = Figure(figsize=(_width(layers), 3.4), layout="constrained")
    axes = figure.add_subplot()
    for number, name in enumerate(classes):
        line = rows[rows["class"] == name]
        places = line["layer"].map(layers.index) + 0.12 * number
        low, high = line["difference"] - line["ci_low"], line["ci_high"] - line["difference"]
        colour = line_colour(classes, name)
        axes.errorbar(places, line["difference"], [low, high], fmt="o", markersize=4, color=colour, label=name)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(layers)), layers, rotation=90, fontsize=7)
    axes.set_ylabel("difference of rho", fontsize=9)
    axes.set_title(f"{method}, region {region}: ours minus theirs", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_faithfulness(summary: pd.DataFrame, classes: Sequence[str]) -> Figure:
    """Draw insertion less deletion of every method and null: a panel a class, a colour a fill."""
    rows = summary[(summary["measure"] == "gap") & (summary["null"] == "")]
    methods, fills = list(dict.fromkeys(rows["method"])), list(dict.fromkeys(rows["fill"]))
    figure = Figure(figsize=(7.5, 1.2 + 0.3 * len(methods) * len(classes)), layout="constrained")
    panels = figure.subplots(len(classes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, classes, strict=True):
        for number, fill in enumerate(fills):
            line = rows[(rows["class"] == name) & (rows["fill"] == fill)].set_index("method").reindex(methods)
            low, high = line["ci_low"].fillna(line["range_low"]), line["ci_high"].fillna(line["range_high"])
            ends = np.abs(np.stack([line["mean"] - low, high - line["mean"]]))
            places = np.arange(len(methods)) + 0.18 * (number - (len(fills) - 1) / 2)
            axes.errorbar(
                line["mean"], places, xerr=ends, fmt="o", markersize=4, color=COLOURS[number], label=fill
            )
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_yticks(range(len(methods)), methods, fontsize=8)
        axes.invert_yaxis()
        axes.set_title(name, fontsize=9, loc="left")
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("insertion less deletion (0: an order that says nothing)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure
