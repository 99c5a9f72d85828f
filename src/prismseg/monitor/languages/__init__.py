"""Stub."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prismseg.base import Message


class Language:
    """Stub."""

    def __init__(self, code: str, name: str, decimal: str) -> None:
        self.code, self.name, self.decimal = code, name, decimal
        self.catalogue: dict[str, str] = {}

    def __call__(self, text: str, /, **values: Any) -> str:
        m = text if isinstance(text, Message) else Message(text, **values)
        return m.translated(lambda t: self.catalogue.get(t, t), self.decimal)

    def number(self, x: float, digits: int) -> str:
        return f"{x:.{digits}f}".replace(".", self.decimal)

    def time(self, dt: datetime) -> str:
        return dt.isoformat()


_ALL = {"en": Language("en", "English", "."), "es": Language("es", "Español", ",")}


def languages() -> dict[str, Language]:
    """Stub."""
    return _ALL


def pick(header: str, chosen: str | None = None) -> Language:
    """Stub."""
    return _ALL.get(chosen or "", _ALL["es" if header.startswith("es") else "en"])
