"""Cases of a segmentation study to look at: worst, median and best of each variant, and maps of all layers of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from prismseg.base import PrismsegError
from prismseg.study.aggregate import shown_axes
from prismseg.study.figures import SIZE_AXIS, size_of
from prismseg.study.grid import Run, Study
from prismseg.study.kinds.segmentation.case_figures import Tile, draw_extremes, draw_maps, draw_side_by_side
from prismseg.study.kinds.segmentation.looks import Looks
from prismseg.study.store import Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Done = Sequence[tuple[Run, pd.DataFrame]]
RANKS = {"worst": 0.0, "median": 0.5, "best": 1.0}


@dataclass(frozen=True)
class Point:
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
    runs: dict[tuple[str, str], Run]

    @property
    def shared(self) -> pd.Series[float]:
        """Mean Dice over variants of the cases that all of them have, in its order."""
        return self.dice.dropna().mean(axis=1).sort_values(kind="stable")


def picture_cases(study: Study, done: Done, store: Store, kept: Path) -> tuple[dict[str, Figure], list[str]]:
    """Draw what the networks of a study make of single cases, those with the most training images.

    Parameters
    ----------
    study : Study
        With its axes.
    done : sequence of (Run, DataFrame)
        Finished runs and their rows.
    store : Store
        With the runs' networks.
    kept : Path
        Folder in which predictions and maps are kept for the next report.

    Returns
    -------
    figures : dict
        For each point of the axes that are not compared: ``cases-POINT``, the same worst, median and best case by all
        variants; ``extremes-POINT``, each variant's own; and ``maps-NETWORK`` for each network with CRFFg layers on its
        skips (for every network where none has them), all of one case.
    notes : list of str
        What could not be drawn, and why.
    """
    looks, notes = Looks(store, kept), []
    points, classes = list(find_points(study, done)), _classes(done)
    figures: dict[str, Figure] = {}
    for point in points:
        try:
            figures |= _draw_point(point, classes, looks)
        except PrismsegError as error:
            notes.append(f"No pictures of cases of {point.name or 'these networks'}: {error}")
    networks = _explained(points)
    case = _typical(networks, done)
    for name, runs in networks.items():
        if case is not None:
            try:
                maps = looks.maps(runs[case], case)
                figures[f"maps-{_slug(name)}"] = draw_maps(maps, classes, name, case)
            except PrismsegError as error:
                notes.append(f"No maps of {name}: {error}")
    return figures, notes


def find_points(study: Study, done: Done) -> Iterator[Point]:
    """List the points of the axes that are neither pooled nor compared, where the training sets are largest.

    A case that several runs have tested (seeds) is that of the first.
    """
    axes = shown_axes(study)
    compared = next(iter(study.compare), axes[0] if axes else None)
    others = [name for name in axes if name != compared]
    rows = pd.concat(
        [_dice(table).assign(number=number, **run.labels) for number, (run, table) in enumerate(done)]
    )
    if SIZE_AXIS in others:
        rows = rows[rows[SIZE_AXIS] == max(rows[SIZE_AXIS].unique(), key=size_of)]
    rows["variant"] = rows[compared] if compared else "network"
    rows["point"] = rows[others].agg(", ".join, axis=1) if others else ""
    rows = rows.drop_duplicates(["point", "variant", "case"])
    for name, part in rows.groupby("point", sort=False):
        variants = list(dict.fromkeys(part["variant"]))
        dice = part.pivot(index="case", columns="variant", values="value")[variants]
        places = zip(part["variant"], part["case"], part["number"], strict=True)
        yield Point(str(name), dice, {(variant, case): done[number][0] for variant, case, number in places})


def ranked(values: pd.Series[float]) -> dict[str, str]:
    """Worst, median and best case of a series of Dice by case."""
    order = values.dropna().sort_values(kind="stable").index
    return {name: str(order[round(share * (len(order) - 1))]) for name, share in RANKS.items()}


def _dice(table: pd.DataFrame) -> pd.DataFrame:
    return _dice_rows(table).groupby("case", sort=False)["value"].mean().reset_index()


def _dice_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of Dice of whole networks, a class each."""
    return table[(table["measure"] == "dice") & (table["layer"].isna() | table["layer"].eq(""))]


def _draw_point(point: Point, classes: list[str], looks: Looks) -> dict[str, Figure]:
    own = {str(variant): ranked(point.dice[variant]) for variant in point.dice}
    common = ranked(point.shared) if len(point.shared) else {}
    tiles: dict[tuple[str, str], Tile] = {}
    for variant, chosen in own.items():
        wanted: dict[str, list[str]] = {}
        for case in dict.fromkeys([*chosen.values(), *common.values()]):
            wanted.setdefault(point.runs[variant, case].key, []).append(case)
        for cases in wanted.values():
            for case, look in looks.looks(point.runs[variant, cases[0]], cases).items():
                tiles[variant, case] = Tile(case, float(point.dice[variant][case]), look)
    figures = {f"extremes-{_slug(point.name)}": draw_extremes(tiles, own, classes, point.name)}
    if common and len(own) > 1:
        name = f"cases-{_slug(point.name)}"
        figures = {name: draw_side_by_side(tiles, list(own), common, classes, point.name)} | figures
    return figures


def _explained(points: Sequence[Point]) -> dict[str, dict[str, Run]]:
    """Networks whose layers are worth looking at, by name: the run of each case."""
    found: dict[str, dict[str, Run]] = {}
    enhanced: set[str] = set()
    for point in points:
        for (variant, case), run in point.runs.items():
            name = ", ".join(part for part in (point.name, variant) if part)
            found.setdefault(name, {})[case] = run
            if run.settings["model"]["skip"] == "crffg":
                enhanced.add(name)
    return {name: runs for name, runs in found.items() if name in enhanced or not enhanced}


def _typical(networks: dict[str, dict[str, Run]], done: Done) -> str | None:
    """Case that all networks have tested, of the median Dice; one in which each finds each class, if there is any."""
    tables = {run.key: table for run, table in done}
    dice, least = {}, {}
    for name, runs in networks.items():
        keys = {run.key for run in runs.values()}
        rows = pd.concat([_dice_rows(tables[key]) for key in keys])
        by_case = rows.groupby("case", sort=True)["value"]
        dice[name], least[name] = by_case.mean(), by_case.apply(lambda values: values.fillna(0).min())
    mean = pd.DataFrame(dice).dropna().mean(axis=1)
    if mean.empty:
        return None
    complete = pd.DataFrame(least).min(axis=1).loc[mean.index] > 0
    return ranked(mean[complete] if complete.any() else mean)["median"]


def _classes(done: Done) -> list[str]:
    """Foreground classes, which are the same in all runs of a study."""
    table = done[0][1]
    return [str(name) for name in dict.fromkeys(table["class"][table["measure"] == "dice"])]


def _slug(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name).strip("-") or "all"
