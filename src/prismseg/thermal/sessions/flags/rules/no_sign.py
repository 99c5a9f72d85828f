"""Flag of soles that show no rise, late in the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prismseg.base import Message
from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, Side
from prismseg.thermal.sessions.changes import Value, delta
from prismseg.thermal.sessions.flags.curves import SessionCurves
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.flags.persistence import possible_rise
from prismseg.thermal.sessions.flags.rule import FlagRule
from prismseg.thermal.sessions.flags.rules.wording import show_change, state_reserves
from prismseg.thermal.sessions.thresholds import ThresholdSettings, threshold

SOURCE = Message("Bruins 2018: toe rise at 20 min in 14 of 29 working blocks, negative predictive value 17 %")


@dataclass(frozen=True)
class NoSignSettings(ThresholdSettings):
    """When soles show no thermal sign, after Bruins 2018."""

    no_sign: float = threshold(1.0, "°C", "Rise below which a sole shows no thermal sign.")
    no_sign_minute: float = threshold(20.0, "min", "When this is asked.")


def find_no_sign(curves: SessionCurves, settings: NoSignSettings) -> list[Flag]:
    """Find that neither sole is warmer than at baseline, late in the session, unless the background may hide it."""
    if any(flag.name == "warming" for flag in curves.found):
        return []
    asked = [entry for entry in curves.later if entry.minute >= settings.no_sign_minute - curves.lasting.tolerance]
    if not asked:
        return []
    last = asked[-1]
    rises: dict[Side, Value] = {side: delta(last, curves.t0, side) for side in curves.sides}
    possible = [possible_rise(last, curves.t0, side) for side in curves.sides]
    if not all(rise.value < settings.no_sign for rise in possible):
        return []
    certain = all(rise.high < settings.no_sign for rise in (*rises.values(), *possible))
    warm = [flag.side for flag in curves.found if flag.name == "uninformative" and flag.side is not None]
    sentences = [
        _what_was_found(rises, last.minute, settings.no_sign),
        Message(
            "This does NOT exclude a working block: in one study the toes had warmed at 20 min in only 14 of 29 working "
            "blocks."
        ),
    ]
    if len(warm) == 1:
        sentences.append(Message("The baseline left no headroom for a rise ({side}).", side=SIDE_NAMES[warm[0]]))
    elif warm:
        sentences.append(Message("The baseline left no headroom for a rise (left and right)."))
    cautions = curves.cautions([last])
    sentence = Message.joined([*sentences, *state_reserves(certain, cautions)])
    evidence = {
        "delta": {side: rise.value for side, rise in rises.items()},
        "delta_error": {side: rise.error for side, rise in rises.items()},
        "threshold": settings.no_sign,
        "within_uncertainty": not certain,
        "no_headroom": warm,
        "cautions": cautions,
    }
    return [Flag("no thermal sign yet", "notice", None, (last.minute,), sentence, evidence, SOURCE)]


def _what_was_found(rises: Mapping[Side, Value], minute: float, threshold: float) -> Message:
    if len(rises) == 1:
        ((side, rise),) = rises.items()
        return Message(
            "At {minute:g} min the {side} sole is not warmer than at baseline by {threshold:g} °C ({value:+.1f} ± "
            "{error:.1f} °C).",
            minute=minute,
            side=SIDE_NAMES[side],
            threshold=threshold,
            value=rise.value,
            error=Z95 * rise.error,
        )
    return Message(
        "At {minute:g} min neither sole is warmer than at baseline by {threshold:g} °C (left {left:+.1f} ± "
        "{left_error:.1f}, right {right:+.1f} ± {right_error:.1f} °C).",
        minute=minute,
        threshold=threshold,
        left=rises["left"].value,
        left_error=Z95 * rises["left"].error,
        right=rises["right"].value,
        right_error=Z95 * rises["right"].error,
    )


def _show_value(evidence: Mapping[str, Any]) -> Message:
    changes = [
        Message(
            "{side} {change}",
            side=SIDE_NAMES[side],
            change=show_change(evidence["delta"][side], evidence["delta_error"][side]),
        )
        for side in SIDES
        if side in evidence["delta"]
    ]
    return Message.joined(changes, ", ")


RULE = FlagRule(
    NoSignSettings,
    find_no_sign,
    title=Message("No thermal sign yet"),
    caveat=Message("It does NOT mean that the block has failed. Ask the patient and test with cold."),
    show_value=_show_value,
)
