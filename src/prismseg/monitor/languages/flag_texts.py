"""Titles of flags, the value and threshold each rests on, and what each does not mean, by the flags' rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prismseg.base import Message
from prismseg.thermal import FLAG_RULES


def title_of(name: str) -> Message:
    """Give the heading of a flag; its name where the package that found it is not installed any more."""
    rule = FLAG_RULES.get(name)
    return Message(name) if rule is None else rule.title


def caveat_of(name: str) -> Message:
    """Say what a flag does not mean."""
    rule = FLAG_RULES.get(name)
    return Message("") if rule is None else rule.caveat


def value_of(flag: Mapping[str, Any]) -> Message | None:
    """Give the number that a flag rests on, with its 95 % interval."""
    rule = FLAG_RULES.get(flag["name"])
    return None if rule is None else rule.show_value(flag["evidence"])


def threshold_of(flag: Mapping[str, Any]) -> Message | None:
    """Give the threshold of a flag."""
    threshold = flag["evidence"].get("threshold")
    return None if threshold is None else Message("{threshold:.1f} °C", threshold=threshold)
