"""A run that trains a segmentation network, measures it on the test cases and, if asked, explains it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from filelock import FileLock

from prismseg.base import DataError
from prismseg.base.provenance.sources import code_of
from prismseg.study.definition.columns import MEAN_LAYER
from prismseg.study.kinds.segmentation.settings import SegmentationSettings, SimulatedData, Tuning

if TYPE_CHECKING:
    from prismseg.data import SegmentationDataset
    from prismseg.evaluation import EvaluatedNetwork

RELEVANCE = ("rho", "lift", "cam_dice", "pointing_game")


def run_segmentation(
    settings: SegmentationSettings, folder: Path, first: Sequence[pd.DataFrame] = ()
) -> pd.DataFrame:
    """Train, measure and explain; a run that was cut continues from its last checkpoint.

    Parameters
    ----------
    settings : SegmentationSettings
        What is trained and measured.
    folder : Path
        Where the run works.
    first : sequence of DataFrame
        Rows of its trials, by which `settings.tune` chooses.

    Returns
    -------
    DataFrame
        Columns case, group, class, layer (only of relevance; ``(mean)`` over all layers but those on skips), measure,
        value. Beside the metrics of an evaluation stand ``sensitivity_p50`` and ``sensitivity_p80``
        (`prismseg.evaluation.operating_points`). A row without case holds the value of the setting that was chosen.
    """
    if settings.tune is not None:
        value = choose_value(settings.tune, first)
        chosen = pd.DataFrame(
            [{"case": "", "group": "", "class": "", "layer": "", "measure": settings.tune.setting}]
        )
        rows = run_segmentation(settings.with_value(value), folder)
        return pd.concat([rows, chosen.assign(value=value)], ignore_index=True)
    from prismseg.evaluation.evaluate import measure_cases
    from prismseg.evaluation.operating_points import OperatingPoints
    from prismseg.train import Trainer, train
    from prismseg.train.runs.assignment import assign_run_cases
    from prismseg.train.runs.data import open_configured
    from prismseg.train.runs.find import find_runs
    from prismseg.train.runs.partition import make_inner_split

    config = settings.training()
    if settings.simulate is not None:
        data = _simulate(settings.simulate, Path(config.data.path))
        config = config.model_copy(update={"data": config.data.model_copy(update={"path": str(data)})})
    root = folder / "run"
    if settings.inner is None:
        train(config, root, resume=bool(find_runs(root)), show_progress=False)
    else:
        dataset = open_configured(config)
        split = make_inner_split(config, dataset, folds=settings.inner.folds, fold=settings.inner.fold)
        trainer = Trainer(config, root, resume=bool(find_runs(root)), dataset=dataset, split=split)
        trainer.fit(show_progress=False)
    networks, dataset = assign_run_cases(root)
    points = None if dataset.multilabel else OperatingPoints(dataset.classes)
    observers = [] if points is None else [points]
    table = measure_cases(networks, dataset, part="test", observers=observers, show_progress=False)
    table = table.rename(columns={"metric": "measure"})
    if points is not None:
        table = pd.concat([table, points.table()], ignore_index=True)
    table["layer"] = ""
    if settings.explain:
        table = pd.concat([table, _measure_relevance(settings, folder, networks, dataset)], ignore_index=True)
    return table[["case", "group", "class", "layer", "measure", "value"]]


def choose_value(tune: Tuning, trials: Sequence[pd.DataFrame]) -> float:
    """Choose the value whose trials have the highest mean over their cases, each the mean over its classes.

    Parameters
    ----------
    tune : Tuning
        What is chosen.
    trials : sequence of DataFrame
        Rows of the trials, in the order of `SegmentationSettings.trials`.

    Raises
    ------
    DataError
        When no value has a number, since no class is in any inner fold.

    Examples
    --------
    >>> def trial(**dice):
    ...     return pd.DataFrame({"case": dice.keys(), "measure": "dice", "value": dice.values()})
    >>> tune = Tuning(values=(0.1, 0.01), folds=2)
    >>> choose_value(tune, [trial(a=0.4), trial(b=0.6, c=0.6), trial(a=0.9), trial(b=0.3, c=0.3)])
    0.1
    """
    means = []
    for number in range(len(tune.values)):
        table = pd.concat(trials[number * tune.folds : (number + 1) * tune.folds])
        table = table[table["measure"] == tune.measure]
        means.append(table.groupby("case")["value"].mean().mean())
    if np.isnan(means).all():
        raise DataError(f"No trial has a {tune.measure}, so no {tune.setting} can be chosen by it.")
    return tune.values[int(np.nanargmax(means))]


def _measure_relevance(
    settings: SegmentationSettings, folder: Path, networks: list[EvaluatedNetwork], dataset: SegmentationDataset
) -> pd.DataFrame:
    """Measure every layer, and their mean over the layers that networks with and without skip layers share."""
    from prismseg.explain.collect import collect_sums, start_folder
    from prismseg.explain.report.summary import case_table
    from prismseg.explain.settings import ExplainSettings
    from prismseg.explain.task import ExplainTask

    out = folder / "explanation"
    chosen = ExplainSettings(methods=(settings.method,), regions=(settings.region,))
    task = ExplainTask(networks, dataset, chosen)
    start_folder(out, task, resume=True)
    table = case_table(collect_sums(out, task, show_progress=False)[settings.region])
    table = table[(table["method"] == settings.method) & ~table["absent"]]
    units = ["case", "group", "class"]
    shared = table[~table["layer"].str.startswith("skips.")]
    mean = shared.groupby(units, sort=False)[list(RELEVANCE)].mean().reset_index().assign(layer=MEAN_LAYER)
    return pd.concat([table, mean]).melt([*units, "layer"], list(RELEVANCE), "measure", "value")


def _simulate(settings: SimulatedData, root: Path) -> Path:
    """Simulate phantom sessions, unless another run has done so; return their folder."""
    from prismseg.base import make_folder
    from prismseg.thermal.phantom import write_sessions

    # The simulator's own sources are in the name: frames of another version are other frames.
    facts = [settings.model_dump(), code_of(write_sessions.__module__)]
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    folder = make_folder(root) / f"phantom-{name}"
    with FileLock(root / f"phantom-{name}.lock"):
        if not (folder / "dataset.csv").exists():
            # A folder without its table is an unfinished one.
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            write_sessions(
                folder,
                sessions=settings.sessions,
                size=settings.size,
                framings=settings.framings,
                seed=settings.seed,
            )
    return folder
