"""Headings of exported temperatures: parameters, unit, time and camera, in the words of many programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prismseg.base import Message
from prismseg.thermal.frames.frame import ZERO_CELSIUS
from prismseg.thermal.frames.text.moments import AmbiguousDate, parse_moment
from prismseg.thermal.frames.text.words import CAMERAS, MOMENTS, PARAMETERS, UNITS, plain_label

_TEMPERATURES = {"reflected", "atmosphere", "window_temperature"}
_LEAST_PERCENT = 10  # 95 for an emissivity is percent, 1.7 is impossible
_SHARES = {"emissivity", "humidity", "window_transmission"}

_UNIT_HEADING = re.compile(
    r"(?:temperatures?|temperaturen|temperatura[s]?|temp|image data|data|pixel values?|values?)\s*(?:in|en)?\s*"
    r"[\[(]?\s*(°\s*[cfk]|deg\s*[cfk]|celsius|fahrenheit|kelvin|[cfk])\s*[\])]?",
    re.IGNORECASE,
)
_CLOCK_ONLY = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?\s?m\.?)?", re.IGNORECASE)
_VALUE = re.compile(r"([-+]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:e[-+]?\d+)?)\s*(\S.*)?", re.IGNORECASE)
# °F or K alone, in brackets or behind a number, wherever it stands.
_UNIT_MENTIONED = re.compile(
    r"(?:^|[\d\s\[(:=])(?:°\s*([fk])|(k))[\s\])]*(?=$|[;,])|\bfahrenheit\b|\bkelvin\b"
    r"|(\bфаренгейт|华氏|華氏)|(\bкельвин|开尔文|ケルビン)",
    re.IGNORECASE,
)
_DEGREES = re.compile(
    r"[°º]|\b(?:deg(?:rees?|r[eé]s?)?|grad(?:os|i|er)?|graus|graden|stopni(?:e)?|градус(?:ы|ов)?)\b|度"
)
# One sign for two, brackets and colons of Chinese and Japanese, and Cyrillic letters behind a sign of degrees.
_SIGNS = str.maketrans({"℃": "°C", "℉": "°F", "：": ":", "（": "(", "）": ")", "＝": "=", "\u212a": "K"})
_CYRILLIC_UNIT = re.compile(r"(?<=[°º])\s*([СсКкФф])(?!\w)")
_UNIT_WORDS = {
    word: unit
    for unit, words in {
        "c": "c celsius celsjusza metric цельсия цельсий 摄氏 摂氏",
        "f": "f fahrenheit fahrenheita фаренгейта фаренгейт 华氏 華氏",
        "k": "k kelvin kelwin кельвин кельвина 开尔文 ケルビン",
    }.items()
    for word in words.split()
}
_IN_METRES = {
    "m": 1.0,
    "м": 1.0,
    "см": 0.01,
    "мм": 0.001,
    "米": 1.0,
    "厘米": 0.01,
    "cm": 0.01,
    "mm": 0.001,
    "ft": 0.3048,
    "feet": 0.3048,
    "in": 0.0254,
    "inch": 0.0254,
    "yd": 0.9144,
}


@dataclass
class Heading:
    """What the headings of a text say.

    Attributes
    ----------
    parameters : dict of str to float
        By the names of `Parameters`, in °C, m and shares; not checked.
    unit : {"c", "f", "k"} or None
        Of the matrix.
    unknown_unit : str or None
        What is stated as its unit and is none of a temperature in °C, °F or K.
    parameter_units : set of str
        Units in which temperatures beside the matrix were written.
    time : datetime or None
        When the frame was taken.
    camera : str or None
        Model.
    notes : list of Message
        What could not be taken.
    """

    parameters: dict[str, float] = field(default_factory=dict)
    unit: str | None = None
    unknown_unit: str | None = None
    parameter_units: set[str] = field(default_factory=set)
    time: datetime | None = None
    camera: str | None = None
    notes: list[Message] = field(default_factory=list)


def parse_headings(rows: Sequence[Sequence[str]]) -> Heading:
    """Read what the lines around a matrix say.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells of each line.

    Examples
    --------
    >>> heading = parse_headings([["Parameters:", "Emissivity:", "0,95"], ["Reflected temp. [°F]", "68"], ["Unit: °C"]])
    >>> heading.parameters, heading.unit
    ({'emissivity': 0.95, 'reflected': 20.0}, 'c')
    """
    heading = Heading()
    written: list[tuple[str, float, str | None]] = []
    moments: list[str] = []
    rows = [[_with_latin_signs(cell) for cell in row] for row in rows]
    for label, unit, text in _pairs(rows):
        if label in PARAMETERS:
            found = _VALUE.fullmatch(text)
            if found is not None:
                number = float(found[1].replace(",", "."))
                written.append((PARAMETERS[label], number, found[2] or unit))
        elif label in UNITS:
            unit = _temperature_unit(text)
            heading.unit = heading.unit or unit
            heading.unknown_unit = heading.unknown_unit or (text if unit is None else None)
        elif label in CAMERAS:
            heading.camera = heading.camera or text
        elif label in MOMENTS:
            moments.append(text)
    for row in rows:
        for cell in row:
            if heading.unit is None and (named := _UNIT_HEADING.fullmatch(cell.rstrip(": "))) is not None:
                heading.unit = _temperature_unit(named[1])
            heading.parameter_units |= _mentioned(cell)
    for name, number, unit in written:
        heading.parameters.setdefault(name, _converted(heading, name, number, unit))
    heading.time = _time(heading, moments)
    return heading


def _pairs(rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, str | None, str]]:
    """List what may be a label, the unit behind it in brackets, and the value behind both."""
    for row in rows:
        cells = [cell for cell in row if cell]
        for place, cell in enumerate(cells):
            key, mark, rest = _split(cell)
            following = cells[place + 1] if place + 1 < len(cells) else ""
            value = rest.strip() if rest.strip() else following
            label, unit = _normal(key)
            if value and label:
                yield label, unit, value
            if not mark and (found := re.fullmatch(r"(\D+?)\s+([-+]?\d.*)", cell)) is not None:
                label, unit = _normal(found[1])
                yield label, unit, found[2]


def _with_latin_signs(cell: str) -> str:
    cell = cell.translate(_SIGNS)
    return _CYRILLIC_UNIT.sub(lambda found: "CKF"["СКФ".index(found[1].upper())], cell)


def _split(cell: str) -> tuple[str, str, str]:
    at = min((place for mark in ":=" if (place := cell.find(mark)) >= 0), default=-1)
    return (cell, "", "") if at < 0 else (cell[:at], cell[at], cell[at + 1 :])


def _normal(label: str) -> tuple[str, str | None]:
    """Reduce a label to small letters without accents, points and brackets; and what stands in the brackets."""
    bracketed = re.search(r"[\[(]\s*([^\])]*?)\s*[\])]", label)
    plain = re.sub(r"[\[(][^\])]*[\])]", " ", label)
    return plain_label(plain), None if bracketed is None else bracketed[1]


def _temperature_unit(text: str | None) -> str | None:
    """``c``, ``f`` or ``k``; None where it is none of them."""
    plain = _DEGREES.sub("", (text or "").lower()).strip(" .")
    return _UNIT_WORDS.get(plain)


def _mentioned(cell: str) -> set[str]:
    """Units other than °C that stand in a cell, whatever they are said of."""
    return {"k" if "k" in found[0].lower() or found[4] else "f" for found in _UNIT_MENTIONED.finditer(cell)}


def to_celsius_scale(unit: str) -> tuple[float, float]:
    """Factor and offset from °C, °F or K to °C.

    Examples
    --------
    >>> to_celsius_scale("k")
    (1.0, -273.15)
    """
    return {"c": (1.0, 0.0), "f": (5 / 9, -160 / 9), "k": (1.0, -ZERO_CELSIUS)}[unit]


def _converted(heading: Heading, name: str, number: float, unit: str | None) -> float:
    if name in _TEMPERATURES:
        written = _temperature_unit(unit)
        if written is not None:
            heading.parameter_units.add(written)
        factor, offset = to_celsius_scale(written or heading.unit or "c")
        return factor * number + offset
    plain = (unit or "").strip().lower()
    if name in _SHARES:
        # What is above 100 % stays as it is: it is impossible, and named so.
        percent = plain.startswith("%") or (name != "humidity" and number >= _LEAST_PERCENT)
        return number / 100 if percent and number <= 100 else number
    return number * _IN_METRES.get(plain.rstrip("."), 1.0)


def _time(heading: Heading, texts: Sequence[str]) -> datetime | None:
    """Find the first date with a time, or a date and a time that stand apart."""
    dates = [text for text in texts if not _CLOCK_ONLY.fullmatch(text)]
    clocks = [text for text in texts if _CLOCK_ONLY.fullmatch(text)]
    for text in (*dates, *(f"{date} {clock}" for date in dates for clock in clocks)):
        try:
            moment = parse_moment(text)
        except AmbiguousDate:
            heading.notes.append(
                Message(
                    "its date {date} may have day or month first, so it is not taken for a clock; write 2026-05-31, or "
                    "state the time in a sidecar",
                    date=repr(text),
                )
            )
            return None
        if moment is not None:
            return moment
    return None
