"""Which network is evaluated on which cases: those it was not trained on, unless others are asked for by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from prismseg.base import ConfigError
from prismseg.data import SegmentationDataset
from prismseg.evaluation.networks import EvaluatedNetwork, match_classes
from prismseg.inference.predictor import Predictor
from prismseg.nets import find_model
from prismseg.train.runs.copies import find_copies
from prismseg.train.runs.data import open_for
from prismseg.train.runs.find import find_runs, open_run
from prismseg.train.runs.folder import RunFolder, fold_folders, read_part
from prismseg.train.runs.seen import PARTS, UNSEEN, SeenCases, count_parts


def choose_parts(text: str | None) -> tuple[str, ...]:
    """Parts that ``"test,new"`` or ``"all"`` names; None: what a network has not seen.

    Raises
    ------
    ConfigError
        For an unknown part.
    """
    if text is None:
        return UNSEEN
    if text == "all":
        return PARTS
    parts = tuple(part.strip() for part in text.split(","))
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise ConfigError(f"There is no part {unknown[0]!r}; choose of {', '.join(PARTS)} (with commas), or all.")
    return parts


def assign_run_cases(
    root: str | Path,
    *,
    part: str = "test",
    mirror: bool | None = None,
    device: str = "cpu",
    options: Mapping[str, Any] | None = None,
) -> tuple[list[EvaluatedNetwork], SegmentationDataset]:
    """Networks of a training run, one a fold, each with the cases of its split's `part`; and their data set.

    Parameters
    ----------
    root : path
        Folder of the run.
    part : str
        "train", "validation", "test", some of them with commas, or "all".
    options : mapping, optional
        Of `prismseg.data.open_dataset`, instead of the run's own.

    Raises
    ------
    PrismsegError
        When there is no run or no model, or the data set has changed.
    """
    chosen = [name for name in choose_parts(part) if name in ("train", "validation", "test")]
    folders = fold_folders(root) or [open_run(root)[0]]
    dataset, _ = open_for(folders[0].root, None, options)
    networks = []
    for folder in folders:
        predictor = Predictor.from_pretrained(folder.model, mirror=mirror, device=device)
        dataset, _ = match_classes(predictor, dataset)
        cases = [(case, name) for name in chosen for case in read_part(folder, dataset, name)]
        networks.append(_evaluated(predictor, sorted(cases), folder))
    return networks, dataset


def assign_data_cases(
    model: str | Path,
    dataset: SegmentationDataset,
    *,
    part: str | None = None,
    mirror: bool | None = None,
    device: str = "cpu",
) -> tuple[list[EvaluatedNetwork], SegmentationDataset, list[str]]:
    """Networks in `model` with the cases of `dataset` that they are evaluated on.

    Cases are recognised by content. By default those are tried that the network has not seen; each fold of a
    cross-validation is tried on the cases that it kept apart.

    Returns
    -------
    networks : list of EvaluatedNetwork
    dataset : SegmentationDataset
        With its classes in the network's order.
    notes : list of str
        What was left out, and what is not known.

    Raises
    ------
    PrismsegError
        When there is no network, or its classes are not those of the data.
    """
    chosen = choose_parts(part)
    folds = fold_folders(model)
    sources: list[tuple[Path, RunFolder | None]] = [(folder.model, folder) for folder in folds]
    if not sources:
        runs = find_runs(model)
        sources = [(find_model(model), runs[0] if runs else None)]
    networks: list[EvaluatedNetwork] = []
    notes: list[str] = []
    labels: list[list[str]] = []
    for path, folder in sources:
        predictor = Predictor.from_pretrained(path, mirror=mirror, device=device)
        dataset, remarks = match_classes(predictor, dataset)
        notes += remarks
        seen = SeenCases.from_metadata(predictor.model.metadata)
        parts = seen.parts(dataset) if seen is not None else ["unknown"] * len(dataset)
        if seen is not None and not folds:
            parts, remarks = _with_copies(model, dataset, seen, parts)
            notes += remarks
        if folds:
            parts = ["other fold" if name in ("new", "same-group", "unknown") else name for name in parts]
        labels.append(parts)
        cases = [(case, name) for case, name in enumerate(parts) if name in chosen]
        networks.append(_evaluated(predictor, cases, folder))
    notes += _left_out(dataset, networks, labels, folds)
    return networks, dataset, notes


def data_name(dataset: SegmentationDataset) -> str:
    """Name of the data set's folder or table, for folders of results."""
    return dataset.root.stem if dataset.root.suffix.lower() == ".csv" else dataset.root.resolve().name


def _evaluated(
    predictor: Predictor, cases: Sequence[tuple[int, str]], folder: RunFolder | None
) -> EvaluatedNetwork:
    chosen, parts = tuple(case for case, _ in cases), tuple(name for _, name in cases)
    if folder is None:
        return EvaluatedNetwork(predictor, chosen, parts)
    history = pd.read_csv(folder.history) if folder.history.is_file() else None
    return EvaluatedNetwork(predictor, chosen, parts, folder.root.name, history)


def _with_copies(
    model: str | Path, dataset: SegmentationDataset, seen: SeenCases, parts: list[str]
) -> tuple[list[str], list[str]]:
    """Count cases as seen that show an image which was seen in another form, and those of their groups."""
    fresh = [case for case, name in enumerate(parts) if name in ("new", "unknown")]
    copies = find_copies(model, dataset, seen, fresh)
    notes = []
    if copies.cases:
        groups = {dataset.groups[case] for case in copies.cases}
        parts = [
            "same-group" if name in ("new", "unknown") and group in groups else name
            for name, group in zip(parts, dataset.groups, strict=True)
        ]
        notes.append(
            f"{len(copies.cases)} cases show an image that the network has seen, in another cut, size, mirror or "
            f"encoding (the first is {dataset.ids[copies.cases[0]]}); they and their groups count as same-group."
        )
    if not copies.searched:
        notes.append(
            "The images that the network was trained on are not all at hand, so copies of them in another cut, size or "
            "encoding are not recognised, only those of equal pixels."
        )
    return parts, notes


def _left_out(
    dataset: SegmentationDataset, networks: list[EvaluatedNetwork], labels: list[list[str]], folds: list[RunFolder]
) -> list[str]:
    tried = {case for network in networks for case in network.cases}
    if folds:
        rest = len(dataset) - len(tried)
        return [
            f"{rest} cases were kept apart by none of the {len(folds)} folds; to try a network on new cases name one of "
            f"them, such as {folds[0].model}."
        ] * (rest > 0)
    parts = labels[0]
    notes = []
    left = [name for case, name in enumerate(parts) if case not in tried]
    if left:
        notes.append(f"Left out of {len(parts)} cases: {count_parts(left)}; --part all measures them too.")
    if any(parts[case] == "unknown" for case in tried):
        notes.append(
            "The network does not say which cases it has seen (it, or one that it comes from, was trained by an older "
            "version), so some of these may be training cases."
        )
    learnt = {group for group, name in zip(dataset.groups, parts, strict=True) if name == "train"}
    mixed = [case for case in tried if parts[case] == "test" and dataset.groups[case] in learnt]
    if mixed:
        notes.append(
            f"As these data are grouped, {len(mixed)} test cases are of a group that the network learnt from."
        )
    return notes
