"""A study as a file: what is the same in all runs, what differs, and how the results are put together."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prismseg.base import ConfigError, read_text
from prismseg.study.kind import KINDS

Axis = dict[str, Any]
MEAN_CLASS = "(mean)"

# Columns of the tables, which the labels of an axis of that name would overwrite.
_COLUMNS = (
    "case",
    "group",
    "class",
    "layer",
    "measure",
    "value",
    "x",
    "network",
    "line",
    "reference",
    "difference",
)
_SUMMARY_COLUMNS = (
    "compared",
    "mean",
    "sd",
    "ci_low",
    "ci_high",
    "n",
    "n_groups",
    "n_missing",
    "range_low",
    "range_high",
    "p_value",
    "p_holm",
    "aa",
    "note",
    "role",
    "n_seeds",
    "n_left_out",
)


class Primary(BaseModel):
    """The one contrast that a study is about; all others are secondary.

    Attributes
    ----------
    axis, value, reference : str
        Which value of which axis is compared with which.
    measure : str
        By what.
    of : str
        The class; by default the mean over the classes of each case.
    at : dict of str to str
        Values of other axes; over those that are not named each case's mean is taken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    axis: str
    value: str
    reference: str
    measure: str
    of: str = Field(default=MEAN_CLASS, alias="class")
    at: dict[str, str] = Field(default_factory=dict)

    def sentence(self) -> str:
        """Say what is compared."""
        where = ", ".join(f"{axis} {label}" for axis, label in self.at.items())
        of = "all classes" if self.of == MEAN_CLASS else self.of
        return f"{self.axis} {self.value} minus {self.reference} by {self.measure} ({of}{', ' + where if where else ''})"


class Study(BaseModel):
    """A grid of runs.

    Attributes
    ----------
    title : str
        What is asked.
    kind : str
        What a run does, one of `prismseg.study.KINDS`.
    base : dict
        Settings of every run.
    grid : dict
        Axes by name. An axis is either one setting with its values (``{split.limit: [20, 40]}``) or named choices of
        settings (``{conv M1: {model.skip: conv, model.multiplier: 1}, …}``).
    pool : list of str
        Axes over which results are averaged case by case, such as seed and fold.
    compare : dict
        Axis and its value with which the others are compared, such as ``{skip: none}``, or which of its values is
        compared with which, such as ``{skip: {crffg M3: conv M3}}``. Each axis is compared on its own.
    primary : Primary, optional
        The one contrast that the study is about, named before it is run.
    measures : list of str
        What tables and figures show first; all are in the CSV.
    note : str
        What a reader should know.
    quick : dict
        ``base`` and ``grid`` (and ``compare``, ``primary``, ``note``) that replace those above, key by key, for a run of
        minutes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    kind: Literal["segmentation", "fashion", "kernel", "weights"]
    base: dict[str, Any] = Field(default_factory=dict)
    grid: dict[str, Axis] = Field(default_factory=dict)
    pool: tuple[str, ...] = ("seed", "fold")
    compare: dict[str, Any] = Field(default_factory=dict)
    primary: Primary | None = None
    measures: tuple[str, ...] = ()
    note: str = ""
    quick: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One point of the grid.

    Attributes
    ----------
    labels : dict of str to str
        Its value on each axis, as tables show it.
    settings : dict
        What it does, nested; checked.
    key : str
        Hash of kind and settings: the same in every study that asks for the same.
    """

    labels: dict[str, str]
    settings: dict[str, Any]
    key: str


def read_study(path: str | Path, *, quick: bool = False) -> Study:
    """Read a study from YAML.

    Parameters
    ----------
    path : path
        The file. Relative paths in it are meant from the working directory.
    quick : bool
        Take the quick form that the file describes.

    Raises
    ------
    ConfigError
        When the file is no study; the message names each wrong entry.
    """
    try:
        values = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML ({error}).") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no study; it needs at least title, kind and grid.")
    try:
        study = Study.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the study'}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"{path} is no study: {faults}.") from error
    return _quickened(study, path) if quick else study


def expand(study: Study) -> list[Run]:
    """List the runs of a study, in the order of its axes, each with its settings checked.

    Raises
    ------
    ConfigError
        When an axis has no value, a setting is unknown or impossible (the message names the point of the grid), two
        points are the same run, what is pooled or compared is no axis, or an axis bears the name of a column of the
        results without having its values.
    """
    axes = {name: choices(name, axis) for name, axis in study.grid.items()}
    taken = [name for name in axes if name in (*_COLUMNS, *_SUMMARY_COLUMNS)]
    if taken:
        raise ConfigError(f"{study.title}: the tables have a column {taken[0]!r}; give that axis another name.")
    unknown = [name for name in (*study.compare, *study.pool) if name not in axes and name not in ("seed", "fold")]
    if unknown:
        raise ConfigError(f"{study.title}: {unknown[0]!r} is pooled or compared but is no axis of the grid.")
    for name, value in study.compare.items():
        for label in [*value, *value.values()] if isinstance(value, dict) else [value]:
            if str(label) not in axes.get(name, {}):
                raise ConfigError(f"{study.title}: the axis {name!r} has no value {label!r} to compare with.")
    _require_primary(study, axes)
    runs: dict[str, Run] = {}
    for point in product(*(axis.items() for axis in axes.values())):
        labels = {name: label for name, (label, _) in zip(axes, point, strict=True)}
        settings = copy.deepcopy(study.base)
        for _, changes in point:
            for key, value in changes.items():
                _put(settings, key, value)
        where = ", ".join(f"{name} {label}" for name, label in labels.items()) or "its only run"
        try:
            checked = KINDS[study.kind].check(settings)
        except ConfigError as error:
            raise ConfigError(f"{study.title}, {where}: {error}") from error
        for name, value in KINDS[study.kind].row_labels(checked).items():
            if not _alike(labels.get(name, value), value):
                raise ConfigError(
                    f"{study.title}, {where}: the results have a column {name!r}, which says {value!r} here; call the "
                    "axis something else, or its value the same."
                )
        run = Run(labels, checked, _hash(study.kind, checked))
        if run.key in runs:
            raise ConfigError(
                f"{study.title}: {where} is the same run as {runs[run.key].labels}; take one of them out."
            )
        runs[run.key] = run
    return list(runs.values())


def _require_primary(study: Study, axes: dict[str, dict[str, dict[str, Any]]]) -> None:
    if study.primary is None:
        return
    question = study.primary
    chosen = {question.axis: [question.value, question.reference]} | {axis: [v] for axis, v in question.at.items()}
    for axis, labels in chosen.items():
        missing = [label for label in labels if label not in axes.get(axis, {})]
        if missing or axis in study.pool:
            raise ConfigError(
                f"{study.title}: the primary contrast is of {axis} {', '.join(labels)}, but "
                + (f"the axis {axis!r} has no value {missing[0]!r}." if missing else f"{axis!r} is pooled.")
            )
    if question.value == question.reference:
        raise ConfigError(f"{study.title}: the primary contrast compares {question.value!r} with itself.")


def choose_runs(runs: Sequence[Run], only: Sequence[str]) -> list[Run]:
    """Take the runs that have certain values on certain axes, each written as ``AXIS=VALUE,VALUE``.

    Raises
    ------
    ConfigError
        When there is no such axis or value.
    """
    chosen = list(runs)
    for text in only:
        name, _, values = text.partition("=")
        known = dict.fromkeys(run.labels.get(name, "") for run in runs)
        wanted = [value.strip() for value in values.split(",")]
        unknown = [value for value in wanted if value not in known]
        if name not in runs[0].labels or unknown:
            example = ", ".join(f"{axis}={label}" for axis, label in runs[0].labels.items())
            raise ConfigError(f"No run of the study has {text}; a choice is written as in: {example}.")
        chosen = [run for run in chosen if run.labels[name] in wanted]
    return chosen


def _alike(label: str, value: str) -> bool:
    try:
        return float(label) == float(value)
    except ValueError:
        return label == value


def choices(name: str, axis: Axis) -> dict[str, dict[str, Any]]:
    """List the settings of each value of an axis, by its label."""
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


def _put(settings: dict[str, Any], key: str, value: Any) -> None:
    """Set ``a.b.c`` in nested dictionaries."""
    *path, last = key.split(".")
    for part in path:
        settings = settings.setdefault(part, {})
        if not isinstance(settings, dict):
            raise ConfigError(f"The setting {key} lies below one that holds a value.")
    settings[last] = value


def _hash(kind: str, settings: dict[str, Any]) -> str:
    text = json.dumps([kind, KINDS[kind].version, settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _quickened(study: Study, path: str | Path) -> Study:
    unknown = set(study.quick) - {"base", "grid", "note", "compare", "primary"}
    if unknown or not study.quick:
        raise ConfigError(
            f"{path}: quick holds base, grid, compare, primary and note, not {sorted(unknown) or 'nothing'}."
        )
    base = copy.deepcopy(study.base)
    for key, value in study.quick.get("base", {}).items():
        _put(base, key, value)
    values = study.model_dump(by_alias=True)
    values |= {
        "title": f"{study.title} (quick)",
        "base": base,
        "grid": study.grid | study.quick.get("grid", {}),
        "note": study.quick.get("note", study.note),
        "compare": study.quick.get("compare", study.compare),
        "primary": study.quick.get("primary", values["primary"]),
        "quick": {},
    }
    return Study.model_validate(values)
