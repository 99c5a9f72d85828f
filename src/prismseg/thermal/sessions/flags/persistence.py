"""Changes that last: rises and rates of whole sessions, smoothed, and the runs of frames in which a condition holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prismseg.thermal.anatomy import WHOLE_SOLE, Side
from prismseg.thermal.sessions.changes import Value, beyond_background, delta, rate
from prismseg.thermal.sessions.entry import Entry

# Minutes by which captures that are meant to be a minute apart may be nearer to each other.
_SAME_TIME = 0.02


@dataclass(frozen=True)
class Point:
    """A value at a minute.

    Attributes
    ----------
    minute : float
        Since the test dose.
    value : Value
        What is judged at it.
    entry : Entry
        The frame that the value was measured in; of dense frames the one with the median.
    """

    minute: float
    value: Value
    entry: Entry


@dataclass(frozen=True)
class Run:
    """Consecutive points at which a condition holds.

    Attributes
    ----------
    points : tuple of Point
        In the order of time.
    lasting : bool
        Whether they are as many, and last as long, as is asked for.
    """

    points: tuple[Point, ...]
    lasting: bool

    @property
    def minutes(self) -> tuple[float, ...]:
        """When it held."""
        return tuple(point.minute for point in self.points)

    @property
    def frames(self) -> list[Entry]:
        """The frames that the values were measured in."""
        return [point.entry for point in self.points]

    @property
    def values(self) -> list[Value]:
        """What was found."""
        return [point.value for point in self.points]


@dataclass(frozen=True)
class Persistence:
    """How many consecutive frames, over how many minutes from the first to the last, make a change last.

    Examples
    --------
    >>> from prismseg.thermal import Entry, Value
    >>> points = [Point(minute, Value(1.2, 0.1), Entry(minute, "frame")) for minute in (5, 10)]
    >>> Persistence(frames=2, minutes=1.0)(points), Persistence(frames=3, minutes=1.0)(points)
    (True, False)
    """

    frames: int
    minutes: float

    def __call__(self, points: Sequence[Point]) -> bool:
        """Tell whether points are many and long enough."""
        if not points or len(points) < self.frames:
            return False
        return self.frames == 1 or points[-1].minute - points[0].minute >= self.minutes - _SAME_TIME


def conservative_rise(entry: Entry, baseline: Entry, side: Side, region: str = WHOLE_SOLE) -> Value:
    """Give a region's rise from baseline, as measured or beyond the background's, whichever is smaller."""
    measured, beyond = delta(entry, baseline, side, region), beyond_background(entry, baseline, side, region)
    return beyond if beyond.known and beyond.value < measured.value else measured


def possible_rise(entry: Entry, baseline: Entry, side: Side) -> Value:
    """Give a whole sole's rise from baseline, as measured or beyond the background's, whichever is larger."""
    measured, beyond = delta(entry, baseline, side), beyond_background(entry, baseline, side)
    return beyond if beyond.known and beyond.value > measured.value else measured


def conservative_rate(entry: Entry, before: Entry, side: Side) -> Value:
    """Give a whole sole's rate since an earlier frame, as measured or beyond the background's, the smaller; °C/min."""
    measured, beyond = rate(entry, before, side), beyond_background(entry, before, side)
    minutes = entry.minute - before.minute
    if not beyond.known or beyond.value / minutes >= measured.value:
        return measured
    return Value(beyond.value / minutes, beyond.error / minutes)


def rolling_median(
    entries: Sequence[Entry], value_of: Callable[[Entry], Value], minutes: float, *, sign: int = 1
) -> list[Point]:
    """Take the median of the values over the last minutes at each frame.

    Where frames are as far apart as that or farther, these are the values themselves.

    Parameters
    ----------
    entries : sequence of Entry
        In the order of time.
    value_of : callable
        The value of one frame.
    minutes : float
        Over which the median is taken.
    sign : {1, -1}
        Of an even number of values, the smaller of the middle two counts, or with -1 the larger one.
    """
    values = [value_of(entry) for entry in entries]
    points = []
    for k, entry in enumerate(entries):
        first = k
        while first and entry.minute - entries[first - 1].minute < minutes - _SAME_TIME:
            first -= 1
        known = [j for j in range(first, k + 1) if values[j].known]
        if not values[k].known:
            points.append(Point(entry.minute, values[k], entry))
            continue
        chosen = sorted(known, key=lambda j: sign * values[j].value)[(len(known) - 1) // 2]
        points.append(Point(entry.minute, values[chosen], entries[chosen]))
    return points


def split_runs(points: Sequence[Point], holds: Callable[[Value], bool], enough: Persistence) -> list[Run]:
    """Split points into the runs in which a condition holds, lasting or not."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if holds(point.value):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [Run(tuple(run), enough(run)) for run in runs if run]


def confirmed_runs(points: Sequence[Point], holds: Callable[[Value], bool], enough: Persistence) -> list[Run]:
    """Give the runs that last."""
    return [run for run in split_runs(points, holds, enough) if run.lasting]


def trailing_run(
    entries: Sequence[Entry],
    value_of: Callable[[Entry], Value],
    holds: Callable[[Value], bool],
    enough: Persistence,
) -> Run | None:
    """Give the run at the end that has not lasted long enough yet; None without such."""
    points = [Point(entry.minute, value_of(entry), entry) for entry in entries]
    last = split_runs(points, holds, enough)[-1:]
    return last[0] if last and last[0].points[-1] is points[-1] and not last[0].lasting else None


def fastest_rate(points: Sequence[Point], baseline: Entry, run: Run, side: Side, minutes: float) -> Value:
    """Give the highest rate at the points of a run, each since the last point at least some minutes earlier.

    Rates whose 95 % interval does not hold 0 come first.

    Parameters
    ----------
    points : sequence of Point
        All points of the session.
    baseline : Entry
        t0, from which the first rates count.
    run : Run
        The points whose rates are compared.
    side : {"left", "right"}
        Of the sole.
    minutes : float
        Shortest time over which a rate is taken.

    Returns
    -------
    Value
        °C/min; unknown where there is no rate.
    """
    before = [baseline, *(point.entry for point in points)]
    times = list(accumulate((entry.minute for entry in before), max))
    found = []
    for entry in {id(point.entry): point.entry for point in run.points}.values():
        earlier = bisect_right(times, entry.minute - minutes + _SAME_TIME)
        if earlier:
            found.append(conservative_rate(entry, before[earlier - 1], side))
    return max(
        (each for each in found if each.known), key=lambda each: (each.low > 0, each.value), default=Value()
    )
