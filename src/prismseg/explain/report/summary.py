"""Tables of an atlas: measures of every case, and means with intervals over groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prismseg.evaluation.statistics.intervals import (
    SHARE,
    Intervals,
    column_intervals,
    group_sums,
    leave_one_out,
    pseudo_values,
)
from prismseg.explain.collected import Collected
from prismseg.explain.measures.masks import Array
from prismseg.explain.measures.measures import MEASURES, divide

MEAN_LAYER = "(mean)"
SHARES = (
    "rho",
    "region_share",
    "cam_dice",
    "rank_accuracy",
    "pointing_game",
    "border_share",
    "increase",
)  # from 0 to 1


def measured(cases: Collected, method: int) -> Iterator[tuple[str, str, Array]]:
    """Every measure of one method: its name, normalisation, and values (n, L, K)."""
    sums = cases.relevance(method)
    for name, (measure, normalizations) in MEASURES.items():
        for kind in normalizations:
            # One largest value a layer: over all cases and classes.
            yield name, kind, measure(sums.normalized(kind, sums.highest.max((0, 2), keepdims=True)))
    for name, values in cases.perturbation(method).items():
        yield name, "map", values


def case_table(cases: Collected) -> pd.DataFrame:
    """One row for each case, method, layer and class; see `Atlas.cases`."""
    axes = cases.axes
    absent = np.broadcast_to(cases.absent[:, None], (len(cases.ids), *axes.shape[1:]))
    share = np.broadcast_to(divide(cases.area, cases.pixels[:, None])[:, None], absent.shape)
    tables = []
    for number, method in enumerate(axes.methods):
        columns: dict[str, Array] = {}
        for name, _, values in measured(cases, number):
            columns.setdefault(name, values)
        index = pd.MultiIndex.from_product(
            [cases.ids, axes.layers, axes.classes], names=["case", "layer", "class"]
        )
        flat = {"area": share, "empty": cases.empty(number), "absent": absent, **columns}
        table = pd.DataFrame(
            {name: values.reshape(-1) for name, values in flat.items()}, index=index
        ).reset_index()
        table.insert(1, "group", np.repeat(cases.groups, len(axes.layers) * len(axes.classes)))
        table.insert(2, "method", method)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def summarize_layers(cases: Collected) -> pd.DataFrame:
    """Means over cases with intervals over groups; see `Atlas.summary`."""
    index = np.unique(cases.groups, return_inverse=True)[1]
    absent = np.repeat(cases.absent[:, None], len(cases.axes.layers) + 1, axis=1)
    tables = []
    for number, method in enumerate(cases.axes.methods):
        for name, kind, values in measured(cases, number):
            extended = np.where(absent, np.nan, np.concatenate([values, values.mean(1, keepdims=True)], axis=1))
            counts = _counts(cases, number, np.isnan(extended))
            flat = extended.reshape(len(extended), -1)
            found = {name: column_intervals(flat, index, bounds=SHARE if name in SHARES else None)}
            if (name, kind) == ("varrho_prime", "none") and len(cases.axes.classes) > 1:
                found["varrho"] = _varrho(extended, index)
            for measure, intervals in found.items():
                table = counts.assign(mean=intervals.means, n_groups=intervals.n_groups, **intervals.columns())
                tables.append(table.reset_index().assign(method=method, measure=measure, normalization=kind))
    columns = ["method", "layer", "class", "measure", "normalization", "mean"]
    columns += ["ci_low", "ci_high", "range_low", "range_high"]
    return pd.concat(tables, ignore_index=True)[[*columns, "n", "n_groups", "n_empty", "n_absent"]]


def _varrho(extended: Array, index: NDArray[np.intp]) -> Intervals:
    """Intervals of varrho, which is no mean of cases: from its pseudo-values without each group."""
    shape = extended.shape[1:]
    sums, sizes = group_sums(extended.reshape(len(extended), -1), index)
    present = sizes > 0
    own, left_out, means = (
        _share_of_best(values.reshape(-1, *shape)).reshape(len(values), -1)
        for values in (
            divide(sums, sizes, otherwise=np.nan),
            leave_one_out(sums, sizes),
            divide(sums.sum(0), sizes.sum(0), otherwise=np.nan)[None],
        )
    )
    pseudo = np.where(present, pseudo_values(means[0], left_out), np.nan)
    found = column_intervals(pseudo, np.arange(len(sums)))
    none = np.isnan(found.range_low)
    return replace(
        found,
        means=means[0],
        range_low=np.where(none, np.nan, np.where(present, own, np.inf).min(0)),
        range_high=np.where(none, np.nan, np.where(present, own, -np.inf).max(0)),
    )


def _share_of_best(means: Array) -> Array:
    """Turn varrho' (…, L + 1, K) into varrho: relative to the class with the most, layer by layer, then averaged."""
    layers = means[..., :-1, :]
    shares = divide(layers, np.fmax.reduce(layers, axis=-1, keepdims=True))
    shares[np.isnan(layers)] = np.nan
    return np.concatenate([shares, shares.mean(-2, keepdims=True)], axis=-2)


def _counts(cases: Collected, method: int, missing: NDArray[np.bool_]) -> pd.DataFrame:
    """How many cases, empty maps and absent classes stand behind each layer and class.

    `missing` (n, L + 1, K) tells where a measure says nothing: the class is absent, or predicted nowhere.
    """
    zero = cases.empty(method)
    empty = np.concatenate([zero, zero.all(1, keepdims=True)], axis=1) & ~missing
    columns = {
        "n": (~missing).sum(0),
        "n_empty": empty.sum(0),
        "n_absent": np.broadcast_to(cases.absent.sum(0), missing.shape[1:]),
    }
    names = pd.MultiIndex.from_product(
        [[*cases.axes.layers, MEAN_LAYER], cases.axes.classes], names=["layer", "class"]
    )
    return pd.DataFrame({name: values.reshape(-1) for name, values in columns.items()}, index=names)
