"""A study as a file states it: what is the same in all runs, what differs, and how results are put together."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import ConfigDict, Field, ValidationError

from prismseg.base import ConfigError, read_text
from prismseg.base.registry.choices import Choice
from prismseg.base.settings import Settings, explain_errors
from prismseg.study.definition.columns import MEAN_CLASS
from prismseg.study.definition.nested import set_nested
from prismseg.study.kinds import KINDS

Axis = dict[str, Any]
_QUICK_KEYS = ("base", "grid", "compare", "primary", "note")


class PrimaryContrast(Settings):
    """The one contrast that a study is about; all others are secondary.

    Attributes
    ----------
    axis, value, reference : str
        Which value of which axis is compared with which.
    measure : str
        By what.
    class_name : str
        The class (``class`` in the file); by default the mean over the classes of each case.
    at : dict of str to str
        Values of other axes; over those that are not named each case's mean is taken.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    axis: str
    value: str
    reference: str
    measure: str
    class_name: str = Field(default=MEAN_CLASS, alias="class")
    at: dict[str, str] = Field(default_factory=dict)

    def sentence(self) -> str:
        """Say what is compared.

        Examples
        --------
        >>> contrast = {"axis": "skip", "value": "crffg", "reference": "none", "measure": "dice", "at": {"images": 20}}
        >>> PrimaryContrast.model_validate(contrast).sentence()
        'skip crffg minus none by dice (all classes, images 20)'
        """
        details = ["all classes" if self.class_name == MEAN_CLASS else self.class_name]
        details += [f"{axis} {label}" for axis, label in self.at.items()]
        return f"{self.axis} {self.value} minus {self.reference} by {self.measure} ({', '.join(details)})"


class Study(Settings):
    """A grid of runs.

    Attributes
    ----------
    title : str
        What is asked.
    kind : str
        What a run does, one of `prismseg.study.KINDS`.
    needs : str
        The data that the study needs, and where they are from.
    base : dict
        Settings of every run.
    grid : dict
        Axes by name. An axis is either one setting with its values (``{split.limit: [20, 40]}``) or named choices of
        settings (``{conv M1: {model.skip: conv, model.multiplier: 1}, …}``).
    pool : tuple of str
        Axes over which results are averaged case by case, such as seed and fold.
    compare : dict
        Axis and its value with which the others are compared, such as ``{skip: none}``, or which of its values is
        compared with which, such as ``{skip: {crffg M3: conv M3}}``. Each axis is compared on its own.
    primary : PrimaryContrast, optional
        The one contrast that the study is about, named before it is run.
    measures : tuple of str
        What tables and figures show first; all are in the CSV.
    note : str
        What a reader should know.
    quick : dict
        ``base`` and ``grid`` (and ``compare``, ``primary``, ``note``) that replace those above, key by key, for a run of
        minutes.
    """

    title: str
    kind: Annotated[str, Choice(KINDS)]
    needs: str = ""
    base: dict[str, Any] = Field(default_factory=dict)
    grid: dict[str, Axis] = Field(default_factory=dict)
    pool: tuple[str, ...] = ("seed", "fold")
    compare: dict[str, Any] = Field(default_factory=dict)
    primary: PrimaryContrast | None = None
    measures: tuple[str, ...] = ()
    note: str = ""
    quick: dict[str, Any] = Field(default_factory=dict)

    @property
    def shown_axes(self) -> list[str]:
        """Axes that tables tell apart: all that are not pooled."""
        return [name for name in self.grid if name not in self.pool]


def parse_study(path: str | Path, *, quick: bool = False) -> Study:
    """Read the study in a YAML file, as it stands there.

    Parameters
    ----------
    path : str or Path
        The file.
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
        raise ConfigError(f"{path} is no study: {explain_errors(error)}.") from error
    return _quick_form(study, path) if quick else study


def _quick_form(study: Study, path: str | Path) -> Study:
    unknown = sorted(set(study.quick) - set(_QUICK_KEYS))
    if unknown or not study.quick:
        raise ConfigError(
            f"{path}: quick holds base, grid, compare, primary and note, not {unknown or 'nothing'}."
        )
    base = copy.deepcopy(study.base)
    for key, value in study.quick.get("base", {}).items():
        set_nested(base, key, value)
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
