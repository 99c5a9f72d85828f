"""Frames of files that hold several: ``film.seq#120``, ``film.seq#0-600/30``, ``film.seq#0min-20min/1min``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from prismseg.base import ConfigError, Message

MARK = "#"  # between a file's name and the choice of frames in it
_END = r"(\d+(?:\.\d+)?)\s*(min|s)?"
_RANGE = re.compile(rf"(?:{_END})?(?:(-)(?:{_END})?)?(?:/{_END})?")
_SECONDS = {"min": 60.0, "s": 1.0}
_HOW = Message(
    "Frames are chosen as 120 (one), 0,5,10 (some), 0-600/30 (every 30th of a part), /30 (every 30th of all), or by the "
    "time since the first: 0min-20min/1min"
)


def frame_path(path: Path, number: int) -> Path:
    """Name one frame of a file.

    Examples
    --------
    >>> frame_path(Path("film.seq"), 120).name
    'film.seq#120'
    """
    return path.with_name(f"{path.name}{MARK}{number}")


def split_choice(path: str | Path) -> tuple[Path, str | None]:
    """Part a file from the choice of frames in it; None where there is none.

    A file that is really called so is taken as it is.

    Examples
    --------
    >>> split_choice("film.seq#0-600/30") == (Path("film.seq"), "0-600/30"), split_choice("film.seq")[1]
    (True, None)
    """
    path = Path(path)
    text, mark, choice = str(path).rpartition(MARK)
    # A step, as in film.seq#0-600/30, looks like a folder to a path.
    if not mark or not text or path.exists() or _RANGE.fullmatch(choice.split(",")[0].strip()) is None:
        return path, None
    return Path(text), choice


def frame_stem(path: Path) -> str:
    """Name of a frame without its file's suffix, as masks of it are called.

    Examples
    --------
    >>> frame_stem(Path("film.seq#120")), frame_stem(Path("sole.jpg"))
    ('film#120', 'sole')
    """
    file, choice = split_choice(path)
    return file.stem if choice is None else f"{file.stem}{MARK}{choice}"


def choose_frames(name: str, times: Sequence[datetime | None], choice: str) -> list[int]:
    """Choose frames of a file by number or by the time since the first.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    times : sequence of datetime or None
        Of its frames; None where the file does not say.
    choice : str
        ``120``, ``0,5,10``, ``0-600/30``, ``/30``; with ``s`` or ``min`` behind numbers they are times, of which each
        takes the nearest frame: ``0min-20min/1min``.

    Returns
    -------
    list of int
        Numbers of frames from 0 on, rising, each once.

    Raises
    ------
    ConfigError
        When the choice cannot be understood, the file has no such frame, or it does not say when they were taken.

    Examples
    --------
    >>> choose_frames("film.seq", [None] * 100, "0-60/30"), choose_frames("film.seq", [None] * 100, "/50")
    ([0, 30, 60], [0, 50])
    """
    chosen: set[int] = set()
    for part in choice.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None or not part.strip():
            raise ConfigError(
                Message("{choice} chooses no frames of {file}. {how}.", choice=repr(choice), file=name, how=_HOW)
            )
        first, first_unit, dash, last, last_unit, step, step_unit = found.groups()
        units = {
            unit
            for number, unit in ((first, first_unit), (last, last_unit), (step, step_unit))
            if number is not None and not (float(number) == 0 and unit is None)
        }
        alone = first is not None and dash is None and step is None
        if units <= {None} and all(number is None or number.isdecimal() for number in (first, last, step)):
            chosen |= _by_number(name, len(times), first, first if alone else last, step)
        elif None in units:
            raise ConfigError(
                Message(
                    "{choice} mixes numbers of frames and times in {file}. {how}.",
                    choice=repr(choice),
                    file=name,
                    how=_HOW,
                )
            )
        else:
            seconds = [
                None if number is None else float(number) * _SECONDS[unit or "s"]
                for number, unit in ((first, first_unit), (last, last_unit), (step, step_unit))
            ]
            chosen |= _by_time(name, times, *seconds, alone=alone)
    return sorted(chosen)


def _by_number(name: str, count: int, first: str | None, last: str | None, step: str | None) -> set[int]:
    begin = 0 if first is None else int(first)
    end = count - 1 if last is None else int(last)
    stride = 1 if step is None else int(step)
    if max(begin, 0 if last is None else end) >= count or begin > end or stride < 1:
        raise ConfigError(
            Message(
                "{file} has the frames 0 to {last}; {first}-{end}/{step} is no part of them.",
                file=name,
                last=count - 1,
                first=begin,
                end=end,
                step=stride,
            )
        )
    return set(range(begin, end + 1, stride))


def _by_time(
    name: str,
    times: Sequence[datetime | None],
    first: float | None,
    last: float | None,
    step: float | None,
    *,
    alone: bool,
) -> set[int]:
    start = times[0] if times else None
    passed = [
        None if time is None or start is None or (time.tzinfo is None) != (start.tzinfo is None) else time - start
        for time in times
    ]
    known = [(since.total_seconds(), number) for number, since in enumerate(passed) if since is not None]
    if len(known) < len(times) or any(after < before for (before, _), (after, _) in pairwise(known)):
        raise ConfigError(
            Message("{file} does not say when each frame was taken; choose frames by number.", file=name)
        )
    begin = first or 0.0
    end = begin if alone else known[-1][0] if last is None else last
    # Half the usual distance of two frames: an end that falls between them takes the nearest.
    slack = known[-1][0] / max(len(known) - 1, 1)
    if begin > end or end > known[-1][0] + slack or step == 0:
        raise ConfigError(
            Message(
                "{file} runs for {seconds:.4g} s; {first:g} s to {last:g} s is no part of it.",
                file=name,
                seconds=known[-1][0],
                first=begin,
                last=end,
            )
        )
    if step is None and not alone:
        return {number for since, number in known if begin <= since <= end}
    wanted = [begin] if alone or step is None else _grid(begin, end, step)
    return {_nearest(known, at) for at in wanted}


def _nearest(known: Sequence[tuple[float, int]], at: float) -> int:
    return min(known, key=lambda each: abs(each[0] - at))[1]


def _grid(begin: float, end: float, step: float) -> list[float]:
    return [begin + step * number for number in range(int((end - begin) / step + 1e-9) + 1)]
