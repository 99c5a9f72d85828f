"""The headline of an explanation: one row a class, the same numbers in the terminal, the table and on the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from prismseg.explain.fusion import MAIN_MODE
from prismseg.explain.registries import REGIONS
from prismseg.explain.report.summary import MEAN_LAYER

# Share of the relevance on the scored region from which on a map is said to redraw it (docs/guide/explain.md, Measures).
REDRAWS = 0.9
_FUSED_MEASURES = ("rho", "lift", "rho_excess", "region_share", "cam_dice")
_ENDS = ("ci_low", "ci_high", "range_low", "range_high")


def headline(
    fused: pd.DataFrame,
    summary: pd.DataFrame,
    areas: Mapping[str, float],
    *,
    method: str,
    region: str,
    without: Collection[str],
) -> pd.DataFrame:
    """Sum up one method and region: the fused map, and the layers with the least and the most relevance on the class.

    A mean over layers is left out: layers differ in resolution and reach, so that it is no property of any map.

    Parameters
    ----------
    fused, summary : DataFrame
        Of the explanation; `fused` may be empty, where all cases are of one group.
    areas : mapping
        Share of the image that each class covers.
    without : collection of str
        Layers whose maps lie on the region by construction; the extremes are those of the others.

    Returns
    -------
    DataFrame
        Columns class, method, region, area, n, n_groups, the measures rho, lift, rho_excess, region_share and
        cam_dice of the fused maps with the ends of their intervals or ranges (``rho_ci_low`` …), redraws (whether
        the region, no more, is what the fused maps show), and lowest, highest with lowest_layer and highest_layer
        (rho of single layers).
    """
    rows = []
    layers = _chosen(summary, method, region)
    layers = layers[(layers["measure"] == "rho") & ~layers["layer"].isin([MEAN_LAYER, *without])]
    maps = fused if fused.empty else _chosen(fused, method, region)
    maps = maps if maps.empty else maps[maps["mode"] == MAIN_MODE]
    for name, area in areas.items():
        row: dict[str, Any] = {"class": name, "method": method, "region": region, "area": area}
        own = maps if maps.empty else maps[maps["class"] == name]
        for measure in _FUSED_MEASURES if not own.empty else ():
            means = own[own["measure"] == measure].iloc[0]
            row |= {"n": means["n"], "n_groups": means["n_groups"], measure: means["mean"]}
            row |= {f"{measure}_{end}": means[end] for end in _ENDS if end in means}
        # The whole image holds all relevance of any map.
        row["redraws"] = bool(not REGIONS[region].is_whole_image and row.get("region_share", 0) >= REDRAWS)
        single = layers[layers["class"] == name].dropna(subset=["mean"]).sort_values("mean")
        if not single.empty:
            row |= {"lowest_layer": single["layer"].iloc[0], "lowest": single["mean"].iloc[0]}
            row |= {"highest_layer": single["layer"].iloc[-1], "highest": single["mean"].iloc[-1]}
        rows.append(row)
    return pd.DataFrame(rows)


def _chosen(table: pd.DataFrame, method: str, region: str) -> pd.DataFrame:
    return table[(table["method"] == method) & (table["region"] == region)]


def pick_interval(row: Mapping[str, Any], measure: str) -> dict[str, Any]:
    """Pick the ends of the interval or range of one measure of a row, as `show_interval` takes them."""
    return {end: row.get(f"{measure}_{end}") for end in _ENDS}
