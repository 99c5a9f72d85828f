"""Changes from baseline and over time, left against right, each with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from prismseg.thermal.entry import Entry
from prismseg.thermal.frame import same_conditions
from prismseg.thermal.sides import Side
from prismseg.thermal.uncertainty import WHOLE, Z95, Estimate


@dataclass(frozen=True)
class Value:
    """A number and its standard error; both NaN where there is none."""

    value: float = math.nan
    error: float = math.nan

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - Z95 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + Z95 * self.error

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return not math.isnan(self.value)

    def __str__(self) -> str:
        return f"{self.value:+.1f} ± {Z95 * self.error:.1f}"


NOTHING = Value()


def estimate_of(entry: Entry | None, side: Side, region: str) -> Estimate | None:
    """Temperature of a region, None where it has no pixel or the frame no numbers."""
    if entry is None or not entry.ok:
        return None
    found = entry.estimates.get(side, {}).get(region)
    return None if found is None or found.pixels == 0 else found


def delta(entry: Entry, baseline: Entry | None, side: Side, region: str = WHOLE) -> Value:
    """Change from baseline in °C; none between frames of other cameras or parameters.

    The errors of both frames add as if independent; what is wrong by the same amount in both cancels. At baseline itself
    it is 0 by definition, without error.
    """
    now, before = estimate_of(entry, side, region), estimate_of(baseline, side, region)
    if now is None or before is None or not _comparable(entry, baseline):
        return NOTHING
    return (
        Value(0.0, 0.0)
        if entry is baseline
        else Value(now.mean - before.mean, math.hypot(now.error, before.error))
    )


def rate(entry: Entry, before: Entry | None, side: Side, region: str = WHOLE) -> Value:
    """Change since the frame before in °C/min.

    The frame before is the last one with numbers. A slope over more frames would be steadier but late, and a rise after a
    block is a step with a bend, not a line.
    """
    change = delta(entry, before, side, region)
    if before is None or entry.minute <= before.minute:
        return NOTHING
    minutes = entry.minute - before.minute
    return Value(change.value / minutes, change.error / minutes)


def asymmetry(entry: Entry, baseline: Entry | None, region: str = WHOLE) -> Value:
    """Right minus left in °C, less what it was at baseline; what a frame's pixels share cancels."""
    four = [estimate_of(frame, side, region) for frame in (entry, baseline) for side in ("right", "left")]
    if any(estimate is None for estimate in four) or not _comparable(entry, baseline):
        return NOTHING
    if entry is baseline:
        return Value(0.0, 0.0)
    right, left, right_before, left_before = (estimate for estimate in four if estimate is not None)
    return Value(
        (right.mean - right_before.mean) - (left.mean - left_before.mean),
        math.hypot(right.own, left.own, right_before.own, left_before.own),
    )


def _comparable(entry: Entry, other: Entry | None) -> bool:
    frames = [each.frame for each in (entry, other) if each is not None and each.frame is not None]
    return len(frames) < 2 or same_conditions(*frames)
