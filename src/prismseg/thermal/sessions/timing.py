"""When frames were taken: by the cameras' clocks where every file has a time, else by the files' names, in natural order.

Where no file holds a time, dates and times of day in all names (``20261130_101500``) are their clock.

Times in names count where a unit follows (``t5min``, ``t300s``), where a unit is stated, or where they agree with the
clock; a bare ``T1`` may as well be a visit. A contradiction is an error that shows file, clock, name and minute.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from prismseg.base import ConfigError, Message, PrismsegError
from prismseg.base.deprecation import renamed
from prismseg.thermal.frames.file_names import (
    UNITS,
    Unit,
    natural_key,
    stamp_from_name,
    time_from_name,
)
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.sessions.clocks import (
    clock_remarks,
    goes_back_in_film,
    have_clocks,
    minutes_by_clock,
    name_remarks,
    same_time,
    sort_by_clock,
)
from prismseg.thermal.sessions.timed_file import TimedFile

# Minutes by which a name or a stated minute may differ from the camera's clock: they are written down rounded.
_AGREE = 1.0
# Days over which frames of one session may be taken; a camera whose battery was empty begins years back.
_LONGEST_DAYS = 3
_MINUTES_A_DAY = 24 * 60


@renamed(shots="files", left_out="untimed", by="basis")
@dataclass(frozen=True)
class SessionPlan:
    """Files of a session in the order in which they were taken.

    Attributes
    ----------
    files : tuple of TimedFile
        Each with its minute.
    untimed : tuple of TimedFile
        Files that could not be read and for which no time is known.
    basis : Message
        What the minutes come from.
    remarks : tuple of Message
        What to look at before the minutes are trusted.
    """

    files: tuple[TimedFile, ...]
    untimed: tuple[TimedFile, ...]
    basis: Message
    remarks: tuple[Message, ...] = ()

    def table(self) -> str:
        """Tabulate file, clock, name and minute as lines of text."""
        return format_table([*self.files, *self.untimed])


def read_files(
    paths: Sequence[str | Path],
    read: Callable[[Path], Frame],
    *,
    progress: Callable[[int, str], None] | None = None,
) -> list[TimedFile]:
    """Read all files of a session; a rejected one has the reason.

    Parameters
    ----------
    paths : sequence of str or Path
        The files.
    read : callable
        Reads one of them, see `prismseg.thermal.read_frame`.
    progress : callable, optional
        Told how many files are done, and the last one's name.

    Examples
    --------
    >>> from prismseg.thermal import read_frame
    >>> (file,) = read_files(["absent_t5min.jpg"], read_frame)
    >>> file.frame is None, file.named.minutes(), file.rejection[:19]
    (True, 5.0, 'There is no file ab')
    """
    files = []
    for number, path in enumerate(map(Path, paths), start=1):
        try:
            files.append(TimedFile(path, read(path), named=time_from_name(path)))
        except PrismsegError as error:
            files.append(TimedFile(path, None, error.message, time_from_name(path)))
        if progress is not None:
            progress(number, path.name)
    return files


@renamed(shots="files")
def plan_session(
    files: Sequence[TimedFile],
    minutes: Sequence[float] | None = None,
    *,
    unit: Unit | None = None,
    ignore_clock: bool = False,
    listed: bool = False,
) -> SessionPlan:
    """Order the files of one session and find the minute at which each was taken.

    Parameters
    ----------
    files : sequence of TimedFile
        From `read_files`.
    minutes : sequence of float, optional
        Since the test dose, one a file, in the order of the camera's clock, else in natural order of the names.
    unit : {"min", "s"}, optional
        What a bare number in a name (``t5``) means.
    ignore_clock : bool
        Ignore the cameras' clocks, as when they are known to be wrong.
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

    Examples
    --------
    >>> files = [TimedFile(Path(name), None, named=time_from_name(name)) for name in ("b_t5min.jpg", "a_t0min.jpg")]
    >>> print(plan_session(files).table())
    file         clock  name   minute
    a_t0min.jpg  -      0 min  0
    b_t5min.jpg  -      5 min  5
    """
    plan = _plan(files, minutes, unit=unit, ignore_clock=ignore_clock, listed=listed)
    return replace(plan, remarks=(*plan.remarks, *name_remarks(plan.files)))


def _plan(
    files: Sequence[TimedFile],
    minutes: Sequence[float] | None,
    *,
    unit: Unit | None,
    ignore_clock: bool,
    listed: bool,
) -> SessionPlan:
    if not ignore_clock and not any(file.clock is not None for file in files):
        files = [replace(file, stamp=stamp_from_name(file.path)) for file in files]
    clocked = not ignore_clock and have_clocks(files)
    ordered = sorted(files, key=lambda file: natural_key(file.path))
    if clocked:
        ordered = sort_by_clock(ordered)
        if goes_back_in_film(ordered):
            raise _contradiction(ordered, minutes_by_clock(ordered), Message("The clock goes back within a film."))
    if minutes is not None:
        return _plan_by_minutes(
            files, ordered, list(minutes), unit=unit, clocked=clocked, listed=listed, ignore_clock=ignore_clock
        )
    named = [None if file.named is None else file.named.minutes(unit) for file in ordered]
    if clocked:
        stamped = all(file.stamp is not None for file in ordered if file.clock is not None)
        clock = Message("the times in the names") if stamped else Message("the camera's clock")
        return _plan_by_clock(ordered, named, clock)
    if len(ordered) == 1 and named[0] is None:
        return SessionPlan((replace(ordered[0], minute=0.0),), (), Message("the only frame is at 0 min"))
    if any(minute is None for minute in named):
        raise _unknown(ordered, named)
    timed = sorted((replace(file, minute=m) for file, m in zip(ordered, named, strict=True)), key=_minute)
    if not ignore_clock:
        _check_single_clocks(
            timed, Message("The minutes in the names differ from the clocks that some files have.")
        )
    return SessionPlan(_check_minutes(timed), (), Message("names"))


def _check_single_clocks(timed: Sequence[TimedFile], reason: Message) -> None:
    """Where only some files have a clock, those must agree with the minutes too; with and without a zone apart."""
    for zoned in (False, True):
        group = [file for file in timed if file.clock is not None and (file.clock.tzinfo is not None) == zoned]
        if len(group) > 1 and _fit_zero(minutes_by_clock(group), [file.minute for file in group]) is None:
            raise _contradiction(timed, [], reason)


def _plan_by_clock(ordered: Sequence[TimedFile], named: Sequence[float | None], clock: Message) -> SessionPlan:
    """Take minutes by the clock; names set its zero where they agree with it."""
    passed = minutes_by_clock(ordered)
    span = max(minute for minute in passed if minute is not None) / _MINUTES_A_DAY
    if span > _LONGEST_DAYS:
        reason = Message(
            "By their clocks these frames lie {days:.0f} days apart: not one session, or a clock was set meanwhile.",
            days=span,
        )
        raise _contradiction(ordered, passed, reason)
    fits = _fit_zero(passed, named)
    if fits is None and any(minute is not None for minute in named):
        raise _contradiction(ordered, passed, Message("The minutes in the names differ from the camera's clock."))
    first = Message("{clock}, from the first frame on", clock=clock)
    if fits is None:
        fits, unit = _fit_bare_numbers(ordered, passed)
        if unit is not None:
            named = [None if file.named is None else file.named.minutes(unit) for file in ordered]
    if fits is None:
        zeros = [(file, minute) for file, minute in zip(ordered, passed, strict=True) if _is_baseline(file)]
        if any(minute is None for _, minute in zeros):
            reason = Message(
                "The baseline {file} could not be read, so that the clock's zero is not known.",
                file=zeros[0][0].path.name,
            )
            raise _contradiction(ordered, passed, reason)
        for file, minute in zeros:
            fits, first = -(minute or 0.0), Message("{clock}, from {file} on", clock=clock, file=file.path.name)
            clock = first
    if same_time(ordered):
        raise _contradiction(ordered, passed, Message("Two files have the same time by the camera's clock."))
    basis = first if fits is None else clock
    zero = 0.0 if fits is None else fits
    timed, untimed = [], []
    for file, minute, name in zip(ordered, passed, named, strict=True):
        if minute is not None:
            timed.append(replace(file, minute=round(minute + zero, 4)))
        elif name is not None:
            timed.append(replace(file, minute=name))
        else:
            untimed.append(file)
    remarks = list(clock_remarks(ordered))
    if fits is None and ordered[0] in untimed:
        remarks.append(
            Message(
                "{file}, the first by its name, could not be read: if it was t0, changes are counted from a later frame. "
                "Copy it again, or state --minutes.",
                file=ordered[0].path.name,
            )
        )
    return SessionPlan(tuple(sorted(timed, key=_minute)), tuple(untimed), basis, tuple(remarks))


def _fit_zero(passed: Sequence[float | None], named: Sequence[float | None]) -> float | None:
    """Find the minute of the clock's first frame by names that agree with the clock; None where none or not all do."""
    pairs = zip(passed, named, strict=True)
    known = [(clock, name) for clock, name in pairs if clock is not None and name is not None]
    if not known:
        return None
    shifts = [name - clock for clock, name in known]
    middle = sorted(shifts)[len(shifts) // 2]
    # A name that states 0 sets the zero exactly; the clock gives the rest.
    zero = next((shift for shift, (_, name) in zip(shifts, known, strict=True) if name == 0), middle)
    return zero if max(abs(shift - zero) for shift in shifts) <= _AGREE else None


def _is_baseline(file: TimedFile) -> bool:
    """Whether a bare t0 in its name says so."""
    return file.named is not None and file.named.unit is None and file.named.number == 0


def _fit_bare_numbers(
    ordered: Sequence[TimedFile], passed: Sequence[float | None]
) -> tuple[float | None, Unit | None]:
    """Try numbers without a unit as minutes and as seconds; where they are neither they may only count the frames."""
    named = [file.named for file in ordered]
    known = [(each.number, file) for each, file in zip(named, ordered, strict=True) if each and file.clock]
    if len(known) < 2:
        return None, None
    for unit in UNITS:
        zero = _fit_zero(passed, [None if each is None else each.minutes(unit) for each in named])
        if zero is not None:
            return zero, unit
    numbers = [number for number, _ in known]
    if numbers != sorted(numbers):
        raise _contradiction(ordered, passed, Message("The names are in another order than the camera's clock."))
    every = len(known) == sum(clock is not None for clock in passed)
    if every and any(after - before != 1 for before, after in pairwise(numbers)):
        raise _contradiction(ordered, passed, Message("The numbers in the names differ from the camera's clock."))
    return None, None


def _plan_by_minutes(
    files: Sequence[TimedFile],
    ordered: Sequence[TimedFile],
    minutes: list[float],
    *,
    unit: Unit | None,
    clocked: bool,
    listed: bool,
    ignore_clock: bool,
) -> SessionPlan:
    if len(minutes) != len(files):
        raise ConfigError(
            Message(
                "{minutes} minutes are stated for {frames} frames; state one for each, in this order:\n{table}",
                minutes=len(minutes),
                frames=len(files),
                table=format_table(ordered),
            )
        )
    if not all(map(math.isfinite, minutes)):
        raise ConfigError(Message("Minutes are finite numbers; got {minutes}.", minutes=minutes))
    timed = [replace(file, minute=minute) for file, minute in zip(ordered, minutes, strict=True)]
    if listed and [file.path for file in files] != [file.path for file in ordered]:
        given = [replace(file, minute=minute) for file, minute in zip(files, minutes, strict=True)]
        by_clock = Message("The files are listed in another order than that of the camera's clock.")
        by_name = Message(
            "The files are listed in another order than that of their names (with numbers as numbers)."
        )
        raise _contradiction(given, [], by_clock if clocked else by_name)
    named = [None if file.named is None else file.named.minutes(unit) for file in timed]
    differing = any(
        name is not None and abs(name - minute) > _AGREE for name, minute in zip(named, minutes, strict=True)
    )
    if differing:
        raise _contradiction(timed, [], Message("The stated minutes differ from those in the names."))
    if not clocked and not ignore_clock:
        _check_single_clocks(timed, Message("The stated minutes differ from the clocks that some files have."))
    if (
        clocked
        and _fit_zero(minutes_by_clock(timed), [None if file.clock is None else file.minute for file in timed])
        is None
    ):
        raise _contradiction(timed, [], Message("The stated minutes differ from the camera's clock."))
    return SessionPlan(_check_minutes(timed), (), Message("stated"))


def _check_minutes(timed: Sequence[TimedFile]) -> tuple[TimedFile, ...]:
    steps = [_minute(after) - _minute(before) for before, after in pairwise(timed)]
    if any(step == 0 for step in steps):
        raise _contradiction(timed, [], Message("Two files have the same minute."))
    if any(step < 0 for step in steps):
        raise _contradiction(timed, [], Message("The stated minutes go back."))
    return tuple(timed)


def _minute(file: TimedFile) -> float:
    assert file.minute is not None  # all callers have given each file one
    return file.minute


def _unknown(ordered: Sequence[TimedFile], named: Sequence[float | None]) -> ConfigError:
    timed = [replace(file, minute=minute) for file, minute in zip(ordered, named, strict=True)]
    return ConfigError(
        Message(
            "When the frames were taken is not known: not every file holds a time, and not every name states minutes "
            "with their unit (t5min; a bare t5 may be a visit or seconds). State them in this order with --minutes "
            "0,1,5,10,15,20, or the unit of the names with --unit min.\n{table}{rejected}",
            table=format_table(timed),
            rejected="".join(
                f"\n{file.path.name} was not read: {file.rejection}" for file in ordered if not file.frame
            ),
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


def format_table(files: Sequence[TimedFile], passed: Sequence[float | None] = ()) -> str:
    """Tabulate file, clock, time in the name and minute; the minute by the clock where no other is known."""
    heads = ("file", "clock", "name", "minute")
    rows = [heads]
    for place, file in enumerate(files):
        minute = file.minute if file.minute is not None else passed[place] if place < len(passed) else None
        rows.append(
            (
                file.path.name,
                "-" if file.clock is None else file.clock.isoformat(sep=" ", timespec="seconds"),
                "-" if file.named is None else f"{file.named.number:g} {file.named.unit or '(no unit)'}",
                "-" if minute is None else f"{minute:.4g}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
