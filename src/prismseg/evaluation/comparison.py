"""Two evaluations of the same cases, compared case by case."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from prismseg.base import DataError
from prismseg.evaluation.agreement import BETWEEN
from prismseg.evaluation.statistics.paired import paired_comparison

PER_CASE = "metrics_per_case.csv"


def find_metrics(folder: str | Path) -> Path:
    """Table of an evaluation's cases.

    Raises
    ------
    DataError
        When there is no evaluation in `folder`.
    """
    path = Path(folder) / PER_CASE
    if not path.is_file():
        raise DataError(f"There is no {path} to compare with; run `prismseg evaluate` on that model first.")
    return path


def compare(per_case: pd.DataFrame, against: str | Path) -> pd.DataFrame:
    """Differences to the evaluation in folder `against`, paired by case, for every class and metric.

    Returns
    -------
    DataFrame
        Columns class, metric, difference (ours minus theirs), ci_low, ci_high, range_low, range_high, p_value, n,
        n_groups; see `prismseg.evaluation.paired_comparison`.

    Raises
    ------
    DataError
        When the other folder has no evaluation, or one of other cases, also under the same names.
    """
    path = find_metrics(against)
    key = ["case", "class", "metric"]
    names = {"case": str, "group": str, "class": str, "identity": str}
    # Only an empty cell is a missing one: a case or a class may be called NA.
    theirs = pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])
    both = per_case.merge(theirs, on=key, suffixes=("", "_other"))
    if len(both) != len(per_case):
        raise DataError(
            f"{path} holds other cases or classes than this evaluation; a paired comparison needs the same."
        )
    if "identity_other" in both:
        others = both.loc[both["identity"] != both["identity_other"], "case"].unique()
        if len(others):
            raise DataError(
                f"{len(others)} cases of {path} have the names of cases of this evaluation (the first is {others[0]}), "
                "but show other images; a paired comparison needs the same."
            )
    rows = []
    for (cls, metric), group in both[both["metric"] != BETWEEN].groupby(["class", "metric"], sort=False):
        result = paired_comparison(group["value"], group["value_other"], group["group"])
        rows.append({"class": cls, "metric": metric, **result})
    return pd.DataFrame(rows)
