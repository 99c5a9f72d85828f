"""From the rows of many runs to tables: means with intervals over groups, paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from prismseg.base import DataError
from prismseg.study.grid import Study
from prismseg.train.statistics import bootstrap_ci, holm, paired_comparison

UNITS = ("case", "group")
DETAILS = ("class", "layer")


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
    table[list(DETAILS)] = table[list(DETAILS)].fillna("")
    whole = table["case"].fillna("").eq("")
    names = [name for name in study.pool if name in table]
    if whole.any() and names:
        seeds = table.loc[whole, names].astype(str).agg(" ".join, axis=1)
        table.loc[whole, "case"], table.loc[whole, "group"] = seeds, seeds
    keys = [*shown_axes(study), *DETAILS, "measure", *UNITS]
    return table.groupby(keys, sort=False, dropna=False)["value"].mean().reset_index()


def summarize_study(study: Study, cases: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
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
        known = part.dropna(subset=["value"])
        low = high = np.nan
        if known["group"].nunique() > 1:
            low, high = bootstrap_ci(known["value"], known["group"], seed=seed)
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "mean": known["value"].mean(),
                "sd": known["value"].std(),
                "ci_low": low,
                "ci_high": high,
                "n": len(known),
                "n_groups": known["group"].nunique(),
                "n_missing": len(part) - len(known),
            }
        )
    return pd.DataFrame(rows)


def compare_study(study: Study, cases: pd.DataFrame, measures: Sequence[str], *, seed: int = 0) -> pd.DataFrame:
    """Paired differences to the value named in `Study.compare`, everything else being equal.

    Only cases that both have are compared; p-values are Holm-corrected within each measure.

    Returns
    -------
    DataFrame
        As `summarize_study`, with difference, ci_low, ci_high, p_value, p_holm, n; empty where nothing is compared.

    Raises
    ------
    DataError
        When two runs that are compared share no case.
    """
    if not study.compare:
        return pd.DataFrame()
    (axis, reference), *_ = study.compare.items()
    others = [name for name in shown_axes(study) if name != axis]
    chosen = cases[cases["measure"].isin(measures) & cases["layer"].isin(("", "(mean)"))].dropna(subset=["value"])
    theirs = chosen[chosen[axis].astype(str) == str(reference)].drop(columns=axis)
    match = [*others, *DETAILS, "measure", *UNITS]
    keys = [axis, *others, *DETAILS, "measure"]
    rows = []
    for key, part in _parts(chosen[chosen[axis].astype(str) != str(reference)], keys):
        both = part.merge(theirs, on=match, suffixes=("", "_reference"))
        if both.empty:
            where = ", ".join(map(str, key))
            raise DataError(f"{where} shares no case with {axis} {reference}, so nothing can be compared.")
        if both["group"].nunique() < 2:
            continue
        found = paired_comparison(both["value"], both["value_reference"], both["group"], seed=seed)
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
