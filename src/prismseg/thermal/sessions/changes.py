"""Changes from baseline and over time, and the difference of left and right, each with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDES, WHOLE_SOLE, Side
from prismseg.thermal.frames.frame import same_conditions
from prismseg.thermal.sessions.background import BackgroundShift
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.means.estimate import Estimate
from prismseg.thermal.sessions.shared import shared_estimates


@dataclass(frozen=True)
class Value:
    """A number and its standard error; both NaN where there is none.

    Attributes
    ----------
    value, error : float
        °C, or °C/min for rates.

    Examples
    --------
    >>> change = Value(1.0, 0.1)
    >>> str(change), round(change.low, 2), round(change.high, 2)
    ('+1.0 ± 0.2', 0.8, 1.2)
    >>> Value().known
    False
    """

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


UNKNOWN = Value()
# Inverse of the share of a mean's error by the contour that must be of first order for the error's direction to be
# certain; chosen on simulated sessions (`benchmarks/thermal.py`).
_CERTAIN_DIRECTION = 4.0
# A camera's offset drifts much, but not wholly, alike all over the picture: share of the background's change by which
# that at the soles may differ; chosen on simulated cameras.
_UNEVEN_DRIFT = 0.1
# Correlation, in two frames of a session, of the error by where feet seen from above end; chosen on simulated sessions.
_SAME_END = 0.95


def find_estimate(entry: Entry | None, side: Side, region: str) -> Estimate | None:
    """Find the temperature of a region; None where it has no pixel or the frame no numbers."""
    if entry is None or not entry.ok:
        return None
    found = entry.estimates.get(side, {}).get(region)
    return None if found is None or found.pixels == 0 else found


def background_change(entry: Entry, baseline: Entry | None) -> Value:
    """Measure the background's change from t0 in °C; unknown where it cannot be measured.

    The camera's offset drifted, or the room became warmer or colder: either way the soles' temperatures are no more
    certain than this.
    """
    shift = _shift(entry, baseline)
    if shift is None:
        return UNKNOWN
    return Value(0.0, 0.0) if entry is baseline else Value(shift.value, shift.error)


def delta(entry: Entry, baseline: Entry | None, side: Side, region: str = WHOLE_SOLE) -> Value:
    """Measure a region's change from t0 in °C; unknown between frames of other cameras or parameters.

    What is wrong by the same amount in both frames cancels: calibration, and the contour's error as far as it is the same
    (`ErrorModel.correlation`). The background's change enters the error as a standard deviation, since it may be the
    camera's; where the background cannot tell, the frames' common errors add. At baseline itself the change is 0 by
    definition, without error.
    """
    if entry is baseline and find_estimate(entry, side, region) is not None:
        return Value(0.0, 0.0)
    pair = _pair(entry, baseline, side, region)
    if pair is None:
        return UNKNOWN
    now, before = pair
    shift = _shift_at(entry, baseline, side)
    offset = math.hypot(now.common, before.common) if shift is None else math.hypot(shift.value, shift.error)
    return Value(now.mean - before.mean, math.hypot(_own(now, before), offset))


def beyond_background(entry: Entry, baseline: Entry | None, side: Side, region: str = WHOLE_SOLE) -> Value:
    """Measure a region's change from t0 less the background's, in °C; unknown where the background cannot tell.

    It is right where the camera's offset drifted. Where the room itself became warmer or colder, `delta` is.
    """
    if entry is baseline and find_estimate(entry, side, region) is not None:
        return Value(0.0, 0.0)
    pair = _pair(entry, baseline, side, region)
    if pair is None:
        return UNKNOWN
    now, before = pair
    shift = _shift_at(entry, baseline, side)
    if shift is None:
        return UNKNOWN
    error = math.hypot(_own(now, before), shift.error, _UNEVEN_DRIFT * shift.value)
    return Value(now.mean - before.mean - shift.value, error)


def rate(entry: Entry, before: Entry | None, side: Side, region: str = WHOLE_SOLE) -> Value:
    """Measure a region's change since an earlier frame in °C/min.

    Sessions take the last measured frame before. A slope over more frames would be steadier but late, and the rise after
    a block is a step with a bend, not a line.
    """
    change = delta(entry, before, side, region)
    if before is None or entry.minute <= before.minute:
        return UNKNOWN
    minutes = entry.minute - before.minute
    return Value(change.value / minutes, change.error / minutes)


def asymmetry(entry: Entry, baseline: Entry | None, region: str = WHOLE_SOLE) -> Value:
    """Measure right minus left in °C, less what it was at t0; what a frame's pixels share cancels.

    The difference between the background's changes at both soles is part of the error.
    """
    if entry is baseline and all(find_estimate(entry, side, region) is not None for side in SIDES):
        return Value(0.0, 0.0)
    pairs = [pair for side in SIDES if (pair := _pair(entry, baseline, side, region)) is not None]
    if len(pairs) < len(SIDES):
        return UNKNOWN
    (left, left_before), (right, right_before) = pairs
    offsets = [_shift_at(entry, baseline, side) for side in SIDES]
    one, other = (0.0 if offset is None else offset.value for offset in offsets)
    return Value(
        (right.mean - right_before.mean) - (left.mean - left_before.mean),
        math.hypot(_own(right, right_before), _own(left, left_before), one - other),
    )


def _pair(entry: Entry, baseline: Entry | None, side: Side, region: str) -> tuple[Estimate, Estimate] | None:
    """Give a region's temperatures in two frames, over the part that both show; None where they cannot be compared."""
    if baseline is None or not comparable(entry, baseline):
        return None
    now, before = find_estimate(entry, side, region), find_estimate(baseline, side, region)
    if now is None or before is None:
        return None
    return shared_estimates(entry, baseline, side, region, (now, before))


def _own(now: Estimate, before: Estimate) -> float:
    """Give the standard error of a change by noise and contour.

    A contour that is too wide in both frames takes in too much background in both: this cancels as far as the errors are
    shared, but adds where the sole was colder than the background before and is warmer now.
    """
    together = (
        min(now.correlation, before.correlation) * _direction(now) * _direction(before) * now.mask * before.mask
    )
    mask = now.mask**2 + before.mask**2 - 2 * together
    alike = min(now.placing_correlation, before.placing_correlation)
    placing = now.placing**2 + before.placing**2 - 2 * alike * now.placing * before.placing
    leg = now.leg**2 + before.leg**2 - 2 * _SAME_END * now.leg * before.leg
    shared = (math.sqrt(max(variance, 0.0)) for variance in (mask, placing, leg))
    apart = now.parts - before.parts, now.unlike - before.unlike
    return math.hypot(now.noise, before.noise, *apart, *shared)


def _direction(estimate: Estimate) -> float:
    """Tell whether a wider contour makes the mean warmer (1), colder (-1), or hardly moves it (between)."""
    if estimate.mask == 0:
        return 0.0
    return min(max(_CERTAIN_DIRECTION * estimate.outward / estimate.mask, -1.0), 1.0)


def _shift(entry: Entry, baseline: Entry | None) -> BackgroundShift | None:
    if (
        baseline is None
        or entry.background is None
        or baseline.background is None
        or not comparable(entry, baseline)
    ):
        return None
    return entry.background.shift_from(baseline.background)


def _shift_at(entry: Entry, baseline: Entry | None, side: Side) -> Value | None:
    """Give the background's change at the place of one sole."""
    shift, soles = _shift(entry, baseline), entry.soles
    if shift is None or soles is None or soles.track is None:
        return None
    place, (height, width) = soles.track.place(side), soles.cleaned.shape
    if place is None:
        return None
    row, column = place
    return Value(shift.at(row, column * height / width), shift.error)


def comparable(entry: Entry, other: Entry | None) -> bool:
    """Tell whether two frames come from the same camera, kind of file and parameters, and name the same feet alike."""
    if other is not None and other is not entry and (entry.sides_open or other.sides_open):
        return False
    frames = [each.frame for each in (entry, other) if each is not None and each.frame is not None]
    return len(frames) < 2 or same_conditions(*frames)
