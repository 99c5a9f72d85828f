"""Tables of an atlas: measures of every case, and means with intervals over groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prismseg.evaluation.intervals import RESAMPLES, percentile_interval, resampled_means
from prismseg.explain.collected import Collected
from prismseg.explain.masks import Array
from prismseg.explain.measures import MEASURES, divide

MEAN_LAYER = "(mean)"


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
    share = np.broadcast_to((cases.area / cases.pixels[:, None])[:, None], absent.shape)
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


def summarize_layers(cases: Collected, *, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """Means over cases with intervals over groups; see `Atlas.summary`."""
    index = np.unique(cases.groups, return_inverse=True)[1]
    absent = np.repeat(cases.absent[:, None], len(cases.axes.layers) + 1, axis=1)
    tables = []
    for number, method in enumerate(cases.axes.methods):
        for name, kind, values in measured(cases, number):
            extended = np.where(absent, np.nan, np.concatenate([values, values.mean(1, keepdims=True)], axis=1))
            counts = _counts(cases, number, index, np.isnan(extended))
            flat = extended.reshape(len(extended), -1)
            resampled = resampled_means(flat, index, resamples=resamples, seed=seed)
            resampled = resampled.reshape(-1, *extended.shape[1:])
            means = _mean(extended)
            found = {name: (means, resampled)}
            if (name, kind) == ("varrho_prime", "none") and len(cases.axes.classes) > 1:
                found["varrho"] = (_share_of_best(means), _share_of_best(resampled))
            for measure, pair in found.items():
                tables.append(_table(*pair, counts).assign(method=method, measure=measure, normalization=kind))
    columns = ["method", "layer", "class", "measure", "normalization", "mean", "ci_low", "ci_high"]
    return pd.concat(tables, ignore_index=True)[[*columns, "n", "n_groups", "n_empty", "n_absent"]]


def _mean(values: Array) -> Array:
    """Mean over the cases to which a column applies; NaN where there is none."""
    count = (~np.isnan(values)).sum(0).astype(float)
    return divide(np.nansum(values, axis=0), count, otherwise=np.nan)


def _share_of_best(means: Array) -> Array:
    """Turn varrho' (…, L + 1, K) into varrho: relative to the class with the most, layer by layer, then averaged."""
    layers = means[..., :-1, :]
    shares = divide(layers, np.fmax.reduce(layers, axis=-1, keepdims=True))
    shares[np.isnan(layers)] = np.nan
    return np.concatenate([shares, shares.mean(-2, keepdims=True)], axis=-2)


def _counts(cases: Collected, method: int, index: NDArray[np.intp], missing: NDArray[np.bool_]) -> pd.DataFrame:
    """How many cases, groups, empty maps and absent classes stand behind each layer and class.

    `missing` (n, L + 1, K) tells where a measure says nothing: the class is absent, or predicted nowhere.
    """
    zero = cases.empty(method)
    empty = np.concatenate([zero, zero.all(1, keepdims=True)], axis=1) & ~missing
    columns = {
        "n": (~missing).sum(0),
        "n_groups": np.stack([~missing[index == group].all(0) for group in np.unique(index)]).sum(0),
        "n_empty": empty.sum(0),
        "n_absent": np.broadcast_to(cases.absent.sum(0), missing.shape[1:]),
    }
    names = pd.MultiIndex.from_product(
        [[*cases.axes.layers, MEAN_LAYER], cases.axes.classes], names=["layer", "class"]
    )
    return pd.DataFrame({name: values.reshape(-1) for name, values in columns.items()}, index=names)


def _table(means: Array, resampled: Array, counts: pd.DataFrame) -> pd.DataFrame:
    """One row for each layer and class of means (L + 1, K), with intervals from resampled ones (R, L + 1, K)."""
    low, high = percentile_interval(resampled.reshape(len(resampled), -1), counts["n_groups"].to_numpy())
    return counts.assign(mean=means.reshape(-1), ci_low=low, ci_high=high).reset_index()
