"""Sentences for people, kept with the template and the values they were made of, so that they can be translated."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Self

Plain = str | int | float  # strings include messages


class Message(str):
    """A sentence in English that still knows its template: ``Message("{n} frames.", n=3) == "3 frames."``.

    Parameters
    ----------
    template : str
        As `str.format` takes it; the key under which a translation is looked up. Without values it is no template but
        the text itself, and braces mean braces.
    **values
        For the template's fields: numbers (also NumPy's), other messages, and whatever `str` shows well.
    """

    template: str
    values: Mapping[str, Plain]

    def __new__(cls, template: str, /, **values: Any) -> Self:
        """Fill the template."""
        plain = {name: _plain(value) for name, value in values.items()}
        made = super().__new__(cls, template.format(**plain) if plain else template)
        made.template = str(template)
        made.values = plain
        return made

    @classmethod
    def of(cls, text: str) -> Message:
        """Return a message as it is, and any other text as one that has no translation."""
        return text if isinstance(text, Message) else cls(text)

    @classmethod
    def joined(cls, messages: Sequence[str], separator: str = " ") -> Self:
        """Make one message of several; each stays translatable, and so is a separator with words."""
        names = [f"part{number}" for number in range(len(messages))]
        template = separator.join(f"{{{name}}}" for name in names)
        return cls(template, **dict(zip(names, messages, strict=True)))

    def translated(self, translate: Callable[[str], str], decimal: str = ".") -> str:
        """Fill the translated template with the values, translating those that are messages themselves.

        Parameters
        ----------
        translate : callable of str to str
            Looks up a template; called for templates that have words, not for mere joints.
        decimal : str
            Mark between a number's whole part and its fraction.
        """
        values = {
            name: value.translated(translate, decimal) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        template = translate(self.template) if self.worded else self.template
        return _Numbers(decimal).format(template, **values) if values else template

    @property
    def worded(self) -> bool:
        """Whether the template has words of its own."""
        literals = (
            (part[0] for part in string.Formatter().parse(self.template)) if self.values else (self.template,)
        )
        return any(character.isalpha() for literal in literals for character in literal)

    def to_json(self) -> dict[str, Any]:
        """Give template and values for `from_json`, nested messages included; strict JSON has no NaN."""
        return {"template": self.template, "values": {name: _packed(value) for name, value in self.values.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Make the message again that `to_json` described."""
        return cls(data["template"], **{name: _unpacked(cls, value) for name, value in data["values"].items()})

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.template, dict(self.values))


def _plain(value: object) -> Plain:
    """Keep messages and numbers; NumPy's numbers become Python's, all else its text."""
    if isinstance(value, Message | int | float) and type(value).__module__ != "numpy":
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else str(value)


def _packed(value: Plain) -> Any:
    if isinstance(value, Message):
        return value.to_json()
    return {"number": str(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _unpacked(cls: type[Message], value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return float(value["number"]) if "number" in value else cls.from_json(value)


def _again(cls: type[Message], template: str, values: Mapping[str, Any]) -> Message:
    return cls(template, **values)


class _Numbers(string.Formatter):
    """Formats numbers with a decimal mark of choice."""

    def __init__(self, decimal: str) -> None:
        self._decimal = decimal

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return text.replace(".", self._decimal) if is_number else text
