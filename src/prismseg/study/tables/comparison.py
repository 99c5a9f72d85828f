"""Comparison of methods in a study: differences over groups and trainings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from prismseg.base import DataError
from prismseg.evaluation import holm
from prismseg.evaluation.statistics.methods import compare_methods, compare_trainings
from prismseg.study.definition.columns import CASE_COLUMNS, DETAIL_COLUMNS, MEAN_CLASS, WHOLE
from prismseg.study.definition.grid import axis_values
from prismseg.study.definition.study import Study
from prismseg.study.tables.pooling import SEED
from prismseg.study.tables.summary import split_table

ALL = "(all)"  # in the column of an axis: each case's mean over it
# Share of the shared cases that all seeds must have tested for trainings to be told apart on them.
_LEAST_COMPLETE = 0.5


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
        From `pool_trainings`.
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
    shown = trainings["layer"].isin(WHOLE)
    known = trainings[shown].dropna(subset=["value"])
    chosen = known[known["measure"].isin(measures)]
    tables = [_compare_axis(study, axis, chosen).assign(compared=axis, role="secondary") for axis in study.compare]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if not table.empty:
        table["p_holm"] = holm(table["p_value"].to_numpy(float))
    order = ["role", "compared", *study.shown_axes, "reference", *DETAIL_COLUMNS, "measure"]
    first = _primary_row(study, known)
    if first.empty:
        return table if table.empty else _order_columns(table, order)
    # The primary contrast is not repeated among the others, and they do not pay for it.
    keys = [*study.shown_axes, "reference", *DETAIL_COLUMNS, "measure", "compared"]
    if not table.empty:
        same = table[keys].astype(str).eq(first[keys].astype(str).iloc[0]).all(axis=1)
        table = table[~same]
        table["p_holm"] = holm(table["p_value"].to_numpy(float))
    return _order_columns(pd.concat([first, table], ignore_index=True), order)


def _order_columns(table: pd.DataFrame, first: list[str]) -> pd.DataFrame:
    return table[[*first, *(name for name in table.columns if name not in first)]]


def _primary_row(study: Study, known: pd.DataFrame) -> pd.DataFrame:
    """Make the one row of the contrast that the study names, tested as it is."""
    primary = study.primary
    if primary is None:
        return pd.DataFrame()
    chosen = known[known["measure"] == primary.measure]
    for axis, label in primary.at.items():
        chosen = chosen[chosen[axis].astype(str) == label]
    others = [name for name in study.shown_axes if name != primary.axis]
    if primary.class_name == MEAN_CLASS and chosen["class"].nunique() > 1:
        keys = [*study.shown_axes, "layer", "measure", *CASE_COLUMNS, SEED]
        chosen = chosen.groupby(keys, sort=False)["value"].mean().reset_index().assign(**{"class": MEAN_CLASS})
    elif primary.class_name != MEAN_CLASS:
        chosen = chosen[chosen["class"] == primary.class_name]
    rows = _compare_pair(chosen, primary.axis, primary.value, primary.reference, others)
    varied = [name for name in others if chosen[name].nunique() > 1]
    if varied:
        rows = rows[(rows[varied] == ALL).all(axis=1)]
    rows = rows.head(1).assign(compared=primary.axis, role="primary")
    return rows.assign(p_holm=rows["p_value"]) if not rows.empty else rows


def _compare_axis(study: Study, axis: str, chosen: pd.DataFrame) -> pd.DataFrame:
    others = [name for name in study.shown_axes if name != axis]
    tables = [
        _compare_pair(chosen, axis, value, reference, others)
        for value, reference in _references(study, axis).items()
    ]
    tables = [table for table in tables if not table.empty]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _references(study: Study, axis: str) -> dict[str, str]:
    """For each value of an axis, the one that it is compared with."""
    reference = study.compare[axis]
    if isinstance(reference, dict):
        return {str(value): str(other) for value, other in reference.items()}
    values = axis_values(axis, study.grid[axis])
    return {value: str(reference) for value in values if value != str(reference)}


def _compare_pair(chosen: pd.DataFrame, axis: str, value: str, reference: str, others: list[str]) -> pd.DataFrame:
    """Compare two values of an axis at each point of the other axes, and over all of them."""
    ours, theirs = (chosen[chosen[axis].astype(str) == name] for name in (value, reference))
    details = [*DETAIL_COLUMNS, "measure"]
    _require_shared(ours, theirs, [*others, *details], f"{axis} {value} and {reference}")
    match = [*others, *details, *CASE_COLUMNS]
    both = pd.MultiIndex.from_frame(ours[match]).intersection(pd.MultiIndex.from_frame(theirs[match]))
    ours, theirs = (side[pd.MultiIndex.from_frame(side[match]).isin(both)] for side in (ours, theirs))
    rows = _compare_points(ours, theirs, [*others, *details])
    if any(ours[name].nunique() > 1 for name in others):
        means = [_mean_over_axes(side, others, details) for side in (ours, theirs)]
        rows += _compare_points(means[0], means[1], [*others, *details])
    table = pd.DataFrame(rows)
    return table if table.empty else table.assign(**{axis: value, "reference": reference})


def _mean_over_axes(side: pd.DataFrame, others: list[str], details: list[str]) -> pd.DataFrame:
    """Mean of each case and training over the other axes; trainings that lack a point are left out."""
    keys = [*details, *CASE_COLUMNS, SEED]
    means = side.groupby(keys, sort=False)["value"].agg(["mean", "size"]).reset_index()
    points = means.groupby([*details, *CASE_COLUMNS], sort=False)["size"].transform("max")
    means = means[means["size"] == points].rename(columns={"mean": "value"}).drop(columns="size")
    return means.assign(**dict.fromkeys(others, ALL))


def _require_shared(ours: pd.DataFrame, theirs: pd.DataFrame, keys: list[str], names: str) -> None:
    """Refuse points of the grid that both have, but with other cases; one whose runs are not finished is left out."""
    cases = {key: set(part["case"]) for key, part in split_table(theirs, keys)}
    for key, part in split_table(ours, keys):
        if key in cases and not cases[key] & set(part["case"]):
            where = ", ".join(str(name) for name in key if name != "")
            raise DataError(f"{names} share no case at {where}, so nothing can be compared.")


def _compare_points(ours: pd.DataFrame, theirs: pd.DataFrame, keys: list[str]) -> list[dict[str, Any]]:
    parts = dict(split_table(theirs, keys))
    rows = []
    for key, part in split_table(ours, keys):
        if key in parts:
            rows.append({**dict(zip(keys, key, strict=True)), **_contrast(part, parts[key])})
    return rows


def _contrast(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, Any]:
    """Compare one point of the grid: cases by trainings of both methods."""
    left, right = (
        side.pivot_table(index=list(CASE_COLUMNS), columns=SEED, values="value", sort=False)
        for side in (ours, theirs)
    )
    if set(left.index.get_level_values("case")) == {""}:
        result = compare_trainings(left.iloc[0].dropna().to_numpy(), right.iloc[0].dropna().to_numpy())
        return {**result, "n_left_out": 0}
    shared = left.index.intersection(right.index)
    left, right = left.loc[shared], right.loc[shared]
    whole = left.notna().all(axis=1) & right.notna().all(axis=1)
    if whole.mean() < _LEAST_COMPLETE:
        # Each case was tried by one training alone: there is nothing to tell trainings apart by.
        left, right = left.mean(axis=1).to_frame(), right.mean(axis=1).to_frame()
        whole = whole | True
    groups = shared.get_level_values("group")[whole.to_numpy()]
    result = compare_methods(left[whole].to_numpy().T, right[whole].to_numpy().T, groups)
    return {**result, "n_left_out": int((~whole).sum())}
