"""Flag of toes that are warmer than at baseline, for those who compare with studies of toes; off by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prismseg.base import Message
from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, TOES, Side
from prismseg.thermal.sessions.changes import UNKNOWN, Value
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.flags.curves import SessionCurves
from prismseg.thermal.sessions.flags.flag import Flag, Level
from prismseg.thermal.sessions.flags.persistence import (
    Run,
    confirmed_runs,
    conservative_rise,
    rolling_median,
    trailing_run,
)
from prismseg.thermal.sessions.flags.rule import FlagRule
from prismseg.thermal.sessions.flags.rules.wording import show_change, show_minutes, state_reserves
from prismseg.thermal.sessions.thresholds import ThresholdSettings, threshold

SOURCE = Message("studies of blocks measure toes (Bruins 2018: toe rise at 20 min in 14 of 29 working blocks)")


@dataclass(frozen=True)
class ToeSettings(ThresholdSettings):
    """When toes count as warmer, for comparison with studies of toes; no threshold is established, so it is off."""

    toe_warming: float = threshold(
        0.0, "°C", "Rise of the mean of all toes of a sole from baseline; with 0 the toes raise no flag."
    )


def find_toe_warming(curves: SessionCurves, settings: ToeSettings) -> list[Flag]:
    """Find when the toes of a sole were warmer than at baseline.

    A rise counts as that of a whole sole does (`prismseg.thermal.sessions.flags.rules.warming`), and only in frames to
    which the regions of t0 were carried: toes that are missing from an outline would else be compared with the ball.
    """
    if settings.toe_warming == 0:
        return []
    return [flag for side in SIDES for flag in _find_on(side, curves, settings)]


def _find_on(side: Side, curves: SessionCurves, settings: ToeSettings) -> list[Flag]:
    later, lasting = curves.later, curves.lasting

    def rise(entry: Entry) -> Value:
        carried = side in entry.territories and entry.territories[side].method == "carried"
        return conservative_rise(entry, curves.t0, side, TOES) if carried else UNKNOWN

    def holds(value: Value) -> bool:
        return value.value >= settings.toe_warming and value.low > 0

    runs = confirmed_runs(rolling_median(later, rise, lasting.persistence), holds, lasting.enough)
    flags = [_flag(curves, settings, "present", side, run) for run in runs]
    last = trailing_run(later, rise, holds, lasting.enough)
    return flags if last is None else [*flags, _flag(curves, settings, "unconfirmed", side, last)]


def _flag(curves: SessionCurves, settings: ToeSettings, level: Level, side: Side, run: Run) -> Flag:
    highest = max(run.values, key=lambda found: found.value)
    numbers = {
        "side": SIDE_NAMES[side],
        "value": highest.value,
        "error": Z95 * highest.error,
        "when": show_minutes(run.minutes),
    }
    finding = (
        Message(
            "The toes of the {side} sole were warmer than at baseline by {threshold:g} °C or more in {frames} "
            "consecutive frames ({when}), by at most {value:.1f} ± {error:.1f} °C.",
            threshold=settings.toe_warming,
            frames=len(run.points),
            **numbers,
        )
        if level == "present"
        else Message(
            "The toes of the {side} sole were warmer than at baseline by {value:.1f} ± {error:.1f} °C, but only at the "
            "end of the session ({when}): not confirmed by a frame {minutes:g} min later. Take another one.",
            minutes=curves.lasting.persistence,
            **numbers,
        )
    )
    certain = (
        bool(confirmed_runs(run.points, lambda value: value.low >= settings.toe_warming, curves.lasting.enough))
        if level == "present"
        else highest.low >= settings.toe_warming
    )
    cautions = curves.cautions(run.frames)
    evidence = {
        "delta": [rise.value for rise in run.values],
        "delta_error": [rise.error for rise in run.values],
        "threshold": settings.toe_warming,
        "within_uncertainty": not certain,
        "cautions": cautions,
    }
    sentence = Message.joined([finding, *state_reserves(certain, cautions)])
    return Flag("toe warming", level, side, run.minutes, sentence, evidence, SOURCE)


def _show_value(evidence: Mapping[str, Any]) -> Message:
    highest = max(range(len(evidence["delta"])), key=lambda k: evidence["delta"][k])
    return show_change(evidence["delta"][highest], evidence["delta_error"][highest])


RULE = FlagRule(
    ToeSettings,
    find_toe_warming,
    title=Message("Warming of the toes"),
    caveat=Message(
        "It does not prove that pain is relieved, and its absence excludes nothing. Look at the outlines: toes as cold "
        "as the sheet may be missing, and what is called toes is then the front of the ball."
    ),
    show_value=_show_value,
)
