"""Means of a study with their intervals over groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from prismseg.evaluation import SHARE, mean_interval
from prismseg.study.definition.columns import DETAIL_COLUMNS, INTERVAL_COLUMNS
from prismseg.study.definition.study import Study

# Measures from 0 to 1, whose intervals stay within.
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


def summarize_study(study: Study, cases: pd.DataFrame) -> pd.DataFrame:
    """Mean, SD and 95 % interval over groups of each measure, of the trainings that were done.

    Parameters
    ----------
    study : Study
        With its axes.
    cases : DataFrame
        From `pool_cases`.

    Returns
    -------
    DataFrame
        The shown axes, class, layer, measure; mean, sd, ci_low, ci_high, range_low, range_high, n, n_groups, n_missing.
        With fewer than 6 groups there is a range and no interval.

    Examples
    --------
    >>> study = Study(title="Two cases", kind="kernel", grid={"outputs": {"outputs": [64]}})
    >>> cases = pd.DataFrame({"outputs": "64", "class": "", "layer": "", "measure": "rmse", "case": ["a", "b"],
    ...                       "group": ["a", "b"], "value": [0.1, 0.2]})
    >>> summary = summarize_study(study, cases)
    >>> summary[["mean", "range_low", "range_high", "n_groups"]].round(3).to_dict("records")
    [{'mean': 0.15, 'range_low': 0.1, 'range_high': 0.2, 'n_groups': 2}]
    """
    keys = [*study.shown_axes, *DETAIL_COLUMNS, "measure"]
    rows = []
    for key, part in split_table(cases, keys):
        # Arrays, since relevance by layer makes tens of thousands of parts.
        known = part["value"].notna().to_numpy()
        values, groups = part["value"].to_numpy(float)[known], part["group"].to_numpy()[known]
        bounds = SHARE if key[-1] in SHARES else None
        ends = dict.fromkeys(INTERVAL_COLUMNS, np.nan)
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


def split_table(table: pd.DataFrame, keys: list[str]) -> Iterator[tuple[tuple[object, ...], pd.DataFrame]]:
    """Split a table by columns: the values of these, and the rows that have them."""
    for key, part in table.groupby(keys, sort=False, dropna=False):
        yield (key if isinstance(key, tuple) else (key,)), part
