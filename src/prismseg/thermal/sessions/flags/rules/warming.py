"""Flag of a sole that is warmer than at baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prismseg.base import ConfigError, Message
from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDE_NAMES, Side
from prismseg.thermal.sessions.changes import Value
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.flags.curves import SessionCurves
from prismseg.thermal.sessions.flags.flag import Flag, Level
from prismseg.thermal.sessions.flags.persistence import (
    Run,
    confirmed_runs,
    conservative_rise,
    fastest_rate,
    rolling_median,
    trailing_run,
)
from prismseg.thermal.sessions.flags.rule import FlagRule
from prismseg.thermal.sessions.flags.rules.wording import show_change, show_minutes, state_reserves
from prismseg.thermal.sessions.thresholds import ThresholdSettings, threshold

SOURCE = Message("Stevens 2006; Park, 185 lumbar sympathetic blocks, AUC .971")


@dataclass(frozen=True)
class WarmingSettings(ThresholdSettings):
    """When a sole counts as warmer, after Stevens 2006 and Park's lumbar sympathetic blocks."""

    warming: float = threshold(1.0, "°C", "Rise of a whole sole from baseline.")
    clear_warming: float = threshold(2.0, "°C", "Rise that makes a warming clear.")
    clear_rate: float = threshold(0.4, "°C/min", "Rate that makes a warming clear.")
    rate_minutes: float = threshold(1.0, "min", "Shortest time over which a rate is judged.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clear_warming < self.warming:
            raise ConfigError(
                Message(
                    "Clear warming from {clear:g} °C lies below warming from {warming:g} °C.",
                    clear=self.clear_warming,
                    warming=self.warming,
                )
            )


def find_warming(curves: SessionCurves, settings: WarmingSettings) -> list[Flag]:
    """Find when a sole was warmer than at baseline, and whether clearly.

    A rise counts when it lasts, when its 95 % interval does not hold 0, and only as far as it exceeds the background's.
    """
    return [flag for side in curves.sides for flag in _find_on(side, curves, settings)]


def _find_on(side: Side, curves: SessionCurves, settings: WarmingSettings) -> list[Flag]:
    later, lasting = curves.later, curves.lasting

    def rise(entry: Entry) -> Value:
        return conservative_rise(entry, curves.t0, side)

    def holds(value: Value) -> bool:
        return value.value >= settings.warming and value.low > 0

    points = rolling_median(later, rise, lasting.persistence)
    flags = []
    for run in confirmed_runs(points, holds, lasting.enough):
        fastest = fastest_rate(points, curves.t0, run, side, settings.rate_minutes)
        flags.append(_confirmed(curves, settings, side, run, fastest))
    last = trailing_run(later, rise, holds, lasting.enough)
    if last is not None:
        flags.append(_unconfirmed(curves, settings, side, last))
    return flags


def _confirmed(curves: SessionCurves, settings: WarmingSettings, side: Side, run: Run, fastest: Value) -> Flag:
    highest = max(run.values, key=lambda found: found.value)
    by_rise = highest.value >= settings.clear_warming
    by_rate = fastest.value >= settings.clear_rate and fastest.low > 0
    sentences = [
        Message(
            "The {side} sole was warmer than at baseline by {threshold:g} °C or more in {frames} consecutive "
            "frames ({when}), by at most {value:.1f} ± {error:.1f} °C.",
            side=SIDE_NAMES[side],
            threshold=settings.warming,
            frames=len(run.points),
            when=show_minutes(run.minutes),
            value=highest.value,
            error=Z95 * highest.error,
        )
    ]
    if by_rise or by_rate:
        certain = (by_rise and highest.low >= settings.clear_warming) or (
            by_rate and fastest.low >= settings.clear_rate
        )
        sentences.append(Message("The rise is clear.") if by_rise else _clear_by_rate(fastest))
    else:
        certain = bool(
            confirmed_runs(run.points, lambda value: value.low >= settings.warming, curves.lasting.enough)
        )
    rates = {"fastest_rate": fastest.value, "fastest_rate_error": fastest.error}
    return _flag(
        curves, settings, "clear" if by_rise or by_rate else "present", side, run, sentences, rates, certain
    )


def _unconfirmed(curves: SessionCurves, settings: WarmingSettings, side: Side, last: Run) -> Flag:
    highest = max(last.values, key=lambda found: found.value)
    sentence = Message(
        "The {side} sole was warmer than at baseline by {value:.1f} ± {error:.1f} °C, but only at the end of the "
        "session ({when}): not confirmed by a frame {minutes:g} min later. Take another one.",
        side=SIDE_NAMES[side],
        value=highest.value,
        error=Z95 * highest.error,
        when=show_minutes(last.minutes),
        minutes=curves.lasting.persistence,
    )
    return _flag(curves, settings, "unconfirmed", side, last, [sentence], {}, highest.low >= settings.warming)


def _flag(
    curves: SessionCurves,
    settings: WarmingSettings,
    level: Level,
    side: Side,
    run: Run,
    sentences: Sequence[Message],
    rates: dict[str, float],
    certain: bool,
) -> Flag:
    cautions = curves.cautions(run.frames)
    evidence = {
        "delta": [rise.value for rise in run.values],
        "delta_error": [rise.error for rise in run.values],
        **rates,
        "threshold": settings.warming,
        "clear_threshold": settings.clear_warming,
        "clear_rate": settings.clear_rate,
        "within_uncertainty": not certain,
        "cautions": cautions,
    }
    sentence = Message.joined([*sentences, *state_reserves(certain, cautions)])
    return Flag("warming", level, side, run.minutes, sentence, evidence, SOURCE)


def _clear_by_rate(rate: Value) -> Message:
    return Message(
        "The rise is clear by its rate of {rate:+.1f} ± {error:.1f} °C/min.",
        rate=rate.value,
        error=Z95 * rate.error,
    )


def _show_value(evidence: Mapping[str, Any]) -> Message:
    highest = max(range(len(evidence["delta"])), key=lambda k: evidence["delta"][k])
    return show_change(evidence["delta"][highest], evidence["delta_error"][highest])


RULE = FlagRule(
    WarmingSettings,
    find_warming,
    title=Message("Warming"),
    caveat=Message(
        "It is a sign of sympathetic block. It does not prove that pain is relieved, nor how high the block reaches."
    ),
    show_value=_show_value,
)
