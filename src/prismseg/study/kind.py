"""What a kind of study is: settings, a run, and how the rows of many runs are drawn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from prismseg.base import ConfigError
from prismseg.base.settings import explain_errors
from prismseg.study.definition.run import Run

if TYPE_CHECKING:  # both load slowly, and a study is listed and checked without them
    import pandas as pd
    from matplotlib.figure import Figure

SettingsT = TypeVar("SettingsT", bound=BaseModel)
Figures = dict[str, "Figure"]
"""Figures by the name of their file."""


@dataclass(frozen=True)
class FinishedRun:
    """A run with its results.

    Attributes
    ----------
    run : Run
        What was done.
    folder : Path
        Its folder; what the run itself wrote is in ``work``.
    rows : DataFrame
        Its results, with its labels as columns.
    """

    run: Run
    folder: Path
    rows: pd.DataFrame


@dataclass(frozen=True)
class CaseAxes:
    """What tells the runs apart whose cases are drawn.

    Attributes
    ----------
    shown : tuple of str
        Axes that are not pooled.
    compared : str or None
        The one of them whose values stand side by side; None without axes.
    """

    shown: tuple[str, ...]
    compared: str | None

    @property
    def others(self) -> list[str]:
        """The axes that are not compared."""
        return [name for name in self.shown if name != self.compared]


@dataclass(frozen=True)
class StudyKind(Generic[SettingsT]):
    """What the runs of a study do.

    Register it in `prismseg.study.KINDS` and it can be named in study files.

    Parameters
    ----------
    settings : type of BaseModel
        Settings of a run. A method ``row_labels() -> dict``, if there is one, names the columns of the rows that repeat
        settings.
    run : function of (settings, folder) or (settings, folder, first) that returns a DataFrame
        Does a run in its folder, or continues it there, and returns rows with the columns measure and value, and
        case, group, class and layer where there are any; x where rows are points of a curve. Its numbers depend on the
        module that it is defined in and on all that this one imports: when any of it changes, finished runs are stale.
    draw : function of a DataFrame that returns dict of str to Figure
        Draws the rows of many runs, with their labels as columns.
    lower_is_better : tuple of str
        Measures of which less is better; of all others more is.
    draws_pooled_cases : bool
        Whether `draw` gets one row a case, averaged over the pooled axes (seeds, folds), instead.
    version : int
        Part of every run's hash; raise it when the same settings give other results by intent.
    hashed_settings : function of dict that returns dict, optional
        Makes of checked settings what goes into the hash of a run: where a setting was renamed or added since runs were
        finished, it gives those that they were hashed with.
    draw_cases : function of (finished runs, CaseAxes, folder), optional
        Draws single cases; returns figures and notes on what could not be drawn. It may keep files in the folder.
    input_files : function of settings that returns list of Path, optional
        The files that a run reads: a run is stale when their content has changed. Raises a `PrismsegError` when they
        are not there.
    unused_packages : function of settings that returns tuple of str, optional
        Packages of prismseg that a run does not use, such as ``("explain",)``, whose changes leave it as it is.
    first : function of settings that returns dict of str to settings, optional
        Runs of this kind that a run needs first, by what messages call them: trials by which it chooses a setting. `run`
        then takes their rows as a third argument, in this order. Runs that need the same one share it.
    code_modules : function of settings that returns tuple of str, optional
        The modules that a run's numbers depend on, with all that these import, in place of the one that `run` is defined
        in: where runs of other settings use other code, a change of that leaves them as they are.
    data_setting : str
        Setting that names the folder of the data, such as ``data.path``; empty where a run reads none.
    simulation_setting : str
        Setting that asks for simulated data, which need no folder.

    Examples
    --------
    >>> import pandas as pd
    >>> class Coin(BaseModel):
    ...     heads: float = 0.5
    >>> def toss(settings, folder):
    ...     return pd.DataFrame({"measure": ["heads"], "value": [settings.heads]})
    >>> kind = StudyKind(Coin, toss, draw=lambda rows: {})
    >>> kind.check({})
    {'heads': 0.5}
    >>> kind.check({"heads": "many"})
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: heads: Input should be a valid number, unable to parse string as a number
    """

    settings: type[SettingsT]
    run: Callable[..., pd.DataFrame]
    draw: Callable[[pd.DataFrame], Figures]
    lower_is_better: tuple[str, ...] = ()
    draws_pooled_cases: bool = False
    version: int = 1
    hashed_settings: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    draw_cases: Callable[[Sequence[FinishedRun], CaseAxes, Path], tuple[Figures, list[str]]] | None = None
    input_files: Callable[[SettingsT], list[Path]] | None = None
    unused_packages: Callable[[SettingsT], tuple[str, ...]] | None = None
    first: Callable[[SettingsT], dict[str, dict[str, Any]]] | None = None
    code_modules: Callable[[SettingsT], tuple[str, ...]] | None = None
    data_setting: str = ""
    simulation_setting: str = ""

    def check(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Check settings and return them with every default, as JSON values.

        Raises
        ------
        ConfigError
            Naming each setting that is wrong.
        """
        return self._validate(settings).model_dump(mode="json")

    def hash(self, name: str, settings: dict[str, Any]) -> str:
        """Hash checked settings; `name` is that of the kind.

        Finished runs on disk are found by this hash: it must not change.
        """
        hashed = settings if self.hashed_settings is None else self.hashed_settings(settings)
        text = json.dumps([name, self.version, hashed], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def row_labels(self, settings: dict[str, Any]) -> dict[str, str]:
        """Columns of the run's rows that repeat its settings, with their value."""
        checked = self._validate(settings)
        labels: dict[str, object] = checked.row_labels() if hasattr(checked, "row_labels") else {}
        return {name: str(value) for name, value in labels.items()}

    def execute(self, settings: dict[str, Any], folder: Path, first: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
        """Do the run in `folder`, or continue it there, and return its rows; `first` are those of `list_first`."""
        checked = self._validate(settings)
        return self.run(checked, folder) if self.first is None else self.run(checked, folder, first)

    def list_first(self, name: str, settings: dict[str, Any]) -> list[Run]:
        """List the runs that a run needs first; `name` is that of the kind."""
        found = {} if self.first is None else self.first(self._validate(settings))
        checked = {label: self.check(each) for label, each in found.items()}
        return [Run({"trial": label}, each, self.hash(name, each)) for label, each in checked.items()]

    def list_inputs(self, settings: dict[str, Any]) -> list[Path]:
        """List the files that a run reads.

        Raises
        ------
        PrismsegError
            When they are not there.
        """
        return [] if self.input_files is None else self.input_files(self._validate(settings))

    def list_unused(self, settings: dict[str, Any]) -> tuple[str, ...]:
        """List the packages of prismseg that a run does not use."""
        return () if self.unused_packages is None else self.unused_packages(self._validate(settings))

    def list_code(self, settings: dict[str, Any]) -> tuple[str, ...]:
        """List the modules that a run's numbers depend on, with all that these import."""
        return (self.run.__module__,) if self.code_modules is None else self.code_modules(self._validate(settings))

    def _validate(self, settings: dict[str, Any]) -> SettingsT:
        try:
            return self.settings.model_validate(settings)
        except ValidationError as error:
            raise ConfigError(explain_errors(error)) from error
