"""From the rows of many runs to tables: means with intervals over groups, comparisons of methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from prismseg.base import DataError
from prismseg.evaluation import SHARE, holm, mean_interval
from prismseg.evaluation.statistics.methods import compare_methods, compare_trainings
from prismseg.study.grid import MEAN_CLASS, Study, choices

UNITS = ("case", "group")
DETAILS = ("class", "layer")
ALL = "(all)"
SEED = "seed"
ENDS = ("ci_low", "ci_high", "range_low", "range_high")
SHARES = (
    "dice",
    "jaccard",
    "sensitivity",
    "specificity",
    "precision",
    "soft_dice",
    "rho",
    "cam_dice",
    "pointing_game",
)
_COMPLETE = 0.5  # of the shared cases must have all seeds for seeds to be compared on them


def shown_axes(study: Study) -> list[str]:
    """Axes that tables tell apart: all that are not pooled."""
    return [name for name in study.grid if name not in study.pool]


def pooled(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Average the pooled axes (seeds) out of a table of all runs, case by case.

    A fold holds other cases than the next, so folds are joined by this and not averaged. Rows without cases (a whole test
    set in one number) take the pooled axes as their cases: what differs between seeds is then what intervals are about.
    Points of curves (rows with an x) are left out: their mean over a curve says nothing.
    """
    table = _tidy(table)
    whole = table["case"].fillna("").eq("")
    names = [name for name in study.pool if name in table]
    if whole.any() and names:
        seeds = table.loc[whole, names].astype(str).agg(" ".join, axis=1)
        table.loc[whole, "case"], table.loc[whole, "group"] = seeds, seeds
    keys = [*shown_axes(study), *DETAILS, "measure", *UNITS]
    return table.groupby(keys, sort=False, dropna=False)["value"].mean().reset_index()


def per_seed(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Average the pooled axes out of a table of all runs, but for the seed, whose column stays: one training a seed."""
    table = _tidy(table)
    table[SEED] = table[SEED].astype(str) if SEED in study.pool and SEED in table else ""
    for name in UNITS:
        table[name] = table[name].astype(object).fillna("")
    keys = [*shown_axes(study), *DETAILS, "measure", *UNITS, SEED]
    return table.groupby(keys, sort=False, dropna=False)["value"].mean().reset_index()


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    table = table[table["x"].isna()].drop(columns="x") if "x" in table else table.copy()
    for name in (*UNITS, *DETAILS):
        if name not in table:
            table[name] = ""
    table[list(DETAILS)] = table[list(DETAILS)].astype(object).fillna("")
    return table


def summarize_study(study: Study, cases: pd.DataFrame) -> pd.DataFrame:
    """Mean, SD and 95 % interval over groups of each measure, of the trainings that were done.

    Parameters
    ----------
    study : Study
        With its axes.
    cases : DataFrame
        From `pooled`.

    Returns
    -------
    DataFrame
        The shown axes, class, layer, measure; mean, sd, ci_low, ci_high, range_low, range_high, n, n_groups, n_missing.
        With fewer than 6 groups there is a range and no interval.
    """
    keys = [*shown_axes(study), *DETAILS, "measure"]
    rows = []
    for key, part in _parts(cases, keys):
        # Arrays, since relevance by layer makes tens of thousands of parts.
        known = part["value"].notna().to_numpy()
        values, groups = part["value"].to_numpy(float)[known], part["group"].to_numpy()[known]
        bounds = SHARE if key[-1] in SHARES else None
        ends = dict.fromkeys(ENDS, np.nan)
        named = [group for group in groups if not pd.isna(group)]
        if named and len(named) == len(values):
            ends = mean_interval(values, groups, bounds=bounds).columns()
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "mean": values.mean() if len(values) else np.nan,
                "sd": values.std(ddof=1) if len(values) > 1 else np.nan,
                **ends,
                "n": len(values),
                "n_groups": len(set(named)),
                "n_missing": len(part) - len(values),
            }
        )
    return pd.DataFrame(rows)


def compare_study(study: Study, trainings: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Differences to the values named in `Study.compare`, everything else being equal, over groups and trainings.

    Only cases that both have are compared. Where other axes have several values, rows that say ``(all)`` there compare
    each case's means over them. The contrast that the study names as primary comes first and is tested as it is; all
    others are secondary, and their p-values Holm-corrected together.

    Parameters
    ----------
    study : Study
        With its axes.
    trainings : DataFrame
        From `per_seed`.
    measures : sequence of str
        What is compared.

    Returns
    -------
    DataFrame
        Columns compared (the axis), role (primary, secondary), the shown axes, reference (its other value), class,
        layer, measure, those of `prismseg.evaluation.statistics.methods.compare_methods`, p_holm, and n_left_out:
        cases that not all trainings have. Empty where nothing is compared.

    Raises
    ------
    DataError
        When two points that are compared share no case.
    """
    shown = trainings["layer"].isin(("", "(mean)"))
    known = trainings[shown].dropna(subset=["value"])
    chosen = known[known["measure"].isin(measures)]
    tables = [_compare_axis(study, axis, chosen).assign(compared=axis, role="secondary") for axis in study.compare]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if not table.empty:
        table["p_holm"] = holm(table["p_value"].to_numpy(float))
    order = ["role", "compared", *shown_axes(study), "reference", *DETAILS, "measure"]
    first = _primary(study, known)
    if first.empty:
        return table if table.empty else _ordered(table, order)
    # The primary contrast is not repeated among the others, and they do not pay for it.
    keys = [*shown_axes(study), "reference", *DETAILS, "measure", "compared"]
    if not table.empty:
        same = table[keys].astype(str).eq(first[keys].astype(str).iloc[0]).all(axis=1)
        table = table[~same]
        table["p_holm"] = holm(table["p_value"].to_numpy(float))
    return _ordered(pd.concat([first, table], ignore_index=True), order)


def _ordered(table: pd.DataFrame, first: list[str]) -> pd.DataFrame:
    return table[[*first, *(name for name in table.columns if name not in first)]]


def _primary(study: Study, known: pd.DataFrame) -> pd.DataFrame:
    """Make the one row of the contrast that the study names, tested as it is."""
    question = study.primary
    if question is None:
        return pd.DataFrame()
    chosen = known[known["measure"] == question.measure]
    for axis, label in question.at.items():
        chosen = chosen[chosen[axis].astype(str) == label]
    others = [name for name in shown_axes(study) if name != question.axis]
    if question.of == MEAN_CLASS and chosen["class"].nunique() > 1:
        keys = [*shown_axes(study), "layer", "measure", *UNITS, SEED]
        chosen = chosen.groupby(keys, sort=False)["value"].mean().reset_index().assign(**{"class": MEAN_CLASS})
    elif question.of != MEAN_CLASS:
        chosen = chosen[chosen["class"] == question.of]
    rows = _pairs(chosen, question.axis, question.value, question.reference, others)
    spread = [name for name in others if chosen[name].nunique() > 1]
    if spread:
        rows = rows[(rows[spread] == ALL).all(axis=1)]
    rows = rows.head(1).assign(compared=question.axis, role="primary")
    return rows.assign(p_holm=rows["p_value"]) if not rows.empty else rows


def _compare_axis(study: Study, axis: str, chosen: pd.DataFrame) -> pd.DataFrame:
    others = [name for name in shown_axes(study) if name != axis]
    tables = [
        _pairs(chosen, axis, value, reference, others) for value, reference in _references(study, axis).items()
    ]
    tables = [table for table in tables if not table.empty]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _references(study: Study, axis: str) -> dict[str, str]:
    """For each value of an axis, the one that it is compared with."""
    reference = study.compare[axis]
    if isinstance(reference, dict):
        return {str(value): str(other) for value, other in reference.items()}
    values = choices(axis, study.grid[axis])
    return {value: str(reference) for value in values if value != str(reference)}


def _pairs(chosen: pd.DataFrame, axis: str, value: str, reference: str, others: list[str]) -> pd.DataFrame:
    """Compare two values of an axis at each point of the other axes, and over all of them."""
    ours, theirs = (chosen[chosen[axis].astype(str) == name] for name in (value, reference))
    details = [*DETAILS, "measure"]
    _require_shared(ours, theirs, [*others, *details], f"{axis} {value} and {reference}")
    match = [*others, *details, *UNITS]
    both = pd.MultiIndex.from_frame(ours[match]).intersection(pd.MultiIndex.from_frame(theirs[match]))
    ours, theirs = (side[pd.MultiIndex.from_frame(side[match]).isin(both)] for side in (ours, theirs))
    rows = _compared(ours, theirs, [*others, *details])
    if any(ours[name].nunique() > 1 for name in others):
        merged = [_over_all(side, others, details) for side in (ours, theirs)]
        rows += _compared(merged[0], merged[1], [*others, *details])
    table = pd.DataFrame(rows)
    return table if table.empty else table.assign(**{axis: value, "reference": reference})


def _over_all(side: pd.DataFrame, others: list[str], details: list[str]) -> pd.DataFrame:
    """Mean of each case and training over the other axes; trainings that lack a point are left out."""
    keys = [*details, *UNITS, SEED]
    found = side.groupby(keys, sort=False)["value"].agg(["mean", "size"]).reset_index()
    points = found.groupby([*details, *UNITS], sort=False)["size"].transform("max")
    found = found[found["size"] == points].rename(columns={"mean": "value"}).drop(columns="size")
    return found.assign(**dict.fromkeys(others, ALL))


def _require_shared(ours: pd.DataFrame, theirs: pd.DataFrame, keys: list[str], names: str) -> None:
    """Refuse points of the grid that both have, but with other cases; one whose runs are not finished is left out."""
    cases = {key: set(part["case"]) for key, part in _parts(theirs, keys)}
    for key, part in _parts(ours, keys):
        if key in cases and not cases[key] & set(part["case"]):
            where = ", ".join(str(name) for name in key if name != "")
            raise DataError(f"{names} share no case at {where}, so nothing can be compared.")


def _compared(ours: pd.DataFrame, theirs: pd.DataFrame, keys: list[str]) -> list[dict[str, Any]]:
    parts = dict(_parts(theirs, keys))
    rows = []
    for key, part in _parts(ours, keys):
        if key in parts:
            rows.append({**dict(zip(keys, key, strict=True)), **_contrast(part, parts[key])})
    return rows


def _contrast(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, Any]:
    """Compare one point of the grid: cases by trainings of both methods."""
    left, right = (
        side.pivot_table(index=list(UNITS), columns=SEED, values="value", sort=False) for side in (ours, theirs)
    )
    if set(left.index.get_level_values("case")) == {""}:
        found = compare_trainings(left.iloc[0].dropna().to_numpy(), right.iloc[0].dropna().to_numpy())
        return {**found, "n_left_out": 0}
    shared = left.index.intersection(right.index)
    left, right = left.loc[shared], right.loc[shared]
    whole = left.notna().all(axis=1) & right.notna().all(axis=1)
    if whole.mean() < _COMPLETE:
        # Each case was tried by one training alone: there is nothing to tell trainings apart by.
        left, right = left.mean(axis=1).to_frame(), right.mean(axis=1).to_frame()
        whole = whole | True
    groups = shared.get_level_values("group")[whole.to_numpy()]
    found = compare_methods(left[whole].to_numpy().T, right[whole].to_numpy().T, groups)
    return {**found, "n_left_out": int((~whole).sum())}


def _parts(table: pd.DataFrame, keys: list[str]) -> Iterator[tuple[tuple[object, ...], pd.DataFrame]]:
    for key, part in table.groupby(keys, sort=False, dropna=False):
        yield (key if isinstance(key, tuple) else (key,)), part
