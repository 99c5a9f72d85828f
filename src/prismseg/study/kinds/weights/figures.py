"""Figures of the weights study: norms with their law, phases, filter spectra, and numbers by layer."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prismseg.base.constants import Z95
from prismseg.base.page import COLOURS
from prismseg.study.definition.columns import MEAN_LAYER
from prismseg.study.drawing import new_figure

# Columns that are no axes of the study. What else differs between rows tells networks apart.
_NO_AXES = {"measure", "value", "case", "group", "class", "layer", "x", "seed", "fold"}
_BEFORE, _AFTER = "#8a8a8a", COLOURS[1]
_CURVES = {
    "norms": ("norm of sigma omega", "density"),
    "phases": ("phase / radians", "density"),
    "spectrum": ("spatial frequency / cycles per pixel", "power (white = 1)"),
}
_SCALARS = {
    "length_scale": "effective length scale / sigma",
    "ks": "KS distance of norms from the law",
    "resultant": "mean resultant of phases",
    "centroid": "centroid of filter spectra (white = 1)",
    "dimension": "effective number of directions",
    "weight_change": "relative change of W",
}
_KS_5_PERCENT = 1.358  # over sqrt(Q): quantile of Kolmogorov's distribution, right for many filters


def draw_weights(table: pd.DataFrame) -> dict[str, Figure]:
    """Draw the rows of many runs of `prismseg.study.kinds.weights.run.run_weights`; seeds and folds are averaged.

    Parameters
    ----------
    table : DataFrame
        Columns layer, measure, x, value, and the axes of the study.

    Returns
    -------
    dict of str to Figure
        ``norms``, ``phases`` and ``spectrum``, a panel a layer, with the name of the network where there are several;
        ``layers``: numbers by layer, all networks together.
    """
    table = table.assign(x=pd.to_numeric(table["x"]), network=_networks(table))
    table = table[table["layer"].fillna("").ne("") & (table["layer"] != MEAN_LAYER)]
    networks = list(dict.fromkeys(table["network"]))
    figures = {}
    for network in networks:
        part = table[table["network"] == network]
        for kind in _CURVES:
            curves = part[part["measure"].str.startswith(f"{kind}_") & part["x"].notna()]
            if not curves.empty:
                suffix = "-" + network.replace(", ", "-").replace(" ", "-") if len(networks) > 1 else ""
                figures[kind + suffix] = _draw_curves(curves, part, kind, network)
    return figures | {"layers": _draw_layers(table[table["x"].isna()], networks)}


def _networks(table: pd.DataFrame) -> pd.Series:
    axes = [name for name in table.columns if name not in _NO_AXES and table[name].nunique() > 1]
    if not axes:
        return pd.Series("", index=table.index)
    return table[axes].astype(str).agg(", ".join, axis=1)


def _draw_curves(curves: pd.DataFrame, table: pd.DataFrame, kind: str, network: str) -> Figure:
    layers = list(dict.fromkeys(curves["layer"]))
    columns = min(4, len(layers))
    rows = math.ceil(len(layers) / columns)
    figure = new_figure(2.9 * columns + 0.6, 2.5 * rows + 0.8)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    means = curves.groupby(["layer", "measure", "x"])["value"].mean()
    filters = table[table["measure"] == "filters"].groupby("layer")["value"].sum()
    for axes, layer in zip(panels, layers, strict=False):
        known = means[layer].index.get_level_values("measure")
        for state, colour in (("before", _BEFORE), ("after", _AFTER)):
            if f"{kind}_{state}" in known:
                _draw_state(axes, means[layer][f"{kind}_{state}"], kind, state, colour)
        if kind == "norms":
            law = means[layer]["norms_law"]
            axes.plot(law.index, law, color="black", lw=1.1, label="law of the kernel")
        else:
            expected = 1 / (2 * math.pi) if kind == "phases" else 1.0
            axes.axhline(expected, color="black", lw=1, ls="--", label="uniform" if kind == "phases" else "white")
        if kind == "phases":
            axes.set_xticks([0, math.pi, 2 * math.pi], ["0", "π", "2π"])
        axes.set_title(f"{layer} ({filters[layer]:.0f} filters)", fontsize=9)
        axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(layers) :]:
        axes.set_visible(False)
    across, up = _CURVES[kind]
    for axes in panels[max(0, len(layers) - columns) : len(layers)]:
        axes.set_xlabel(across, fontsize=9)
    for axes in panels[::columns]:
        axes.set_ylabel(up, fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8, frameon=False, title=network)
    return figure


def _draw_state(axes: Axes, curve: pd.Series, kind: str, state: str, colour: str) -> None:
    label = f"{state} training"
    if kind == "spectrum":
        marker = "o" if state == "after" else "s"
        axes.plot(curve.index, curve, color=colour, marker=marker, ms=3.5, lw=1.3, label=label)
        return
    step = curve.index[1] - curve.index[0]
    edges = [*(curve.index - step / 2), curve.index[-1] + step / 2]
    # What was drawn is an area, what became of it an outline: both stay visible where they overlap.
    filled = state == "before"
    axes.stairs(curve, edges, fill=filled, color=colour, alpha=0.55 if filled else 1, lw=1.4, label=label)


def _draw_layers(table: pd.DataFrame, networks: list[str]) -> Figure:
    layers = list(dict.fromkeys(table["layer"]))
    means = table.groupby(["network", "layer", "measure"])["value"].mean().unstack("measure")
    figure = new_figure(10.5, 6.4)
    for number, (measure, label) in enumerate(_SCALARS.items()):
        axes = figure.add_subplot(2, 3, number + 1)
        for which, network in enumerate(networks):
            rows = means.loc[network].reindex(layers)
            places = pd.Series(range(len(layers)), rows.index) + 0.1 * (which - (len(networks) - 1) / 2)
            colour = COLOURS[(which + 1) % len(COLOURS)]
            if measure in rows:
                axes.plot(places, rows[measure], "o", color=colour, ms=5, label=network)
                continue
            if f"{measure}_after" not in rows:
                continue
            before, after = rows[f"{measure}_before"], rows[f"{measure}_after"]
            error = Z95 * rows["length_scale_error_before"] if measure == "length_scale" else None
            axes.errorbar(places, before, error, fmt="s", color=colour, mfc="white", ms=5, elinewidth=0.9)
            axes.vlines(places, before, after, color=colour, lw=0.7, alpha=0.5)
            axes.plot(places, after, "o", color=colour, ms=5, label=network)
            _draw_level(axes, measure, places, rows["filters"], colour)
        axes.set_xticks(range(len(layers)), layers, fontsize=8, rotation=0 if len(layers) < 5 else 60)
        axes.set_xlim(-0.5, len(layers) - 0.5)
        axes.set_ylabel(label, fontsize=9)
        if measure in ("length_scale", "centroid"):
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, 0.95), max(high, 1.05))
        else:
            axes.set_ylim(0, None)
        axes.tick_params(labelsize=8)
        axes.grid(axis="y", color="#e4e4e4", lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    shown = len(networks) > 1
    figure.suptitle(
        "open squares: before training, dots: after; dashed: what chance exceeds in 5 % of layers, or expected value",
        fontsize=9,
    )
    if shown:
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def _draw_level(axes: Axes, measure: str, places: pd.Series, filters: pd.Series, colour: str) -> None:
    """Mark what chance alone exceeds in 5 % of layers, or the value of what was drawn."""
    if measure in ("length_scale", "centroid"):
        axes.axhline(1, color="black", lw=0.9, ls="--")
    elif measure in ("ks", "resultant"):
        # P(resultant > r) is about exp(-Q r²) for Q phases.
        factor = _KS_5_PERCENT if measure == "ks" else math.sqrt(-math.log(0.05))
        axes.hlines(factor / filters**0.5, places - 0.2, places + 0.2, color=colour, lw=1, ls="--")
