"""Times in the names of frames' files, and files in natural order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from prismseg.thermal.frames.listing.choice import split_choice
from prismseg.thermal.frames.metadata import LIMITS_IN_NAME

Unit = Literal["min", "s"]
UNITS: tuple[Unit, ...] = ("min", "s")
_IN_MINUTES = {"min": 1.0, "s": 1 / 60}
_NUMBER = r"(-?\d+(?:[.,]\d+)?)"
# Words and abbreviations of several languages, by what a number before them is multiplied with to be min or s.
_MINUTES = r"min(?:s|ut[eo]s?|uten|uta)?"
_SECONDS = r"(?:sec(?:s|ond(?:e|o|i|es?|s)?)?|seg(?:s|undos?)?|sek(?:unden?)?)"
_HOURS = r"(?:hrs?|hours?|horas?|heures?|stunden?|std)"
_MARKS = r"''|′′|[\"″'′’]"
_BEFORE = (
    r"(?:^|(?<=[_\s])|(?<=[^\w.,]))"  # a dash parts words, unless a blank, a line or nothing stands before it
)
# t0, P01_t05, S03-t2.5min, x_t-5, t+5min: a t that is not part of a word, at the name's end.
_WITH_T = re.compile(
    rf"(?:^|[^a-z])t\s*\+?{_NUMBER}\s*({_MINUTES}|{_SECONDS}|{_HOURS}|[msh]|{_MARKS})?$", re.IGNORECASE
)
# A number with a unit, at the name's end; further ahead only with more than a letter for the unit.
_AT_END = re.compile(rf"{_BEFORE}{_NUMBER}[\s_-]*({_MINUTES}|{_SECONDS}|{_HOURS}|s|{_MARKS})$", re.IGNORECASE)
_INSIDE = re.compile(
    rf"(?:{_BEFORE}|(?<![a-z])t\s*\+?){_NUMBER}[\s_]*({_MINUTES}|{_SECONDS})(?![a-z0-9])", re.IGNORECASE
)
# min05, minute 5, minuto_5: the unit before the number.
_AHEAD = re.compile(rf"(?<![a-z0-9])({_MINUTES})[\s_.]*{_NUMBER}(?![\d.,]|[\s_]*[a-z]*\d)", re.IGNORECASE)
# 5min30s, 5'30", 1h30min: one time in two units. From five hours on it may be a time of day.
_COMPOUND = re.compile(
    rf"(?:{_BEFORE}|(?<![a-z])t\s*\+?)(-?)(?:([0-4])\s*(?:{_HOURS}|h)\s*(\d+)\s*{_MINUTES}"
    rf"|(\d+)\s*(?:{_MINUTES}|m|['′’])\s*(\d+)\s*(?:{_SECONDS}|s|''|′′|[\"″]))(?![a-z0-9])",
    re.IGNORECASE,
)
# Hours that stand apart from the minutes behind them: 1h_30min, 14h 05min.
_HOURS_ANYWHERE = re.compile(rf"(\d+(?:[.,]\d+)?)\s*(?:{_HOURS}|h)(?![a-z0-9])", re.IGNORECASE)
# 5min_before, pre 5min, T0-5min: minutes that may be those before the dose, although no minus stands there.
_EARLIER = re.compile(
    r"(?<![a-z])(?:pre(?:dose|block|op)?|before|vor|vorher|antes|avant|prima|voor)(?![a-z])|(?<![a-z])t0+\s*-\s*(?=\d)",
    re.IGNORECASE,
)
# 20261130_101500, 2026-11-30T10-15-00, IMG_20261130_101500123: date and time to the second, year first.
_STAMP = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)[t_\s.-]*(\d\d)([-_.:]?)(\d\d)\6(\d\d)(?:[-_.]?\d{3})?(?!\d)"
    r"(?:[\s_.-]*([ap])\.?m(?![a-z]))?",
    re.IGNORECASE,
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


@dataclass(frozen=True)
class _Found:
    """A time in a name: where its number begins, the number, and its unit."""

    start: int
    number: float
    unit: Unit | None


def _find(path: Path) -> _Found | None:
    """Find the one time in a name; None where there is none, or several that differ."""
    # A dash or a minus of another kind is one; the name keeps its length.
    stem = path.stem.translate({ord(dash): "-" for dash in "−–‒"})
    for other in (LIMITS_IN_NAME, _STAMP):
        stem = other.sub(lambda text: " " * len(text[0]), stem)
    stem = stem.rstrip(" _-")
    compound = [_compound(match) for match in _COMPOUND.finditer(stem)]
    stem = _COMPOUND.sub(lambda text: " " * len(text[0]), stem)
    found = [_found(match, 1, 2) for match in (_WITH_T.search(stem), _AT_END.search(stem)) if match is not None][
        :1
    ]
    found += [_found(match, 1, 2) for match in _INSIDE.finditer(stem)]
    found += [_found(match, 2, 1) for match in _AHEAD.finditer(stem) if _number_of(match[2]) >= 0]
    certain = [*compound, *(each for each in found if each.unit is not None)]
    minutes = {round(each.number * _IN_MINUTES[each.unit], 6) for each in certain if each.unit is not None}
    hours = {round(60 * _number_of(match[1]), 6) for match in _HOURS_ANYWHERE.finditer(stem)} if certain else set()
    if len(minutes | hours) > 1:
        return None
    chosen = next(iter(certain or found), None)
    return None if chosen is not None and chosen.number > 0 and _EARLIER.search(stem) else chosen


def _compound(match: re.Match[str]) -> _Found:
    sign, hours, behind, minutes, seconds = match.groups()
    total = 60 * int(hours) + int(behind) if hours is not None else int(minutes) + int(seconds) / 60
    return _Found(match.start(2 if hours is not None else 4) - len(sign), -total if sign else total, "min")


def _number_of(text: str) -> float:
    return float(text.replace(",", "."))


def _found(match: re.Match[str], number: int, unit: int) -> _Found:
    value, word = _number_of(match[number]), (match[unit] or "").lower()
    if not word:
        return _Found(match.start(number), value, None)
    if word.startswith(("h", "st")):
        return _Found(match.start(number), 60 * value, "min")
    seconds = word.startswith("s") or word in ('"', "″", "''", "′′")
    return _Found(match.start(number), value, "s" if seconds else "min")


def time_from_name(path: str | Path) -> NamedTime | None:
    """Read the time in a file's name.

    A number counts behind a t at the name's end (``t5``), or with a unit (``t5min``, ``5 minutos left``, ``min05``,
    ``90s``, ``5min30s``, ``t1h``; hours as minutes). Names with two different times have none, and neither have those
    that may mean minutes before the dose (``5min_before``), and frames of films: the name is that of the first.

    Examples
    --------
    >>> time_from_name("S01_t05.tiff"), time_from_name("a_t-5min.jpg"), time_from_name("sole.jpg")
    (NamedTime(number=5.0, unit=None), NamedTime(number=-5.0, unit='min'), None)
    """
    file, choice = split_choice(path)
    if choice not in (None, "0"):
        return None
    found = _find(file)
    return None if found is None else NamedTime(found.number, found.unit)


def stamp_from_name(path: str | Path) -> datetime | None:
    """Read date and time of day in a file's name, to the second; None where there is none, or several that differ.

    Numbers that only count (``FLIR0123``) are none, and neither are dates alone.

    Examples
    --------
    >>> print(stamp_from_name("IMG_20261130_101500.jpg"), stamp_from_name("2026-11-30 10-15-00.csv"))
    2026-11-30 10:15:00 2026-11-30 10:15:00
    >>> stamp_from_name("FLIR0123.jpg"), stamp_from_name("20261130_996100.jpg")
    (None, None)
    """
    file, choice = split_choice(path)
    if choice is not None:
        return None
    found = set()
    for match in _STAMP.finditer(file.stem):
        year, month, day, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 7, 8))
        try:
            found.add(datetime(year, month, day, _of_24(hour, match[9]), minute, second))
        except ValueError:
            continue  # no date
    return found.pop() if len(found) == 1 else None


def _of_24(hour: int, half: str | None) -> int:
    """Hour of the day, by ``am`` or ``pm`` where one stands behind it."""
    if half is None or not 1 <= hour <= 12:
        return hour
    return hour % 12 + (12 if half.lower() == "p" else 0)


def minute_from_name(path: str | Path) -> float | None:
    """Read the minute in a file's name, a bare number taken as minutes: a proposal that a person confirms.

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
    found, name = _find(path), path.name.lower()
    if found is None or found.number >= 0:
        return _parts(name)
    behind = re.sub(r"^[-−–‒][\d.,]+", "", name[found.start :])
    return (*_parts(name[: found.start]), (0, found.number, ""), *_parts(behind))


def _parts(name: str) -> tuple[tuple[int, float, str], ...]:
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return tuple((0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts)


def sort_naturally(paths: Sequence[str | Path]) -> list[Path]:
    """Sort files by name, with numbers as numbers.

    Examples
    --------
    >>> [path.name for path in sort_naturally(["t10.jpg", "t2.jpg", "t-5.jpg"])]
    ['t-5.jpg', 't2.jpg', 't10.jpg']
    """
    return sorted(map(Path, paths), key=natural_key)
