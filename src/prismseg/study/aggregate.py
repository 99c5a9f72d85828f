"""From the rows of many runs to tables: means with intervals over groups, paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from prismseg.base import DataError
from prismseg.evaluation import holm, mean_interval, paired_comparison
from prismseg.study.grid import Study, choices

UNITS = ("case", "group")
DETAILS = ("class", "layer")
ALL = "(all)"
ENDS = ("ci_low", "ci_high", "range_low", "range_high")


def shown_axes(study: Study) -> list[str]:
    """Axes that tables tell apart: all that are not pooled."""
    return [name for name in study.grid if name not in study.pool]


def pooled(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Average the pooled axes (seeds) out of a table of all runs, case by case.

    A fold holds other cases than the next, so folds are joined by this and not averaged. Rows without cases (a whole test
    set in one number) take the pooled axes as their cases: what differs between seeds is then what intervals are about.
    Points of curves (rows with an x) are left out: their mean over a curve says nothing.
    """
    table = table[table["x"].isna()].drop(columns="x") if "x" in table else table.copy()
    for name in (*UNITS, *DETAILS):
        if name not in table:
            table[name] = ""
    table[list(DETAILS)] = table[list(DETAILS)].astype(object).fillna("")
    whole = table["case"].fillna("").eq("")
    names = [name for name in study.pool if name in table]
    if whole.any() and names:
        seeds = table.loc[whole, names].astype(str).agg(" ".join, axis=1)
        table.loc[whole, "case"], table.loc[whole, "group"] = seeds, seeds
    keys = [*shown_axes(study), *DETAILS, "measure", *UNITS]
    return table.groupby(keys, sort=False, dropna=False)["value"].mean().reset_index()


def summarize_study(study: Study, cases: pd.DataFrame) -> pd.DataFrame:
    """Mean, SD and 95 % interval over groups of each measure.

    Parameters
    ----------
    study : Study
        With its axes.
    cases : DataFrame
        From `pooled`.

    Returns
    -------
    DataFrame
        The shown axes, class, layer, measure; mean, sd, ci_low, ci_high, n, n_groups, n_missing.
    """
    keys = [*shown_axes(study), *DETAILS, "measure"]
    rows = []
    for key, part in _parts(cases, keys):
        # Arrays, since relevance by layer makes tens of thousands of parts.
        known = part["value"].notna().to_numpy()
        values, groups = part["value"].to_numpy(float)[known], part["group"].to_numpy()[known]
        count = len({group for group in groups if not pd.isna(group)})
        ends = mean_interval(values, groups).columns() if len(values) else dict.fromkeys(ENDS, np.nan)
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "mean": values.mean() if len(values) else np.nan,
                "sd": values.std(ddof=1) if len(values) > 1 else np.nan,
                **ends,
                "n": len(values),
                "n_groups": count,
                "n_missing": len(part) - len(values),
            }
        )
    return pd.DataFrame(rows)


def compare_study(study: Study, cases: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Paired differences to the values named in `Study.compare`, everything else being equal.

    Only cases that both have are compared. Where other axes have several values, rows that say ``(all)`` there compare
    each case's means over them. P-values are Holm-corrected within each axis and measure, those of ``(all)`` among
    themselves.

    Returns
    -------
    DataFrame
        As `summarize_study`, with compared (the axis), reference (its other value), difference, ci_low, ci_high, p_value,
        p_holm, n; empty where nothing is compared.

    Raises
    ------
    DataError
        When two points that are compared share no case.
    """
    chosen = cases[cases["measure"].isin(measures) & cases["layer"].isin(("", "(mean)"))].dropna(subset=["value"])
    tables = [_compare_axis(study, axis, chosen) for axis in study.compare]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _compare_axis(study: Study, axis: str, chosen: pd.DataFrame) -> pd.DataFrame:
    others = [name for name in shown_axes(study) if name != axis]
    match = [*others, *DETAILS, "measure", *UNITS]
    pairs = []
    for value, reference in _references(study, axis).items():
        ours, theirs = (chosen[chosen[axis].astype(str) == name].drop(columns=axis) for name in (value, reference))
        both = ours.merge(theirs, on=match, suffixes=("", "_reference"))
        _require_shared(ours, theirs, both, [*others, *DETAILS, "measure"], f"{axis} {value} and {reference}")
        pairs.append(both.assign(**{axis: value, "reference": reference}))
    paired = pd.concat(pairs, ignore_index=True)
    keys = [axis, "reference", *others, *DETAILS, "measure"]
    table = _compared(paired, keys)
    if any(paired[name].nunique() > 1 for name in others):
        merged = paired.assign(**dict.fromkeys(others, ALL))
        means = merged.groupby([*keys, *UNITS], sort=False)[["value", "value_reference"]].mean().reset_index()
        table = pd.concat([table, _compared(means, keys)], ignore_index=True)
    table.insert(0, "compared", axis)
    return table


def _references(study: Study, axis: str) -> dict[str, str]:
    """For each value of an axis, the one that it is compared with."""
    reference = study.compare[axis]
    if isinstance(reference, dict):
        return {str(value): str(other) for value, other in reference.items()}
    values = choices(axis, study.grid[axis])
    return {value: str(reference) for value in values if value != str(reference)}


def _require_shared(
    ours: pd.DataFrame, theirs: pd.DataFrame, both: pd.DataFrame, keys: list[str], names: str
) -> None:
    """Refuse points of the grid that both have, but with other cases; one whose runs are not finished is left out."""
    known, met = ({key for key, _ in _parts(table, keys)} for table in (theirs, both))
    for key, _ in _parts(ours, keys):
        if key in known - met:
            where = ", ".join(str(part) for part in key if part != "")
            raise DataError(f"{names} share no case at {where}, so nothing can be compared.")


def _compared(pairs: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    rows = []
    for key, part in _parts(pairs, keys):
        if part["group"].nunique() > 1:
            found = paired_comparison(part["value"], part["value_reference"], part["group"])
            rows.append({**dict(zip(keys, key, strict=True)), **found})
    table = pd.DataFrame(rows)
    if not table.empty:
        table["p_holm"] = np.nan
        for _, part in table.groupby("measure"):
            table.loc[part.index, "p_holm"] = holm(part["p_value"].to_numpy())
    return table


def _parts(table: pd.DataFrame, keys: list[str]) -> Iterator[tuple[tuple[object, ...], pd.DataFrame]]:
    for key, part in table.groupby(keys, sort=False, dropna=False):
        yield (key if isinstance(key, tuple) else (key,)), part
