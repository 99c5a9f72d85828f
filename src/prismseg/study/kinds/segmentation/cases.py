"""Which cases of a segmentation study are drawn: worst, median and best of each variant, and maps of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from prismseg.base import PrismsegError
from prismseg.study.drawing import SIZE_AXIS, size_order
from prismseg.study.kind import CaseAxes, Figures, FinishedRun
from prismseg.study.kinds.segmentation.case_figures import Tile, draw_extremes, draw_maps, draw_side_by_side
from prismseg.study.kinds.segmentation.predictions import CaseCache

RANKS = {"worst": 0.0, "median": 0.5, "best": 1.0}  # quantiles of Dice


@dataclass(frozen=True)
class GridPoint:
    """Variants that differ in nothing but the axis that is compared.

    Attributes
    ----------
    name : str
        Their values on the other axes.
    dice : (cases, variants) DataFrame
        Mean over classes.
    runs : dict
        Run by variant and case.
    """

    name: str
    dice: pd.DataFrame
    runs: dict[tuple[str, str], FinishedRun]

    @property
    def shared(self) -> pd.Series[float]:
        """Mean Dice over variants of the cases that all of them have, in its order."""
        return self.dice.dropna().mean(axis=1).sort_values(kind="stable")


def draw_cases(finished: Sequence[FinishedRun], axes: CaseAxes, folder: Path) -> tuple[Figures, list[str]]:
    """Draw what the networks of a study predict for single cases, those with the most training images.

    Parameters
    ----------
    finished : sequence of FinishedRun
        With their networks.
    axes : CaseAxes
        Of the study.
    folder : Path
        In which predictions and maps are cached for the next report.

    Returns
    -------
    figures : dict
        For each point of the axes that are not compared: ``cases-POINT``, the same worst, median and best case by all
        variants; ``extremes-POINT``, each variant's own; and ``maps-NETWORK`` for each network with CRFFg layers on its
        skips (for every network where none has them), all of one case.
    notes : list of str
        What could not be drawn, and why.
    """
    cache = CaseCache(folder)
    points, classes = list(find_points(finished, axes)), _classes(finished)
    figures: Figures = {}
    notes: list[str] = []
    for point in points:
        try:
            figures |= _draw_point(point, classes, cache)
        except PrismsegError as error:
            notes.append(f"No pictures of cases of {point.name or 'these networks'}: {error}")
    networks = _networks_to_explain(points)
    case = _typical_case(networks)
    for name, runs in networks.items():
        if case is not None:
            try:
                maps = cache.maps(runs[case], case)
                figures[f"maps-{_slug(name)}"] = draw_maps(maps, classes, name, case)
            except PrismsegError as error:
                notes.append(f"No maps of {name}: {error}")
    return figures, notes


def find_points(finished: Sequence[FinishedRun], axes: CaseAxes) -> Iterator[GridPoint]:
    """List the points of the axes that are neither pooled nor compared, where the training sets are largest.

    A case that several runs have tested (seeds) is that of the first.
    """
    compared, others = axes.compared, axes.others
    rows = pd.concat(
        [_mean_dice(each.rows).assign(number=number, **each.run.labels) for number, each in enumerate(finished)]
    )
    if SIZE_AXIS in others:
        rows = rows[rows[SIZE_AXIS] == max(rows[SIZE_AXIS].unique(), key=size_order)]
    rows["variant"] = rows[compared] if compared else "network"
    rows["point"] = rows[others].agg(", ".join, axis=1) if others else ""
    rows = rows.drop_duplicates(["point", "variant", "case"])
    for name, part in rows.groupby("point", sort=False):
        variants = list(dict.fromkeys(part["variant"]))
        dice = part.pivot(index="case", columns="variant", values="value")[variants]
        places = zip(part["variant"], part["case"], part["number"], strict=True)
        yield GridPoint(str(name), dice, {(variant, case): finished[number] for variant, case, number in places})


def rank_cases(dice: pd.Series[float]) -> dict[str, str]:
    """Choose the worst, median and best case by Dice.

    Examples
    --------
    >>> rank_cases(pd.Series({"a": 0.5, "b": 0.9, "c": 0.1}))
    {'worst': 'c', 'median': 'a', 'best': 'b'}
    """
    order = dice.dropna().sort_values(kind="stable").index
    return {name: str(order[round(share * (len(order) - 1))]) for name, share in RANKS.items()}


def _mean_dice(table: pd.DataFrame) -> pd.DataFrame:
    return _dice_rows(table).groupby("case", sort=False)["value"].mean().reset_index()


def _dice_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of Dice of whole networks, a class each."""
    return table[(table["measure"] == "dice") & (table["layer"].isna() | table["layer"].eq(""))]


def _draw_point(point: GridPoint, classes: list[str], cache: CaseCache) -> Figures:
    own = {str(variant): rank_cases(point.dice[variant]) for variant in point.dice}
    common = rank_cases(point.shared) if len(point.shared) else {}
    tiles: dict[tuple[str, str], Tile] = {}
    for variant, chosen in own.items():
        cases_of_run: dict[str, list[str]] = {}
        for case in dict.fromkeys([*chosen.values(), *common.values()]):
            cases_of_run.setdefault(point.runs[variant, case].run.key, []).append(case)
        for cases in cases_of_run.values():
            for case, content in cache.predictions(point.runs[variant, cases[0]], cases).items():
                tiles[variant, case] = Tile(case, float(point.dice[variant][case]), content)
    figures = {f"extremes-{_slug(point.name)}": draw_extremes(tiles, own, classes, point.name)}
    if common and len(own) > 1:
        name = f"cases-{_slug(point.name)}"
        figures = {name: draw_side_by_side(tiles, list(own), common, classes, point.name)} | figures
    return figures


def _networks_to_explain(points: Sequence[GridPoint]) -> dict[str, dict[str, FinishedRun]]:
    """Choose the networks whose maps are drawn, by name: the run of each case."""
    networks: dict[str, dict[str, FinishedRun]] = {}
    enhanced: set[str] = set()
    for point in points:
        for (variant, case), finished in point.runs.items():
            name = ", ".join(part for part in (point.name, variant) if part)
            networks.setdefault(name, {})[case] = finished
            if finished.run.settings["model"]["skip"].startswith("crffg"):
                enhanced.add(name)
    return {name: runs for name, runs in networks.items() if name in enhanced or not enhanced}


def _typical_case(networks: dict[str, dict[str, FinishedRun]]) -> str | None:
    """Choose the case of median Dice that all networks have tested; if there are any, of those with all classes found."""
    dice, least = {}, {}
    for name, runs in networks.items():
        tables = {finished.run.key: finished.rows for finished in runs.values()}
        rows = pd.concat([_dice_rows(table) for table in tables.values()])
        by_case = rows.groupby("case", sort=True)["value"]
        dice[name], least[name] = by_case.mean(), by_case.apply(lambda values: values.fillna(0).min())
    mean = pd.DataFrame(dice).dropna().mean(axis=1)
    if mean.empty:
        return None
    complete = pd.DataFrame(least).min(axis=1).loc[mean.index] > 0
    return rank_cases(mean[complete] if complete.any() else mean)["median"]


def _classes(finished: Sequence[FinishedRun]) -> list[str]:
    """Foreground classes, which are the same in all runs of a study."""
    table = finished[0].rows
    return [str(name) for name in dict.fromkeys(table["class"][table["measure"] == "dice"])]


def _slug(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name).strip("-") or "all"
