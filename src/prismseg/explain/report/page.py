"""The page of an explanation: the headline first, then every layer, and the checks that a reviewer asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from prismseg.base.page import figure_uri, photo_uri, write_page
from prismseg.base.version import VERSION
from prismseg.evaluation import EvaluatedNetwork
from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS
from prismseg.evaluation.statistics.wording import interval_sentence, show_interval
from prismseg.explain.fusion import FUSED, MAIN_MODE, MODES
from prismseg.explain.inputs.packing import PLAIN
from prismseg.explain.registries import NULLS, REGIONS, is_slow
from prismseg.explain.report.examples import Example
from prismseg.explain.report.explanation import Explanation
from prismseg.explain.report.figures import (
    draw_curves,
    draw_differences,
    draw_faithfulness,
    draw_randomization,
    draw_weights,
    line_colour,
)
from prismseg.explain.report.headline import REDRAWS, pick_interval
from prismseg.explain.report.pictures import PERCENTILE, draw_scale
from prismseg.explain.report.summary import MEAN_LAYER, table_measures
from prismseg.explain.task import ExplainTask

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

# Correlation with the predicted mask from which on a fused map is said to redraw it (docs/guide/explain.md, Measures).
AGREEMENT = 0.8


def draw_figures(explanation: Explanation) -> dict[str, Figure]:
    """Draw the figures of an explanation: the page shows them, and each is a file of this name."""
    settings, headline = explanation.settings, explanation.headline
    method, region = settings.method, settings.region
    classes = explanation.sums[region].axes.classes
    areas = dict(zip(headline["class"], headline["area"], strict=True))
    figures = {"scale": draw_scale()}
    for name in settings.methods:
        figures[f"curves-{name}"] = draw_curves(explanation.summary, name, classes, areas)
    figures["weights"] = draw_weights(explanation.shown_weights, classes, title=settings.shown)
    if explanation.randomization is not None:
        figures["randomization"] = draw_randomization(explanation.randomization, title=f"region {region}")
    if explanation.faithfulness_summary is not None:
        figures["faithfulness"] = draw_faithfulness(explanation.faithfulness_summary, classes)
    if explanation.comparison is not None:
        differences = draw_differences(explanation.comparison, method, region, classes)
        if differences is not None:
            figures["differences"] = differences
    return figures


def write_explanation(
    path: Path, explanation: Explanation, figures: Mapping[str, Figure], task: ExplainTask, *, methods: str
) -> Path:
    """Write the page of an explanation; `figures` are those of `draw_figures`, `methods` what was done, in words."""
    settings, network = explanation.settings, task.first
    classes = network.predictor.classes
    sums = next(iter(explanation.sums.values()))
    groups = len(set(sums.groups))
    drawn = {name: figure_uri(figure) for name, figure in figures.items()}
    return write_page(
        path,
        "prismseg.explain.report",
        "explanation.html",
        version=VERSION,
        dataset=task.dataset.root.name,
        part=task.part,
        cases=len(sums.ids),
        groups=groups,
        folds=len(task.networks),
        layers=len(sums.axes.layers),
        size=" × ".join(map(str, network.predictor.preprocess.size)),
        network=describe_network(network),
        method=settings.method,
        region=settings.region,
        scored=REGIONS[settings.region].title,
        whole_image=REGIONS[settings.region].is_whole_image,
        circular=[name for name in settings.regions if REGIONS[name].is_reference],
        regions=settings.regions,
        region_titles=[REGIONS[name].title for name in settings.regions],
        settings={
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(settings).items()
        },
        headline=records(explanation.headline),
        pick_interval=pick_interval,
        show_interval=show_interval,
        sentence=interval_sentence([groups]),
        fewest=FEWEST_GROUPS,
        threshold=REDRAWS,
        agreement=AGREEMENT,
        percentile=PERCENTILE,
        colours={name: _hex(line_colour(classes, name)) for name in classes},
        figures=drawn,
        curves=[(name, drawn[f"curves-{name}"]) for name in settings.methods],
        examples=[_example(example) for example in explanation.examples],
        betas=_betas(explanation),
        fused=[] if explanation.fused.empty else tables(explanation.fused, ["region", "method", "mode"]),
        modes=MODES,
        overall=_overall(explanation.summary, settings.methods),
        excess=_excess(explanation),
        null=_overall(explanation.summary, NULLS),
        scrambled=None if explanation.randomization is None else _scrambled(explanation.randomization),
        too_slow=[method for method in settings.methods if is_slow(method)],
        comparison=None if explanation.comparison is None else _comparison(explanation.comparison),
        faithfulness=_faithfulness(explanation),
        methods=methods.strip().split("\n\n"),
        per_layer=_per_layer(explanation),
        reach=explanation.reach,
        without=explanation.without,
        left_out=explanation.left_out,
    )


def _example(example: Example) -> dict[str, Any]:
    """Bring an example to the form that the page takes."""
    return {
        "title": example.title,
        "note": example.note,
        "masks": photo_uri(example.masks),
        "classes": [
            {"name": name, "tiles": [tile._asdict() | {"uri": photo_uri(tile.picture)} for tile in tiles]}
            for name, tiles in example.tiles.items()
        ],
    }


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a table into rows for a page, with None for what is missing."""
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
    blocks = []
    for names, part in rows.groupby(list(keys), sort=False):
        classes = list(dict.fromkeys(part["class"]))
        lines = []
        for measure, definition in table_measures().items():
            own = {row["class"]: row for row in records(part[part["measure"] == measure])}
            if own:
                lines.append((definition.label, [own.get(name) for name in classes]))
        counts = {row["class"]: row for row in records(part[part["measure"] == "rho"])}
        blocks.append(
            {
                **dict(zip(keys, names, strict=True)),
                "classes": classes,
                "lines": lines,
                "counts": [counts.get(name) for name in classes],
            }
        )
    return blocks


def describe_network(network: EvaluatedNetwork) -> str:
    """Describe a network of ours by what it was made of, any other by its class and inputs."""
    model = network.predictor.model
    config = getattr(model, "config", None)
    if not isinstance(config, dict) or "arch" not in config:
        count = sum(parameter.numel() for parameter in model.parameters())
        inputs = getattr(network.predictor, "packing", PLAIN).describe()
        return f"{type(model).__name__}, {count:,} parameters{', ' if inputs else ''}{inputs}"
    return ", ".join(f"{key} {config[key]}" for key in ("arch", "skip", "multiplier", "preset", "width", "norm"))


def _hex(colour: tuple[float, float, float]) -> str:
    return matplotlib.colors.to_hex(colour)


def _betas(explanation: Explanation) -> dict[str, float]:
    weights = explanation.shown_weights
    rows = weights[weights["mode"] == MAIN_MODE].drop_duplicates("class")
    return dict(zip(rows["class"], rows["beta"], strict=True))


def _reported(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows of the measures in tables, each under one normalisation."""
    normalizations = {name: row.normalization for name, row in table_measures().items()}
    return summary[summary["measure"].map(normalizations) == summary["normalization"]]


def _overall(summary: pd.DataFrame, methods: Sequence[str]) -> list[dict[str, Any]]:
    rows = _reported(summary)
    rows = rows[(rows["layer"] == MEAN_LAYER) & rows["method"].isin(methods)]
    return tables(rows, ["region", "method"])


def _excess(explanation: Explanation) -> list[dict[str, Any]]:
    """Tables of what the measures have above the nulls, means over layers."""
    rows = _reported(explanation.excess)
    blocks = tables(rows[rows["layer"] == MEAN_LAYER], ["region", "method", "null"])
    for block in blocks:  # of a difference, 0 is chance
        block["lines"] = [(label.removesuffix(" (1: chance)"), cells) for label, cells in block["lines"]]
    return blocks


def _per_layer(explanation: Explanation) -> list[dict[str, Any]]:
    """One record for each layer and class, with the mean and interval of a few measures."""
    settings, rows = explanation.settings, _reported(explanation.summary)
    rows = rows[(rows["method"] == settings.method) & (rows["region"] == settings.region)]
    rows = rows[(rows["layer"] != MEAN_LAYER) & rows["measure"].isin(["rho", "lift", "cam_dice", "border_lift"])]
    lines = []
    for (layer, cls), part in rows.groupby(["layer", "class"], sort=False):
        values = {row["measure"]: row for row in records(part)}
        counts = {key: part[key].iloc[0] for key in ("n", "n_empty")}
        lines.append({"layer": layer, "class": cls, **counts, "values": values})
    return lines


def _faithfulness(explanation: Explanation) -> list[dict[str, Any]]:
    """Tables of the faithfulness, one for each class and fill: a line a method, the most faithful first."""
    summary = explanation.faithfulness_summary
    if summary is None:
        return []
    blocks = []
    for (cls, fill), part in summary.groupby(["class", "fill"], sort=False):
        lines: list[dict[str, Any]] = []
        for method, rows in part.groupby("method", sort=False):
            cells: dict[Any, Any] = {(row["measure"], row["null"]): row for row in records(rows)}
            still = explanation.stability
            moved = None if still is None or still.empty else still.query("method == @method and `class` == @cls")
            cells["max_sensitivity", ""] = None if moved is None or moved.empty else records(moved)[0]
            lines.append({"method": method, "cells": cells, "n": int(rows["n"].max())})
        lines.sort(key=lambda line: -(line["cells"]["gap", ""]["mean"] or 0))
        blocks.append({"class": cls, "fill": fill, "lines": lines})
    return blocks


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
