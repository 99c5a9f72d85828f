"""The page that compares networks: means of each, then the differences of every pair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prismseg.base.page import COLOURS, figure_uri, write_page
from prismseg.base.version import VERSION
from prismseg.evaluation.statistics.wording import interval_sentence, show_interval
from prismseg.explain.comparison.tables import WHOLE, shown_measures
from prismseg.explain.registries import NULLS
from prismseg.explain.report.page import records
from prismseg.explain.report.summary import MEAN_LAYER

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources


def write_comparison(
    path: Path,
    means: pd.DataFrame,
    differences: pd.DataFrame,
    repeated: pd.DataFrame | None,
    figure: Figure | None,
    folders: Mapping[str, Path],
) -> Path:
    """Write the page; arguments as the tables of `prismseg.explain.comparison.tables` and the figure of `draw_means`."""
    whole = differences[differences["layer"].isin([*WHOLE, MEAN_LAYER])]
    counts = [int(count) for count in differences["n_groups"].unique()]
    return write_page(
        path,
        "prismseg.explain.report",
        "comparison.html",
        version=VERSION,
        networks={name: folder.as_posix() for name, folder in folders.items()},
        cases=int(differences["n"].max()),
        groups=max(counts),
        figure=None if figure is None else figure_uri(figure),
        means=_means(means),
        pairs=[
            {"first": first, "second": second, "rows": records(part)}
            for (first, second), part in whole.groupby(["first", "second"], sort=False)
        ],
        repeated=None if repeated is None else records(repeated),
        show_interval=show_interval,
        sentence=interval_sentence(counts),
    )


def _means(means: pd.DataFrame) -> list[dict[str, Any]]:
    """Tables of means, one for each region, method and class: a line a network."""
    if means.empty:
        return []
    means = means[~means["method"].isin(NULLS)]  # whose rho is no evidence; they stand in means.csv
    measures = shown_measures(means)
    blocks = []
    for (region, method, cls), part in means.groupby(["region", "method", "class"], sort=False):
        lines = []
        for name, rows in part.groupby("network", sort=False):
            cells = {row["measure"]: row for row in records(rows)}
            lines.append({"network": name, "cells": [cells.get(measure) for measure in measures]})
        blocks.append({"region": region, "method": method, "class": cls, "lines": lines, "measures": measures})
    return blocks


def draw_means(means: pd.DataFrame) -> Figure | None:
    """Draw rho less that of the region as a map: a panel a class, a colour a network; None without fused maps."""
    if means.empty:
        return None
    rows = means[(means["measure"] == "rho_excess") & ~means["method"].isin(NULLS)]
    if rows.empty:
        return None
    rows = rows.assign(place=rows["method"] + ", " + rows["region"])
    classes, places = list(dict.fromkeys(rows["class"])), list(dict.fromkeys(rows["place"]))
    networks = list(dict.fromkeys(rows["network"]))
    figure = Figure(figsize=(7.5, 1.3 + 0.45 * len(places) * len(classes)), layout="constrained")
    panels = figure.subplots(len(classes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, classes, strict=True):
        for number, network in enumerate(networks):
            chosen = rows[(rows["class"] == name) & (rows["network"] == network)]
            line = chosen.drop_duplicates("place").set_index("place").reindex(places)
            low, high = line["ci_low"].fillna(line["range_low"]), line["ci_high"].fillna(line["range_high"])
            ends = np.abs(np.stack([line["mean"] - low, high - line["mean"]]))
            at = np.arange(len(places)) + 0.6 * (number - (len(networks) - 1) / 2) / len(networks)
            colour = COLOURS[number % len(COLOURS)]
            axes.errorbar(line["mean"], at, xerr=ends, fmt="o", markersize=4, color=colour, label=network)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_yticks(range(len(places)), places, fontsize=8)
        axes.invert_yaxis()
        axes.set_title(name, fontsize=9, loc="left")
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("rho of the fused map less that of the region as a map")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure
