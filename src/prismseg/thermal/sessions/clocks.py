"""Order and minutes by the cameras' clocks, and what clocks and names let doubt where they contradict nothing."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from itertools import pairwise
from pathlib import Path

from prismseg.base import Message
from prismseg.thermal.frames.file_names import natural_key, stamp_from_name
from prismseg.thermal.frames.flir.rjpeg import CLOCK_UNSET
from prismseg.thermal.frames.listing.choice import split_choice
from prismseg.thermal.sessions.timed_file import TimedFile

_APART = 1.0  # minutes by which times in names may differ from the clock from frame to frame
_BEGINNING = re.compile(r"[^\W_]+")

# A pause that no session has.
_LONG_GAP = timedelta(hours=4)


def have_clocks(files: Sequence[TimedFile]) -> bool:
    """Whether every file that was read has a clock, all with a zone or all without."""
    times = [file.clock for file in files if file.frame is not None]
    known = [time for time in times if time is not None]
    return bool(times) and len(known) == len(times) and len({time.tzinfo is None for time in known}) == 1


def sort_by_clock(ordered: Sequence[TimedFile]) -> list[TimedFile]:
    """Sort by the clock; a file that was not read stays behind the one before it in natural order."""
    keys: list[tuple[float, int]] = []
    last = -math.inf
    for place, file in enumerate(ordered):
        if file.clock is not None:
            # A clock without a zone is not this machine's, which may have left an hour out.
            last = (file.clock if file.clock.tzinfo else file.clock.replace(tzinfo=UTC)).timestamp()
        keys.append((last, place))
    return [file for _, file in sorted(zip(keys, ordered, strict=True), key=lambda pair: pair[0])]


def minutes_by_clock(ordered: Sequence[TimedFile]) -> list[float | None]:
    """Minutes by the clock since the first frame that has one."""
    first = next(file.clock for file in ordered if file.clock is not None)
    return [None if file.clock is None else (file.clock - first).total_seconds() / 60 for file in ordered]


def goes_back_in_film(ordered: Sequence[TimedFile]) -> bool:
    """Whether frames of one film, whose order is certain, are in another order by the clock."""
    numbers: dict[Path, list[int]] = {}
    for file in ordered:
        film, choice = split_choice(file.path)
        if choice is not None and choice.isdecimal() and file.clock is not None:
            numbers.setdefault(film, []).append(int(choice))
    return any(found != sorted(found) for found in numbers.values())


def clock_remarks(ordered: Sequence[TimedFile]) -> Iterator[Message]:
    """Tell what a reader should check before trusting minutes by the clock.

    Parameters
    ----------
    ordered : sequence of TimedFile
        In the order of the clock.
    """
    clocked = [file for file in ordered if file.clock is not None]
    years = [file.clock.year for file in clocked if file.clock is not None]
    if years and min(years) < CLOCK_UNSET:
        yield Message(
            "The camera's clock was never set (it shows {year}): minutes hold only if the camera was not switched off "
            "between the frames.",
            year=min(years),
        )
    gaps = [
        (after.clock - before.clock, before, after)
        for before, after in pairwise(clocked)
        if before.clock and after.clock
    ]
    longest = max(gaps, key=lambda gap: gap[0], default=None)
    if longest is not None and longest[0] >= _LONG_GAP:
        yield Message(
            "Between {before} and {after} lie {hours:.0f} hours: are they of one session? Or the clock counts to twelve "
            "without AM or PM, or a date did not change at midnight.",
            before=longest[1].path.name,
            after=longest[2].path.name,
            hours=longest[0].total_seconds() / 3600,
        )
    cameras = Counter(file.frame.camera for file in clocked if file.frame is not None and file.frame.camera)
    if len(cameras) > 1:
        yield Message(
            "The frames come from several cameras ({cameras}), whose clocks may differ: compare them, or state --minutes "
            "with --ignore-clock.",
            cameras=", ".join(f"{name}: {count}" for name, count in sorted(cameras.items())),
        )
    # Names that differ in a number alone count the pictures.
    counts = {re.sub(r"\d+", "#", file.path.name.lower()) for file in clocked}
    counted = [file.path for file in clocked if stamp_from_name(file.path) is None and file.named is None]
    if len(counts) == 1 and len(counted) == len(clocked) and counted != sorted(counted, key=natural_key):
        yield Message(
            "The names count in another order than the clock: look whether it was set meanwhile (summer time); if it "
            "was, state --minutes with --ignore-clock."
        )
    if _stamps_differ(clocked):
        yield Message("Dates and times in the names differ from the camera's clock, which counts.")


def _stamps_differ(clocked: Sequence[TimedFile]) -> bool:
    both = [
        (file.clock.replace(tzinfo=None) - stamp).total_seconds() / 60
        for file in clocked
        if file.clock is not None and (stamp := stamp_from_name(file.path)) is not None
    ]
    return len(both) > 1 and max(both) - min(both) > _APART


def name_remarks(files: Sequence[TimedFile]) -> Iterator[Message]:
    """Ask whether files whose names begin differently are of one patient."""
    beginnings = [
        found[0] for file in files if (found := _BEGINNING.match(split_choice(file.path)[0].stem)) is not None
    ]
    groups = Counter(beginnings)
    words = not all(name.isdecimal() for name in groups)
    if words and len(beginnings) == len(files) and len(groups) > 1 and min(groups.values()) > 1:
        yield Message(
            "The names begin differently ({names}): measure each patient and each camera alone.",
            names=", ".join(f"{name}: {count}" for name, count in sorted(groups.items())),
        )


def same_time(ordered: Sequence[TimedFile]) -> bool:
    """Whether two files have one time by the clock."""
    times = [file.clock for file in ordered if file.clock is not None]
    return any(before == after for before, after in pairwise(times))
