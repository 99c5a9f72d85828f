"""Checks of the camera's offset: jumps between frames, and drift since the baseline."""

from __future__ import annotations

from prismseg.base import Message
from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, WHOLE_SOLE, Side
from prismseg.thermal.sessions.changes import (
    Value,
    background_change,
    beyond_background,
    comparable,
    find_estimate,
)
from prismseg.thermal.sessions.checks.settings import QualitySettings
from prismseg.thermal.sessions.entry import Concern, Entry, Observation

# Share of a jump by which both soles' changes may differ from it; chosen on simulated sessions.
_SOLES_DIFFER = 0.5


def check_drift(
    entry: Entry, before: Entry | None, baseline: Entry | None, settings: QualitySettings
) -> list[Observation]:
    """Compare a measured frame's background with the frame before and with the baseline.

    Parameters
    ----------
    entry : Entry
        The frame, measured.
    before : Entry or None
        The last measured frame before it.
    baseline : Entry or None
        t0, for a frame after it.
    settings : QualitySettings
        Thresholds.
    """
    jump = [] if before is None else _jump(entry, before, settings)
    if baseline is None or entry.minute <= baseline.minute or (jump and before is baseline):
        return jump  # one sentence is enough for one change
    return jump + _drift(entry, baseline, settings)


def _jump(entry: Entry, before: Entry, settings: QualitySettings) -> list[Observation]:
    """Find a jump that the background shares with both soles: the camera's offset changed, not the feet."""
    jump = background_change(entry, before).value
    sides = [side for side in SIDES if side in entry.estimates and side in before.estimates]
    moved = [_mean(entry, side) - _mean(before, side) for side in sides]
    shared = bool(moved) and all(abs(each - jump) <= _SOLES_DIFFER * abs(jump) for each in moved)
    if not abs(jump) >= settings.jump or not shared:
        return []
    sentence = Message(
        "The whole frame, background included, jumped by {jump:+.1f} °C since the frame before: a shutter event "
        "or another change of the camera's offset, not of the feet. Take the frame again.",
        jump=jump,
    )
    return [Observation(Concern.SHUTTER, sentence)]


def _drift(entry: Entry, baseline: Entry, settings: QualitySettings) -> list[Observation]:
    """State how far the background has changed since the baseline, and what of the soles' changes exceeds that."""
    if not comparable(entry, baseline):
        return []
    found = background_change(entry, baseline)
    if not found.known:
        sentence = Message(
            "Whether the camera drifted since t0 cannot be told: too little background is seen in both frames, or its "
            "parts changed unlike each other. A drift would look like a change of both soles."
        )
        return [Observation(Concern.DRIFT, sentence)]
    if abs(found.value) < max(settings.drift, Z95 * found.error):
        return []
    beyond: dict[Side, Value] = {side: beyond_background(entry, baseline, side) for side in SIDES}
    changes = [
        Message(
            "the {side} sole changed by {value:+.1f} ± {error:.1f} °C",
            side=SIDE_NAMES[side],
            value=value.value,
            error=Z95 * value.error,
        )
        for side, value in beyond.items()
        if value.known
    ]
    sentence = Message(
        "The background has changed by {value:+.1f} ± {error:.1f} °C since t0: the camera drifted, or the room's "
        "temperature changed. Beyond it {changes}.",
        value=found.value,
        error=Z95 * found.error,
        changes=Message.joined(changes, "; ") if changes else Message("nothing can be said of the soles"),
    )
    return [Observation(Concern.DRIFT, sentence, size=abs(found.value))]


def _mean(entry: Entry, side: Side) -> float:
    estimate = find_estimate(entry, side, WHOLE_SOLE)
    return float("nan") if estimate is None else estimate.mean
