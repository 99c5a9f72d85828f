"""Languages of the monitor: translated sentences, numbers, dates and the clock of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol

from prismseg.base import Message
from prismseg.base.registry import Registry
from prismseg.monitor.languages.retired import REWORDED


@dataclass(frozen=True)
class Language:
    """One language. A call translates: ``language("{n} frames", n=3)``, ``language(flag.sentence)``.

    Attributes
    ----------
    code : str
        As in the HTML attribute ``lang``.
    name : str
        What its speakers call it.
    decimal : str
        Mark between a number's whole part and its fraction.
    region : str
        Locale whose dates are written.
    texts : mapping of str to str
        Translation of each template; a template that is not in it stays English.
    zone : tzinfo or None
        In which times are shown; None is the machine's.
    """

    code: str
    name: str
    decimal: str
    region: str
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    zone: tzinfo | None = None

    def __call__(self, text: str, /, **values: Any) -> str:
        """Translate a message, or a template and fill it with values."""
        message = text if isinstance(text, Message) and not values else Message(text, **values)
        return message.translated(self._find, self.decimal)

    def _find(self, template: str) -> str:
        return self.texts.get(template) or REWORDED.get(template, template)

    def number(self, value: float, digits: int = 1, *, sign: bool = False) -> str:
        """Write a number with so many digits after the decimal mark, and with its sign where asked for."""
        return f"{value:{'+' if sign else ''}.{digits}f}".replace(".", self.decimal)

    def time(self, moment: datetime) -> str:
        """Hour and minute of a moment that has a time zone: ``14:05``."""
        return f"{moment.astimezone(self.zone):%H:%M}"

    def date(self, moment: datetime) -> str:
        """Day of a moment that has a time zone: ``31 May 2026``."""
        return format_date(moment.astimezone(self.zone).date(), format="medium", locale=self.region)

    def clock(self, minutes: float) -> str:
        """Minutes and seconds since the test dose: ``12:30``; before it ``-2:00``."""
        seconds = round(abs(minutes) * 60)
        return f"{'-' if minutes < 0 and seconds else ''}{seconds // 60}:{seconds % 60:02d}"


@dataclass(frozen=True)
class LanguageSource:
    """Where a language comes from.

    Attributes
    ----------
    name : str
        What its speakers call it.
    region : str
        Locale, such as ``es_ES``, whose dates and decimal mark are written.
    catalogue : Path, optional
        Its translations in gettext's format (``.po``); the language of the sources needs none.
    """

    name: str
    region: str
    catalogue: Path | None = None


LANGUAGES: Registry[LanguageSource] = Registry("language")


def register_language(code: str, name: str, region: str, catalogue: str | Path | None = None) -> None:
    """Add a language: the choice on every page, and the catalogues that are checked, derive from it.

    Parameters
    ----------
    code : str
        As in the HTML attribute ``lang``.
    name, region, catalogue
        As in `LanguageSource`.

    Raises
    ------
    ConfigError
        When there is another language of that code.

    Examples
    --------
    >>> from prismseg.monitor.languages import LANGUAGES, languages, register_language
    >>> register_language("de", "Deutsch", "de_DE")
    >>> languages()["de"].number(30.25, 2)
    '30,25'
    >>> LANGUAGES.unregister("de")
    """
    source = LanguageSource(name, region, None if catalogue is None else Path(catalogue))
    LANGUAGES.register(code, source, summary=name)


register_language("en", "English", "en_GB")
register_language("es", "Español", "es_ES", Path(__file__).with_name("es.po"))


def languages() -> Mapping[str, Language]:
    """All languages by code, English first."""
    return {code: _load(code, source) for code, source in LANGUAGES.items()}


@cache
def _load(code: str, source: LanguageSource) -> Language:
    texts = {} if source.catalogue is None else _read_catalogue(code, source.catalogue)
    return Language(code, source.name, get_decimal_symbol(source.region), source.region, texts)


def pick(accepted: str | None = None, chosen: str | None = None) -> Language:
    """Choose a language: the one chosen, else the best that the browser accepts, else English.

    Parameters
    ----------
    accepted : str, optional
        Header ``Accept-Language``, such as ``es-ES,es;q=0.9,en;q=0.8``.
    chosen : str, optional
        Code that the user chose; one that does not exist counts as none.
    """
    known = languages()
    if chosen is not None and chosen in known:
        return known[chosen]
    ranked = sorted(map(_parse_weight, (accepted or "").split(",")), reverse=True, key=lambda pair: pair[1])
    codes = (code for code, weight in ranked if weight > 0)
    return next((known[code] for code in codes if code in known), known["en"])


def _parse_weight(part: str) -> tuple[str, float]:
    """Code and weight of one language of the header; what cannot be read weighs nothing."""
    name, _, weight = part.partition(";")
    code = name.strip().lower().split("-")[0]
    try:
        return code, float(weight.strip().removeprefix("q=") or 1)
    except ValueError:
        return code, 0.0


def _read_catalogue(code: str, path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    return {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
