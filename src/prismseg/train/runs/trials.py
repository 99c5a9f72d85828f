"""Which network is tried on which cases: those it has not met, unless others are asked for by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prismseg.base import ConfigError, DataError
from prismseg.data import SegmentationDataset
from prismseg.data.dataset import open_with
from prismseg.data.layouts import names_its_masks
from prismseg.inference.predictor import Predictor
from prismseg.nets import find_model
from prismseg.train.config import DataConfig, choose_data
from prismseg.train.runs.copies import find_copies
from prismseg.train.runs.folder import RunFolder, fold_folders, read_part
from prismseg.train.runs.run import find_data, open_run, run_of
from prismseg.train.runs.seen import PARTS, UNSEEN, SeenCases, count_parts


@dataclass(frozen=True)
class Trial:
    """A network and the cases it is tried on; a cross-validation has one a fold.

    Attributes
    ----------
    predictor : Predictor
        The network.
    cases : tuple of int
        Positions in the data set.
    folder : RunFolder, optional
        Of the run that trained it.
    parts : tuple of str
        What each of the cases is to the network (`prismseg.train.runs.seen.PARTS`); empty where that was not looked up.
    """

    predictor: Predictor
    cases: tuple[int, ...]
    folder: RunFolder | None = None
    parts: tuple[str, ...] = ()


def choose_parts(text: str | None) -> tuple[str, ...]:
    """Parts that ``"test,new"`` or ``"all"`` names; None: what a network has not met.

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
    runs = run_of(model)
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


def match_classes(predictor: Predictor, dataset: SegmentationDataset) -> tuple[SegmentationDataset, list[str]]:
    """Bring the classes of `dataset` into the network's order, by name.

    Raises
    ------
    DataError
        When the names differ.
    """
    ours, theirs = predictor.classes, dataset.classes
    if ours == theirs:
        return dataset, []
    if not dataset.names_stated and len(ours) == len(theirs):
        labels = ", ".join(f"{label} {name}" for label, name in enumerate(ours))
        return dataset.named(ours), [
            f"The data do not name their classes; they are taken as the network's: {labels}."
        ]
    if sorted(ours) == sorted(theirs):
        return dataset.with_classes(ours), [
            f"The data name the network's classes in another order ({', '.join(theirs)}); they were matched by name."
        ]
    raise DataError(
        f"The network knows the classes {', '.join(ours)}, the data set {dataset.root} has {', '.join(theirs)}. Where "
        f"the same things are meant, say which label is which, in the order of the labels: --classes {','.join(ours)}. "
        "Else evaluate the network on data of its own classes."
    )


def run_trials(
    root: str | Path,
    *,
    part: str = "test",
    mirror: bool = False,
    device: str = "cpu",
    options: Mapping[str, Any] | None = None,
) -> tuple[list[Trial], SegmentationDataset]:
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
    wanted = [name for name in choose_parts(part) if name in ("train", "validation", "test")]
    folders = fold_folders(root) or [open_run(root)[0]]
    dataset, _ = open_for(folders[0].root, None, options)
    trials = []
    for folder in folders:
        predictor = Predictor.from_pretrained(folder.model, mirror=mirror, device=device)
        dataset, _ = match_classes(predictor, dataset)
        cases = [(case, name) for name in wanted for case in read_part(folder, dataset, name)]
        trials.append(_trial(predictor, sorted(cases), folder))
    return trials, dataset


def data_trials(
    model: str | Path,
    dataset: SegmentationDataset,
    *,
    part: str | None = None,
    mirror: bool = False,
    device: str = "cpu",
) -> tuple[list[Trial], SegmentationDataset, list[str]]:
    """Networks in `model` with the cases of `dataset` that are tried on them.

    Cases are recognised by content. By default those are tried that the network has not met; each fold of a
    cross-validation is tried on the cases that it kept apart.

    Returns
    -------
    trials : list of Trial
    dataset : SegmentationDataset
        With its classes in the network's order.
    notes : list of str
        What was left out, and what is not known.

    Raises
    ------
    PrismsegError
        When there is no network, or its classes are not those of the data.
    """
    wanted = choose_parts(part)
    folds = fold_folders(model)
    sources: list[tuple[Path, RunFolder | None]] = [(folder.model, folder) for folder in folds]
    if not sources:
        runs = run_of(model)
        sources = [(find_model(model), runs[0] if runs else None)]
    trials: list[Trial] = []
    notes: list[str] = []
    labels: list[list[str]] = []
    for path, folder in sources:
        predictor = Predictor.from_pretrained(path, mirror=mirror, device=device)
        dataset, found = match_classes(predictor, dataset)
        notes += found
        seen = SeenCases.of_metadata(predictor.model.metadata)
        parts = seen.parts(dataset) if seen is not None else ["unknown"] * len(dataset)
        if seen is not None and not folds:
            parts, found = _with_copies(model, dataset, seen, parts)
            notes += found
        if folds:
            parts = ["other fold" if name in ("new", "same-group", "unknown") else name for name in parts]
        labels.append(parts)
        cases = [(case, name) for case, name in enumerate(parts) if name in wanted]
        trials.append(_trial(predictor, cases, folder))
    notes += _left_out(dataset, trials, labels, folds)
    return trials, dataset, notes


def data_name(dataset: SegmentationDataset) -> str:
    """Name of the data set's folder or table, for folders of results."""
    return dataset.root.stem if dataset.root.suffix.lower() == ".csv" else dataset.root.resolve().name


def _trial(predictor: Predictor, cases: Sequence[tuple[int, str]], folder: RunFolder | None) -> Trial:
    return Trial(predictor, tuple(case for case, _ in cases), folder, parts=tuple(name for _, name in cases))


def _with_copies(
    model: str | Path, dataset: SegmentationDataset, seen: SeenCases, parts: list[str]
) -> tuple[list[str], list[str]]:
    """Take cases for met that show a picture which was met in another form, and those of their groups."""
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
            f"{len(copies.cases)} cases show a picture that the network has met, in another cut, size, mirror or "
            f"encoding (the first is {dataset.ids[copies.cases[0]]}); they and their groups count as same-group."
        )
    if not copies.searched:
        notes.append(
            "The pictures that the network was trained on are not all at hand, so copies of them in another cut, size or "
            "encoding are not recognised, only those of equal pixels."
        )
    return parts, notes


def _left_out(
    dataset: SegmentationDataset, trials: list[Trial], labels: list[list[str]], folds: list[RunFolder]
) -> list[str]:
    tried = {case for trial in trials for case in trial.cases}
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
            "The network does not say which cases it has met (it, or one that it comes from, was trained by an older "
            "version), so some of these may be training cases."
        )
    learnt = {group for group, name in zip(dataset.groups, parts, strict=True) if name == "train"}
    mixed = [case for case in tried if parts[case] == "test" and dataset.groups[case] in learnt]
    if mixed:
        notes.append(
            f"As these data are grouped, {len(mixed)} test cases are of a group that the network learnt from."
        )
    return notes
