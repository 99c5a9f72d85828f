"""Several explanations of the same cases: means of each network, and the differences of every pair."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import pandas as pd

from prismseg.base import DataError
from prismseg.evaluation import holm, mean_interval
from prismseg.explain.fusion import FUSED
from prismseg.explain.measures.relevance import MEASURES
from prismseg.explain.registries import NULLS
from prismseg.explain.report.compare import check_same_cases, compare_cases, read_cases, read_pixels
from prismseg.explain.report.summary import IMAGE_LAYER, MEAN_LAYER

SHOWN = ("rho", "rho_excess", "lift", "cam_dice", "rank_accuracy")
WHOLE = (FUSED, IMAGE_LAYER)  # maps of a network as a whole, which need no layers of the same names


def read_explanations(folders: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """Read ``measures.csv`` of each explanation and refuse those that are not of the same cases.

    Parameters
    ----------
    folders : mapping
        Folder of the explanation by the network's name.

    Raises
    ------
    DataError
        When there are fewer than two, or one has other cases, or none of its methods and regions is common to all.
    """
    if len(folders) < 2:
        raise DataError("Name two or more runs to compare.")
    tables = {name: read_cases(folder) for name, folder in folders.items()}
    first, *others = tables
    for name in others:
        check_same_cases(
            read_pixels(folders[first]), read_pixels(folders[name]), (str(folders[first]), str(folders[name]))
        )
    common = set.intersection(*(_explained(table) for table in tables.values()))
    if not common:
        listed = "; ".join(f"{name}: {_spoken(_explained(table))}" for name, table in tables.items())
        raise DataError(f"The explanations share no method and region ({listed}); explain them alike.")
    return tables


def _explained(table: pd.DataFrame) -> set[tuple[str, str]]:
    rows = table[~table["method"].isin(NULLS)]
    return set(zip(rows["method"], rows["region"], strict=True))


def _spoken(pairs: set[tuple[str, str]]) -> str:
    return ", ".join(f"{method} for {region}" for method, region in sorted(pairs))


def mean_measures(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Average the measures of each network's fused maps, and of maps of the image, over the cases that have the class.

    Returns
    -------
    DataFrame
        Columns network, region, method, layer, class, measure, mean, ci_low, ci_high, range_low, range_high, n,
        n_groups.
    """
    rows = []
    keys = ["region", "method", "layer", "class"]
    for name, table in tables.items():
        chosen = table[table["layer"].isin(WHOLE) & ~table["absent"].astype(bool)]
        for found, part in chosen.groupby(keys, sort=False):
            for measure, definition in MEASURES.items():
                if measure not in part or part[measure].isna().any():
                    continue
                interval = mean_interval(part[measure], part["group"], bounds=definition.bounds)
                rows.append(
                    {
                        "network": name,
                        **dict(zip(keys, found, strict=True)),
                        "measure": measure,
                        "mean": part[measure].mean(),
                        **interval.columns(),
                        "n": len(part),
                        "n_groups": part["group"].nunique(),
                    }
                )
    return pd.DataFrame(rows)


def compare_explanations(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Compare every pair of networks, paired by case.

    Returns
    -------
    DataFrame
        Columns first, second and those of `compare_cases`: differences are first minus second. ``p_holm`` is adjusted
        for all pairs at once, in the families of `compare_cases`.

    Raises
    ------
    DataError
        When two have nothing in common.
    """
    parts = [
        compare_cases(tables[first], tables[second]).assign(first=first, second=second)
        for first, second in combinations(tables, 2)
    ]
    table = pd.concat(parts, ignore_index=True)
    whole = table["layer"].isin([MEAN_LAYER, FUSED, IMAGE_LAYER])
    for _, family in table.groupby([table["region"], whole]):
        table.loc[family.index, "p_holm"] = holm(family["p_value"])
    front = ["first", "second"]
    return table[[*front, *table.columns.difference(front, sort=False)]]


def shown_measures(table: pd.DataFrame) -> list[str]:
    """List the measures of a table of means that fit on a page; the file has all."""
    return [name for name in SHOWN if name in set(table["measure"])]
