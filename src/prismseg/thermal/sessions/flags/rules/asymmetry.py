"""Flag of soles whose changes from baseline differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prismseg.base import Message
from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, Side
from prismseg.thermal.sessions.changes import Value, asymmetry, delta
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.flags.curves import SessionCurves
from prismseg.thermal.sessions.flags.flag import Flag, Level
from prismseg.thermal.sessions.flags.persistence import Run, confirmed_runs, rolling_median, trailing_run
from prismseg.thermal.sessions.flags.rule import FlagRule
from prismseg.thermal.sessions.flags.rules.wording import show_change, show_minutes, state_reserves
from prismseg.thermal.sessions.thresholds import ThresholdSettings, threshold

SOURCE = Message("labour study, n=60: rho .40 at 5 min to .60 at 30 min")


@dataclass(frozen=True)
class AsymmetrySettings(ThresholdSettings):
    """When the soles' changes count as different; the difference is of use from about 10 min on."""

    asymmetric: float = threshold(1.0, "°C", "Difference of both soles' changes from baseline.")
    asymmetric_minute: float = threshold(10.0, "min", "First minute at which it counts.")


def find_asymmetry(curves: SessionCurves, settings: AsymmetrySettings) -> list[Flag]:
    """Find a difference between both soles' changes."""
    lasting, later = curves.lasting, curves.later
    first = settings.asymmetric_minute - lasting.tolerance
    flags = []
    for side in SIDES:
        sign = 1 if side == "right" else -1

        def value_of(entry: Entry) -> Value:
            return asymmetry(entry, curves.t0)

        def holds(value: Value, sign: int = sign) -> bool:
            return sign * value.value >= settings.asymmetric and abs(value.value) > Z95 * value.error

        points = [
            point
            for point in rolling_median(later, value_of, lasting.persistence, sign=sign)
            if point.minute >= first
        ]
        for run in confirmed_runs(points, holds, lasting.enough):
            flags.append(_flag(curves, settings, "present", side, run))
        last = trailing_run([entry for entry in later if entry.minute >= first], value_of, holds, lasting.enough)
        if last is not None:
            flags.append(_flag(curves, settings, "unconfirmed", side, last))
    return flags


def _flag(curves: SessionCurves, settings: AsymmetrySettings, level: Level, side: Side, run: Run) -> Flag:
    lasting = curves.lasting
    threshold = settings.asymmetric
    largest = max(run.points, key=lambda point: abs(point.value.value))
    other: Side = "left" if side == "right" else "right"
    changes: dict[Side, Value] = {each: delta(largest.entry, curves.t0, each) for each in SIDES}

    def sure(value: Value) -> bool:
        return abs(value.value) - Z95 * value.error >= threshold

    certain = bool(confirmed_runs(run.points, sure, lasting.enough)) if level == "present" else sure(largest.value)
    numbers = {
        "threshold": threshold,
        "value": abs(largest.value.value),
        "error": Z95 * largest.value.error,
        "when": show_minutes(run.minutes),
        "left": changes["left"].value,
        "left_error": Z95 * changes["left"].error,
        "right": changes["right"].value,
        "right_error": Z95 * changes["right"].error,
    }
    sentences = [
        _what_happened(side, other, changes),
        Message(
            "Their changes from baseline differed by {threshold:g} °C or more in {frames} consecutive frames "
            "({when}), by at most {value:.1f} ± {error:.1f} °C (then left {left:+.1f} ± {left_error:.1f}, right "
            "{right:+.1f} ± {right_error:.1f} °C).",
            frames=len(run.points),
            **numbers,
        )
        if level == "present"
        else Message(
            "Their changes from baseline differed by {value:.1f} ± {error:.1f} °C (left {left:+.1f} ± "
            "{left_error:.1f}, right {right:+.1f} ± {right_error:.1f} °C), but only at the end of the session "
            "({when}): not confirmed by a frame {minutes:g} min later. Take another one.",
            minutes=lasting.persistence,
            **numbers,
        ),
    ]
    cautions = curves.cautions(run.frames)
    sentence = Message.joined([*sentences, *state_reserves(certain, cautions)])
    evidence = {
        "right_minus_left": [value.value for value in run.values],
        "error": [value.error for value in run.values],
        "delta": {each: change.value for each, change in changes.items()},
        "threshold": threshold,
        "within_uncertainty": not certain,
        "cautions": cautions,
    }
    return Flag("asymmetric", level, side, run.minutes, sentence, evidence, SOURCE)


def _what_happened(side: Side, other: Side, changes: dict[Side, Value]) -> Message:
    """Say which sole warmed and which cooled, where `side` is relatively warmer than `other`."""
    names = {"side": SIDE_NAMES[side], "other": SIDE_NAMES[other]}
    match _direction(changes[side]), _direction(changes[other]):
        case 1, 1:
            return Message("The {side} sole warmed more than the {other} one.", **names)
        case 1, 0:
            return Message("The {side} sole warmed, and the {other} one did not.", **names)
        case 1, -1:
            return Message("The {side} sole warmed, and the {other} one cooled.", **names)
        case 0, -1:
            return Message("The {other} sole cooled, and the {side} one did not.", **names)
        case -1, -1:
            return Message("The {other} sole cooled more than the {side} one.", **names)
    return Message("The {side} and the {other} sole changed unlike each other.", **names)


def _direction(change: Value) -> int:
    """1 where a sole warmed, -1 where it cooled, 0 where the interval holds 0."""
    return 1 if change.low > 0 else -1 if change.high < 0 else 0


def _show_value(evidence: Mapping[str, Any]) -> Message:
    largest = max(range(len(evidence["error"])), key=lambda k: abs(evidence["right_minus_left"][k]))
    return show_change(evidence["right_minus_left"][largest], evidence["error"][largest])


RULE = FlagRule(
    AsymmetrySettings,
    find_asymmetry,
    title=Message("Soles changed unlike each other"),
    caveat=Message(
        "It does not prove a one-sided block: a blanket, the way the feet lie, or a vessel may do the same."
    ),
    show_value=_show_value,
)
