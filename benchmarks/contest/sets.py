"""The data sets of the contest, and how their cases are parted: the same for every method."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from prismseg.base import ConfigError
from prismseg.data import SegmentationDataset, join_groups, kfold, open_dataset, scarce

FOLDS = 5
IMAGES: tuple[int | None, ...] = (20, 40, 80, None)  # training sizes; None: all of the fold
WATCHED = 8  # images on which the curves are drawn
# A size that is nearly the whole training part is not run beside it.
_NEARLY = 1.15


@dataclass(frozen=True)
class ContestSet:
    """A data set, and the side of the square that every method gets its images in.

    Attributes
    ----------
    name : str
        As tables show it.
    path : Path
        Its folder.
    options : dict
        How it is read, see `prismseg.data.DataOptions`.
    size : int
        Side in pixels. Thin structures need a larger one; it costs every method alike.
    """

    name: str
    path: Path
    options: dict[str, Any] = field(default_factory=dict)
    size: int = 160


_KNOWN: dict[str, tuple[dict[str, Any], int]] = {
    "usgra_seg": ({"classes": ["background", "nerve", "vessel"]}, 128),
    "dsb2018_nuclei": ({"group": "image", "binary": True}, 128),
    "scd_cardiac_lv": ({}, 128),
    "pfc_neurons": ({}, 160),
    "nasa_superalloy": ({}, 160),
    "chase_db1": ({}, 192),
}


def find_sets(root: Path, names: Sequence[str] = (), added: Sequence[Path] = ()) -> list[ContestSet]:
    """Find the known data sets below `root`, or those of `names`, and the folders that are `added`.

    Raises
    ------
    ConfigError
        When a named set is not there, or there is none at all.
    """
    unknown = [name for name in names if name not in _KNOWN]
    if unknown:
        raise ConfigError(
            f"The contest knows no set {unknown[0]!r}, only {', '.join(_KNOWN)}; add its folder with --add."
        )
    chosen = names or [name for name in _KNOWN if (root / name).is_dir()]
    missing = [name for name in chosen if not (root / name).is_dir()]
    if missing:
        raise ConfigError(f"There is no folder {root / missing[0]}; --data names the folder that holds the sets.")
    sets = [ContestSet(name, root / name, *_KNOWN[name]) for name in chosen]
    sets += [ContestSet(path.name, path) for path in added]
    if not sets:
        raise ConfigError(f"{root} holds none of {', '.join(_KNOWN)}; add a folder of your own with --add.")
    doubled = [name for name in {each.name for each in sets} if sum(each.name == name for each in sets) > 1]
    if doubled:
        raise ConfigError(f"Two sets are called {doubled[0]}; rename the folder that is added.")
    return sets


@dataclass(frozen=True)
class Parts:
    """Positions of the cases of one fold.

    Attributes
    ----------
    train : tuple of int
        In the order in which they were drawn: those of a smaller size come first.
    watched : tuple of int
        On these the curves are drawn; nothing is chosen by them.
    spare : bool
        Whether those are training cases of the fold that were not drawn; where none are left, they are test cases.
    test : tuple of int
    """

    train: tuple[int, ...]
    watched: tuple[int, ...]
    spare: bool
    test: tuple[int, ...]


def part_cases(groups: Sequence[str], fold: int, images: int | None, *, folds: int = FOLDS) -> Parts:
    """Part the cases of a data set for one fold and training size.

    Depends on nothing but its arguments, so that all methods and seeds get the same; training parts are nested.

    Raises
    ------
    DataError
        When there are fewer groups than folds.

    Examples
    --------
    >>> groups = [f"patient {case // 2}" for case in range(60)]
    >>> few, more = part_cases(groups, 0, 20), part_cases(groups, 0, None)
    >>> more.train[:20] == few.train, len(more.train), few.spare, more.spare
    (True, 48, True, False)
    """
    split = kfold(groups, folds, seed=0)[fold]
    pool = sorted((*split.train, *split.validation))
    drawn = scarce(pool, groups, limit=len(pool), seed=0)
    train = drawn[: min(images or len(pool), len(pool))]
    left = drawn[max(len(train), len(pool) - WATCHED) :]
    spare = len(left) >= WATCHED
    chosen = left if spare else scarce(split.test, groups, limit=min(WATCHED, len(split.test)), seed=0)
    return Parts(train, tuple(chosen), spare, split.test)


def sizes_of(groups: Sequence[str], folds: Sequence[int]) -> list[int | None]:
    """List the training sizes that a data set has images for: limits, and None for all of them.

    A set with fewer images than the smallest limit is trained with what there is, under that limit.

    Examples
    --------
    >>> [sizes_of([str(case) for case in range(count)], [0]) for count in (22, 109, 200)]
    [[20], [20, 40, None], [20, 40, 80, None]]
    """
    pool = min(len(part_cases(groups, fold, None).train) for fold in folds)
    limits = [limit for limit in IMAGES if limit is not None]
    fitting = [limit for limit in limits if limit == limits[0] or pool > limit * _NEARLY]
    return [*fitting, *([None] if pool > fitting[0] * _NEARLY else [])]


def size_name(images: int | None) -> str:
    """Name a training size.

    Examples
    --------
    >>> size_name(20), size_name(None)
    ('20', 'all')
    """
    return "all" if images is None else str(images)


def open_set(path: Path, options: dict[str, Any]) -> tuple[SegmentationDataset, list[str]]:
    """Open a data set, with groups that no two copies of an image lie apart in; a process does so once."""
    return _open_once(path, json.dumps(options, sort_keys=True))


@cache
def _open_once(path: Path, options: str) -> tuple[SegmentationDataset, list[str]]:
    dataset = open_dataset(path, **json.loads(options))
    copies: dict[str, list[int]] = defaultdict(list)
    for case, identity in enumerate(dataset.identities):
        copies[identity].append(case)
    pairs = [(same[0], other) for same in copies.values() for other in same[1:]]
    pairs += [(twin.first, twin.second) for twin in dataset.twins()]
    return dataset, join_groups(dataset.groups, pairs)
