"""What lies in a folder of images: those that are read, and what is left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.images.reading import IMAGE_SUFFIXES
from prismseg.data.images.volumes import suffix_of

# What operating systems leave in folders beside files whose names start with a dot.
SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
# Remarks, tables and settings that people keep beside their images.
NOTE_SUFFIXES = frozenset(
    {"", ".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".html", ".xlsx", ".log", ".py"}
)


@dataclass(frozen=True)
class FolderScan:
    """Files directly in a folder, each list sorted by name; hidden files and those of the system are in none.

    Attributes
    ----------
    images : tuple of Path
        Files whose suffix says that they can be read.
    unread : tuple of Path
        Other files.
    broken : tuple of Path
        Links to files that do not exist.
    """

    images: tuple[Path, ...]
    unread: tuple[Path, ...]
    broken: tuple[Path, ...]


def scan_folder(folder: str | Path) -> FolderScan:
    """Sort the files directly in `folder` by whether they can be read.

    Raises
    ------
    DataError
        When the folder may not be read.
    """
    folder = Path(folder)
    images: list[Path] = []
    unread: list[Path] = []
    broken: list[Path] = []
    try:
        for path in sorted(folder.iterdir()):
            if is_hidden(path):
                continue
            if path.is_symlink() and not path.exists():
                broken.append(path)
            elif path.is_file():
                (images if suffix_of(path) in IMAGE_SUFFIXES else unread).append(path)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be listed ({error.strerror or error}); check its permissions."
        ) from error
    return FolderScan(tuple(images), tuple(unread), tuple(broken))


def is_hidden(path: str | Path) -> bool:
    """Whether a file is hidden (macOS leaves ``._`` copies) or one of the operating system's."""
    name = Path(path).name
    return name.startswith(".") or name.lower() in SYSTEM_FILES
