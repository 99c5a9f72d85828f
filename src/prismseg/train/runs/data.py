"""The data of a training run: where they are now, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prismseg.base import DataError
from prismseg.data import SegmentationDataset
from prismseg.data.dataset import open_with
from prismseg.data.layouts import names_its_masks
from prismseg.train.config import DataConfig, TrainConfig
from prismseg.train.configure import choose_data
from prismseg.train.runs.find import find_runs, open_run
from prismseg.train.runs.folder import RunFolder


def open_configured(config: TrainConfig, path: str | Path | None = None) -> SegmentationDataset:
    """Open the data set that `config` names, or the one at `path`, with the options it names."""
    return open_with(config.data.path if path is None else path, config.data)


def find_data(folder: RunFolder, config: TrainConfig) -> Path:
    """Where the data of a run are: where they were, or where they lie from the run's folder as they did.

    Raises
    ------
    DataError
        When they are in neither place.
    """
    places = [Path(config.data.path)]
    if folder.cases.exists():
        places.append(folder.root / str(folder.read_cases()["relative"]))
    for place in places:
        if place.exists():
            return place
    raise DataError(
        f"The data of the run {folder.root} are no longer in {places[0]}. Bring them back, or say where they are: "
        f"prismseg evaluate {folder.root} DATA, or prismseg train DATA --resume --out {folder.root}."
    )


def open_for(
    model: str | Path, path: str | Path | None = None, options: Mapping[str, Any] | None = None
) -> tuple[SegmentationDataset, list[str]]:
    """Open data for a trained network: read as its run read its own, but for what `options` say.

    Parameters
    ----------
    model : path
        Folder of a run or a network.
    path : path, optional
        The data; by default the run's own.
    options : mapping, optional
        Of `prismseg.data.open_dataset`; None: not given; "none" takes back what the run says.

    Returns
    -------
    dataset : SegmentationDataset
    notes : list of str
        What was taken over from the run.

    Raises
    ------
    PrismsegError
        When there is no run, or the data cannot be opened.
    """
    runs = find_runs(model)
    given = {key: value for key, value in (options or {}).items() if value is not None}
    if not runs:
        if path is None:
            open_run(model)  # says what is missing
        data = DataConfig(path=str(path))
    else:
        data = open_run(runs[0].root)[1].data
    changed = choose_data(given, data)
    if path is not None and "mask_suffix" not in given and names_its_masks(path, changed.layout):
        changed = changed.model_copy(
            update={"mask_suffix": None}
        )  # the run's suffix says nothing about these masks
    default = DataConfig(path=data.path)
    taken = [
        f"{name} {_shown(getattr(changed, name))}"
        for name in DataConfig.model_fields
        if name not in ("path", *given) and getattr(changed, name) != getattr(default, name)
    ]
    if path is None:
        folder, config = open_run(runs[0].root)
        return open_with(find_data(folder, config), changed), []
    notes = [f"Read as the run read its own data: {'; '.join(taken)}."] if taken and runs else []
    return open_with(path, changed), notes


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {name}" for key, name in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)
