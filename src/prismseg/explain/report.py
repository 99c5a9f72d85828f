"""The page of an explanation: what a clinician reads first, and what a reviewer asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prismseg.base.page import figure_uri, photo_uri, write_page
from prismseg.base.version import VERSION
from prismseg.data import SegmentationDataset
from prismseg.explain.figures import colour_of, draw_curves, draw_differences, draw_randomization, draw_weights
from prismseg.explain.fusion import FUSED, MODES
from prismseg.explain.pictures import COLOURMAP
from prismseg.explain.summary import MEAN_LAYER
from prismseg.explain.work import NULL, ExplainSettings
from prismseg.train import Trial

if TYPE_CHECKING:
    from prismseg.explain.run import Explanation

_OVERALL = ("rho", "lift", "varrho", "cam_dice", "rank_accuracy", "pointing_game", "border_lift", "drop", "gain")


def write_report(
    path: Path,
    found: Explanation,
    trials: Sequence[Trial],
    dataset: SegmentationDataset,
    settings: ExplainSettings,
    *,
    part: str,
) -> Path:
    """Write the page; the arguments are what `explain` has found."""
    classes = trials[0].predictor.classes
    first = next(iter(found.collected.values()))
    areas = _areas(found, settings.regions[0], classes)
    return write_page(
        path,
        "prismseg.explain",
        "explanation.html",
        version=VERSION,
        dataset=dataset.root.name,
        part=part,
        cases=len(first.ids),
        groups=len(set(first.groups)),
        folds=len(trials),
        layers=len(first.axes.layers),
        size="{} × {}".format(*trials[0].predictor.preprocess.size),
        network=_network(trials[0]),
        method=settings.methods[0],
        region=settings.regions[0],
        regions=settings.regions,
        settings={
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(settings).items()
        },
        headline=[_headline(found, settings, name, areas[name]) for name in classes],
        colours={name: _hex(colour_of(classes, name)) for name in classes},
        scale=figure_uri(_draw_scale()),
        examples=[
            {
                "title": example.title,
                "note": example.note,
                "masks": photo_uri(example.masks),
                "classes": [
                    {"name": name, "tiles": [(layer, value, photo_uri(tile)) for layer, value, tile in tiles]}
                    for name, tiles in example.tiles.items()
                ],
            }
            for example in found.examples
        ],
        curves=[
            (method, figure_uri(draw_curves(found.summary, method, classes, areas))) for method in settings.methods
        ],
        weights=figure_uri(draw_weights(_weights(found, settings), classes)),
        betas=_betas(found, settings),
        fused=_fused(found),
        modes=MODES,
        overall=_overall(found.summary, settings.methods),
        null=_overall(found.summary, [NULL]),
        randomization=None if found.randomization is None else figure_uri(draw_randomization(found.randomization)),
        scrambled=None if found.randomization is None else _scrambled(found.randomization),
        comparison=None if found.comparison is None else _comparison(found.comparison),
        differences=None
        if found.comparison is None
        else _differences(draw_differences(found.comparison, settings.methods[0], settings.regions[0], classes)),
        per_layer=_per_layer(found.summary, settings),
        reach=found.reach,
        without=found.without(settings.methods[0]),
    )


def _areas(found: Explanation, region: str, classes: Sequence[str]) -> dict[str, float]:
    """Mean share of the image that each class covers, over the cases that have it; 0 for one that none has."""
    cases = found.collected[region]
    shares = np.where(cases.absent, np.nan, cases.area / cases.pixels[:, None])
    return {
        name: 0.0 if np.isnan(share).all() else float(np.nanmean(share))
        for name, share in zip(classes, shares.T, strict=True)
    }


def _headline(found: Explanation, settings: ExplainSettings, name: str, area: float) -> dict[str, Any]:
    """Rho of a class: its mean over layers, the best layer that does not act pixel by pixel, and the fused map."""
    method = settings.methods[0]
    chosen = "method == @method and region == @settings.regions[0] and `class` == @name and measure == 'rho'"
    rows = found.summary.query(chosen)
    layers = rows[~rows["layer"].isin([MEAN_LAYER, *found.without(method)])].dropna(subset=["mean"])
    fused = found.fused.query(f"{chosen} and mode == @MODES[0]") if not found.fused.empty else found.fused
    return {
        "name": name,
        "area": area,
        "mean": rows[rows["layer"] == MEAN_LAYER].iloc[0].to_dict(),
        "best": None if layers.empty else layers.sort_values("mean").iloc[-1].to_dict(),
        "fused": None if fused.empty else fused.iloc[0].to_dict(),
    }


def _network(trial: Trial) -> str:
    config = trial.predictor.model.config
    return ", ".join(f"{key} {config[key]}" for key in ("arch", "skip", "multiplier", "preset", "width", "norm"))


def _hex(colour: tuple[float, float, float]) -> str:
    return matplotlib.colors.to_hex(colour)


def _draw_scale() -> Figure:
    """Colour bar of relevance."""
    figure = Figure(figsize=(3.2, 0.55), layout="constrained")
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 1), COLOURMAP)
    bar = figure.colorbar(scale, cax=figure.add_subplot(), orientation="horizontal")
    bar.set_ticks([0, 0.5, 1], labels=["0", "relevance", "the map's maximum"])
    bar.ax.tick_params(labelsize=7)
    return figure


def _weights(found: Explanation, settings: ExplainSettings) -> pd.DataFrame:
    return found.weights.query("method == @settings.methods[0] and region == @settings.regions[0]")


def _betas(found: Explanation, settings: ExplainSettings) -> dict[str, float]:
    rows = _weights(found, settings).query("mode == @MODES[0]").drop_duplicates("class")
    return dict(zip(rows["class"], rows["beta"], strict=True))


def _fused(found: Explanation) -> list[dict[str, Any]]:
    if found.fused.empty:
        return []
    keys = ["region", "method", "mode", "class"]
    return _grouped(found.fused[found.fused["measure"].isin(["rho", "lift", "cam_dice"])], keys)


def _overall(summary: pd.DataFrame, methods: Sequence[str]) -> list[dict[str, Any]]:
    rows = summary[(summary["layer"] == MEAN_LAYER) & summary["method"].isin(methods)]
    rows = rows[
        rows["measure"].isin(_OVERALL) & ((rows["measure"] != "cam_dice") | (rows["normalization"] == "map"))
    ]
    return _grouped(rows, ["region", "method", "class"])


def _grouped(rows: pd.DataFrame, keys: list[str]) -> list[dict[str, Any]]:
    """One record for each combination of `keys`, with the mean and interval of every measure."""
    records = []
    for names, part in rows.groupby(keys, sort=False):
        values = {row["measure"]: row for row in part.to_dict("records")}
        facts = {key: part[key].iloc[0] for key in ("n", "n_groups", "n_empty", "n_absent") if key in part}
        records.append({**dict(zip(keys, names, strict=True)), **facts, "values": values})
    return records


def _scrambled(table: pd.DataFrame) -> list[tuple[str, float]]:
    last = table[table["step"] == table["step"].max()]
    return [(method, float(rows["correlation"].mean())) for method, rows in last.groupby("method", sort=False)]


def _comparison(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table[table["layer"].isin([MEAN_LAYER, FUSED])]
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _differences(figure: Figure | None) -> str | None:
    return None if figure is None else figure_uri(figure)


def _per_layer(summary: pd.DataFrame, settings: ExplainSettings) -> list[dict[str, Any]]:
    rows = summary.query("method == @settings.methods[0] and region == @settings.regions[0]")
    rows = rows[(rows["layer"] != MEAN_LAYER) & rows["measure"].isin(["rho", "lift", "cam_dice", "border_lift"])]
    rows = rows[(rows["measure"] != "cam_dice") | (rows["normalization"] == "map")]
    return _grouped(rows, ["layer", "class"])
