"""When frames were taken, by one rule: the camera's clock where every file has one, else names, in natural order.

Minutes in names count where a unit follows (``t5min``, ``t300s``), where a unit is stated, or where they agree with the
clock; a bare ``T1`` may as well be a visit. Whatever contradicts itself is an error that shows file, clock, name and
minute.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

from prismseg.base import ConfigError, Message, PrismsegError
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.frames.metadata import LIMITS_IN_NAME

Unit = Literal["min", "s"]
UNITS: tuple[Unit, ...] = ("min", "s")
_IN_MINUTES = {"min": 1.0, "s": 1 / 60}
# By which a name or a stated minute may differ from the camera's clock: minutes are written down rounded.
_AGREE = 1.0
_UNIT = r"(?:\s*(min|minutes?|m|sec|seconds?|s))?"
# t0, P01_t05, S03-t2.5min, x_t-5: a t that is no part of a word; or a number with a unit, at the name's end.
_WITH_T = re.compile(rf"(?:^|[^a-z])t\s*(-?\d+(?:[.,]\d+)?){_UNIT}$", re.IGNORECASE)
_WITH_UNIT = re.compile(
    r"(?:^|(?<=[_\s])|(?<=[^\w.,]))(-?\d+(?:[.,]\d+)?)\s*(min|minutes?|sec|seconds?|s)$", re.IGNORECASE
)


@dataclass(frozen=True)
class NamedTime:
    """A number that a file's name states, and its unit where one follows."""

    number: float
    unit: Unit | None

    def minutes(self, unit: Unit | None = None) -> float | None:
        """In minutes, by its own unit, else by the one given; None without either."""
        chosen = self.unit or unit
        return None if chosen is None else self.number * _IN_MINUTES[chosen]


@dataclass(frozen=True, eq=False)
class TimedFile:
    """One file of a session.

    Attributes
    ----------
    path : Path
        The file.
    frame : Frame or None
        What was read from it; None where it was refused.
    refusal : Message or None
        Why it was.
    named : NamedTime or None
        What its name states.
    minute : float or None
        Since the test dose; None where it is not known.
    """

    path: Path
    frame: Frame | None
    refusal: Message | None = None
    named: NamedTime | None = None
    minute: float | None = None

    @property
    def clock(self) -> datetime | None:
        """By the camera."""
        return None if self.frame is None else self.frame.time


@dataclass(frozen=True)
class SessionPlan:
    """Files of a session in the order in which they were taken.

    Attributes
    ----------
    shots : tuple of TimedFile
        Each with its minute.
    left_out : tuple of TimedFile
        Files that could not be read and of which nothing tells when they were taken.
    by : Message
        What the minutes come from.
    """

    shots: tuple[TimedFile, ...]
    left_out: tuple[TimedFile, ...]
    by: Message

    def table(self) -> str:
        """File, clock, name and minute as lines of text."""
        return format_table([*self.shots, *self.left_out])


def _number(path: Path) -> re.Match[str] | None:
    stem = LIMITS_IN_NAME.sub("", path.stem).rstrip(" _-")
    return _WITH_T.search(stem) or _WITH_UNIT.search(stem)


def time_from_name(path: Path) -> NamedTime | None:
    """Read the number that a file's name states at its end: ``S01_t05.tiff`` states 5, ``a_t-5min.jpg`` -5 minutes."""
    found = _number(path)
    if found is None:
        return None
    unit = found.group(2)
    chosen: Unit | None = None if unit is None else "s" if unit.lower().startswith("s") else "min"
    return NamedTime(float(found.group(1).replace(",", ".")), chosen)


def minute_from_name(path: Path) -> float | None:
    """Minutes that a file's name states, a bare number taken as minutes: a proposal, to be confirmed by somebody."""
    named = time_from_name(path)
    return None if named is None else named.minutes("min")


def natural_key(path: Path) -> tuple[tuple[int, float, str], ...]:
    """Key that sorts ``img2`` before ``img10``, and ``t-5`` before ``t0``."""
    found, name, number = _number(path), path.name.lower(), None
    if found is not None and found.group(1).startswith("-"):
        name, number = name[: found.start(1)], float(found.group(1).replace(",", "."))
    parts = [part for part in re.split(r"(\d+)", name) if part]
    key = [(0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts]
    return (*key, *([] if number is None else [(0, number, "")]))


def sort_naturally(paths: Sequence[Path]) -> list[Path]:
    """Sort files naturally: by their text, with numbers as numbers."""
    return sorted(paths, key=natural_key)


def read_files(
    paths: Sequence[Path], read: Callable[[Path], Frame], *, progress: Callable[[int, str], None] | None = None
) -> list[TimedFile]:
    """Read all files; a refused one has the reason."""
    shots = []
    for number, path in enumerate(paths, start=1):
        try:
            shots.append(TimedFile(path, read(path), named=time_from_name(path)))
        except PrismsegError as error:
            shots.append(TimedFile(path, None, error.message, time_from_name(path)))
        if progress is not None:
            progress(number, path.name)
    return shots


def plan_session(
    shots: Sequence[TimedFile],
    minutes: Sequence[float] | None = None,
    *,
    unit: Unit | None = None,
    ignore_clock: bool = False,
    listed: bool = False,
) -> SessionPlan:
    """Order the files of one session and say at which minute each was taken.

    Parameters
    ----------
    shots : sequence of TimedFile
        From `read_files`.
    minutes : sequence of float, optional
        Since the test dose, one a file, in the order of the camera's clock, else in natural order of the names.
    unit : {"min", "s"}, optional
        What a bare number in a name (``t5``) means.
    ignore_clock : bool
        Take no notice of the cameras' clocks, as when they are known to be wrong.
    listed : bool
        The files were listed one by one: with `minutes`, another order than the rule's is then a contradiction.

    Returns
    -------
    SessionPlan
        Where only clocks tell, the first frame is the baseline at 0 min.

    Raises
    ------
    ConfigError
        With a table of file, clock, name and minute, when it is not known when the frames were taken, or when clock,
        names and stated minutes contradict each other.
    """
    clocked = not ignore_clock and _have_clocks(shots)
    ordered = sorted(shots, key=lambda shot: natural_key(shot.path))
    if clocked:
        ordered = _by_clock(ordered)
    if minutes is not None:
        return _stated(shots, ordered, list(minutes), unit=unit, clocked=clocked, listed=listed)
    named = [None if shot.named is None else shot.named.minutes(unit) for shot in ordered]
    if clocked:
        return _clocked(ordered, named)
    if len(ordered) == 1 and named[0] is None:
        return SessionPlan((replace(ordered[0], minute=0.0),), (), Message("the only frame is at 0 min"))
    if any(minute is None for minute in named):
        raise _unknown(ordered, named)
    timed = sorted((replace(shot, minute=m) for shot, m in zip(ordered, named, strict=True)), key=_minute)
    return SessionPlan(_checked(timed), (), Message("names"))


def _have_clocks(shots: Sequence[TimedFile]) -> bool:
    times = [shot.clock for shot in shots if shot.frame is not None]
    known = [time for time in times if time is not None]
    return bool(times) and len(known) == len(times) and len({time.tzinfo is None for time in known}) == 1


def _by_clock(ordered: Sequence[TimedFile]) -> list[TimedFile]:
    """Sort by the clock; a file that was not read stays behind the one before it in natural order."""
    keys: list[tuple[float, int]] = []
    last = -math.inf
    for place, shot in enumerate(ordered):
        last = last if shot.clock is None else shot.clock.timestamp()
        keys.append((last, place))
    return [shot for _, shot in sorted(zip(keys, ordered, strict=True), key=lambda pair: pair[0])]


def _passed(ordered: Sequence[TimedFile]) -> list[float | None]:
    """Minutes by the clock since the first frame that has one."""
    first = next(shot.clock for shot in ordered if shot.clock is not None)
    return [None if shot.clock is None else (shot.clock - first).total_seconds() / 60 for shot in ordered]


def _clocked(ordered: Sequence[TimedFile], named: Sequence[float | None]) -> SessionPlan:
    """Minutes by the clock; names tell its zero where they agree with it."""
    passed = _passed(ordered)
    fits = _fit(passed, named)
    if fits is None and any(minute is not None for minute in named):
        raise _contradiction(ordered, passed, Message("The minutes in the names differ from the camera's clock."))
    if fits is None:
        fits = _fit_bare(ordered, passed)
    by = Message("the camera's clock, from the first frame on") if fits is None else Message("the camera's clock")
    zero = 0.0 if fits is None else fits
    timed, lost = [], []
    for shot, minute, name in zip(ordered, passed, named, strict=True):
        if minute is not None:
            timed.append(replace(shot, minute=round(minute + zero, 4)))
        elif name is not None:
            timed.append(replace(shot, minute=name))
        else:
            lost.append(shot)
    return SessionPlan(tuple(sorted(timed, key=_minute)), tuple(lost), by)


def _fit(passed: Sequence[float | None], named: Sequence[float | None]) -> float | None:
    """Minute of the clock's first frame by names that agree with the clock; None where they do not, or state nothing."""
    pairs = zip(passed, named, strict=True)
    known = [(clock, name) for clock, name in pairs if clock is not None and name is not None]
    if not known:
        return None
    shifts = [name - clock for clock, name in known]
    middle = sorted(shifts)[len(shifts) // 2]
    # A name that states 0 sets the zero exactly; the clock tells the rest.
    zero = next((shift for shift, (_, name) in zip(shifts, known, strict=True) if name == 0), middle)
    return zero if max(abs(shift - zero) for shift in shifts) <= _AGREE else None


def _fit_bare(ordered: Sequence[TimedFile], passed: Sequence[float | None]) -> float | None:
    """Try numbers without a unit as minutes and as seconds; where they are neither they may only count the frames."""
    named = [shot.named for shot in ordered]
    known = [(each.number, shot) for each, shot in zip(named, ordered, strict=True) if each and shot.clock]
    if len(known) < sum(clock is not None for clock in passed) or len(known) < 2:
        return None
    for unit in UNITS:
        zero = _fit(passed, [None if each is None else each.minutes(unit) for each in named])
        if zero is not None:
            return zero
    numbers = [number for number, _ in known]
    if numbers != sorted(numbers):
        raise _contradiction(ordered, passed, Message("The names are in another order than the camera's clock."))
    if any(after - before != 1 for before, after in pairwise(numbers)):
        raise _contradiction(ordered, passed, Message("The numbers in the names differ from the camera's clock."))
    return None


def _stated(
    shots: Sequence[TimedFile],
    ordered: Sequence[TimedFile],
    minutes: list[float],
    *,
    unit: Unit | None,
    clocked: bool,
    listed: bool,
) -> SessionPlan:
    if len(minutes) != len(shots):
        raise ConfigError(
            Message(
                "{minutes} minutes are stated for {frames} frames; state one for each, in this order:\n{table}",
                minutes=len(minutes),
                frames=len(shots),
                table=format_table(ordered),
            )
        )
    if not all(map(math.isfinite, minutes)):
        raise ConfigError(Message("Minutes are finite numbers; got {minutes}.", minutes=minutes))
    timed = [replace(shot, minute=minute) for shot, minute in zip(ordered, minutes, strict=True)]
    if listed and [shot.path for shot in shots] != [shot.path for shot in ordered]:
        given = [replace(shot, minute=minute) for shot, minute in zip(shots, minutes, strict=True)]
        by_clock = Message("The files are listed in another order than that of the camera's clock.")
        by_name = Message(
            "The files are listed in another order than that of their names (with numbers as numbers)."
        )
        raise _contradiction(given, [], by_clock if clocked else by_name)
    named = [None if shot.named is None else shot.named.minutes(unit) for shot in timed]
    differing = any(
        name is not None and abs(name - minute) > _AGREE for name, minute in zip(named, minutes, strict=True)
    )
    if differing:
        raise _contradiction(timed, [], Message("The stated minutes differ from those in the names."))
    if clocked and _fit(_passed(timed), [None if shot.clock is None else shot.minute for shot in timed]) is None:
        raise _contradiction(timed, [], Message("The stated minutes differ from the camera's clock."))
    return SessionPlan(_checked(timed), (), Message("stated"))


def _checked(timed: Sequence[TimedFile]) -> tuple[TimedFile, ...]:
    steps = [_minute(after) - _minute(before) for before, after in pairwise(timed)]
    if any(step == 0 for step in steps):
        raise _contradiction(timed, [], Message("Two files have the same minute."))
    if any(step < 0 for step in steps):
        raise _contradiction(timed, [], Message("The stated minutes go back."))
    return tuple(timed)


def _minute(shot: TimedFile) -> float:
    assert shot.minute is not None  # all callers have given each shot one
    return shot.minute


def _unknown(ordered: Sequence[TimedFile], named: Sequence[float | None]) -> ConfigError:
    timed = [replace(shot, minute=minute) for shot, minute in zip(ordered, named, strict=True)]
    return ConfigError(
        Message(
            "When the frames were taken is not known: not every file holds a time, and not every name states minutes "
            "with their unit (t5min; a bare t5 may be a visit or seconds). State them in this order with --minutes "
            "0,1,5,10,15,20, or the unit of the names with --unit min.\n{table}",
            table=format_table(timed),
        )
    )


def _contradiction(ordered: Sequence[TimedFile], passed: Sequence[float | None], reason: Message) -> ConfigError:
    return ConfigError(
        Message(
            "{reason} Correct the names, state --minutes in this order, or leave the clocks out with --ignore-clock if "
            "they are wrong.\n{table}",
            reason=reason,
            table=format_table(ordered, passed),
        )
    )


def format_table(shots: Sequence[TimedFile], passed: Sequence[float | None] = ()) -> str:
    """Tabulate file, clock, what the name states, and the minute; by the clock where no minute is known."""
    heads = ("file", "clock", "name", "minute")
    rows = [heads]
    for place, shot in enumerate(shots):
        minute = shot.minute if shot.minute is not None else passed[place] if place < len(passed) else None
        rows.append(
            (
                shot.path.name,
                "-" if shot.clock is None else shot.clock.isoformat(sep=" ", timespec="seconds"),
                "-" if shot.named is None else f"{shot.named.number:g} {shot.named.unit or '(no unit)'}",
                "-" if minute is None else f"{minute:.4g}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
