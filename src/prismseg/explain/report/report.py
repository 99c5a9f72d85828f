"""The page of an explanation: what a clinician reads first, and what a reviewer asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from prismseg.base.page import figure_uri, photo_uri, write_page
from prismseg.base.version import VERSION
from prismseg.data import SegmentationDataset
from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS
from prismseg.evaluation.statistics.wording import interval_sentence, show_interval
from prismseg.explain.fusion import FUSED, MODES
from prismseg.explain.report.figures import (
    colour_of,
    draw_curves,
    draw_differences,
    draw_randomization,
    draw_weights,
)
from prismseg.explain.report.headline import REDRAWS, interval_of
from prismseg.explain.report.pictures import PERCENTILE, draw_scale
from prismseg.explain.report.summary import MEAN_LAYER
from prismseg.explain.work import NULL, ExplainSettings
from prismseg.train import Trial

if TYPE_CHECKING:
    from prismseg.explain.run import Explanation

# Measures of the tables and how they are called there; CAM-Dice is that of maps spread over [0, 1] each.
MEASURES = {
    "rho": "rho: share on the class",
    "lift": "lift (1: chance)",
    "rho_excess": "rho less the region’s own",
    "region_share": "share on the region",
    "varrho": "varrho",
    "cam_dice": "CAM-Dice",
    "rank_accuracy": "rank accuracy",
    "pointing_game": "pointing game",
    "border_lift": "border lift (1: chance)",
    "drop": "average drop",
    "increase": "average increase",
    "gain": "average gain",
}
AGREEMENT = 0.8  # correlation with the predicted mask from which on a fused map is said to redraw it
_REGIONS = {"truth": "true mask", "prediction": "predicted mask", "image": "whole image"}


def draw_figures(found: Explanation, settings: ExplainSettings) -> dict[str, Figure]:
    """Draw the figures of an explanation: the page shows them, and each is a file of this name."""
    method, region = settings.methods[0], settings.regions[0]
    cases = found.collected[region]
    classes = cases.axes.classes
    areas = dict(zip(found.headline["class"], found.headline["area"], strict=True))
    figures = {"scale": draw_scale()}
    for name in settings.methods:
        figures[f"curves-{name}"] = draw_curves(found.summary, name, classes, areas)
    figures["weights"] = draw_weights(_weights(found, settings), classes, title=f"{method}, region {region}")
    if found.randomization is not None:
        figures["randomization"] = draw_randomization(found.randomization, title=f"region {region}")
    if found.comparison is not None:
        drawn = draw_differences(found.comparison, method, region, classes)
        if drawn is not None:
            figures["differences"] = drawn
    return figures


def write_report(
    path: Path,
    found: Explanation,
    figures: Mapping[str, Figure],
    trials: Sequence[Trial],
    dataset: SegmentationDataset,
    settings: ExplainSettings,
    *,
    part: str,
) -> Path:
    """Write the page; the arguments are what `explain` has found."""
    classes = trials[0].predictor.classes
    method, region = settings.methods[0], settings.regions[0]
    first = next(iter(found.collected.values()))
    drawn = {name: figure_uri(figure) for name, figure in figures.items()}
    return write_page(
        path,
        "prismseg.explain.report",
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
        method=method,
        region=region,
        regions=settings.regions,
        region_names=_REGIONS,
        settings={
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(settings).items()
        },
        headline=records(found.headline),
        interval_of=interval_of,
        show_interval=show_interval,
        sentence=interval_sentence([len(set(first.groups))]),
        fewest=FEWEST_GROUPS,
        threshold=REDRAWS,
        agreement=AGREEMENT,
        percentile=PERCENTILE,
        colours={name: _hex(colour_of(classes, name)) for name in classes},
        figures=drawn,
        curves=[(name, drawn[f"curves-{name}"]) for name in settings.methods],
        examples=[
            {
                "title": example.title,
                "note": example.note,
                "masks": photo_uri(example.masks),
                "classes": [
                    {
                        "name": name,
                        "tiles": [tile._asdict() | {"uri": photo_uri(tile.picture)} for tile in tiles],
                    }
                    for name, tiles in example.tiles.items()
                ],
            }
            for example in found.examples
        ],
        betas=_betas(found, settings),
        fused=[] if found.fused.empty else tables(found.fused, ["region", "method", "mode"]),
        modes=MODES,
        overall=_overall(found.summary, settings.methods),
        null=_overall(found.summary, [NULL]),
        scrambled=None if found.randomization is None else _scrambled(found.randomization),
        comparison=None if found.comparison is None else _comparison(found.comparison),
        per_layer=_per_layer(found.summary, settings),
        reach=found.reach,
        without=found.without(method),
        left_out=found.left_out,
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table for a page: what is missing is None."""
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def tables(rows: pd.DataFrame, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Turn rows into narrow tables, one for each combination of `keys`: a line a measure, a column a class.

    Returns
    -------
    list of dict
        Each with the values of `keys`, names of the classes, lines (label, [record or None, …]) and, for each class,
        how many cases stand behind it.
    """
    found = []
    for names, part in rows.groupby(list(keys), sort=False):
        classes = list(dict.fromkeys(part["class"]))
        lines = []
        for measure, label in MEASURES.items():
            own = {row["class"]: row for row in records(part[part["measure"] == measure])}
            if own:
                lines.append((label, [own.get(name) for name in classes]))
        counts = {row["class"]: row for row in records(part[part["measure"] == "rho"])}
        found.append(
            {
                **dict(zip(keys, names, strict=True)),
                "classes": classes,
                "lines": lines,
                "counts": [counts.get(name) for name in classes],
            }
        )
    return found


def _network(trial: Trial) -> str:
    config = trial.predictor.model.config
    return ", ".join(f"{key} {config[key]}" for key in ("arch", "skip", "multiplier", "preset", "width", "norm"))


def _hex(colour: tuple[float, float, float]) -> str:
    return matplotlib.colors.to_hex(colour)


def _weights(found: Explanation, settings: ExplainSettings) -> pd.DataFrame:
    return found.weights.query("method == @settings.methods[0] and region == @settings.regions[0]")


def _betas(found: Explanation, settings: ExplainSettings) -> dict[str, float]:
    rows = _weights(found, settings).query("mode == @MODES[0]").drop_duplicates("class")
    return dict(zip(rows["class"], rows["beta"], strict=True))


def _reported(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows of the measures in tables; CAM-Dice is reported under one normalisation."""
    rows = summary[summary["measure"].isin(MEASURES)]
    return rows[(rows["measure"] != "cam_dice") | (rows["normalization"] == "map")]


def _overall(summary: pd.DataFrame, methods: Sequence[str]) -> list[dict[str, Any]]:
    rows = _reported(summary)
    rows = rows[(rows["layer"] == MEAN_LAYER) & rows["method"].isin(methods)]
    return tables(rows, ["region", "method"])


def _per_layer(summary: pd.DataFrame, settings: ExplainSettings) -> list[dict[str, Any]]:
    """One record for each layer and class, with the mean and interval of a few measures."""
    rows = _reported(summary).query("method == @settings.methods[0] and region == @settings.regions[0]")
    rows = rows[(rows["layer"] != MEAN_LAYER) & rows["measure"].isin(["rho", "lift", "cam_dice", "border_lift"])]
    found = []
    for (layer, cls), part in rows.groupby(["layer", "class"], sort=False):
        values = {row["measure"]: row for row in records(part)}
        counts = {key: part[key].iloc[0] for key in ("n", "n_empty")}
        found.append({"layer": layer, "class": cls, **counts, "values": values})
    return found


def _scrambled(table: pd.DataFrame) -> list[tuple[str, float]]:
    last = table[table["step"] == table["step"].max()]
    return [(method, float(rows["correlation"].mean())) for method, rows in last.groupby("method", sort=False)]


def _comparison(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Tables of the differences, one for each region and method."""
    rows = table[table["layer"].isin([MEAN_LAYER, FUSED])]
    return [
        {"region": region, "method": method, "rows": records(part)}
        for (region, method), part in rows.groupby(["region", "method"], sort=False)
    ]
