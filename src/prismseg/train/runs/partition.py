"""How the cases of a run are parted, and what has to be said about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from prismseg.base import ConfigError, DataError
from prismseg.data import SegmentationDataset, Split, check_split, holdout, join_groups, kfold, scarce
from prismseg.data.twins import Twin
from prismseg.train.config import FRACTIONS, TrainConfig
from prismseg.train.runs.copies import find_copies
from prismseg.train.runs.find import initial_folds
from prismseg.train.runs.seen import SeenCases

_SHOWN = 5


@dataclass(frozen=True)
class Partition:
    """The parts of a run.

    Attributes
    ----------
    split : Split
        Positions of the cases.
    notes : tuple of str
        Sentences that a user has to know: where the split comes from, what was joined or left out.
    """

    split: Split
    notes: tuple[str, ...] = ()


def make_partition(config: TrainConfig, dataset: SegmentationDataset, seen: SeenCases | None = None) -> Partition:
    """Part the cases by group as `config.split` says.

    Parameters
    ----------
    config : TrainConfig
        Settings of the run.
    dataset : SegmentationDataset
        Its cases.
    seen : SeenCases, optional
        What the network that training goes on from has seen; none of it is tested.

    Raises
    ------
    DataError
        When there are too few groups, the parts share a group or an image, or the data set brings no such split along.
    ConfigError
        When the data set brings a split along and the settings ask for another.
    """
    plan = config.split
    notes: list[str] = []
    seen_groups = {} if seen is None or initial_folds(config) else _find_seen_groups(config, dataset, seen, notes)
    if continued := initial_folds(config):
        fold = plan.fold or 0
        split = continued[fold].read_split(dataset)
        notes.append(f"The parts are those of {continued[fold].root}, from which training goes on.")
    elif _uses_predefined(config, dataset):
        split = _predefined(dataset, plan.fold or 0)
        try:
            check_split(split, dataset.groups, dataset.identities)
        except DataError as error:
            raise DataError(
                f"{error} Or draw another split than the one that {dataset.root} brings along: --ignore-split "
                "(split.predefined: false)."
            ) from error
        if not config.force:
            # They are told by their looks, so that a user may know better.
            _refuse_parted_twins(split, dataset)
        notes += _predefined_notes(dataset, split, plan.fold or 0)
        notes += _check_given_split(split, dataset, seen_groups, config)
    else:
        if dataset.predefined_splits:
            notes.append("The split that the data bring along is ignored, as asked.")
        if plan.fold is not None and plan.folds is None:
            raise ConfigError(
                f"{dataset.root} brings no split along that is used, so --fold {plan.fold} needs --folds: the number of "
                "parts that the cases are cut into."
            )
        groups = _joined(dataset, notes)
        # A joined group counts as seen when any of its groups is; having been learnt from weighs more.
        joined: dict[str, str] = {}
        for old, new in zip(dataset.groups, groups, strict=True):
            if old in seen_groups and joined.get(new) != "train":
                joined[new] = seen_groups[old]
        if plan.folds is not None:
            split = kfold(groups, plan.folds, seed=plan.seed, seen=joined)[plan.fold or 0]
        else:
            split = holdout(groups, plan.fractions or FRACTIONS, seed=plan.seed, seen=joined)
        if joined:
            notes.append(
                f"{len(joined)} groups were seen by {config.initial}, from which training goes on; "
                "none of them is tested."
            )
    if plan.limit is not None or plan.fraction is not None:
        split = _limited(config, dataset, split, notes)
    check_split(split, dataset.groups, dataset.identities)
    return Partition(split, tuple(notes))


def make_inner_split(config: TrainConfig, dataset: SegmentationDataset, *, folds: int, fold: int) -> Split:
    """Part the labelled cases of a run, without its test cases, once more into folds by group.

    Parameters
    ----------
    config : TrainConfig
        Settings of the run.
    dataset : SegmentationDataset
        Its cases.
    folds, fold : int
        How many inner folds there are, and which one takes the place of the test part.

    Returns
    -------
    Split
        Without validation cases where the training images of the run are limited, as in the run itself.

    Raises
    ------
    DataError
        When there are fewer groups than folds.
    """
    outer = make_partition(config, dataset).split
    labelled = (*outer.train, *outer.validation)
    groups = _joined(dataset, [])
    own, seed = [groups[case] for case in labelled], config.split.seed
    limited = config.split.limit is not None or config.split.fraction is not None
    inner = (kfold(own, folds, seed=seed, validation=0) if limited else kfold(own, folds, seed=seed))[fold]
    train, validation, test = (
        tuple(labelled[position] for position in part) for part in (inner.train, inner.validation, inner.test)
    )
    return Split(train=train, validation=validation, test=test)


def _find_seen_groups(
    config: TrainConfig, dataset: SegmentationDataset, seen: SeenCases, notes: list[str]
) -> dict[str, str]:
    """Find the groups that the network to go on from has seen, also in another cut, size or encoding."""
    seen_groups = seen.groups(dataset)
    if config.initial is None:
        return seen_groups
    among = [case for case, group in enumerate(dataset.groups) if group not in seen_groups]
    copies = find_copies(config.initial, dataset, seen, among)
    if copies.cases:
        notes.append(
            f"{len(copies.cases)} cases show an image that {config.initial} has seen, in another cut, size, mirror or "
            f"encoding (the first is {dataset.ids[copies.cases[0]]})."
        )
    return seen_groups | {dataset.groups[case]: "train" for case in copies.cases}


def _uses_predefined(config: TrainConfig, dataset: SegmentationDataset) -> bool:
    plan = config.split
    count = len(dataset.predefined_splits)
    if plan.predefined is False or (plan.predefined is None and count == 0):
        return False
    if count == 0:
        raise DataError(f"{dataset.root} brings no split along; leave out --predefined-split.")
    if plan.fractions is not None or plan.folds not in (None, count):
        asked = "fractions" if plan.fractions is not None else f"{plan.folds} folds"
        raise ConfigError(
            f"{dataset.root} brings {count} split{'s' * (count > 1)} along, and {asked} ask for another one. Leave that "
            "out to use the data's own, or add --ignore-split (split.predefined: false) to draw another."
        )
    return True


def _predefined(dataset: SegmentationDataset, number: int) -> Split:
    splits = dataset.predefined_splits
    if number >= len(splits):
        raise DataError(
            f"{dataset.root} brings {len(splits)} split{'s' * (len(splits) > 1)} along, so there is none with number "
            f"{number} (counted from 0); choose another --fold, or add --ignore-split."
        )
    position = {name: index for index, name in enumerate(dataset.ids)}
    parts = splits[number]
    unknown = sorted({name for names in parts.values() for name in names} - set(position))
    if unknown:
        raise DataError(f"A split of {dataset.root} names cases that are not there, such as {unknown[0]!r}.")
    train, validation, test = (
        tuple(position[name] for name in parts[part]) for part in ("train", "validation", "test")
    )
    return Split(train=train, validation=validation, test=test)


def _predefined_notes(dataset: SegmentationDataset, split: Split, number: int) -> list[str]:
    count = len(dataset.predefined_splits)
    which = f"split {number} of the {count} splits" if count > 1 else "the split"
    notes = [f"Used is {which} that the data bring along; --ignore-split draws one instead."]
    unused = len(dataset) - len(split.train) - len(split.validation) - len(split.test)
    if unused:
        notes.append(f"{unused} cases are in no part of that split and are left out.")
    return notes


def _check_given_split(
    split: Split, dataset: SegmentationDataset, seen_groups: dict[str, str], config: TrainConfig
) -> list[str]:
    """Refuse a given split that tests on what the first network has seen, and say what it validates on."""
    leaking = [case for case in split.test if dataset.groups[case] in seen_groups]
    if leaking:
        raise DataError(
            f"{len(leaking)} of the {len(split.test)} test cases that the split of {dataset.root} names were seen by "
            f"{config.initial}, from which training is to go on, or are of a group that was "
            f"(the first is {dataset.ids[leaking[0]]!r}). Start without --from, or take them out of the test part."
        )
    learnt = [case for case in split.validation if seen_groups.get(dataset.groups[case]) == "train"]
    if not learnt:
        return []
    return [
        f"{len(learnt)} of the {len(split.validation)} validation cases are of groups that {config.initial} has learnt "
        "from: their score, and the choice of the best step, flatter."
    ]


def _joined(dataset: SegmentationDataset, notes: list[str]) -> list[str]:
    """Join the groups that hold copies of an image, equal ones or in another cut, size or brightness."""
    copies: dict[str, list[int]] = defaultdict(list)
    for case, identity in enumerate(dataset.identities):
        copies[identity].append(case)
    pairs = [(same[0], other) for same in copies.values() for other in same[1:]]
    across = [(a, b) for a, b in pairs if dataset.groups[a] != dataset.groups[b]]
    if across:
        first, other = across[0]
        notes.append(
            f"{len(across)} pairs of groups hold the same image (such as {dataset.ids[first]} and "
            f"{dataset.ids[other]}); they are kept in one part."
        )
    twins = [twin for twin in dataset.twins() if dataset.groups[twin.first] != dataset.groups[twin.second]]
    if twins:
        notes.append(
            f"{len(twins)} pairs of images in different groups show the same in another cut, size, mirror or "
            f"brightness ({_named(twins, dataset)}); their groups are kept in one part."
        )
    return join_groups(dataset.groups, [*across, *((twin.first, twin.second) for twin in twins)])


def _refuse_parted_twins(split: Split, dataset: SegmentationDataset) -> None:
    part = {case: name for name in ("train", "validation", "test") for case in getattr(split, name)}
    twins = [
        twin
        for twin in dataset.twins()
        if twin.first in part and twin.second in part and part[twin.first] != part[twin.second]
    ]
    if twins:
        raise DataError(
            f"The split of {dataset.root} has {len(twins)} pairs of images in different parts that show the same in "
            f"another cut, size, mirror or brightness ({_named(twins, dataset)}), so the test would flatter the network. "
            "Remove one of each pair, put both into one part, or add --ignore-split to draw a split that keeps them "
            "together."
        )


def _named(twins: Sequence[Twin], dataset: SegmentationDataset) -> str:
    pairs = [f"{dataset.ids[twin.first]} and {dataset.ids[twin.second]}" for twin in twins[:_SHOWN]]
    return "; ".join(pairs) + (f" and {len(twins) - _SHOWN} more" if len(twins) > _SHOWN else "")


def _limited(config: TrainConfig, dataset: SegmentationDataset, split: Split, notes: list[str]) -> Split:
    """Keep few training cases, and no validation cases: they would be labelled images beyond the limit."""
    plan = config.split
    kept = scarce(split.train, dataset.groups, limit=plan.limit, fraction=plan.fraction, seed=plan.seed)
    if split.validation:
        notes.append(
            f"The training images are limited, so the {len(split.validation)} validation images are not used either: the "
            f"last weights are kept, and {len(kept)} labelled images are all that this network has seen."
        )
    return Split(train=tuple(kept), validation=(), test=split.test)
