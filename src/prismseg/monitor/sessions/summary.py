"""Summaries of measured frames and flags as plain numbers and sentences, as they are stored and sent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from prismseg.base import Message
from prismseg.thermal import REGIONS, SIDES, Entry, Flag, Session, Value
from prismseg.thermal.frames.frame import same_conditions
from prismseg.thermal.sessions.changes import find_estimate


def summarize_entry(session: Session, entry: Entry) -> dict[str, Any]:
    """Summarize an entry: values by side and region, differences by region, reason, cautions.

    Numbers are rounded to 0.1 mK, far below what they mean, and None where there are none.
    """
    return {
        "values": {side: {region: _region(session, entry, side, region) for region in REGIONS} for side in SIDES},
        "differences": {region: _interval(session.difference(entry, region)) for region in REGIONS},
        "reason": [each.sentence.to_json() for each in entry.observations if each.fatal],
        "cautions": [each.sentence.to_json() for each in entry.observations if not each.fatal],
        "baseline": entry is session.baseline,
        "comparable": _comparable(session, entry),
    }


def summarize_flags(session: Session) -> list[dict[str, Any]]:
    """Summarize all flags of a session."""
    return [_flag(flag) for flag in session.flags()]


def _comparable(session: Session, entry: Entry) -> bool:
    """Tell whether the frame was taken as the baseline was, as far as there are both."""
    first = session.baseline
    if first is None or first.frame is None or entry.frame is None:
        return True
    return same_conditions(entry.frame, first.frame)


def _region(session: Session, entry: Entry, side: Any, region: str) -> dict[str, Any]:
    estimate = find_estimate(entry, side, region)
    mean = Value() if estimate is None else Value(estimate.mean, estimate.error)
    return {
        "mean": _interval(mean),
        "delta": _interval(session.delta(entry, side, region)),
        "rate": _interval(session.rate(entry, side, region)),
        "sd": None if estimate is None else _number(estimate.sd),
        "median": None if estimate is None else _number(estimate.median),
        "pixels": 0 if estimate is None else estimate.pixels,
    }


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "name": flag.name,
        "level": flag.level,
        "side": flag.side,
        "minutes": list(flag.minutes),
        "sentence": flag.sentence.to_json(),
        "evidence": to_plain(flag.evidence),
        "source": flag.source.to_json(),
    }


def _interval(value: Value) -> dict[str, float | None]:
    return {"value": _number(value.value), "error": _number(value.error)}


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def to_plain(value: Any) -> Any:
    """Bring evidence into a form that JSON has."""
    if isinstance(value, Message):
        return value.to_json()
    if isinstance(value, Mapping):
        return {str(name): to_plain(each) for name, each in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, Iterable):
        return [to_plain(each) for each in value]
    return _number(value) if isinstance(value, float) else value
