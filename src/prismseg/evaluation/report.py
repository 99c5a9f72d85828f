"""The evaluation report: one HTML page with tables, curves and the cases worth looking at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prismseg.base.page import COLOURS, figure_uri, write_page
from prismseg.base.provenance.machine import STABLE, describe_machine, this_machine
from prismseg.base.version import VERSION
from prismseg.data import SegmentationDataset
from prismseg.data.masks.overlapping import region_of
from prismseg.evaluation.margin_report import CalibratedMargins
from prismseg.evaluation.metrics import EMPTY_POLICY
from prismseg.evaluation.networks import EvaluatedNetwork
from prismseg.evaluation.reliability_report import Reliability
from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS
from prismseg.evaluation.statistics.paired import NO_TEST, TWO_NETWORKS
from prismseg.evaluation.statistics.wording import interval_heading, interval_sentence, show_interval
from prismseg.evaluation.unfamiliar import Unfamiliar
from prismseg.inference.render import class_colour, displayable

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

SHOWN_CASES = 3


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes
    ----------
    networks : sequence of EvaluatedNetwork
        What was evaluated.
    dataset : SegmentationDataset
        On what.
    per_case : DataFrame
        Metrics of every case, see `prismseg.evaluation.measure_cases`.
    summary : DataFrame
        See `prismseg.evaluation.summarize`.
    comparison : DataFrame or None
        Differences to another evaluation, see `prismseg.evaluation.compare`.
    part : str
        Which cases these are.
    notes : tuple of str
        What a reader has to know.
    reliability : Reliability or None
        How far the probabilities can be trusted; None of classes that overlap.
    margins : CalibratedMargins or None
        Margins around the masks, where they were asked for.
    unfamiliar : Unfamiliar or None
        How an uncertainty ranks foreign images, where that was asked for.
    """

    networks: Sequence[EvaluatedNetwork]
    dataset: SegmentationDataset
    per_case: pd.DataFrame
    summary: pd.DataFrame
    comparison: pd.DataFrame | None
    part: str
    notes: tuple[str, ...]
    reliability: Reliability | None
    margins: CalibratedMargins | None = None
    unfamiliar: Unfamiliar | None = None


def write_report(path: str | Path, evaluation: Evaluation) -> Path:
    """Write the page of an evaluation."""
    path = Path(path)
    per_case, summary, comparison = evaluation.per_case, evaluation.summary, evaluation.comparison
    networks, dataset = evaluation.networks, evaluation.dataset
    dice = per_case[per_case["metric"] == "dice"]
    rows, groups = _records(summary), int(per_case["group"].nunique())
    mean_dice = dice.groupby("case", sort=False)["value"].mean()
    return write_page(
        path,
        "prismseg.evaluation",
        "evaluation.html",
        version=VERSION,
        dataset=dataset.root.name,
        part=evaluation.part,
        notes=evaluation.notes,
        cases=int(per_case["case"].nunique()),
        groups=groups,
        interval=interval_heading(rows),
        interval_sentence=interval_sentence(summary["n_groups"]),
        show=show_interval,
        two_networks=TWO_NETWORKS,
        no_test="" if groups >= FEWEST_GROUPS else NO_TEST,
        machine=describe_machine(this_machine()),
        stable=STABLE,
        headline=_headline(summary),
        summary=rows,
        comparison=None if comparison is None else _records(comparison),
        reliability=None if evaluation.reliability is None else evaluation.reliability.section(),
        margins=None if evaluation.margins is None else evaluation.margins.section(),
        unfamiliar=None if evaluation.unfamiliar is None else evaluation.unfamiliar.section(),
        empty_policy=EMPTY_POLICY,
        infinite=math.inf,
        distribution=figure_uri(draw_distribution(dice)),
        curves=_curves(networks),
        cases_figure=figure_uri(draw_cases(networks, dataset, mean_dice)),
        networks=[_network_facts(network) for network in networks],
        per_case=_wide(per_case),
        explanation=_explanation(path),
        class_colours=[
            (name, "#{:02x}{:02x}{:02x}".format(*class_colour(cls)))
            for cls, name in enumerate(dataset.classes)
            if cls > 0
        ],
    )


def _explanation(path: Path) -> str | None:
    """Address of the run's explanation as seen from the page at `path`; None where there is none."""
    page = path.parent.parent / "explanation" / "explanation.html"
    return f"../{page.parent.name}/{page.name}" if page.is_file() else None


def _headline(summary: pd.DataFrame) -> list[dict[str, Any]]:
    """Dice of each foreground class: the first thing a reader looks for."""
    return _records(summary[summary["metric"] == "dice"])


def _wide(per_case: pd.DataFrame) -> list[dict[str, Any]]:
    table = per_case.pivot_table(
        index=["case", "group", "part", "class"], columns="metric", values="value", sort=False, dropna=False
    )
    columns = [name for name in per_case["metric"].unique() if name in table.columns]
    rows = table[columns].reset_index().dropna(how="all", subset=columns)
    return _records(rows)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _network_facts(network: EvaluatedNetwork) -> dict[str, Any]:
    model = network.predictor.model
    config = {key: model.config[key] for key in ("arch", "skip", "multiplier", "preset", "width", "norm")}
    return {
        "name": network.name,
        "config": ", ".join(f"{key} {value}" for key, value in config.items()),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "training": model.metadata.get("training", {}),
        "best": model.metadata.get("best", {}),
        "size": "{} × {}".format(*network.predictor.preprocess.size),
        "cases": len(network.cases),
    }


def draw_distribution(dice: pd.DataFrame) -> Figure:
    """Dice of every case as a dot, with box and mean, one row a class."""
    names = list(dict.fromkeys(dice["class"]))
    figure = Figure(figsize=(8, 0.9 + 0.75 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    jitter = np.random.default_rng(0)
    for row, name in enumerate(names):
        values = dice.loc[dice["class"] == name, "value"].to_numpy(float)
        colour = np.array(class_colour(row + 1)) / 255
        axes.boxplot(
            values,
            positions=[row],
            orientation="horizontal",
            widths=0.5,
            showfliers=False,
            medianprops={"color": "black"},
        )
        axes.scatter(
            values, row + jitter.uniform(-0.18, 0.18, len(values)), s=14, color=colour, edgecolor="none", alpha=0.8
        )
        axes.plot(values.mean(), row, marker="D", color="black", markersize=5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("Dice of each case (line: median, diamond: mean)")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def _curves(networks: Sequence[EvaluatedNetwork]) -> str | None:
    histories = [(network.name, network.history) for network in networks if network.history is not None]
    return figure_uri(draw_curves(histories)) if histories else None


def draw_curves(histories: Sequence[tuple[str, pd.DataFrame]]) -> Figure:
    """Training loss and validation Dice against the step, a line a network."""
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, (name, history) in enumerate(histories):
        colour = COLOURS[number % len(COLOURS)]
        left.plot(history["step"], history["loss"], color=colour, marker=".", label=name)
        right.plot(history["step"], history["validation_dice"], color=colour, marker=".", label=name)
    left.set_ylabel("training loss")
    right.set_ylabel("validation Dice")
    for axes in (left, right):
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    if len(histories) > 1:
        right.legend(frameon=False, fontsize="small")
    return figure


def draw_cases(
    networks: Sequence[EvaluatedNetwork], dataset: SegmentationDataset, mean_dice: pd.Series[float]
) -> Figure:
    """Worst, median and best cases by mean Dice, with the contours of truth and prediction."""
    order = mean_dice.sort_values().index.tolist()
    count = min(SHOWN_CASES, max(1, len(order) // 3))
    middle = (len(order) - count) // 2
    rows = [("worst", order[:count]), ("median", order[middle : middle + count]), ("best", order[-count:])]
    figure = Figure(figsize=(8, 8 / count * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), count, squeeze=False)
    place_of = {dataset.ids[index]: (network, index) for network in networks for index in network.cases}
    for line, (label, names) in zip(panels, rows, strict=True):
        for axes, name in zip(line, names, strict=True):
            network, index = place_of[name]
            _draw_case(axes, network, dataset, index)
            axes.set_title(f"{label}: {name}, Dice {mean_dice[name]:.3f}", fontsize=8)
    return figure


def _draw_case(axes: Axes, network: EvaluatedNetwork, dataset: SegmentationDataset, index: int) -> None:
    sample = dataset[index]
    assert sample.mask is not None  # measured before it is drawn
    predicted = next(network.predictor.predict([sample.image])).mask
    axes.imshow(displayable(sample.image))
    for cls in range(1, len(dataset.classes)):
        colour = np.array(class_colour(cls)) / 255
        for mask, style in ((sample.mask, "solid"), (predicted, "dashed")):
            chosen = region_of(mask, cls, multilabel=dataset.multilabel)
            if chosen.any() and not chosen.all():
                axes.contour(chosen, levels=[0.5], colors=[colour], linewidths=1.2, linestyles=style)
    axes.set_axis_off()
