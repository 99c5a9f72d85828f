"""When frames were taken: stated, written in the file's name, or by the cameras' clocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from prismseg.base import ConfigError, Message
from prismseg.thermal.frame import Frame

# t0.jpg, P01_t05.png, S03-t2.5min.tiff: a t, not part of a word, and minutes at the end of the name.
_NAMED = re.compile(r"(?:^|[^a-z])t(\d+(?:\.\d+)?)(?:min)?$", re.IGNORECASE)


def minute_in_name(path: Path) -> float | None:
    """Minutes that a file's name states (``S01_t05.tiff`` states 5), None where it states none."""
    found = _NAMED.search(path.stem)
    return None if found is None else float(found.group(1))


def minutes_of(
    paths: Sequence[Path], frames: Sequence[Frame | None], stated: Sequence[float] | None = None
) -> list[float]:
    """Minutes since the test dose of each frame, in the order given.

    Stated minutes come first, then those that all names state, then the cameras' clocks from the first frame on, which is
    taken as the baseline. Nothing is sorted or repaired.

    Parameters
    ----------
    paths : sequence of path
        The files.
    frames : sequence of Frame or None
        What was read from them; None where a file was refused.
    stated : sequence of float, optional
        One a file.

    Raises
    ------
    ConfigError
        When none of the three gives a minute for every file.
    """
    if stated is not None:
        if len(stated) != len(paths):
            raise ConfigError(
                Message(
                    "{minutes} minutes are stated for {frames} frames; state one for each.",
                    minutes=len(stated),
                    frames=len(paths),
                )
            )
        return list(stated)
    named = [minute for path in paths if (minute := minute_in_name(path)) is not None]
    if len(named) == len(paths):
        return named
    if len(paths) == 1:
        return [0.0]
    times = [frame.time for frame in frames if frame is not None and frame.time is not None]
    if times and len(times) == len(paths) and len({time.tzinfo is None for time in times}) == 1:
        return [(time - times[0]).total_seconds() / 60 for time in times]
    raise ConfigError(
        Message(
            "When the frames were taken is not known: names such as {name} state no minute (S01_t05.jpg would), "
            "and not every file holds a time. State them with --minutes 0,1,5,10,15,20.",
            name=paths[0].name,
        )
    )


def in_order(paths: Sequence[Path]) -> list[Path]:
    """Files by the minutes that their names state; unchanged where one states none."""
    minutes = [minute_in_name(path) for path in paths]
    if any(minute is None for minute in minutes):
        return list(paths)
    return [
        path for _, path in sorted(zip(minutes, paths, strict=True), key=lambda pair: (pair[0] or 0.0, pair[1]))
    ]
