"""Dates and times as programs of many countries write them."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan ene gen janv sty янв", "feb fev fevr lut фев", "mar mrz marz mars maer mrt мар", "apr abr avr kwi апр",
         "may mai mag mei maj мая май маи", "jun juin giu cze июн", "jul juil lug lip июл", "aug ago aout sie авг",
         "sep set sept wrz сен", "oct okt ott out paz окт", "nov lis ноя", "dec dez dic gru дек"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_CLOCK = r"(?:[,T]?\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?\s*([ap])?(?:\.?\s?m\.?)?\s*(Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-./](\d{{1,2}})[-./](\d{{1,2}}){_CLOCK}", re.IGNORECASE)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-./])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_CLOCK}", re.IGNORECASE)
_NAMED_DAY = re.compile(rf"(\d{{1,2}})[. -]+([^\W\d_]{{3,}})[., -]+(\d{{4}}){_CLOCK}", re.IGNORECASE)
_NAMED_MONTH = re.compile(rf"([^\W\d_]{{3,}})\.? (\d{{1,2}}),? (\d{{4}}){_CLOCK}", re.IGNORECASE)
_WEEKDAY = re.compile(r"^[^\W\d_]{2,12}\.?,? (?=\d|[^\W\d_]{3,} \d)", re.IGNORECASE)
_HALVES = re.compile(r"(上午|午前|오전)|(下午|午後|오후)")
_DATE_SIGNS = str.maketrans({"年": "-", "月": "-", "日": " ", "时": ":", "時": ":", "分": ":", "秒": " "})


class AmbiguousDate(ValueError):
    """A date such as 03/04/2026, which is in March or in April."""


def parse_moment(text: str) -> datetime | None:
    """Read a date with a time; None where there is none of both.

    With points the day comes first. With slashes or dashes it does where only that can be.

    Raises
    ------
    AmbiguousDate
        When day and month may be either way round.

    Examples
    --------
    >>> parse_moment("31.05.2026 14:05:00") == parse_moment("5/31/2026 2:05:00 PM") == parse_moment("2026-05-31T14:05")
    True
    """
    plain = _plain(text)
    for candidate in (plain, _WEEKDAY.sub("", plain)):
        if (found := _YEAR_FIRST.fullmatch(candidate)) is not None:
            year, month, day, *clock = found.groups()
            return _moment(int(year), int(month), int(day), clock)
        if (found := _YEAR_LAST.fullmatch(candidate)) is not None:
            first, mark, second, year, *clock = found.groups()
            day, month = _day_first(text, int(first), int(second), mark)
            return _moment(int(year) + (2000 if len(year) == 2 else 0), month, day, clock)
        if (found := _NAMED_DAY.fullmatch(candidate)) is not None and (month := _month(found[2])) is not None:
            return _moment(int(found[3]), month, int(found[1]), list(found.groups()[3:]))
        if (found := _NAMED_MONTH.fullmatch(candidate)) is not None and (month := _month(found[1])) is not None:
            return _moment(int(found[3]), month, int(found[2]), list(found.groups()[3:]))
    return None


def _plain(text: str) -> str:
    """Reduce to letters without accents and digits, the half of the day behind the time of day."""
    halves = _HALVES.findall(text)
    signs = " ".join(_HALVES.sub(" ", text).translate(_DATE_SIGNS).split()).rstrip(":")
    letters = unicodedata.normalize("NFKD", signs + (" pm" if halves[0][1] else " am") if halves else signs)
    return " ".join("".join(each for each in letters if not unicodedata.combining(each)).split())


def _day_first(text: str, first: int, second: int, mark: str) -> tuple[int, int]:
    if mark == "." or first == second or first > 12:
        return first, second
    if second > 12:
        return second, first
    raise AmbiguousDate(text)


def _month(name: str) -> int | None:
    lower = name.lower()
    return _MONTHS.get(lower, _MONTHS.get(lower[:4], _MONTHS.get(lower[:3])))


def _moment(year: int, month: int, day: int, clock: list[str | None]) -> datetime | None:
    hour, minute, second, fraction, half, zone = clock
    if hour is None or minute is None:
        return None
    hours = int(hour)
    if half is not None:
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    micro = int((fraction or "0").ljust(6, "0"))
    text = f"{year:04}-{month:02}-{day:02}T{hours:02}:{int(minute):02}:{int(second or 0):02}.{micro:06}"
    try:
        return datetime.fromisoformat(text + (zone or "").upper())
    except ValueError:
        return None
