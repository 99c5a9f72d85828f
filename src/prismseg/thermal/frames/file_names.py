"""Times in the names of frames' files, and files in natural order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prismseg.thermal.frames.metadata import LIMITS_IN_NAME

Unit = Literal["min", "s"]
UNITS: tuple[Unit, ...] = ("min", "s")
_IN_MINUTES = {"min": 1.0, "s": 1 / 60}
_UNIT = r"(?:\s*(min|minutes?|m|sec|seconds?|s))?"
# t0, P01_t05, S03-t2.5min, x_t-5: a t that is not part of a word; or a number with a unit, at the name's end.
_WITH_T = re.compile(rf"(?:^|[^a-z])t\s*(-?\d+(?:[.,]\d+)?){_UNIT}$", re.IGNORECASE)
_WITH_UNIT = re.compile(
    r"(?:^|(?<=[_\s])|(?<=[^\w.,]))(-?\d+(?:[.,]\d+)?)\s*(min|minutes?|sec|seconds?|s)$", re.IGNORECASE
)


@dataclass(frozen=True)
class NamedTime:
    """A time in a file's name.

    Attributes
    ----------
    number : float
        As written.
    unit : {"min", "s"} or None
        Where one follows.

    Examples
    --------
    >>> NamedTime(90, "s").minutes(), NamedTime(5, None).minutes(), NamedTime(5, None).minutes("min")
    (1.5, None, 5.0)
    """

    number: float
    unit: Unit | None

    def minutes(self, unit: Unit | None = None) -> float | None:
        """Convert to minutes, by its own unit, else by the one given; None without either."""
        chosen = self.unit or unit
        return None if chosen is None else self.number * _IN_MINUTES[chosen]


def _number(path: Path) -> re.Match[str] | None:
    stem = LIMITS_IN_NAME.sub("", path.stem).rstrip(" _-")
    return _WITH_T.search(stem) or _WITH_UNIT.search(stem)


def time_from_name(path: str | Path) -> NamedTime | None:
    """Read the time at the end of a file's name.

    Examples
    --------
    >>> time_from_name("S01_t05.tiff"), time_from_name("a_t-5min.jpg"), time_from_name("sole.jpg")
    (NamedTime(number=5.0, unit=None), NamedTime(number=-5.0, unit='min'), None)
    """
    found = _number(Path(path))
    if found is None:
        return None
    unit = found.group(2)
    chosen: Unit | None = None if unit is None else "s" if unit.lower().startswith("s") else "min"
    return NamedTime(float(found.group(1).replace(",", ".")), chosen)


def minute_from_name(path: str | Path) -> float | None:
    """Read the minute at the end of a file's name, a bare number taken as minutes: a proposal that a person confirms.

    Examples
    --------
    >>> minute_from_name("S01_t05.tiff"), minute_from_name("a_t90s.jpg")
    (5.0, 1.5)
    """
    named = time_from_name(path)
    return None if named is None else named.minutes("min")


def natural_key(path: str | Path) -> tuple[tuple[int, float, str], ...]:
    """Make a key that sorts ``img2`` before ``img10``, and ``t-5`` before ``t0``."""
    path = Path(path)
    found, name, number = _number(path), path.name.lower(), None
    if found is not None and found.group(1).startswith("-"):
        name, number = name[: found.start(1)], float(found.group(1).replace(",", "."))
    parts = [part for part in re.split(r"(\d+)", name) if part]
    key = [(0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts]
    return (*key, *([] if number is None else [(0, number, "")]))


def sort_naturally(paths: Sequence[str | Path]) -> list[Path]:
    """Sort files by name, with numbers as numbers.

    Examples
    --------
    >>> [path.name for path in sort_naturally(["t10.jpg", "t2.jpg", "t-5.jpg"])]
    ['t-5.jpg', 't2.jpg', 't10.jpg']
    """
    return sorted(map(Path, paths), key=natural_key)
