"""Which images a prediction is about, and what their results are called."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prismseg.base import DataError, read_text
from prismseg.data import IMAGE_SUFFIXES
from prismseg.data.images.folder import is_hidden, scan_folder
from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts.table import tidy_row

_SHOWN = 5


@dataclass(frozen=True)
class InputImages:
    """Images to segment.

    Attributes
    ----------
    names : dict
        Path of each image -> name of its results, without suffix; no two are the same.
    unread : tuple of Path
        Files in the folders that are no images by their suffix.
    broken : tuple of Path
        Links in the folders to files that do not exist.
    """

    names: dict[Path, str]
    unread: tuple[Path, ...]
    broken: tuple[Path, ...]


def find_images(sources: Sequence[str | Path]) -> InputImages:
    """Find the images that `sources` name.

    Parameters
    ----------
    sources : sequence of path
        Images; folders (the images directly in them); ``.txt`` files with a path a line (in quotes or not,
        lines that begin with # are comments); ``.csv`` tables with a column ``image``. Paths in lists are relative to
        the list. Hidden files in folders and lists are left out.

    Raises
    ------
    DataError
        When a source does not exist, or there is no image in any.
    """
    paths: list[Path] = []
    unread: list[Path] = []
    broken: list[Path] = []
    for source in map(Path, sources):
        if source.is_dir():
            scan = scan_folder(source)
            paths += scan.images
            unread += scan.unread
            broken += scan.broken
        elif not source.exists() and not source.is_symlink():
            raise DataError(f"There is no file or folder {source}.")
        elif source.suffix.lower() in (".txt", ".csv"):
            listed = _table(source) if source.suffix.lower() == ".csv" else _lines(source)
            paths += [path for path in listed if not is_hidden(path)]
        else:
            paths.append(source)
    once: dict[Path, Path] = {}
    for path in paths:
        once.setdefault(_place(path), path)
    images = list(once.values())
    if not images and not broken:
        raise DataError(_nothing(sources, unread))
    return InputImages(_names(images), tuple(unread), tuple(broken))


def _nothing(sources: Sequence[str | Path], unread: Sequence[Path]) -> str:
    listed = ", ".join(map(str, sources[:_SHOWN]))
    below = next(
        (
            folder
            for source in map(Path, sources)
            if source.is_dir()
            for folder in sorted(source.iterdir())
            if folder.is_dir() and not is_hidden(folder) and scan_folder(folder).images
        ),
        None,
    )
    return (
        f"There is no image directly in {listed}; looked for {', '.join(sorted(IMAGE_SUFFIXES))}."
        + (f" {len(unread)} other files are there, such as {unread[0].name}." if unread else "")
        + (f" There are images in {below}; name that folder." if below is not None else "")
    )


def _lines(source: Path) -> list[Path]:
    lines = read_text(source).lstrip("\ufeff").splitlines()
    entries = (line.strip() for line in lines)
    return [_resolve(source, _unquoted(entry)) for entry in entries if entry and not _is_comment(source, entry)]


def _unquoted(text: str) -> str:
    """Path without the quotes in which "copy as path" puts it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _is_comment(source: Path, line: str) -> bool:
    return line.startswith("#") and not _resolve(source, line).exists()


def _table(source: Path) -> list[Path]:
    try:
        rows = [tidy_row(row) for row in csv.DictReader(io.StringIO(read_text(source).lstrip("\ufeff")))]
    except csv.Error as error:
        raise DataError(f"{source} is not a CSV file ({error}).") from error
    if not rows or "image" not in rows[0]:
        heading = ", ".join(str(name) for name in rows[0]) if rows else "nothing"
        raise DataError(f"{source} needs a column named image, separated by commas; it has {heading}.")
    return [_resolve(source, row["image"]) for row in rows if row["image"]]


def _resolve(source: Path, text: str) -> Path:
    """Path that a list names, relative to the list (or, where it is only there, to the current folder).

    Windows writes backslashes, which other systems take for a part of the name.
    """
    names = [text, text.replace("\\", "/")]
    places = [place for name in names for place in (source.parent / name, Path(name))]
    return next((place for place in places if place.exists()), places[0])


def _place(path: Path) -> Path:
    """Say where an image lies; a link keeps its own name."""
    return path.parent.resolve() / path.name


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Name each image by its file; where two would share a name, by its folders too, then by its suffix."""
    whole = [_place(path) for path in paths]
    root = Path(os.path.commonpath([path.parent for path in whole])) if whole else Path()
    inside = [path.relative_to(root) for path in whole]
    forms: list[Callable[[Path], str]] = [
        stem_of,
        lambda path: "_".join(path.with_name(stem_of(path)).parts),
        lambda path: "_".join(path.parts).replace(".", "_"),
    ]
    names = [forms[0](path) for path in inside]
    for form in forms[1:]:
        taken = Counter(name.casefold() for name in names)
        names = [
            form(path) if taken[name.casefold()] > 1 else name for path, name in zip(inside, names, strict=True)
        ]
    used: set[str] = set()
    for index, name in enumerate(names):
        number = 2
        while names[index].casefold() in used:
            names[index], number = f"{name}-{number}", number + 1
        used.add(names[index].casefold())
    return dict(zip(paths, names, strict=True))
