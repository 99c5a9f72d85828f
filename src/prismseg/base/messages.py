"""Sentences for people, kept with the template and the values they were made of, so that they can be translated."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self


class Message(str):
    """A sentence in English that still knows its template: ``Message("{n} frames.", n=3) == "3 frames."``.

    Parameters
    ----------
    template : str
        As `str.format` takes it; the key under which a translation is looked up.
    **values
        For the template's fields: numbers, strings and other messages.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Self:
        """Fill the template."""
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template = template
        made.values = values
        return made

    @classmethod
    def joined(cls, messages: Sequence[Message], separator: str = " ") -> Self:
        """Make one message of several; each stays translatable."""
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
        """Give template and values for `from_json`, nested messages included."""
        values = {
            name: value.to_json() if isinstance(value, Message) else value for name, value in self.values.items()
        }
        return {"template": self.template, "values": json.loads(json.dumps(values))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Make the message again that `to_json` described."""
        values = {
            name: cls.from_json(value) if isinstance(value, Mapping) else value
            for name, value in data["values"].items()
        }
        return cls(data["template"], **values)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.template, dict(self.values))


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
