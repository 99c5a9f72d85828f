"""A CSV with the columns image, mask, group and perhaps split."""

from __future__ import annotations

import csv
import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from prismseg.base import DataError, DataNotFoundError
from prismseg.data.images.folder import is_hidden
from prismseg.data.images.nearest import NearestNames, say_absent
from prismseg.data.images.reading import IMAGE_SUFFIXES
from prismseg.data.images.source import files_of
from prismseg.data.images.volumes import stem_of, suffix_of
from prismseg.data.layouts.listing import Case, Layout, Listing
from prismseg.data.masks.annotators import AnnotatorMasks
from prismseg.data.masks.legend import read_legend

NAME = "dataset.csv"
ANNOTATOR = "mask_"  # what columns begin with that hold the masks of one of several annotators
CLASSES = "classes.csv"  # legend beside it, which names the classes of the masks
PARTS = ("train", "validation", "test")
_SPELLINGS = {"training": "train", "val": "validation", "valid": "validation", "testing": "test"}


def fits(root: Path) -> bool:
    """Whether `root` is a CSV, or a folder with a `dataset.csv`."""
    return root.suffix.lower() == ".csv" or (root / NAME).is_file()


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases; paths are relative to the CSV. Without a group column each case is its own group.

    Spaces around names and the case of headings and parts do not matter; parts may be called val and training too. A
    legend `classes.csv` in the same folder names the classes. Instead of a column mask there may be one for each
    annotator, mask_NAME.

    Raises
    ------
    DataError
        When the CSV is missing, lacks a column, or names a part other than train, validation and test.
    """
    path = root if root.suffix.lower() == ".csv" else root / NAME
    if not path.is_file():
        raise DataNotFoundError(f"There is no table {path}.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = [_with_slashes(tidy_row(row), path.parent) for row in reader]
            headings = [name.strip().lower() for name in reader.fieldnames or ()]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8 ({error}).") from error
    if not rows:
        raise DataError(f"{path} lists no case.")
    if twice := [name for name in rows[0] if headings.count(name) > 1]:
        raise DataError(
            f"{path} has two columns {twice[0]}, of which only the last would be read; give each a name of its own "
            "(of several annotators mask_NAME, mask_NAME)."
        )
    people = {name: name.removeprefix(ANNOTATOR) for name in rows[0] if name.startswith(ANNOTATOR)}
    if "mask" in rows[0] or len(people) < 2:
        people = {}
    missing = {"image", "mask"} - set(rows[0]) - ({"mask"} if people else set())
    if missing:
        raise DataError(
            f"{path} lacks the column {', '.join(sorted(missing))}; it has {', '.join(str(name) for name in rows[0])}. "
            "The columns are image,mask,group[,split], separated by commas; of several annotators mask_NAME,mask_NAME "
            "instead of mask."
        )
    names = _names(rows, path.parent)
    cases: list[Case] = []
    left_out: list[Path] = []
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    named: dict[Path, int] = {}
    for number, (row, name) in enumerate(zip(rows, names, strict=True), start=2):
        if not row["image"]:
            raise DataError(f"Line {number} of {path} names no image.")
        image = _as_stored(path.parent / row["image"])
        if is_hidden(image):
            left_out.append(image)
            continue
        case = Case(
            id=name,
            images=(image,),
            mask=_find_masks(path.parent, row, people) if people else _find_mask(path.parent, row["mask"]),
            group=row.get("group") or None,
        )
        cases.append(case)
        part = row.get("split", "").lower()
        part = _SPELLINGS.get(part, part)
        if part not in (*PARTS, ""):
            raise DataError(
                f"Line {number} of {path} has the split {row['split']!r}; it must be train, validation or test."
            )
        if part:
            parts[part].append(case.id)
        files = [file for source in (image, case.mask) if source is not None for file in files_of(source)]
        named |= dict.fromkeys(files, number)
    nameless = [number for number, case in enumerate(cases, start=2) if case.group is None]
    if nameless and len(nameless) < len(cases):
        raise DataError(
            f"Line {nameless[0]} of {path} names no group though others do; fill the column in, or leave it out."
        )
    legend = path.with_name(CLASSES)
    return Listing(
        "table",
        tuple(cases),
        left_out=tuple(left_out),
        splits=(parts,) if any(parts.values()) else (),
        colours=read_legend(legend) if legend.is_file() else None,
        absent=_say_absent(path, named),
    )


def _say_absent(table: Path, named: Mapping[Path, int]) -> dict[Path, str]:
    """Say of each file that a line of the table names in vain which file that no line names is the nearest."""
    nearest: dict[Path, NearestNames] = {}
    told = {}
    for path, line in named.items():
        if path.exists() or path.is_symlink():
            continue
        folder = path.parent if path.parent.is_dir() else table.parent
        if folder not in nearest:
            found = folder.iterdir() if folder == path.parent else folder.rglob("*")
            nearest[folder] = NearestNames(
                file.relative_to(folder).as_posix()
                for file in sorted(found)
                if suffix_of(file) in IMAGE_SUFFIXES and file not in named
            )
        near = nearest[folder].find(path.name)
        told[path] = say_absent(f"Line {line} of {table}", os.path.relpath(path, table.parent), near, folder)
    return told


def _find_mask(folder: Path, text: str) -> Path | None:
    return _as_stored(folder / text) if text else None


def _find_masks(folder: Path, row: Mapping[str, str], people: Mapping[str, str]) -> AnnotatorMasks | None:
    """Masks of the annotators, by the column that each has."""
    drawn = tuple((name, _as_stored(folder / row[column])) for column, name in people.items() if row[column])
    return AnnotatorMasks(drawn) if drawn else None


def tidy_row(row: Mapping[str, str]) -> dict[str, str]:
    """Row of a table with headings in lower case and no spaces around values; what stands for no value is empty.

    A group "p1 " must not be another patient than "p1", and a column "Split" must not be overlooked.
    """
    tidy = {}
    for name, text in row.items():
        if isinstance(name, str):  # cells beyond the last heading have none
            value = (text or "").strip()
            tidy[name.strip().lower()] = "" if value.lower() == "nan" else value
    return tidy


def _as_stored(path: Path) -> Path:
    """Path as the disk spells it: macOS may store an é as two characters where the table has one."""
    spellings = (Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD"))
    return path if path.exists() else next((spelling for spelling in spellings if spelling.exists()), path)


def _with_slashes(row: dict[str, str], folder: Path) -> dict[str, str]:
    """Row whose paths are written as this computer writes them: tables from Windows have backslashes."""
    return {
        name: text.replace("\\", "/")
        if (name == "image" or name.startswith("mask")) and not (folder / text).exists()
        else text
        for name, text in row.items()
    }


def _names(rows: list[dict[str, str]], folder: Path) -> list[str]:
    """File names without suffix; where two folders hold the same name, the whole path, without what all share."""
    paths = [path.with_name(stem_of(path)) if (path := Path(row["image"])).name else path for row in rows]
    stems = [path.name for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        # Neither may be a part of a name, after which files are called.
        whole = [os.path.normpath(folder.absolute() / path) for path in paths]
        shared = os.path.commonpath([Path(path).parent for path in whole])
        paths = [Path(path).relative_to(shared) for path in whole]
    return ["_".join(path.parts) for path in paths]


TABLE = Layout(fits, read, states_masks=True)
