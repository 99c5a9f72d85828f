"""Tables of an atlas: the measures of every case, and their means with intervals over groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prismseg.evaluation.statistics.intervals import (
    Intervals,
    column_intervals,
    group_sums,
    leave_one_out,
    pseudo_values,
)
from prismseg.explain.measures.masks import Array
from prismseg.explain.measures.perturbation import PERTURBATION_MEASURES
from prismseg.explain.measures.relevance import MEASURES, divide
from prismseg.explain.measures.sums import MapSums
from prismseg.explain.registries import NULLS, knows_layer

MEAN_LAYER = "(mean)"  # stands for the mean over layers among the layers of a table
IMAGE_LAYER = "(image)"  # stands for the image among the layers, for maps that are of no layer
RESIDUAL = "residual"  # how far a method's relevance is from what it must add up to, as a share
PERTURBED = "map"  # normalisation of the maps that images are multiplied by


EXCESS_COLUMNS = [
    *("method", "null", "layer", "class", "measure", "normalization"),
    *("mean", "ci_low", "ci_high", "range_low", "range_high", "n", "n_groups"),
]


class TableMeasure(NamedTuple):
    """A measure in the tables of a report: under which normalisation, and what it is called."""

    normalization: str
    label: str


def table_measures() -> dict[str, TableMeasure]:
    """Measures in the tables of a report, in their order."""
    measures = {}
    for name, measure in MEASURES.items():
        if measure.label:
            measures[name] = TableMeasure(measure.normalizations[0], measure.label)
        if measure.relative:
            measures[measure.relative] = TableMeasure(measure.normalizations[0], measure.relative)
    measures[RESIDUAL] = TableMeasure("none", "not accounted for (share)")
    for name, perturbed in PERTURBATION_MEASURES.items():
        measures[name] = TableMeasure(PERTURBED, perturbed.label)
    return measures


class MeasuredValues(NamedTuple):
    """Values (n, L, K) of one measure for the maps of one method."""

    name: str
    normalization: str
    values: Array
    bounds: tuple[float, float] | None
    relative: str  # name of the measure relative to the class with the most, made from it; empty for none


def measured(cases: MapSums, method: int) -> Iterator[MeasuredValues]:
    """Compute every measure of the maps of method number `method`, under each of its normalisations."""
    sums = cases.relevance(method)
    for name, measure in MEASURES.items():
        for number, normalization in enumerate(measure.normalizations):
            # One largest value a layer: over all cases and classes.
            normalized = sums.normalized(normalization, sums.highest.max((0, 2), keepdims=True))
            relative = measure.relative if number == 0 else ""
            yield MeasuredValues(name, normalization, measure.compute(normalized), measure.bounds, relative)
    residual = cases.residual[:, method]
    if not np.isnan(residual).all():
        yield MeasuredValues(
            RESIDUAL, "none", np.repeat(residual[:, None], len(cases.axes.layers), axis=1), None, ""
        )
    for name, values in cases.perturbation(method).items():
        yield MeasuredValues(name, PERTURBED, values, PERTURBATION_MEASURES[name].bounds, "")


def case_table(cases: MapSums) -> pd.DataFrame:
    """Make a table with one row for each case, method, layer and class; see `Atlas.cases`."""
    axes = cases.axes
    absent = np.broadcast_to(cases.absent[:, None], (len(cases.ids), *axes.shape[1:]))
    share = np.broadcast_to(divide(cases.area, cases.pixels[:, None])[:, None], absent.shape)
    tables = []
    for number, method in enumerate(axes.methods):
        columns: dict[str, Array] = {}
        for measure in measured(cases, number):
            columns.setdefault(measure.name, measure.values)
        index = pd.MultiIndex.from_product(
            [cases.ids, axes.layers, axes.classes], names=["case", "layer", "class"]
        )
        flat = {"area": share, "empty": cases.empty(number), "absent": absent, **columns}
        table = pd.DataFrame(
            {name: values.reshape(-1) for name, values in flat.items()}, index=index
        ).reset_index()
        table.insert(1, "group", np.repeat(cases.groups, len(axes.layers) * len(axes.classes)))
        table.insert(2, "method", method)
        tables.append(_one_layer(table, method, axes.layers))
    return pd.concat(tables, ignore_index=True)


def summarize_layers(cases: MapSums) -> pd.DataFrame:
    """Average over cases, with intervals over groups; see `Atlas.summary`."""
    index = np.unique(cases.groups, return_inverse=True)[1]
    absent = np.repeat(cases.absent[:, None], len(cases.axes.layers) + 1, axis=1)
    tables = []
    for number, method in enumerate(cases.axes.methods):
        for measure in measured(cases, number):
            layers = np.concatenate([measure.values, measure.values.mean(1, keepdims=True)], axis=1)
            extended = np.where(absent, np.nan, layers)
            counts = _counts(cases, number, np.isnan(extended))
            flat = extended.reshape(len(extended), -1)
            rows = {measure.name: column_intervals(flat, index, bounds=measure.bounds)}
            if measure.relative and len(cases.axes.classes) > 1:
                rows[measure.relative] = _relative_intervals(extended, index)
            for name, intervals in rows.items():
                table = counts.assign(mean=intervals.means, n_groups=intervals.n_groups, **intervals.columns())
                table = _one_layer(table.reset_index(), method, cases.axes.layers)
                table = table.assign(method=method, measure=name)
                tables.append(table.assign(normalization=measure.normalization))
    columns = ["method", "layer", "class", "measure", "normalization", "mean"]
    columns += ["ci_low", "ci_high", "range_low", "range_high"]
    return pd.concat(tables, ignore_index=True)[[*columns, "n", "n_groups", "n_empty", "n_absent"]]


def excess_over_nulls(cases: MapSums) -> pd.DataFrame:
    """Average over cases how far each measure lies above that of the nulls on the same case, layer and class.

    A method whose measures do not exceed those of the region as a map shows no more than the network's own answer;
    one that does not exceed the random map shows nothing.

    Returns
    -------
    DataFrame
        Columns method, null (of `prismseg.explain.registries.NULLS`, those that the atlas has), layer, class, measure,
        normalization, mean (of the difference), ci_low, ci_high, range_low, range_high, n, n_groups. Empty where the
        atlas has no null.
    """
    methods = cases.axes.methods
    nulls = [name for name in NULLS if name in methods]
    index = np.unique(cases.groups, return_inverse=True)[1]
    absent = np.repeat(cases.absent[:, None], len(cases.axes.layers) + 1, axis=1)
    worth = {(name, each.name, each.normalization): each.values for name in nulls for each in _of(cases, name)}
    names = pd.MultiIndex.from_product(
        [[*cases.axes.layers, MEAN_LAYER], cases.axes.classes], names=["layer", "class"]
    )
    tables = [pd.DataFrame(columns=EXCESS_COLUMNS)] if not nulls else []
    for method in methods:
        for null in nulls if method not in nulls else ():
            for measure in _of(cases, method):
                if (null, measure.name, measure.normalization) not in worth:
                    continue
                excess = measure.values - worth[null, measure.name, measure.normalization]
                excess = np.concatenate([excess, excess.mean(1, keepdims=True)], axis=1)
                extended = np.where(absent, np.nan, excess)
                bounds = None if measure.bounds is None else (-measure.bounds[1], measure.bounds[1])
                intervals = column_intervals(extended.reshape(len(extended), -1), index, bounds=bounds)
                n = (~np.isnan(extended)).sum(0).reshape(-1)
                table = pd.DataFrame({"mean": intervals.means, **intervals.columns(), "n": n}, index=names)
                table = table.assign(n_groups=intervals.n_groups).reset_index()
                table = _one_layer(table, method, cases.axes.layers)
                facts = {"measure": measure.name, "normalization": measure.normalization}
                tables.append(table.assign(method=method, null=null, **facts))
    return pd.concat(tables, ignore_index=True)[EXCESS_COLUMNS]


def _of(cases: MapSums, method: str) -> Iterator[MeasuredValues]:
    return measured(cases, cases.axes.methods.index(method))


def _one_layer(table: pd.DataFrame, method: str, layers: tuple[str, ...]) -> pd.DataFrame:
    """Leave one row in place of those of all layers where a method's maps are of no layer."""
    if knows_layer(method):
        return table
    kept = table[~table["layer"].isin(layers[1:])]
    return kept.assign(layer=kept["layer"].replace(layers[0], IMAGE_LAYER)).reset_index(drop=True)


def _relative_intervals(extended: Array, index: NDArray[np.intp]) -> Intervals:
    """Intervals of means relative to the class with the most, which are no means of cases: from pseudo-values.

    A pseudo-value of a group is made of the result with and without it (jackknife).
    """
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
    intervals = column_intervals(pseudo, np.arange(len(sums)))
    none = np.isnan(intervals.range_low)
    return replace(
        intervals,
        means=means[0],
        range_low=np.where(none, np.nan, np.where(present, own, np.inf).min(0)),
        range_high=np.where(none, np.nan, np.where(present, own, -np.inf).max(0)),
    )


def _share_of_best(means: Array) -> Array:
    """Divide means (…, L + 1, K) by those of the class with the most, layer by layer, and average over layers again."""
    layers = means[..., :-1, :]
    shares = divide(layers, np.fmax.reduce(layers, axis=-1, keepdims=True))
    shares[np.isnan(layers)] = np.nan
    return np.concatenate([shares, shares.mean(-2, keepdims=True)], axis=-2)


def _counts(cases: MapSums, method: int, missing: NDArray[np.bool_]) -> pd.DataFrame:
    """Count the cases, empty maps and absent classes of each layer and class.

    `missing` (n, L + 1, K) tells where a measure has no value: the class is absent, or predicted nowhere.
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
