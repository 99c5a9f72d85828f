"""Words, numbers and moments of a report in one language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prismseg.base import Message
from prismseg.base.constants import Z95
from prismseg.monitor.languages import Language
from prismseg.thermal import Value
from prismseg.thermal.frames.frame import PARAMETER_LABELS

NOTHING = "–"
UNKNOWN_TIME = Message("time of day unknown")
# A hyphen before a number is a minus unless it joins, as in L3-4 or in a date.
_HYPHEN = re.compile(r"(?<![\w-])-(?=\d)")
_UNITS: Mapping[str, str] = {
    "reflected": " °C",
    "atmosphere": " °C",
    "window_temperature": " °C",
    "distance": " m",
}


@dataclass(frozen=True)
class Words:
    """How a report says things; only what staff wrote does not pass through it."""

    language: Language

    def __call__(self, text: str, /, **values: Any) -> str:
        """Translate a message, with true minus signs."""
        return _HYPHEN.sub("−", self.language(text, **values))

    def word(self, name: str) -> str:
        """Translate a name of the measuring code, such as a side or a territory."""
        return self.language(Message(name))

    def number(self, value: float, digits: int = 1, *, sign: bool = False) -> str:
        """Write a number with so many digits; a rounded zero has no sign."""
        text = self.language.number(value, digits, sign=sign)
        return text.lstrip("+-") if not re.search("[1-9]", text) else text.replace("-", "−")

    def short(self, value: float) -> str:
        """Write a number with no more digits than it needs."""
        return f"{value:g}".replace(".", self.language.decimal).replace("-", "−")

    def minute(self, minute: float | None) -> str:
        """Minutes since the test dose, whole where they are; a dash before it."""
        if minute is None:
            return NOTHING
        return self.number(minute, 0 if abs(minute - round(minute)) < 0.05 else 1)

    def measured(self, value: Value, *, sign: bool = False) -> str:
        """Write a value with half its 95 % interval, or a dash."""
        if not value.known:
            return NOTHING
        return f"{self.number(value.value, sign=sign)} ± {self.number(Z95 * value.error)}"

    def time(self, moment: datetime | None) -> str:
        """Hour and minute of a picture, or that its time of day is not known."""
        return self(UNKNOWN_TIME) if moment is None else self.language.time(moment)

    def moment(self, moment: datetime | None) -> str:
        """Day, hour and minute, or that they are not known."""
        if moment is None:
            return self(UNKNOWN_TIME)
        return f"{self.language.date(moment)}, {self.language.time(moment)}"

    def parameters(self, parameters: Mapping[str, float]) -> str:
        """Name what temperatures were computed with."""
        named = (
            f"{self(PARAMETER_LABELS.get(name, Message(name)))} {self.short(value)}{_UNITS.get(name, '')}"
            for name, value in parameters.items()
        )
        return ", ".join(named)
