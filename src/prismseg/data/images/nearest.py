"""The nearest of the names that exist to one that does not: misspelt names of files are found so."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from prismseg.data.images.volumes import stem_of

_ALIKE = 0.7  # of the letters of two names, from which on they are called near
_SEARCHES = 20  # for names that differ in letters: each compares all names


class NearestNames:
    """Names, or paths, among which the one nearest to a misspelt name is looked for.

    Names that differ in the suffix, in capital letters, in zeros before a number or in the marks between words are the
    nearest; then those that share most letters.

    Parameters
    ----------
    known : iterable of str
        Names that exist; of paths the last part counts.

    Examples
    --------
    >>> names = NearestNames(["images/IMG_1.png", "images/scan-07.png"])
    >>> names.find("img_01.jpg"), names.find("scans 7.png"), names.find("left.png")
    ('images/IMG_1.png', 'images/scan-07.png', None)
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._plain: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        for path in known:
            self._plain.setdefault(_plain(path), path)
            self._stems.setdefault(_stem(path), path)
        self._left = _SEARCHES

    def find(self, name: str) -> str | None:
        """Find the nearest name; None where none is near."""
        same = self._plain.get(_plain(name))
        if same is not None or not self._left:
            return same
        self._left -= 1
        near = difflib.get_close_matches(_stem(name), self._stems, n=1, cutoff=_ALIKE)
        return self._stems[near[0]] if near else None


def say_absent(file: Path | str, name: str, nearest: str | None, folder: Path) -> str:
    """Say that `file` names something that does not exist, and what name in `folder` is the nearest, if any.

    Examples
    --------
    >>> say_absent("labels.json", "img_01.jpg", "img_1.jpg", Path("data"))
    'labels.json names img_01.jpg, which does not exist; the nearest name in data is img_1.jpg. Correct one of the two.'
    """
    if nearest is None:
        return f"{file} names {name}, which does not exist, and no name in {folder} is near. Restore the file."
    near = f"the nearest name in {folder} is {nearest}"
    return f"{file} names {name}, which does not exist; {near}. Correct one of the two."


def _stem(path: str) -> str:
    """Last part of a path without suffix, in small letters."""
    return unicodedata.normalize("NFC", stem_of(Path(path.replace("\\", "/")))).casefold()


def _plain(path: str) -> str:
    """Words and numbers of a name, without what misspelt names usually differ in."""
    parts = re.findall(r"\d+|[^\W\d_]+", _stem(path))
    return " ".join(part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)
