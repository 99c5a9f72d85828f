"""The parts of a data set, and what they may not share: a group (patient) or an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prismseg.base import DataError


@dataclass(frozen=True)
class Split:
    """Positions of the cases of each part, sorted, unless `scarce` has put them in drawing order."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


def join_groups(groups: Sequence[str], pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Merge groups until the two cases of each pair are in one, which keeps the name that comes first.

    Parameters
    ----------
    groups : sequence of str
        Group of every case.
    pairs : iterable of (int, int)
        Cases that must not be parted, such as two copies of an image.

    Examples
    --------
    >>> join_groups(["a", "b", "b", "c"], [(1, 3)])
    ['a', 'b', 'b', 'b']
    """
    parent = {name: name for name in groups}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for left, right in pairs:
        first, second = sorted((root(groups[left]), root(groups[right])))
        parent[second] = first
    return [root(name) for name in groups]


def check_split(split: Split, groups: Sequence[str], identities: Sequence[str] | None = None) -> None:
    """Refuse a split whose parts share a group or an image, or that names cases that do not exist.

    Parameters
    ----------
    split : Split
        The parts.
    groups : sequence of str
        Group of every case.
    identities : sequence of str, optional
        Identity of every case's image (`prismseg.data.images.identity`).

    Raises
    ------
    DataError
        Naming the shared groups and the parts they are in, or how many images are in two parts.

    Examples
    --------
    >>> check_split(Split((0, 1), (), (2,)), ["a", "b", "b"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    prismseg.base.errors.DataError: The parts of the split share groups, ...: training and test share 'b'. ...
    """
    parts = {"training": split.train, "validation": split.validation, "test": split.test}
    for name, cases in parts.items():
        strays = [case for case in cases if not 0 <= case < len(groups)]
        if strays:
            raise DataError(
                f"The {name} part names case number {strays[0]}, but the data set has {len(groups)} cases, "
                "numbered from 0. Make the split anew from these data."
            )
        if len(set(cases)) < len(cases):
            raise DataError(f"The {name} part names a case more than once. Make the split anew.")
    leaks = [f"{pair} share {_listed(shared)}" for pair, shared in _shared(parts, groups)]
    if leaks:
        raise DataError(
            f"The parts of the split share groups, so the test would flatter the network: {'; '.join(leaks)}. "
            "Put all cases of a group into one part."
        )
    copies = [] if identities is None else _shared(parts, identities)
    if copies:
        raise DataError(
            "The parts of the split hold the same images, so the test would flatter the network: "
            + "; ".join(f"{pair} share {len(shared)}" for pair, shared in copies)
            + ". `prismseg check` names them; put copies into one part."
        )


def _shared(parts: Mapping[str, Sequence[int]], keys: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Keys that two parts have in common, for each two parts that have any."""
    sets = {name: {keys[case] for case in cases} for name, cases in parts.items()}
    pairs = (("training", "validation"), ("training", "test"), ("validation", "test"))
    return [
        (f"{first} and {second}", sorted(sets[first] & sets[second]))
        for first, second in pairs
        if sets[first] & sets[second]
    ]


def _listed(names: Sequence[str], shown: int = 10) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(repr(name) for name in names[:shown]) + more
