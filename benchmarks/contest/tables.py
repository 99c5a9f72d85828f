"""From the cells that are done to tables: scores, paired differences, curves, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from contest.averages import MeanOverSets, mean_over_sets
from contest.methods import METHODS
from contest.plan import AXES, DOUBLE, EQUAL, OWN
from prismseg.evaluation import SHARE, mean_interval, paired_comparison
from prismseg.evaluation.statistics.methods import compare_methods

POINT = ("effort", "images", "data", "method")  # what a score belongs to
_CASE = ["case", "group"]


@dataclass(frozen=True)
class CellState:
    """A cell of the plan as it stands.

    Attributes
    ----------
    labels : dict of str to str
        Its values on `contest.plan.AXES`.
    state : str
        "done", or why it has no numbers: "not run", "left out", "stale", "running", "failed: reason".
    rows : DataFrame
        Its results where it is done, see `contest.cell.measure_cell`.
    """

    labels: dict[str, str]
    state: str
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Contest:
    """All that the report shows.

    Attributes
    ----------
    cases : DataFrame
        `contest.plan.AXES`, case, group, dice: mean over the classes of each case.
    facts : DataFrame
        The axes, measure, value: seconds, steps, images, prediction_seconds of each cell.
    curves : DataFrame
        The axes, measure, x, value.
    complete : set of tuple
        Points (see `POINT`) of which every cell is done.
    missing : list of (tuple, str)
        The other points with the reason.
    """

    cases: pd.DataFrame
    facts: pd.DataFrame
    curves: pd.DataFrame
    complete: set[tuple[str, ...]]
    missing: list[tuple[tuple[str, ...], str]]


def collect(cells: Sequence[CellState], *, budget: float) -> Contest:
    """Put the cells together.

    Methods that learn in one go are run once; where that takes at most `budget` seconds, what they reach also stands
    beside the trainings of equal cost.
    """
    states: dict[tuple[str, ...], list[str]] = {}
    done: list[pd.DataFrame] = []
    for cell in cells:
        point = tuple(cell.labels[name] for name in POINT)
        states.setdefault(point, []).append(cell.state)
        if cell.state == "done":
            done.append(cell.rows.assign(**cell.labels))
    rows = pd.concat(done, ignore_index=True) if done else pd.DataFrame(columns=[*AXES, *_COLUMNS])
    facts = rows[rows["measure"].isin(_FACTS)][[*AXES, "measure", "value"]]
    dice = rows[rows["measure"] == "dice"]
    cases = (
        dice.groupby([*AXES, *_CASE], sort=False)["value"].mean().reset_index().rename(columns={"value": "dice"})
    )
    curves = rows[rows["x"].notna()][[*AXES, "measure", "x", "value"]]
    complete = {point for point, found in states.items() if set(found) == {"done"}}
    missing = [(point, _why(found)) for point, found in states.items() if point not in complete]
    contest = Contest(cases, facts, curves, complete, missing)
    return _with_one_go(contest, budget)


_COLUMNS = ("case", "group", "class", "measure", "value", "x")
_FACTS = ("seconds", "steps", "images", "prediction_seconds")


def _why(states: Sequence[str]) -> str:
    other = [state for state in states if state != "done"]
    text = "; ".join(dict.fromkeys(other))
    return text if len(other) == len(states) else f"{len(other)} of {len(states)} cells {text}"


def _with_one_go(contest: Contest, budget: float) -> Contest:
    """Let methods without steps stand beside equal seconds where they take no longer."""
    cost = mean_facts(contest, "seconds")
    points = [
        point
        for point in contest.complete
        if point[0] == OWN and not METHODS[point[3]].steps and cost[point] <= budget
    ]
    if not points:
        return contest
    chosen = pd.MultiIndex.from_tuples(points)

    def doubled(table: pd.DataFrame) -> pd.DataFrame:
        same = table[pd.MultiIndex.from_frame(table[list(POINT)]).isin(chosen)]
        return pd.concat([table, same.assign(effort=EQUAL)], ignore_index=True)

    return Contest(
        doubled(contest.cases),
        doubled(contest.facts),
        contest.curves,
        contest.complete | {(EQUAL, *point[1:]) for point in points},
        contest.missing,
    )


def average_classes(rows: pd.DataFrame) -> pd.DataFrame:
    """Replace the Dice of each class by its mean over the classes of a case; other rows stay."""
    dice = rows[rows["measure"] == "dice"]
    means = dice.groupby(_CASE, sort=False)["value"].mean().reset_index().assign(measure="dice", **{"class": ""})
    return pd.concat([means, rows[rows["measure"] != "dice"]], ignore_index=True).reindex(columns=list(_COLUMNS))


def mean_facts(contest: Contest, measure: str) -> dict[tuple[str, ...], float]:
    """Mean of a fact over the cells of each point."""
    table = contest.facts[contest.facts["measure"] == measure]
    return {key: float(part["value"].mean()) for key, part in table.groupby(list(POINT), sort=False)}


def score(contest: Contest, point: tuple[str, ...]) -> dict[str, Any]:
    """Mean Dice of a point with its interval over groups."""
    part = _at(contest, point)
    means = part.groupby(_CASE, sort=False)["dice"].mean().reset_index()
    interval = mean_interval(means["dice"], means["group"], bounds=SHARE)
    return {"mean": float(means["dice"].mean()), "n_groups": interval.n_groups, **interval.columns()}


def compare(contest: Contest, point: tuple[str, ...], other: tuple[str, ...]) -> dict[str, Any]:
    """Compare two points on the cases that both have: with one seed the networks, with several the methods."""
    ours, theirs = (_pivot(_at(contest, each)) for each in (point, other))
    shared = ours.index.intersection(theirs.index)
    ours, theirs = ours.loc[shared], theirs.loc[shared]
    groups = shared.get_level_values("group")
    if min(ours.shape[1], theirs.shape[1]) > 1:
        return dict(compare_methods(ours.to_numpy().T, theirs.to_numpy().T, groups))
    return dict(paired_comparison(ours.mean(axis=1), theirs.mean(axis=1), groups))


def compare_over_sets(
    contest: Contest, effort: str, images: str, ours: str, theirs: str, *, against: str | None = None
) -> MeanOverSets | None:
    """Compare two methods over all sets on which both are complete; None where there is no such set.

    Parameters
    ----------
    contest, effort, images, ours, theirs
        What is compared.
    against : str, optional
        Effort of `theirs`, where it is another one.
    """
    differences = {}
    for data in shared_sets(contest, effort, images, ours, theirs, against=against):
        left, right = (
            _pivot(_at(contest, (how, images, data, method))).mean(axis=1)
            for how, method in ((effort, ours), (against or effort, theirs))
        )
        shared = left.index.intersection(right.index)
        differences[data] = (left.loc[shared] - right.loc[shared], shared.get_level_values("group"))
    return mean_over_sets(differences) if differences else None


def shared_sets(
    contest: Contest, effort: str, images: str, ours: str, theirs: str, *, against: str | None = None
) -> list[str]:
    """List the sets on which both methods are complete."""
    mine, other = (
        {point[2] for point in contest.complete if point[:2] == (how, images) and point[3] == method}
        for how, method in ((effort, ours), (against or effort, theirs))
    )
    return sorted(mine & other)


def best_peer(contest: Contest, effort: str, images: str, ours: str) -> str | None:
    """Name the peer with the highest mean over the sets of `ours`; only peers that have them all can be it.

    It is chosen by the same numbers that it is then compared by, which flatters it.
    """
    sets = shared_sets(contest, effort, images, ours, ours)
    means = {}
    for name in METHODS:
        if not METHODS[name].ours and sets == shared_sets(contest, effort, images, ours, name) and sets:
            means[name] = float(np.mean([score(contest, (effort, images, data, name))["mean"] for data in sets]))
    return max(means, key=lambda name: means[name]) if means else None


def flatness(contest: Contest, effort: str = OWN) -> pd.DataFrame:
    """How much the curves still rise: mean of their last quarter minus that of the third, over all cells of a method.

    Returns
    -------
    DataFrame
        Columns images, method, rise (mean over cells), highest (of a cell), cells.
    """
    chosen = contest.curves[(contest.curves["measure"] == "watched") & (contest.curves["effort"] == effort)]
    rows = []
    for key, part in chosen.groupby(list(AXES), sort=False):
        labels = dict(zip(AXES, key, strict=True))
        share = part["x"] / part["x"].max()
        last, third = part["value"][share > 0.75], part["value"][(share > 0.5) & (share <= 0.75)]
        if len(last) and len(third):
            rows.append(
                {"images": labels["images"], "method": labels["method"], "rise": last.mean() - third.mean()}
            )
    table = pd.DataFrame(rows, columns=["images", "method", "rise"])
    found = table.groupby(["images", "method"], sort=False)["rise"].agg(["mean", "max", "size"]).reset_index()
    return found.rename(columns={"mean": "rise", "max": "highest", "size": "cells"})


def doubling(contest: Contest) -> list[tuple[str, str, MeanOverSets]]:
    """What twice the steps gain, by training size and method; on the folds that were trained twice as long."""
    found = []
    for images, method in sorted({(point[1], point[3]) for point in contest.complete if point[0] == DOUBLE}):
        result = compare_over_sets(contest, DOUBLE, images, method, method, against=OWN)
        if result is not None:
            found.append((images, method, result))
    return found


def _at(contest: Contest, point: tuple[str, ...]) -> pd.DataFrame:
    cases = contest.cases
    wanted: Mapping[str, str] = dict(zip(POINT, point, strict=True))
    return cases[np.logical_and.reduce([cases[name] == value for name, value in wanted.items()])]


def _pivot(part: pd.DataFrame) -> pd.DataFrame:
    """Cases by seeds; a case is tested by one fold."""
    return part.pivot_table(index=_CASE, columns="seed", values="dice", sort=False).dropna()
