"""How good a network is: metrics of every case at its own size, tables over groups, and a page to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from prismseg.base import DataError, atomic_path, make_folder, progress_bar, write_json
from prismseg.base.deprecation import renamed
from prismseg.base.provenance.machine import this_machine
from prismseg.base.version import VERSION
from prismseg.data import IGNORE, Sample, SegmentationDataset
from prismseg.data.masks.overlapping import region_of
from prismseg.evaluation.agreement import agreement_rows
from prismseg.evaluation.comparison import PER_CASE, compare, find_metrics
from prismseg.evaluation.margin_report import MarginScores
from prismseg.evaluation.margins import MarginSettings
from prismseg.evaluation.metrics import EMPTY_POLICY, Row, case_metrics, summarize
from prismseg.evaluation.networks import EvaluatedNetwork, match_classes
from prismseg.evaluation.reliability_report import ReliabilityScores
from prismseg.evaluation.report import Evaluation, write_report
from prismseg.evaluation.unfamiliar import UnfamiliarCheck, check_unfamiliar
from prismseg.inference.predictor import Prediction, Predictor, require_one_label
from prismseg.nets import Ensemble

OVERLAP = "Classes overlap: each is measured against all else. How far to trust probabilities is not measured."
SUMMARY, PAGE = "summary.json", "report.html"
Observer = Callable[[Mapping[str, object], Sample, Prediction], None]
"""Takes each measured case (its columns case, group, part, identity), the image and what was predicted."""


@renamed(trials="networks")
def evaluate(
    networks: Sequence[EvaluatedNetwork],
    dataset: SegmentationDataset,
    out: str | Path,
    *,
    part: str = "all",
    against: str | Path | None = None,
    margins: MarginSettings | None = None,
    unfamiliar: UnfamiliarCheck | None = None,
    notes: Sequence[str] = (),
    show_progress: bool = True,
) -> Path:
    """Measure every network's cases, write ``metrics_per_case.csv``, ``summary.json`` and ``report.html``.

    How far the probabilities can be trusted goes into the last two, and into ``reliability_per_case.csv``,
    ``reliability_per_group.csv`` and ``risk_coverage.csv`` (`prismseg.evaluation.reliability`).

    Parameters
    ----------
    networks : sequence of EvaluatedNetwork
        With their cases.
    dataset : SegmentationDataset
        What the cases are of.
    out : path
        Folder for the results.
    part : str
        What to call the cases of a network that does not say what they are to it.
    against : path, optional
        Another evaluation folder of the same cases to compare with, case by case.
    margins : MarginSettings, optional
        Also calibrate margins around the masks that hold for a new group: ``margins.json`` and ``margins_per_case.csv``.
    unfamiliar : UnfamiliarCheck, optional
        Also look whether an uncertainty ranks foreign images above own ones: ``unfamiliar.csv``.
    notes : sequence of str
        What a reader has to know.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    DataError
        When there is no case, a case has no mask, the classes are not those of the network, or there are too few groups
        for margins.
    ConfigError
        When margins are asked for cases that a network has seen.
    """
    out = Path(out)
    if against is not None:
        find_metrics(against)  # before anything is measured
    for network in networks:
        dataset, _ = match_classes(network.predictor, dataset)
    _require_cases(networks, dataset, part)
    if margins is not None:
        for network in networks:
            require_one_label(network.predictor, "calibration of margins")
    scores = None if margins is None else MarginScores(margins, networks, dataset, part)
    reliability = None if dataset.multilabel else ReliabilityScores(dataset.classes, _ensembles(networks, dataset))
    observers: list[Observer] = [each for each in (reliability, scores) if each is not None]
    per_case = measure_cases(networks, dataset, part=part, observers=observers, show_progress=show_progress)
    counts = _count_parts(per_case)
    evaluation = Evaluation(
        networks,
        dataset,
        per_case,
        summary=summarize(per_case),
        comparison=None if against is None else compare(per_case, against),
        part=part,
        notes=(*notes, *_warn_of_known(counts), *([OVERLAP] if dataset.multilabel else [])),
        reliability=None if reliability is None else reliability.result(),
        margins=None if scores is None else scores.calibrate(),
        unfamiliar=None
        if unfamiliar is None
        else check_unfamiliar(networks, dataset, unfamiliar, show_progress=show_progress),
    )
    make_folder(out)
    if evaluation.reliability is not None:
        evaluation.reliability.write(out)
    if evaluation.margins is not None:
        evaluation.margins.write(out)
    if evaluation.unfamiliar is not None:
        evaluation.unfamiliar.write(out)
    with atomic_path(out / PER_CASE) as temporary:
        per_case.to_csv(temporary, index=False)
    _write_summary(out / SUMMARY, evaluation, counts)
    return write_report(out / PAGE, evaluation)


def _write_summary(path: Path, evaluation: Evaluation, counts: Mapping[str, int]) -> None:
    per_case, comparison = evaluation.per_case, evaluation.comparison
    write_json(
        path,
        {
            "software": f"prismseg {VERSION}",
            "machine": this_machine(),
            "dataset": evaluation.dataset.root.name,
            "part": evaluation.part,
            "parts": counts,
            "notes": list(evaluation.notes),
            "cases": int(per_case["case"].nunique()),
            "groups": int(per_case["group"].nunique()),
            "empty_masks": EMPTY_POLICY,
            "metrics": _records(evaluation.summary),
            "reliability": None if evaluation.reliability is None else evaluation.reliability.summary(),
            "failure_detection": None
            if evaluation.reliability is None
            else evaluation.reliability.failure_detection(),
            "comparison": None if comparison is None else _records(comparison),
            **({} if evaluation.unfamiliar is None else {"unfamiliar": evaluation.unfamiliar.section()}),
        },
    )


def _ensembles(networks: Sequence[EvaluatedNetwork], dataset: SegmentationDataset) -> dict[str, Predictor]:
    return {
        dataset.ids[index]: network.predictor
        for network in networks
        if isinstance(network.predictor.model, Ensemble)
        for index in network.cases
    }


def _count_parts(per_case: pd.DataFrame) -> dict[str, int]:
    counts = per_case.drop_duplicates(["case", "part"])["part"].value_counts().to_dict()
    return {str(name): int(count) for name, count in counts.items()}


def _warn_of_known(counts: Mapping[str, int]) -> list[str]:
    """Say how many of the measured cases the network was trained or chosen on."""
    known = {name: counts[name] for name in ("train", "validation", "same-group") if counts.get(name)}
    if not known:
        return []
    listed = ", ".join(f"{count} {name}" for name, count in known.items())
    return [f"The network has seen {listed} cases of these or their groups: the numbers flatter it."]


def measure_cases(
    networks: Sequence[EvaluatedNetwork],
    dataset: SegmentationDataset,
    *,
    part: str = "all",
    observers: Sequence[Observer] = (),
    show_progress: bool = True,
) -> pd.DataFrame:
    """Measure every network's cases: columns case, group, part, identity, class, metric, value.

    The part says what the case is to the network (`EvaluatedNetwork.parts`), where that is known; the identity
    is that of the image (`prismseg.data.images.identity`). `observers` are called with each case, too.

    Raises
    ------
    DataError
        When there is no case, a case has no mask, or the classes are not those of the network.
    """
    total = _require_cases(networks, dataset, part)
    for network in networks:
        dataset, _ = match_classes(network.predictor, dataset)
    rows: list[dict[str, object]] = []
    done = 0
    with progress_bar("evaluating", total, visible=show_progress) as advance:
        for network in networks:
            for case_rows in _measure(network, dataset, part, observers):
                rows += case_rows
                done += 1
                advance(done, "")
    return _without_partial(pd.DataFrame(rows))


def _require_cases(networks: Sequence[EvaluatedNetwork], dataset: SegmentationDataset, part: str) -> int:
    total = sum(len(network.cases) for network in networks)
    if total == 0:
        raise DataError(
            f"There is no case to evaluate in {dataset.root}: none is of the part {part}. Choose another --part (all: "
            "also what the network has seen), or train with a split that leaves some."
        )
    return total


def _without_partial(per_case: pd.DataFrame) -> pd.DataFrame:
    """Leave out metrics that only some cases have, such as mm where not all files state the size of a pixel."""
    counts = per_case.groupby("metric")["case"].nunique()
    whole = counts[counts == per_case["case"].nunique()].index
    return per_case[per_case["metric"].isin(whole)].reset_index(drop=True)


def _measure(
    network: EvaluatedNetwork, dataset: SegmentationDataset, part: str, observers: Sequence[Observer]
) -> Iterator[list[dict[str, object]]]:
    images = (dataset[index].image for index in network.cases)
    parts = network.parts or (part,) * len(network.cases)
    for index, name, prediction in zip(network.cases, parts, network.predictor.predict(images), strict=True):
        sample = dataset[index]
        if sample.mask is None:
            raise DataError(f"{sample.image_path} has no mask, so nothing can be measured on it.")
        rows = _case_rows(prediction, sample, dataset)
        rows += agreement_rows(prediction.mask, dataset.annotations(index), dataset.classes)
        case = {"case": sample.id, "group": sample.group, "part": name, "identity": dataset.identities[index]}
        for observe in observers:
            observe(case, sample, prediction)
        yield [{**case, **row} for row in rows]


def _case_rows(prediction: Prediction, sample: Sample, dataset: SegmentationDataset) -> list[Row]:
    """Measure a case; classes that overlap one by one, each against all else."""
    assert sample.mask is not None
    if not dataset.multilabel:
        return case_metrics(
            prediction.mask,
            sample.mask,
            dataset.classes,
            probabilities=prediction.probabilities,
            spacing=sample.spacing,
        )
    rows: list[Row] = []
    for label, name in enumerate(dataset.classes[1:], start=1):
        truth = region_of(sample.mask, label, multilabel=True).astype(np.uint8)
        truth[sample.mask == IGNORE] = IGNORE
        p = prediction.probabilities[label - 1]
        rows += case_metrics(
            region_of(prediction.mask, label, multilabel=True).astype(np.uint8),
            truth,
            ["background", name],
            probabilities=np.stack([1 - p, p]),
            spacing=sample.spacing,
        )
    return rows


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of `table` for a JSON file, in which what is not known is null (NaN is no JSON)."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]
