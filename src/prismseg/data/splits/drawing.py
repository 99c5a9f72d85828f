"""Parting cases into training, validation and test without ever dividing a group (patient)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from prismseg.base import ConfigError, DataError
from prismseg.data.splits.split import Split

_DRAWS = 100  # orders tried by a holdout; the best balanced one is kept


@dataclass(frozen=True)
class NestedFold:
    """One outer fold and the folds made inside its training data.

    Attributes
    ----------
    outer : Split
        Its `test` part is what the fold is judged on, once.
    inner : tuple of Split
        For choosing settings: each is judged on its `validation` part and has no test part. Together their
        validation parts are ``outer.train`` and ``outer.validation``; ``outer.test`` is in none of them.
    """

    outer: Split
    inner: tuple[Split, ...]


def holdout(
    groups: Sequence[str],
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    *,
    seed: int = 0,
    seen: Mapping[str, str] | None = None,
) -> Split:
    """Part the cases once.

    Groups are dealt in random order; of a hundred such orders the one whose parts come closest to
    `fractions`, counted in images, is kept. A part with a positive fraction gets at least one group.

    Parameters
    ----------
    groups : sequence of str
        Group of every case.
    fractions : tuple of float
        Shares of training, validation and test; validation and test may be 0. They sum to 1.
    seed : int
        The same groups and seed give the same split.
    seen : mapping, optional
        Groups that a network which is to go on learning has seen already, each "train" or "validation". None of them is
        tested, and only those it was not trained on are validated on.

    Raises
    ------
    ConfigError
        When the fractions are not shares of a whole or leave no training part.
    DataError
        When there are fewer groups than parts.

    Examples
    --------
    >>> split = holdout(["a", "a", "b", "c", "d"], (0.6, 0.2, 0.2), seed=1)
    >>> sorted(split.train + split.validation + split.test)
    [0, 1, 2, 3, 4]
    >>> len(split.validation), len(split.test)
    (1, 1)
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6 or fractions[0] == 0:
        raise ConfigError(
            f"The split fractions {fractions} must be shares of training, validation and test that sum to 1, "
            "with a training share above 0."
        )
    members = _members(groups)
    known = {name: part for name, part in (seen or {}).items() if name in members}
    if known:
        return _holdout_around(members, fractions, known, np.random.default_rng([seed, 0]))
    # The small parts first: a group too many in the test part is more than one in the training part.
    parts = [part for part in (2, 1, 0) if fractions[part] > 0]
    _require(len(members), len(parts), f"a split into {len(parts)} parts")
    targets = [fractions[part] for part in parts]
    dealt = dict(zip(parts, _deal(members, targets, np.random.default_rng([seed, 0])), strict=True))
    train, validation, test = (_cases(members, dealt.get(part, ())) for part in range(3))
    return Split(train, validation, test)


def _holdout_around(
    members: dict[str, list[int]],
    fractions: tuple[float, float, float],
    seen: Mapping[str, str],
    rng: np.random.Generator,
) -> Split:
    """Part the cases so that a network which has seen the groups `seen` is tested on others."""
    total = sum(map(len, members.values()))
    unseen = {name: cases for name, cases in members.items() if name not in seen}
    chosen_on = {name: cases for name, cases in members.items() if seen.get(name) == "validation"}
    spare = 1 if fractions[1] > 0 and not chosen_on else 0
    tested: tuple[str, ...] = ()
    if fractions[2] > 0:
        _require(len(unseen), 1 + spare, "a test of a network that goes on learning", "that it has not seen")
        tested = _pick(unseen, fractions[2] * total, rng, leave=spare)
    left = chosen_on | {name: cases for name, cases in unseen.items() if name not in tested}
    validated: tuple[str, ...] = ()
    if fractions[1] > 0:
        _require(len(left), 1, "a validation part", "that the network has not learnt from, outside the test part")
        trained_on = len(members) > len(tested) + len(left)
        validated = _pick(left, fractions[1] * total, rng, leave=0 if trained_on else 1)
    train = [name for name in members if name not in (*tested, *validated)]
    _require(len(train), 1, "a training part", "outside the test and validation parts")
    return Split(_cases(members, train), _cases(members, validated), _cases(members, tested))


def _pick(
    members: dict[str, list[int]], target: float, rng: np.random.Generator, *, leave: int
) -> tuple[str, ...]:
    """Pick at least one group, with about `target` images in all; at least `leave` (0 or 1) groups are left."""
    share = target / sum(map(len, members.values()))
    if len(members) == 1 or (share >= 1 and not leave):
        return tuple(members)
    return _deal(members, [min(share, 1), max(1 - share, 0)], rng)[0]


def kfold(
    groups: Sequence[str],
    folds: int,
    *,
    seed: int = 0,
    validation: float = 0.1,
    seen: Mapping[str, str] | None = None,
) -> list[Split]:
    """Part the cases into `folds` test parts that together are all cases.

    Test parts are balanced in their number of images: shuffled groups, the largest first, each go to the
    fold with the fewest images, so that two folds differ by at most the largest group.

    Parameters
    ----------
    groups : sequence of str
        Group of every case.
    folds : int
        Number of splits, at least 2.
    seed : int
        The same groups and seed give the same folds.
    validation : float
        Share of the images outside a test part that is set aside, by group, to choose the best step: at
        least one group. 0: none.
    seen : mapping, optional
        As in `holdout`: these groups are trained on in every fold and tested in none.

    Raises
    ------
    ConfigError
        When `folds` or `validation` is out of range.
    DataError
        When there are too few groups.

    Examples
    --------
    >>> folds = kfold(["a", "a", "b", "c"], 3, validation=0)
    >>> sorted(case for fold in folds for case in fold.test)
    [0, 1, 2, 3]
    """
    if folds < 2:
        raise ConfigError(f"Cross-validation needs at least 2 folds, not {folds}.")
    if not 0 <= validation < 1:
        raise ConfigError(f"The validation share must be at least 0 and below 1, not {validation}.")
    everything = _members(groups)
    members = {name: cases for name, cases in everything.items() if name not in (seen or {})}
    known = [name for name in everything if name not in members]
    where = "in these data" if not known else "that the network to go on with has not seen"
    _require(len(members), folds, f"a cross-validation of {folds} folds", where)
    tests = _balance(members, folds, np.random.default_rng([seed, 1]))
    if validation > 0:
        rest = len(members) - max(len(test) for test in tests) + (len(known) > 0)
        _require(rest, 2, "the training and validation parts of each fold", "outside its test part")
    splits = []
    for fold, test in enumerate(tests):
        others = {name: cases for name, cases in members.items() if name not in test}
        rng = np.random.default_rng([seed, 2, fold])
        chosen: tuple[str, ...] = ()
        if validation > 0 and not known:
            chosen, _ = _deal(others, [validation, 1 - validation], rng)
        elif validation > 0:
            size = validation * (len(groups) - sum(len(members[name]) for name in test))
            chosen = _pick(others, size, rng, leave=0)
        train = [name for name in (*others, *known) if name not in chosen]
        splits.append(Split(_cases(everything, train), _cases(members, chosen), _cases(members, test)))
    return splits


def nested_kfold(
    groups: Sequence[str], folds: int, inner_folds: int, *, seed: int = 0, validation: float = 0.1
) -> list[NestedFold]:
    """Cross-validation inside cross-validation: settings are chosen without sight of the outer test groups.

    Parameters
    ----------
    groups, folds, seed, validation
        As in `kfold`, for the outer folds.
    inner_folds : int
        Number of folds made of the cases outside each outer test part.

    Raises
    ------
    ConfigError, DataError
        As `kfold`.

    Examples
    --------
    >>> nested = nested_kfold(list("abcdef"), 3, 2)
    >>> len(nested), len(nested[0].inner), len(nested[0].outer.test)
    (3, 2, 2)
    """
    nested = []
    for fold, outer in enumerate(kfold(groups, folds, seed=seed, validation=validation)):
        pool = sorted(outer.train + outer.validation)
        inner_seed = int(np.random.SeedSequence([seed, 3, fold]).generate_state(1)[0])
        inner = kfold([groups[case] for case in pool], inner_folds, seed=inner_seed, validation=0)
        nested.append(
            NestedFold(
                outer,
                tuple(
                    Split(
                        train=tuple(pool[case] for case in split.train),
                        validation=tuple(pool[case] for case in split.test),
                        test=(),
                    )
                    for split in inner
                ),
            )
        )
    return nested


def scarce(
    indices: Sequence[int],
    groups: Sequence[str],
    *,
    limit: int | None = None,
    fraction: float | None = None,
    seed: int = 0,
) -> tuple[int, ...]:
    """Keep few of the cases, so that a small set still has many groups.

    Shuffled groups are taken in turn, one shuffled case each, round after round. The first cases of that one
    order are kept, hence nested subsets: the 10 cases of a seed are the first 10 of its 20.

    Parameters
    ----------
    indices : sequence of int
        Cases to choose from, usually the training part.
    groups : sequence of str
        Group of every case of the whole data set.
    limit : int, optional
        How many cases to keep.
    fraction : float, optional
        What share of `indices` to keep, in (0, 1], rounded, at least one case. Give this or `limit`.
    seed : int
        The same cases, groups and seed give the same order.

    Returns
    -------
    tuple of int
        The kept cases in the order in which they were drawn.

    Raises
    ------
    ConfigError
        When not exactly one of `limit` and `fraction` is given, or it is out of range.
    DataError
        When there are fewer than `limit` cases.

    Examples
    --------
    >>> groups = ["a", "a", "a", "b", "b", "c"]
    >>> few, more = (scarce(range(6), groups, limit=limit) for limit in (2, 4))
    >>> more[:2] == few, len({groups[case] for case in more[:3]})
    (True, 3)
    """
    count = _scarce_count(len(indices), limit, fraction)
    members = _members([groups[case] for case in indices])
    rng = np.random.default_rng([seed, 4])
    names = rng.permutation(sorted(members)).tolist()
    bins = [[indices[i] for i in rng.permutation(members[name])] for name in names]
    order = [bin_[turn] for turn in range(max(map(len, bins), default=0)) for bin_ in bins if turn < len(bin_)]
    return tuple(int(case) for case in order[:count])


def _scarce_count(available: int, limit: int | None, fraction: float | None) -> int:
    if (limit is None) == (fraction is None):
        raise ConfigError("Give either how many training images to keep (limit) or what share (fraction).")
    if fraction is not None:
        if not 0 < fraction <= 1:
            raise ConfigError(f"The fraction of training images must be above 0 and at most 1, not {fraction}.")
        return max(1, round(fraction * available))
    assert limit is not None
    if limit < 1:
        raise ConfigError(f"At least 1 training image must be kept, not {limit}.")
    if limit > available:
        raise DataError(
            f"{limit} training images were asked for, but the training part of the split has {available}. "
            "Ask for fewer, or give the training part a larger share."
        )
    return limit


def _members(groups: Sequence[str]) -> dict[str, list[int]]:
    """Cases of each group; the groups sorted by name, so that the order of files on disk does not matter."""
    members: dict[str, list[int]] = {name: [] for name in sorted(set(groups))}
    for case, name in enumerate(groups):
        members[name].append(case)
    return members


def _cases(members: dict[str, list[int]], names: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted(case for name in names for case in members[name]))


def _require(have: int, need: int, purpose: str, where: str = "in these data") -> None:
    if have < need:
        raise DataError(
            f"The number of groups (patients) {where} is {have}, but {purpose} needs at least {need}, since a "
            "group is never divided. Choose fewer parts (--fractions 1,0,0 trains on everything), add cases of other "
            "patients, or say how cases are grouped (--group)."
        )


def _deal(
    members: dict[str, list[int]], fractions: Sequence[float], rng: np.random.Generator
) -> list[tuple[str, ...]]:
    """Deal whole groups to parts of the given fractions (of the images), each part at least one group.

    Of `_DRAWS` random orders, cut where the parts come closest to their fractions, the best is kept.

    Unlike `_balance` this must not sort by size: only the smallest patients would then ever be held out.
    """
    names = list(members)
    sizes = np.array([len(members[name]) for name in names])
    targets = np.asarray(fractions) * sizes.sum()
    best: tuple[float, list[tuple[str, ...]]] | None = None
    for _ in range(_DRAWS):
        order = rng.permutation(len(names))
        filled = np.concatenate([[0], np.cumsum(sizes[order])])
        cuts = [0]
        for part, count in enumerate(targets[:-1], start=1):
            last = len(names) - (len(targets) - part)  # leave a group for each later part
            choice = np.abs(filled[cuts[-1] + 1 : last + 1] - filled[cuts[-1]] - count).argmin()
            cuts.append(cuts[-1] + 1 + int(choice))
        cuts.append(len(names))
        error = float(np.abs(np.diff(filled[cuts]) - targets).sum())
        if best is None or error < best[0] - 1e-9:
            parts = [order[start:stop] for start, stop in pairwise(cuts)]
            best = error, [tuple(names[i] for i in part) for part in parts]
    assert best is not None
    return best[1]


def _balance(members: dict[str, list[int]], parts: int, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Deal whole groups to `parts` equal parts: the largest first, each to the part with fewest images."""
    shuffled = rng.permutation(list(members)).tolist()
    bins: list[list[str]] = [[] for _ in range(parts)]
    load = [0] * parts
    for name in sorted(shuffled, key=lambda name: -len(members[name])):
        lightest = min(range(parts), key=lambda part: (load[part], len(bins[part])))
        bins[lightest].append(name)
        load[lightest] += len(members[name])
    return [tuple(bin_) for bin_ in bins]
