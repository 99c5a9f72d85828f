"""Flag of a sole that was warm before the block, so that no rise can be expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prismseg.base import Message
from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDE_NAMES, Side
from prismseg.thermal.sessions.flags.curves import SessionCurves
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.flags.rule import FlagRule
from prismseg.thermal.sessions.flags.rules.wording import state_reserves
from prismseg.thermal.sessions.thresholds import ThresholdSettings, threshold

SOURCE = Message("plateau of a vasodilated foot at about 34 °C")


@dataclass(frozen=True)
class UninformativeSettings(ThresholdSettings):
    """When a baseline leaves no headroom."""

    no_headroom: float = threshold(33.5, "°C", "Baseline of a whole sole from which a rise cannot be expected.")


def find_uninformative(curves: SessionCurves, settings: UninformativeSettings) -> list[Flag]:
    """Find the soles that were warm at baseline."""
    return [flag for side in curves.sides for flag in _find_on(side, curves, settings)]


def _find_on(side: Side, curves: SessionCurves, settings: UninformativeSettings) -> list[Flag]:
    mean = curves.baseline_mean(side)
    if not mean.value >= settings.no_headroom:
        return []
    certain = mean.low >= settings.no_headroom
    finding = Message(
        "The {side} sole had {mean:.1f} ± {error:.1f} °C at baseline, close to the plateau of a warm foot at "
        "about 34 °C: a rise cannot be expected, and its absence says nothing.",
        side=SIDE_NAMES[side],
        mean=mean.value,
        error=Z95 * mean.error,
    )
    cautions = curves.cautions([])
    evidence = {
        "baseline": mean.value,
        "baseline_error": mean.error,
        "threshold": settings.no_headroom,
        "within_uncertainty": not certain,
        "cautions": cautions,
    }
    sentence = Message.joined([finding, *state_reserves(certain, cautions)])
    return [Flag("uninformative", "notice", side, (curves.t0.minute,), sentence, evidence, SOURCE)]


def _show_value(evidence: Mapping[str, Any]) -> Message:
    return Message(
        "{value:.1f} ± {error:.1f} °C", value=evidence["baseline"], error=Z95 * evidence["baseline_error"]
    )


RULE = FlagRule(
    UninformativeSettings,
    find_uninformative,
    title=Message("Uninformative baseline"),
    caveat=Message("It does not mean that the block works, nor that it does not: a warm foot cannot tell."),
    show_value=_show_value,
)
