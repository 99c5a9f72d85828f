"""The grid of a study: its axes, and the runs at its points."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import product
from typing import Any

from prismseg.base import ConfigError
from prismseg.study.definition.columns import RESERVED
from prismseg.study.definition.nested import set_nested
from prismseg.study.definition.run import Run
from prismseg.study.definition.study import Axis, Study
from prismseg.study.kind import StudyKind
from prismseg.study.kinds import KINDS

AxisValues = dict[str, dict[str, Any]]
"""Settings of each value of an axis, by its label."""


def expand(study: Study) -> list[Run]:
    """List the runs of a study, in the order of its axes, each with its settings checked.

    Parameters
    ----------
    study : Study
        From `read_study`.

    Returns
    -------
    list of Run

    Raises
    ------
    ConfigError
        When an axis has no value, a setting is unknown or impossible (the message names the point of the grid), two
        points are the same run, what is pooled or compared is no axis, or an axis bears the name of a column of the
        results without having its values.

    Examples
    --------
    >>> grid = {"kernel": {"kernel": ["gaussian", "matern32"]}, "outputs": {"outputs": [64]}}
    >>> [run.name for run in expand(Study(title="Two kernels", kind="kernel", grid=grid, pool=()))]
    ['kernel gaussian, outputs 64', 'kernel matern32, outputs 64']
    """
    axes = {name: axis_values(name, axis) for name, axis in study.grid.items()}
    _check_axes(study, axes)
    kind = KINDS[study.kind]
    runs: dict[str, Run] = {}
    for point in product(*(axis.items() for axis in axes.values())):
        labels = {name: label for name, (label, _) in zip(axes, point, strict=True)}
        settings = copy.deepcopy(study.base)
        for _, changes in point:
            for key, value in changes.items():
                set_nested(settings, key, value)
        run = _checked_run(study, kind, labels, settings)
        if run.key in runs:
            raise ConfigError(
                f"{study.title}: {run.name} is the same run as {runs[run.key].name}; remove one of them."
            )
        runs[run.key] = run
    return list(runs.values())


def count_runs(study: Study) -> int:
    """Count the points of the grid, without checking them.

    Examples
    --------
    >>> count_runs(Study(title="Four seeds", kind="kernel", grid={"seed": {"seed": [0, 1, 2, 3]}}))
    4
    """
    return math.prod(len(axis_values(name, axis)) for name, axis in study.grid.items())


def choose_runs(runs: Sequence[Run], only: Sequence[str]) -> list[Run]:
    """Choose the runs that have certain values on certain axes.

    Parameters
    ----------
    runs : sequence of Run
        From `expand`.
    only : sequence of str
        Choices, each written as ``AXIS=VALUE,VALUE``; a run is chosen when it meets all of them.

    Raises
    ------
    ConfigError
        When there is no such axis or value.

    Examples
    --------
    >>> runs = [Run({"seed": str(seed)}, {}, str(seed)) for seed in range(3)]
    >>> [run.key for run in choose_runs(runs, ["seed=0,2"])]
    ['0', '2']
    """
    chosen = list(runs)
    for text in only:
        name, _, values = text.partition("=")
        known = {run.labels.get(name, "") for run in runs}
        labels = [value.strip() for value in values.split(",")]
        if name not in runs[0].labels or not known.issuperset(labels):
            example = ", ".join(f"{axis}={label}" for axis, label in runs[0].labels.items())
            raise ConfigError(f"No run of the study has {text}; a choice is written as in: {example}.")
        chosen = [run for run in chosen if run.labels[name] in labels]
    return chosen


def axis_values(name: str, axis: Axis) -> AxisValues:
    """List the settings of each value of an axis, by its label.

    Examples
    --------
    >>> axis_values("images", {"split.limit": [20, None]})
    {'20': {'split.limit': 20}, 'all': {'split.limit': None}}
    """
    if not axis:
        raise ConfigError(f"The axis {name!r} of the grid has no value.")
    first = next(iter(axis.values()))
    if len(axis) == 1 and isinstance(first, list):
        setting = next(iter(axis))
        if not first:
            raise ConfigError(f"The axis {name!r} of the grid has no value.")
        return {"all" if value is None else str(value): {setting: value} for value in first}
    wrong = [label for label, changes in axis.items() if not isinstance(changes, dict)]
    if wrong:
        raise ConfigError(
            f"The axis {name!r} of the grid is neither one setting with a list of values nor named choices of settings "
            f"(see {wrong[0]!r})."
        )
    return {str(label): changes for label, changes in axis.items()}


def _check_axes(study: Study, axes: dict[str, AxisValues]) -> None:
    reserved = [name for name in axes if name in RESERVED]
    if reserved:
        raise ConfigError(f"{study.title}: the tables have a column {reserved[0]!r}; give that axis another name.")
    unknown = [name for name in (*study.compare, *study.pool) if name not in axes and name not in ("seed", "fold")]
    if unknown:
        raise ConfigError(f"{study.title}: {unknown[0]!r} is pooled or compared but is no axis of the grid.")
    for name, value in study.compare.items():
        for label in [*value, *value.values()] if isinstance(value, dict) else [value]:
            if str(label) not in axes.get(name, {}):
                raise ConfigError(f"{study.title}: the axis {name!r} has no value {label!r} to compare with.")
    _check_primary(study, axes)


def _check_primary(study: Study, axes: dict[str, AxisValues]) -> None:
    if study.primary is None:
        return
    primary = study.primary
    named = {primary.axis: [primary.value, primary.reference]} | {axis: [v] for axis, v in primary.at.items()}
    for axis, labels in named.items():
        missing = [label for label in labels if label not in axes.get(axis, {})]
        if missing or axis in study.pool:
            raise ConfigError(
                f"{study.title}: the primary contrast is of {axis} {', '.join(labels)}, but "
                + (f"the axis {axis!r} has no value {missing[0]!r}." if missing else f"{axis!r} is pooled.")
            )
    if primary.value == primary.reference:
        raise ConfigError(f"{study.title}: the primary contrast compares {primary.value!r} with itself.")


def _checked_run(study: Study, kind: StudyKind[Any], labels: dict[str, str], settings: dict[str, Any]) -> Run:
    point = Run(labels, settings, "").name
    try:
        checked = kind.check(settings)
    except ConfigError as error:
        raise ConfigError(f"{study.title}, {point}: {error}") from error
    for name, value in kind.row_labels(checked).items():
        if not _alike(labels.get(name, value), value):
            raise ConfigError(
                f"{study.title}, {point}: the results have a column {name!r}, which says {value!r} here; rename the axis "
                "or its value."
            )
    return Run(labels, checked, kind.hash(study.kind, checked))


def _alike(label: str, value: str) -> bool:
    try:
        return float(label) == float(value)
    except ValueError:
        return label == value
