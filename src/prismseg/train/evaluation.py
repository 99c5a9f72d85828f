"""How good a network is: metrics of every case at its own size, tables over groups, and a page to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from prismseg.base import DataError, atomic_path, make_folder, progress_bar, write_json
from prismseg.base.machine import this_machine
from prismseg.base.version import VERSION
from prismseg.data import SegmentationDataset
from prismseg.evaluation import paired_comparison
from prismseg.train.metrics import EMPTY_POLICY, case_metrics, summarize
from prismseg.train.predictor import Predictor
from prismseg.train.report import write_report
from prismseg.train.run import RunFolder, find_model, fold_folders, open_configured, open_run, read_part


@dataclass(frozen=True)
class Trial:
    """A network and the cases it is tried on; a cross-validation has one a fold."""

    predictor: Predictor
    cases: tuple[int, ...]
    folder: RunFolder | None = None


def evaluate_run(
    root: Path,
    *,
    part: str = "test",
    out: Path | None = None,
    against: Path | None = None,
    mirror: bool = False,
    device: str = "cpu",
    show_progress: bool = True,
) -> Path:
    """Evaluate a training run on the cases it kept apart; with folds, every case by the fold that left it out.

    Parameters
    ----------
    root : Path
        Folder that `prismseg train` filled.
    part : {"test", "validation", "train"}
        Which part of the split.
    out : Path, optional
        Where to write; by default ``root/evaluation``.
    against : Path, optional
        Another evaluation folder of the same cases to compare with, case by case.
    mirror : bool
        Average with the prediction of the mirrored image.

    Returns
    -------
    Path
        The report, an HTML page; ``metrics_per_case.csv`` and ``summary.json`` lie beside it.

    Raises
    ------
    PrismsegError
        When there is no run, no model, no case to evaluate, or `against` has other cases.
    """
    trials, dataset = run_trials(root, part=part, mirror=mirror, device=device)
    out = out or root / "evaluation"
    return evaluate(trials, dataset, out, part=part, against=against, show_progress=show_progress)


def run_trials(
    root: Path, *, part: str = "test", mirror: bool = False, device: str = "cpu"
) -> tuple[list[Trial], SegmentationDataset]:
    """Networks of a training run, one a fold, each with the cases of its split's `part`; and their data set.

    Raises
    ------
    PrismsegError
        When there is no run or no model, or the data set has changed.
    """
    folders = fold_folders(root) or [open_run(root)[0]]
    _, config = open_run(folders[0].root)
    dataset = open_configured(config)
    trials = []
    for folder in folders:
        predictor = Predictor.from_pretrained(folder.model, mirror=mirror, device=device)
        trials.append(Trial(predictor, tuple(read_part(folder, dataset, part)), folder))
    return trials, dataset


def evaluate_data(
    model: Path,
    dataset: SegmentationDataset,
    *,
    out: Path | None = None,
    against: Path | None = None,
    mirror: bool = False,
    device: str = "cpu",
    show_progress: bool = True,
) -> Path:
    """Evaluate the network in `model` on every case of `dataset`; writes below `out` as `evaluate_run` does.

    By default the results land in ``evaluation-NAME`` beside the network, NAME being the data set's folder.
    """
    folder = find_model(model)
    predictor = Predictor.from_pretrained(folder, mirror=mirror, device=device)
    trial = Trial(predictor, tuple(range(len(dataset))))
    out = out or folder.parent / f"evaluation-{dataset.root.name}"
    return evaluate([trial], dataset, out, against=against, show_progress=show_progress)


def evaluate(
    trials: list[Trial],
    dataset: SegmentationDataset,
    out: Path,
    *,
    part: str = "all",
    against: Path | None = None,
    show_progress: bool = True,
) -> Path:
    """Measure every trial's cases, write ``metrics_per_case.csv``, ``summary.json`` and ``report.html``.

    Raises
    ------
    DataError
        When there is no case, a case has no mask, or the classes are not those of the network.
    """
    per_case = measure_cases(trials, dataset, part=part, show_progress=show_progress)
    make_folder(out)
    summary = summarize(per_case)
    with atomic_path(out / "metrics_per_case.csv") as temporary:
        per_case.to_csv(temporary, index=False)
    comparison = None if against is None else compare(per_case, against)
    write_json(
        out / "summary.json",
        {
            "software": f"prismseg {VERSION}",
            "machine": this_machine(),
            "dataset": dataset.root.name,
            "part": part,
            "cases": int(per_case["case"].nunique()),
            "groups": int(per_case["group"].nunique()),
            "empty_masks": EMPTY_POLICY,
            "metrics": _records(summary),
            "comparison": None if comparison is None else _records(comparison),
        },
    )
    return write_report(out / "report.html", trials, dataset, per_case, summary, comparison, part=part)


def measure_cases(
    trials: list[Trial], dataset: SegmentationDataset, *, part: str = "all", show_progress: bool = True
) -> pd.DataFrame:
    """Measure every trial's cases: columns case, group, class, metric, value.

    Raises
    ------
    DataError
        When there is no case, a case has no mask, or the classes are not those of the network.
    """
    total = sum(len(trial.cases) for trial in trials)
    if total == 0:
        raise DataError(
            f"There is no case to evaluate in the {part} part of {dataset.root}. "
            "Choose another --part, or train with a split that leaves some."
        )
    for trial in trials:
        _check_classes(trial.predictor, dataset)
    rows: list[dict[str, object]] = []
    done = 0
    with progress_bar("evaluating", total, visible=show_progress) as advance:
        for trial in trials:
            for case_rows in _measure(trial, dataset):
                rows += case_rows
                done += 1
                advance(done, "")
    return pd.DataFrame(rows)


def _measure(trial: Trial, dataset: SegmentationDataset) -> Iterator[list[dict[str, object]]]:
    images = (dataset[index].image for index in trial.cases)
    for index, prediction in zip(trial.cases, trial.predictor.predict(images), strict=True):
        sample = dataset[index]
        if sample.mask is None:
            raise DataError(f"{sample.image_path} has no mask, so nothing can be measured on it.")
        measured = case_metrics(
            prediction.mask, sample.mask, dataset.classes, probabilities=prediction.probabilities
        )
        yield [{"case": sample.id, "group": sample.group, **row} for row in measured]


def compare(per_case: pd.DataFrame, against: Path) -> pd.DataFrame:
    """Differences to the evaluation in folder `against`, paired by case, for every class and metric.

    Returns
    -------
    DataFrame
        Columns class, metric, difference (ours minus theirs), ci_low, ci_high, range_low, range_high, p_value, n,
        n_groups; see `prismseg.evaluation.paired_comparison`.

    Raises
    ------
    DataError
        When the other folder has no evaluation, or one of other cases.
    """
    path = against / "metrics_per_case.csv"
    if not path.is_file():
        raise DataError(f"There is no {path} to compare with; run `prismseg evaluate` on that model first.")
    key = ["case", "class", "metric"]
    both = per_case.merge(pd.read_csv(path, dtype={"case": str, "group": str}), on=key, suffixes=("", "_other"))
    if len(both) != len(per_case):
        raise DataError(
            f"{path} holds other cases or classes than this evaluation; a paired comparison needs the same."
        )
    rows = []
    for (cls, metric), group in both.groupby(["class", "metric"], sort=False):
        result = paired_comparison(group["value"], group["value_other"], group["group"])
        rows.append({"class": cls, "metric": metric, **result})
    return pd.DataFrame(rows)


def _check_classes(predictor: Predictor, dataset: SegmentationDataset) -> None:
    if len(predictor.classes) != len(dataset.classes):
        raise DataError(
            f"The network knows {len(predictor.classes)} classes ({', '.join(predictor.classes)}), the data set "
            f"{dataset.root} has {len(dataset.classes)} ({', '.join(dataset.classes)}). Evaluate it on data of "
            "its own classes, or read these with the options it was trained with."
        )


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of `table` for a JSON file, in which what is not known is null (NaN is no JSON)."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]
