"""What a layout finds on the disk, before anything is decoded."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from prismseg.base import ConfigError, DataError
from prismseg.data.checks.findings import Finding
from prismseg.data.images.folder import scan_folder
from prismseg.data.images.source import Source
from prismseg.data.images.volumes import stem_of

# A trimap of the Oxford-IIIT Pet data set: pet, background, border; the border counts nowhere.
TRIMAP = {1: 1, 2: 0, 3: 255}


@dataclass(frozen=True)
class Case:
    """Files (or parts of files) of one case; several image files are its channels."""

    id: str
    images: tuple[Source, ...]
    mask: Source | None
    group: str | None = None


@dataclass(frozen=True)
class Listing:
    """Cases of a data set folder in one layout.

    Attributes
    ----------
    layout : str
        Name of the layout.
    cases : tuple of Case
        Sorted by name.
    classes : tuple of str or None
        Names, where the layout states them.
    coding : dict or None
        Stored label -> class index, where the layout fixes it.
    orphans : tuple of Path
        Masks without an image.
    left_out : tuple of Path
        Hidden files that a table lists.
    folders : tuple of Path
        Folders whose files were listed.
    splits : tuple of dict
        Parts that the data set brings along: case names by part.
    colours : dict or None
        Legend of the masks, where the layout states it: colour (or stored number) -> class, see
        `prismseg.data.read_legend`.
    findings : tuple of Finding
        What a reader of the data should know: what was left out, and why.
    regions : dict or None
        Classes that are sets of the stored labels and may overlap, where the layout has such.
    ignored : int or None
        Stored label of pixels that count nowhere, beside regions.
    absent : dict
        Files that are named but do not exist, each with a sentence on who names it and which name is the nearest.
    """

    layout: str
    cases: tuple[Case, ...]
    classes: tuple[str, ...] | None = None
    coding: dict[int, int] | None = None
    orphans: tuple[Path, ...] = ()
    left_out: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    splits: tuple[dict[str, list[str]], ...] = field(default=())
    colours: dict[str, str] | None = None
    findings: tuple[Finding, ...] = ()
    regions: dict[str, tuple[int, ...]] | None = None
    ignored: int | None = None
    absent: dict[Path, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """One way to lay out images and masks on the disk, an entry of `prismseg.data.layouts.LAYOUTS`.

    Attributes
    ----------
    fits : callable
        Whether a folder (or table) is laid out so; the first layout that fits is taken where none is named.
    read : callable
        Lists the cases of a folder, given what mask names add to image names (None: the layout's own rule); raises a
        `DataError` that says what is missing.
    states_masks : bool
        Whether the data state which mask is whose, so that a suffix of mask names means nothing.
    """

    fits: Callable[[Path], bool]
    read: Callable[[Path, str | None], Listing]
    states_masks: bool = False


def image_files(folder: Path) -> list[Path]:
    """Image files directly in `folder`, sorted by name; hidden ones (macOS leaves ``._`` copies) are left out."""
    return list(scan_folder(folder).images)


# How folders and files of a part are called, in small letters.
PART_WORDS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}


def part_named(name: str) -> str | None:
    """Part of a data set that a name says: train, validation or test, alone or as a word of it (``train2017``).

    Examples
    --------
    >>> part_named("instances_val2017"), part_named("Training"), part_named("latest")
    ('validation', 'train', None)
    """
    words = re.findall(r"[a-z]+", name.lower())
    return next((part for part, names in PART_WORDS.items() for word in words if word in names), None)


def unique_names(paths: Sequence[str]) -> list[str]:
    """Names of cases from the paths of their images: without folders and suffix, where that tells them apart."""
    plain = [PurePosixPath(path).with_suffix("") for path in paths]
    names = [path.name for path in plain]
    return names if len(set(names)) == len(names) else ["_".join(path.parts) for path in plain]


def fold(name: str) -> str:
    """Name without the difference of small and capital letters, and of the two ways to store an accent."""
    return unicodedata.normalize("NFC", name).casefold()


def respell(names: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """Give each of `names` as `known` has it: itself, or the one that differs in capital letters only.

    Names with several such, and names that another one has by right, stay as they are.

    Examples
    --------
    >>> respell(["A1", "b2", "C"], ["a1", "b2", "c", "C"])
    {'A1': 'a1', 'b2': 'b2', 'C': 'C'}
    """
    names = list(names)
    exact, folded = set(known), defaultdict(list)
    for name in known:
        folded[fold(name)].append(name)
    claimed = Counter(fold(name) for name in names)
    spelt = {}
    for name in names:
        like = folded[fold(name)]
        alone = len(like) == 1 and claimed[fold(name)] == 1
        spelt[name] = like[0] if name not in exact and alone else name
    return spelt


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Map file names without suffix to paths; two files of one name are an error.

    Names are compared as they look: macOS may store an é as two characters.
    """
    path_of: dict[str, Path] = {}
    for path in paths:
        stem = unicodedata.normalize("NFC", stem_of(path))
        if stem in path_of:
            raise DataError(
                f"{path_of[stem]} and {path} have the same name but for the suffix; remove or rename one of them."
            )
        path_of[stem] = path
    return path_of


def group_of(case: Case, rule: str) -> str:
    """Group of a case by a rule.

    Parameters
    ----------
    case : Case
        The case.
    rule : str
        ``"auto"`` (what the layout says, else the case itself), ``"image"``, ``"csv"``, ``"prefix"`` (text before the
        first underscore), ``"block:N"`` (N consecutive file numbers) or ``"regex:PATTERN"`` (its first group).

    Raises
    ------
    ConfigError
        For an unknown rule.
    DataError
        When the rule does not fit the case's name.
    """
    kind, _, argument = rule.partition(":")
    if kind == "auto":
        return case.group if case.group is not None else case.id
    if kind == "image":
        return case.id
    if kind == "csv":
        if case.group is None:
            raise DataError(f"The data set states no group for {case.id}; choose another --group.")
        return case.group
    if kind == "prefix":
        return case.id.split("_")[0]
    if kind == "block" and argument.isdecimal() and int(argument) > 0:
        numbers = re.findall(r"\d+", case.id)
        if not numbers:
            raise DataError(f"The name {case.id} holds no number, so --group {rule} does not fit.")
        return f"block-{int(numbers[-1]) // int(argument):04d}"
    if kind == "regex" and argument:
        return _match(case, argument)
    raise ConfigError(f"There is no grouping {rule!r}; choose auto, image, csv, prefix, block:N or regex:PATTERN.")


def _match(case: Case, pattern: str) -> str:
    try:
        match = re.search(pattern, case.id)
    except re.error as error:
        raise ConfigError(f"The grouping pattern {pattern!r} is not a regular expression: {error}.") from error
    if match is None:
        raise DataError(f"The grouping pattern {pattern!r} does not fit the name {case.id}.")
    return match.group(1) if match.re.groups else match.group(0)
