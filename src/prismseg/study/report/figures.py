"""Figures of the comparisons in a study: differences and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pandas as pd
from matplotlib.figure import Figure

from prismseg.base.page import COLOURS
from prismseg.study.definition.columns import WHOLE
from prismseg.study.definition.study import Study
from prismseg.study.drawing import MARKERS, name_points, new_figure
from prismseg.study.kind import Figures

_FEWEST_RANKED = 3  # values, and groups, below which ranks say nothing


def draw_rankings(
    study: Study, cases: pd.DataFrame, measures: Sequence[str], lower_is_better: Sequence[str]
) -> Figures:
    """Draw mean ranks on each compared axis over groups, where enough values are compared.

    Parameters
    ----------
    study : Study
        With its axes.
    cases : DataFrame
        From `pool_cases`.
    measures : sequence of str
        What is ranked.
    lower_is_better : sequence of str
        Measures of which the lowest value has rank 1.
    """
    figures = {}
    for axis, measure in product(study.compare, measures):
        part = cases[(cases["measure"] == measure) & cases["layer"].isin(WHOLE)].dropna(subset=["value"])
        wide = part.pivot_table(index="group", columns=axis, values="value", aggfunc="mean").dropna()
        if wide.shape[1] < _FEWEST_RANKED or len(wide) < _FEWEST_RANKED:
            continue
        ranks = wide.rank(axis=1, ascending=measure in lower_is_better).mean()
        figures[_file_name("ranks", measure, axis, study)] = draw_ranks(ranks, str(measure), len(wide))
    return figures


def draw_comparisons(study: Study, comparison: pd.DataFrame) -> Figures:
    """Draw the differences of each measure on each compared axis.

    Parameters
    ----------
    study : Study
        With its axes.
    comparison : DataFrame
        From `compare_study`.
    """
    figures: Figures = {}
    if comparison.empty:
        return figures
    for axis in study.compare:
        others = [name for name in study.shown_axes if name != axis]
        own = comparison[comparison["compared"] == axis]
        for measure, part in own.groupby("measure", sort=False):
            name = _file_name("differences", str(measure), axis, study)
            figures[name] = draw_differences(part, axis, others, str(measure))
    return figures


def draw_ranks(ranks: pd.Series, measure: str, groups: int) -> Figure:
    """Draw mean ranks over groups, which describe these trainings and test nothing.

    Parameters
    ----------
    ranks : Series
        Mean rank by variant; 1 is best.
    measure : str
        What was ranked.
    groups : int
        Over how many groups.
    """
    ordered = ranks.sort_values()
    figure = new_figure(7, 1.2 + 0.28 * len(ordered))
    drawn = figure.add_subplot()
    for height, (name, rank) in enumerate(ordered.items()):
        drawn.plot([rank], [-height], "o", color=COLOURS[0])
        drawn.annotate(
            f" {name}  {rank:.2f}",
            (rank, -height),
            fontsize=8,
            va="center",
            xytext=(4, 0),
            textcoords="offset points",
        )
    drawn.set_xlim(0.8, len(ordered) + 1.2)
    drawn.set_yticks([])
    drawn.set_xlabel(
        f"mean rank by {measure} over {groups} groups (1 is best); differences are tested in the table"
    )
    drawn.spines[["left", "top", "right"]].set_visible(False)
    return figure


def draw_differences(comparison: pd.DataFrame, axis: str, others: list[str], measure: str) -> Figure:
    """Draw differences with their 95 % intervals, where there are any: a row a point, a colour a pair, a panel a class.

    Parameters
    ----------
    comparison : DataFrame
        Of one measure, from `prismseg.study.tables.comparison.compare_study`.
    axis, others : str, list of str
        The axis that is compared, and the others of the tables.
    measure : str
        What is compared.
    """
    points, pairs = name_points(comparison, others), comparison[axis].astype(str) + " - " + comparison["reference"]
    rows, kinds = list(dict.fromkeys(points)), list(dict.fromkeys(pairs))
    classes = list(dict.fromkeys(comparison["class"]))
    figure = new_figure(3.6 * len(classes) + 1.8, 0.2 * (1 + len(kinds) / 2) * len(rows) + 1.3)
    panels = figure.subplots(1, len(classes), sharex=True, sharey=True, squeeze=False)[0]
    for axes, cls in zip(panels, classes, strict=True):
        for number, kind in enumerate(kinds):
            part = comparison[(comparison["class"] == cls) & (pairs == kind)]
            heights = points[part.index].map(rows.index) + 0.8 * ((number + 0.5) / len(kinds) - 0.5)
            around = [part["difference"] - part["ci_low"], part["ci_high"] - part["difference"]]
            axes.errorbar(
                part["difference"], heights, xerr=around, fmt=MARKERS[number % len(MARKERS)], ms=4, elinewidth=1,
                color=COLOURS[number % len(COLOURS)], label=kind,
            )  # fmt: skip
        axes.axvline(0, color="black", lw=0.9)
        for height in range(1, len(rows)):
            axes.axhline(height - 0.5, color="#dddddd", lw=0.6)
        axes.set_title(cls, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(rows)), rows, fontsize=8)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    known = ", 95 % CI over groups and seeds" if comparison["ci_low"].notna().any() else ""
    figure.supxlabel(f"difference of {measure}{known}", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    columns = min(4, 2 * len(classes))
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, fontsize=8, frameon=False)
    return figure


def _file_name(figure: str, measure: str, axis: str, study: Study) -> str:
    """Name a figure; the axis that it compares is named where there are several."""
    return f"{figure}-{measure}" if len(study.compare) == 1 else f"{figure}-{measure}-{axis}"
