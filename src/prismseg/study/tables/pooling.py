"""Averaging the pooled axes of a study out of the rows of its runs."""

from __future__ import annotations

import pandas as pd

from prismseg.study.definition.columns import CASE_COLUMNS, DETAIL_COLUMNS
from prismseg.study.definition.study import Study

SEED = "seed"  # axis that tells trainings apart; a fold holds other cases than the next


def pool_cases(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Average the pooled axes (seeds) out of a table of all runs, case by case.

    A fold holds other cases than the next, so folds are joined by this and not averaged. Rows without cases (a whole test
    set in one number) take the pooled axes as their cases: what differs between seeds is then what intervals are about.
    Points of curves (rows with an x) are left out: their mean over a curve says nothing.

    Parameters
    ----------
    study : Study
        With its axes.
    table : DataFrame
        Rows of all runs, with their labels as columns.

    Returns
    -------
    DataFrame
        The shown axes, class, layer, measure, case, group, value.

    Examples
    --------
    >>> study = Study(title="Seeds", kind="kernel", grid={"seed": {"seed": [0, 1]}}, pool=["seed"])
    >>> rows = pd.DataFrame({"seed": ["0", "1"], "case": "a", "group": "p", "measure": "dice", "value": [0.75, 0.25]})
    >>> pool_cases(study, rows)["value"].tolist()
    [0.5]
    """
    table = _complete(table)
    without_case = table["case"].fillna("").eq("")
    names = [name for name in study.pool if name in table]
    if without_case.any() and names:
        seeds = table.loc[without_case, names].astype(str).agg(" ".join, axis=1)
        table.loc[without_case, "case"], table.loc[without_case, "group"] = seeds, seeds
    return _mean(table, [*study.shown_axes, *DETAIL_COLUMNS, "measure", *CASE_COLUMNS])


def pool_trainings(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Average the pooled axes out of a table of all runs, but for the seed, whose column stays: one training a seed.

    Parameters
    ----------
    study, table
        As in `pool_cases`.

    Returns
    -------
    DataFrame
        As of `pool_cases`, with a column seed.
    """
    table = _complete(table)
    table[SEED] = table[SEED].astype(str) if SEED in study.pool and SEED in table else ""
    for name in CASE_COLUMNS:
        table[name] = table[name].astype(object).fillna("")
    return _mean(table, [*study.shown_axes, *DETAIL_COLUMNS, "measure", *CASE_COLUMNS, SEED])


def _mean(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return table.groupby(keys, sort=False, dropna=False)["value"].mean().reset_index()


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out points of curves, and add the columns that a kind does not have."""
    table = table[table["x"].isna()].drop(columns="x") if "x" in table else table.copy()
    for name in (*CASE_COLUMNS, *DETAIL_COLUMNS):
        if name not in table:
            table[name] = ""
    table[list(DETAIL_COLUMNS)] = table[list(DETAIL_COLUMNS)].astype(object).fillna("")
    return table
