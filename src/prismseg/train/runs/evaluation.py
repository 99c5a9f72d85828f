"""How good a network is: metrics of every case at its own size, tables over groups, and a page to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from prismseg.base import DataError, atomic_path, make_folder, progress_bar, write_json
from prismseg.base.machine import this_machine
from prismseg.base.version import VERSION
from prismseg.data import SegmentationDataset
from prismseg.evaluation import paired_comparison
from prismseg.evaluation.metrics import EMPTY_POLICY, case_metrics, summarize
from prismseg.nets import results_folder
from prismseg.train.runs.folder import fold_folders
from prismseg.train.runs.report import write_report
from prismseg.train.runs.run import open_run
from prismseg.train.runs.trials import Trial as Trial
from prismseg.train.runs.trials import data_name, data_trials, match_classes
from prismseg.train.runs.trials import run_trials as run_trials


def evaluate_run(
    root: str | Path,
    *,
    part: str = "test",
    out: str | Path | None = None,
    against: str | Path | None = None,
    mirror: bool = False,
    device: str = "cpu",
    options: Mapping[str, Any] | None = None,
    show_progress: bool = True,
) -> Path:
    """Evaluate a training run on the cases it kept apart; with folds, every case by the fold that left it out.

    Parameters
    ----------
    root : path
        Folder that `prismseg train` filled.
    part : str
        Which part of the split: "test", "validation", "train", some of them with commas, or "all".
    out : path, optional
        Where to write; by default ``root/evaluation``, for other parts than the test ``root/evaluation-PART``.
    against : path, optional
        Another evaluation folder of the same cases to compare with, case by case.
    mirror : bool
        Average with the prediction of the mirrored image.
    options : mapping, optional
        How to read the data, where not as in training (`prismseg.data.open_dataset`).

    Returns
    -------
    Path
        The report, an HTML page; ``metrics_per_case.csv`` and ``summary.json`` lie beside it.

    Raises
    ------
    PrismsegError
        When there is no run, no model, no case to evaluate, or `against` has other cases.
    """
    root = Path(root)
    trials, dataset = run_trials(root, part=part, mirror=mirror, device=device, options=options)
    out = out or root / ("evaluation" if part == "test" else f"evaluation-{part.replace(',', '-')}")
    return evaluate(
        trials, dataset, out, part=part, against=against, notes=_missing_folds(root), show_progress=show_progress
    )


def evaluate_data(
    model: str | Path,
    dataset: SegmentationDataset,
    *,
    part: str | None = None,
    out: str | Path | None = None,
    against: str | Path | None = None,
    mirror: bool = False,
    device: str = "cpu",
    notes: Sequence[str] = (),
    show_progress: bool = True,
) -> Path:
    """Evaluate the network in `model` on the cases of `dataset` that it has not met; writes as `evaluate_run` does.

    Parameters
    ----------
    model : path
        Folder of a run, a cross-validation (each case by the fold that left it out) or a network.
    dataset : SegmentationDataset
        Its cases are recognised by content, whatever their files are called and wherever they lie.
    part : str, optional
        Of `prismseg.train.runs.seen.PARTS`, with commas, or "all"; by default test cases of the run and new ones.
    out : path, optional
        Where to write; by default ``evaluation-NAME`` beside the network, NAME being the data set's folder.
    notes : sequence of str
        More to say on the page.

    Raises
    ------
    PrismsegError
        When there is no network, no case, or the classes are not those of the network.
    """
    trials, dataset, found = data_trials(model, dataset, part=part, mirror=mirror, device=device)
    if out is None:
        out = results_folder(model) / f"evaluation-{data_name(dataset)}"
    return evaluate(
        trials,
        dataset,
        out,
        part=part or "test and new",
        against=against,
        notes=[*notes, *found],
        show_progress=show_progress,
    )


def _missing_folds(root: Path) -> list[str]:
    folders = fold_folders(root)
    planned = open_run(folders[0].root)[1].split.folds if folders else None
    if planned is None or len(folders) >= planned:
        return []
    return [f"Only {len(folders)} of {planned} folds were trained; the cases of the others are not measured."]


def evaluate(
    trials: list[Trial],
    dataset: SegmentationDataset,
    out: str | Path,
    *,
    part: str = "all",
    against: str | Path | None = None,
    notes: Sequence[str] = (),
    show_progress: bool = True,
) -> Path:
    """Measure every trial's cases, write ``metrics_per_case.csv``, ``summary.json`` and ``report.html``.

    Raises
    ------
    DataError
        When there is no case, a case has no mask, or the classes are not those of the network.
    """
    out = Path(out)
    if against is not None:
        _metrics_of(against)
    for trial in trials:
        dataset, _ = match_classes(trial.predictor, dataset)
    per_case = measure_cases(trials, dataset, part=part, show_progress=show_progress)
    comparison = None if against is None else compare(per_case, against)
    summary = summarize(per_case)
    counts = per_case.drop_duplicates(["case", "part"])["part"].value_counts().to_dict()
    notes = [*notes, *_met({str(name): int(count) for name, count in counts.items()})]
    make_folder(out)
    with atomic_path(out / "metrics_per_case.csv") as temporary:
        per_case.to_csv(temporary, index=False)
    write_json(
        out / "summary.json",
        {
            "software": f"prismseg {VERSION}",
            "machine": this_machine(),
            "dataset": dataset.root.name,
            "part": part,
            "parts": {str(name): int(count) for name, count in counts.items()},
            "notes": notes,
            "cases": int(per_case["case"].nunique()),
            "groups": int(per_case["group"].nunique()),
            "empty_masks": EMPTY_POLICY,
            "metrics": _records(summary),
            "comparison": None if comparison is None else _records(comparison),
        },
    )
    return write_report(
        out / "report.html", trials, dataset, per_case, summary, comparison, part=part, notes=notes
    )


def _met(counts: Mapping[str, int]) -> list[str]:
    """Say how many of the measured cases the network has met."""
    met = {name: counts[name] for name in ("train", "validation", "same-group") if counts.get(name)}
    if not met:
        return []
    listed = ", ".join(f"{count} {name}" for name, count in met.items())
    return [f"The network has met {listed} cases of these or their groups: the numbers flatter it."]


def measure_cases(
    trials: list[Trial], dataset: SegmentationDataset, *, part: str = "all", show_progress: bool = True
) -> pd.DataFrame:
    """Measure every trial's cases: columns case, group, part, identity, class, metric, value.

    The part says what the case is to the network (`prismseg.train.runs.seen.PARTS`), where the trial knows; the identity
    is that of the picture (`prismseg.data.images.identity`).

    Raises
    ------
    DataError
        When there is no case, a case has no mask, or the classes are not those of the network.
    """
    total = sum(len(trial.cases) for trial in trials)
    if total == 0:
        raise DataError(
            f"There is no case to evaluate in {dataset.root}: none is of the part {part}. Choose another --part (all: "
            "also what the network has met), or train with a split that leaves some."
        )
    for trial in trials:
        dataset, _ = match_classes(trial.predictor, dataset)
    rows: list[dict[str, object]] = []
    done = 0
    with progress_bar("evaluating", total, visible=show_progress) as advance:
        for trial in trials:
            for case_rows in _measure(trial, dataset, part):
                rows += case_rows
                done += 1
                advance(done, "")
    return pd.DataFrame(rows)


def _measure(trial: Trial, dataset: SegmentationDataset, part: str) -> Iterator[list[dict[str, object]]]:
    images = (dataset[index].image for index in trial.cases)
    parts = trial.parts or (part,) * len(trial.cases)
    for index, name, prediction in zip(trial.cases, parts, trial.predictor.predict(images), strict=True):
        sample = dataset[index]
        if sample.mask is None:
            raise DataError(f"{sample.image_path} has no mask, so nothing can be measured on it.")
        measured = case_metrics(
            prediction.mask, sample.mask, dataset.classes, probabilities=prediction.probabilities
        )
        case = {"case": sample.id, "group": sample.group, "part": name, "identity": dataset.identities[index]}
        yield [{**case, **row} for row in measured]


def _metrics_of(folder: str | Path) -> Path:
    path = Path(folder) / "metrics_per_case.csv"
    if not path.is_file():
        raise DataError(f"There is no {path} to compare with; run `prismseg evaluate` on that model first.")
    return path


def compare(per_case: pd.DataFrame, against: str | Path) -> pd.DataFrame:
    """Differences to the evaluation in folder `against`, paired by case, for every class and metric.

    Returns
    -------
    DataFrame
        Columns class, metric, difference (ours minus theirs), ci_low, ci_high, range_low, range_high, p_value, n,
        n_groups; see `prismseg.evaluation.paired_comparison`.

    Raises
    ------
    DataError
        When the other folder has no evaluation, or one of other cases, also under the same names.
    """
    path = _metrics_of(against)
    key = ["case", "class", "metric"]
    names = {"case": str, "group": str, "class": str, "identity": str}
    # Only an empty cell is a missing one: a case or a class may be called NA.
    theirs = pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])
    both = per_case.merge(theirs, on=key, suffixes=("", "_other"))
    if len(both) != len(per_case):
        raise DataError(
            f"{path} holds other cases or classes than this evaluation; a paired comparison needs the same."
        )
    if "identity_other" in both:
        others = both.loc[both["identity"] != both["identity_other"], "case"].unique()
        if len(others):
            raise DataError(
                f"{len(others)} cases of {path} have the names of cases of this evaluation (the first is {others[0]}), "
                "but show other pictures; a paired comparison needs the same."
            )
    rows = []
    for (cls, metric), group in both.groupby(["class", "metric"], sort=False):
        result = paired_comparison(group["value"], group["value_other"], group["group"])
        rows.append({"class": cls, "metric": metric, **result})
    return pd.DataFrame(rows)


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of `table` for a JSON file, in which what is not known is null (NaN is no JSON)."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]
