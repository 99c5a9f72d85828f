"""What a run of a study can do: settings in, tidy rows out, figures of many runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from prismseg.base import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from prismseg.study.grid import Run, Study
    from prismseg.study.store import Store


@dataclass(frozen=True)
class Kind:
    """A kind of run; its module is loaded when it is used.

    Attributes
    ----------
    module : str
        In `prismseg.study.kinds`.
    settings, run, draw : str
        Names in that module: a pydantic model (with ``row_labels()`` where rows repeat settings),
        ``run(settings, folder) -> DataFrame`` with columns measure and value (and case and group where there are cases),
        and ``draw(table) -> {name: Figure}``.
    version : int
        Part of every run's hash; raised when the same settings give other results.
    pictures : str
        Name in that module of ``picture(study, done, store, kept) -> ({name: Figure}, notes)``, where single cases can be
        looked at.
    files : str
        Name in that module of ``files(settings) -> list of Path``, where a run reads data: a run is stale when their
        content has changed.
    skipped : str
        Name in that module of ``skipped(settings) -> tuple of str``: rooms of the package that a run does not enter,
        whose changes leave it as it is.
    """

    module: str
    settings: str
    run: str
    draw: str
    version: int = 1
    pictures: str = ""
    files: str = ""
    skipped: str = ""

    def row_labels(self, settings: dict[str, Any]) -> dict[str, str]:
        """Columns of the run's rows that repeat its settings, with what stands in them."""
        made = self._made(settings)
        labels: dict[str, object] = made.row_labels() if hasattr(made, "row_labels") else {}
        return {name: str(value) for name, value in labels.items()}

    def check(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Check settings and return them whole, with every default, as JSON values.

        Raises
        ------
        ConfigError
            Naming each setting that is wrong.
        """
        return dict(self._made(settings).model_dump(mode="json"))

    def execute(self, settings: dict[str, Any], folder: Path) -> pd.DataFrame:
        """Do the run in `folder`, or go on with it, and return its rows."""
        run: Callable[[Any, Path], pd.DataFrame] = self._get(self.run)
        return run(self._made(settings), folder)

    def figures(self, table: pd.DataFrame) -> dict[str, Figure]:
        """Draw the rows of many runs, with their labels as columns."""
        draw: Callable[[pd.DataFrame], dict[str, Figure]] = self._get(self.draw)
        return draw(table)

    def look(
        self, study: Study, done: Sequence[tuple[Run, pd.DataFrame]], store: Store, kept: Path
    ) -> tuple[dict[str, Figure], list[str]]:
        """Draw single cases, and say what could not be drawn; what was computed is kept in `kept`."""
        if not self.pictures:
            return {}, []
        draw: Callable[..., tuple[dict[str, Figure], list[str]]] = self._get(self.pictures)
        return draw(study, done, store, kept)

    def inputs(self, settings: dict[str, Any]) -> list[Path]:
        """List the files that a run reads.

        Raises
        ------
        PrismsegError
            When they are not there.
        """
        if not self.files:
            return []
        listed: Callable[[Any], list[Path]] = self._get(self.files)
        return listed(self._made(settings))

    def unused_rooms(self, settings: dict[str, Any]) -> tuple[str, ...]:
        """Rooms of the package that a run does not enter."""
        if not self.skipped:
            return ()
        named: Callable[[Any], tuple[str, ...]] = self._get(self.skipped)
        return named(self._made(settings))

    def _get(self, name: str) -> Any:
        return getattr(importlib.import_module(f"prismseg.study.kinds.{self.module}.run"), name)

    def _made(self, settings: dict[str, Any]) -> Any:
        try:
            return self._get(self.settings).model_validate(settings)
        except ValidationError as error:
            faults = [
                f"{'.'.join(map(str, fault['loc'])) or 'the settings'}"
                f"{' (no such setting)' if fault['type'] == 'extra_forbidden' else ''}: {fault['msg']}"
                for fault in error.errors()
            ]
            raise ConfigError("; ".join(faults)) from error


KINDS = {
    "segmentation": Kind(
        "segmentation",
        "SegmentationSettings",
        "run_segmentation",
        "draw_segmentation",
        pictures="picture_cases",
        files="data_files",
        skipped="unused_rooms",
    ),
    "fashion": Kind("fashion", "FashionSettings", "run_fashion", "draw_fashion", files="data_files"),
    "kernel": Kind("kernel", "KernelSettings", "run_kernel", "draw_kernel"),
    "weights": Kind("weights", "WeightsSettings", "run_weights", "draw_weights", files="source_files"),
}
