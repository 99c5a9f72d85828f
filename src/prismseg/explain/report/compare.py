"""Comparing the explanations of two networks on the same cases, case by case."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd

from prismseg.base import DataError, read_json
from prismseg.evaluation import holm, paired_comparison
from prismseg.explain.fusion import FUSED
from prismseg.explain.measures.relevance import MEASURES
from prismseg.explain.registries import NULLS
from prismseg.explain.report.summary import MEAN_LAYER

LAYER_MEASURES = ("rho", "cam_dice")  # of single layers; more would weaken the correction for many tests
STATED = "explanation.json"  # says what an explanation is of
_KEY = ["case", "region", "method", "layer", "class"]


def compared_measures() -> list[str]:
    """List the measures by which two networks are compared."""
    return [name for name, measure in MEASURES.items() if measure.compared]


def read_cases(folder: str | Path) -> pd.DataFrame:
    """Read ``measures.csv`` of an explanation.

    Raises
    ------
    DataError
        When there is none.
    """
    path = Path(folder) / "measures.csv"
    if not path.is_file():
        raise DataError(f"There is no {path} to compare with; run `prismseg explain` on that network first.")
    # Only an empty cell is a missing one: a case or a class may be called NA.
    return pd.read_csv(
        path, dtype={"case": str, "group": str, "class": str}, keep_default_na=False, na_values=[""]
    )


def read_pixels(folder: str | Path) -> dict[str, str]:
    """Hash of the pixels of each case that an explanation is of, by the case's name; "" where it states none."""
    path = Path(folder) / STATED
    stated = read_json(path).get("pixels", {}) if path.is_file() else {}
    return {case: stated.get(case, "") for case in read_cases(folder)["case"].unique()}


def check_same_cases(ours: Mapping[str, str], theirs: Mapping[str, str], names: tuple[str, str]) -> None:
    """Refuse explanations of other cases; `names` say whose they are.

    Parameters
    ----------
    ours, theirs : mapping
        Hash of the pixels of each case, by its name; "" where it is not known.

    Raises
    ------
    DataError
        When the names differ, or two cases are called alike but show something else.
    """
    shared = [case for case in ours if ours[case] and theirs.get(case)]
    other = next((case for case in shared if ours[case] != theirs[case]), None)
    if set(ours) != set(theirs) or other is not None:
        alike = "" if other is None else f" (both have one called {other}, but with other pixels)"
        raise DataError(
            f"{names[1]} explains other cases than {names[0]}{alike}; networks are compared on the same ones. Explain "
            "both on one data set: prismseg explain RUN DATA --part all."
        )


def check_comparable(
    cases: Iterable[str], methods: Collection[str], regions: Collection[str], theirs: pd.DataFrame
) -> None:
    """Refuse a comparison with an explanation of other cases, or without a common method and region.

    Raises
    ------
    DataError
        Saying what differs.
    """
    if set(cases) != set(theirs["case"]):
        raise DataError("The two explanations are of other cases; a paired comparison needs the same.")
    if not (theirs["method"].isin(methods) & theirs["region"].isin(regions)).any():
        raise DataError(
            "The two explanations share no method, region and class: the other one has "
            f"{', '.join(dict.fromkeys(theirs['method']))} for {', '.join(dict.fromkeys(theirs['region']))}."
        )


def with_mean_layer(cases: pd.DataFrame, layers: Collection[str]) -> pd.DataFrame:
    """Add each case's mean over `layers`, as a layer ``(mean)``, to the rows of ``measures.csv``."""
    chosen = cases[cases["layer"].isin(layers)]
    keys = ["case", "group", "region", "method", "class", "absent"]
    means = (
        chosen.groupby(keys, sort=False)[[name for name in compared_measures() if name in cases]]
        .mean()
        .reset_index()
    )
    return pd.concat([cases, means.assign(layer=MEAN_LAYER)], ignore_index=True)


def compare_cases(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Compute the differences of two networks (ours minus theirs), paired by case.

    Parameters
    ----------
    ours, theirs : DataFrame
        Rows of ``measures.csv``. Layers are compared, and averaged, where both networks have one of that name; single
        ones by rho and CAM-Dice. The fused map is that of each network's own layers.

    Returns
    -------
    DataFrame
        Columns region, method, layer, class, measure, difference, ci_low, ci_high, range_low, range_high, p_value,
        p_holm, n, n_groups; see `prismseg.evaluation.paired_comparison`, which compares two given networks.
        p_holm is adjusted for all measures, classes and methods of a region in the rows ``(mean)`` and ``(fused)``,
        and for all layers in those of single layers.

    Raises
    ------
    DataError
        When the cases differ, or there is nothing in common.
    """
    check_comparable(ours["case"], set(ours["method"]) - set(NULLS), set(ours["region"]), theirs)
    common = set(ours["layer"]) & set(theirs["layer"]) - {FUSED}
    left, right = (with_mean_layer(cases, common) for cases in (ours, theirs))
    both = left.merge(right, on=_KEY, suffixes=("", "_other"))
    both = both[~both["absent"].astype(bool) & ~both["method"].isin(NULLS)]
    if both.empty:
        raise DataError("The two explanations share no method, region and class.")
    rows = []
    compared = compared_measures()
    for (region, method, layer, cls), part in both.groupby(["region", "method", "layer", "class"], sort=False):
        for measure in compared if layer in (MEAN_LAYER, FUSED) else LAYER_MEASURES:
            if measure not in part or part[measure].isna().any() or part[f"{measure}_other"].isna().any():
                continue
            result = paired_comparison(part[measure], part[f"{measure}_other"], part["group"])
            rows.append(
                {"region": region, "method": method, "layer": layer, "class": cls, "measure": measure, **result}
            )
    table = pd.DataFrame(rows)
    overall = table["layer"].isin([MEAN_LAYER, FUSED])
    for _, family in table.groupby([table["region"], overall]):
        table.loc[family.index, "p_holm"] = holm(family["p_value"])
    return table
