"""Titles of flags, the value and threshold each rests on, and what each does not mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prismseg.base import Message
from prismseg.base.constants import Z95

TITLES: Mapping[str, Message] = {
    "warming": Message("Warming"),
    "asymmetric": Message("Soles changed unlike each other"),
    "no thermal sign yet": Message("No thermal sign yet"),
    "uninformative": Message("Uninformative baseline"),
    "quality": Message("Quality of the recording"),
}

CAVEATS: Mapping[str, Message] = {
    "warming": Message(
        "It is a sign of sympathetic block. It does not prove that pain is relieved, nor how high the block reaches."
    ),
    "asymmetric": Message(
        "It does not prove a one-sided block: a blanket, the way the feet lie, or a vessel may do the same."
    ),
    "no thermal sign yet": Message(
        "It does NOT mean that the block has failed. Ask the patient and test with cold."
    ),
    "uninformative": Message(
        "It does not mean that the block works, nor that it does not: a warm foot cannot tell."
    ),
    "quality": Message("It says nothing of the block: it concerns the recording alone."),
}


def value_of(flag: Mapping[str, Any]) -> Message | None:
    """Give the number that a flag rests on, with its 95 % interval."""
    evidence, name = flag["evidence"], flag["name"]
    if name == "warming":
        k = max(range(len(evidence["delta"])), key=lambda k: evidence["delta"][k])
        return _degrees(evidence["delta"][k], evidence["delta_error"][k])
    if name == "asymmetric":
        k = max(range(len(evidence["error"])), key=lambda k: abs(evidence["right_minus_left"][k]))
        return _degrees(evidence["right_minus_left"][k], evidence["error"][k])
    if name == "no thermal sign yet":
        return Message(
            "left {left}, right {right}",
            left=_degrees(evidence["delta"]["left"], evidence["delta_error"]["left"]),
            right=_degrees(evidence["delta"]["right"], evidence["delta_error"]["right"]),
        )
    if name == "uninformative":
        return Message(
            "{value:.1f} ± {error:.1f} °C", value=evidence["baseline"], error=Z95 * evidence["baseline_error"]
        )
    return None


def threshold_of(flag: Mapping[str, Any]) -> Message | None:
    """Give the threshold of a flag."""
    threshold = flag["evidence"].get("threshold")
    return None if threshold is None else Message("{threshold:.1f} °C", threshold=threshold)


def _degrees(value: float, error: float) -> Message:
    return Message("{value:+.1f} ± {error:.1f} °C", value=value, error=Z95 * error)
