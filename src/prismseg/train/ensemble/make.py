"""`prismseg ensemble`: trained networks in, one network on the disk out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prismseg.base import ConfigError, OutputError
from prismseg.data import SegmentationDataset
from prismseg.nets.storage.lookup import CONFIG
from prismseg.train.ensemble.combine import Member, combine
from prismseg.train.ensemble.held_out import find_held_out
from prismseg.train.ensemble.sources import EnsembleSource, find_sources
from prismseg.train.ensemble.weights import WeightChoice, choose_weights
from prismseg.train.runs.data import open_for
from prismseg.train.runs.find import find_runs
from prismseg.train.runs.seen import SeenCases


def make_ensemble(
    sources: Sequence[str | Path],
    out: str | Path,
    *,
    weights: str | Sequence[float] = "equal",
    data: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] | None = None,
    show_progress: bool = True,
) -> Path:
    """Put trained networks together and write the ensemble into a folder, which is a network as any other.

    Parameters
    ----------
    sources : sequence of str or path
        Runs, folders of networks, shipped networks, and cross-validations, of which all folds become members.
    out : path
        Folder to write.
    weights : "equal", "auto" or sequence of float
        Of each source; the folds of a cross-validation share theirs. "auto" chooses those with the best Dice on cases
        that no network which predicts them has seen (`prismseg.train.ensemble.weights.choose_weights`); these cases then
        count as seen by the ensemble.
    data : path, optional
        For "auto": data to choose on; by default those of the first source that has a run.
    options : mapping, optional
        How to read them, where not as in training (`prismseg.data.open_dataset`).
    tell : callable, optional
        Called with sentences for the user.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    PrismsegError
        When there is one network alone, one is missing or named twice, they differ in their classes, `out` holds a
        network, or there are no cases to choose weights on.
    """
    tell = tell or (lambda line: None)
    folder = Path(out)
    if (folder / CONFIG).exists():
        raise OutputError(f"{folder} holds a network already; choose another --out folder.")
    found = find_sources(sources)
    if isinstance(weights, str) and weights not in ("equal", "auto"):
        raise ConfigError(f"Weights are 'equal', 'auto' or one number for each network, not {weights!r}.")
    if not isinstance(weights, str) and len(weights) != len(found):
        raise ConfigError(
            f"There are {len(found)} networks or cross-validations and {len(weights)} weights; give one for each."
        )
    shares = [1.0] * len(found) if isinstance(weights, str) else list(weights)
    _require_several(found, shares)
    ensemble = combine(_members(found, shares))
    if weights == "auto":
        dataset, notes = _open_data(found, data, options)
        unseen = {}
        for source in found:
            unseen[source.name], dataset = find_held_out(source, dataset, show_progress=show_progress)
        choice = choose_weights(unseen, dataset, show_progress=show_progress)
        for line in [*notes, *describe_choice(choice, list(unseen))]:
            tell(line)
        ensemble = combine(_members(found, choice.weights))
        ensemble.metadata = _record(ensemble.metadata, choice, list(unseen), dataset)
    ensemble.save_pretrained(folder)
    shown = ", ".join(
        f"{name} {weight:.3g}" for name, weight in zip(ensemble.names, ensemble.weights, strict=True)
    )
    tell(f"Ensemble of {len(ensemble.names)}: {shown}")
    return folder


def _require_several(sources: Sequence[EnsembleSource], shares: Sequence[float]) -> None:
    """Refuse an ensemble of one network, which is that network."""
    used = [
        folder
        for source, share in zip(sources, shares, strict=True)
        if share
        for folder in source.folders.values()
    ]
    if len(used) == 1:
        raise ConfigError(
            f"An ensemble has two networks at least; here {used[0]} is the only one with a weight above 0. Use it as it "
            "is, or name another."
        )


def describe_choice(choice: WeightChoice, names: Sequence[str]) -> list[str]:
    """Sentences about weights that were chosen."""
    weights = ", ".join(f"{name} {weight:g}" for name, weight in zip(names, choice.weights, strict=True))
    alone = ", ".join(f"{name} {dice:.3f}" for name, dice in zip(names, choice.alone, strict=True))
    return [
        f"Weights, chosen on {len(choice.cases)} cases of {choice.groups} groups that no network had seen: {weights}.",
        f"Mean Dice on them, each group with weights chosen without it: {choice.dice:.3f}; with equal weights "
        f"{choice.equal:.3f}; alone: {alone}.",
    ]


def _open_data(
    sources: Sequence[EnsembleSource], data: str | Path | None, options: Mapping[str, Any] | None
) -> tuple[SegmentationDataset, list[str]]:
    """Open the data to choose weights on, read as the first source that has a run read its own."""
    with_run = next((source.path for source in sources if find_runs(source.path)), None)
    if with_run is None and data is None:
        raise ConfigError(
            "None of these networks has its run with it, which would say what data there are; name some with masks, "
            "which none of the networks has seen: --data FOLDER."
        )
    return open_for(sources[0].path if with_run is None else with_run, data, options)


def _members(sources: Sequence[EnsembleSource], weights: Sequence[float]) -> list[Member]:
    return [member for source, weight in zip(sources, weights, strict=True) for member in source.members(weight)]


def _record(
    metadata: dict[str, Any], choice: WeightChoice, names: Sequence[str], dataset: SegmentationDataset
) -> dict[str, Any]:
    """Metadata of an ensemble whose weights were chosen: on what, and that it has seen these cases."""
    seen = SeenCases.from_metadata(metadata)
    chosen_on = SeenCases.from_cases(dataset, validation=choice.cases)
    training = metadata["training"] | {
        "weights": {
            "chosen": dict(zip(names, choice.weights, strict=True)),
            "cases": len(choice.cases),
            "groups": choice.groups,
            "dice": {
                "held_out": round(choice.dice, 4),
                "equal": round(choice.equal, 4),
                "alone": {name: round(dice, 4) for name, dice in zip(names, choice.alone, strict=True)},
            },
        }
    }
    return metadata | {"training": training, "seen": SeenCases.union([seen, chosen_on]).to_metadata()}
