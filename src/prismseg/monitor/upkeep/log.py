"""A log of one JSON object a line: what happened to the monitor, never to whom."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb

from prismseg.base import ConfigError, Message
from prismseg.base.version import VERSION

Fact = int | float | bool | str | None
LONGEST_FACT = 200
EVENTS = frozenset(
    {
        "started",
        "stopped",
        "monitor started again",
        "computer slept",
        "clock moved",
        "camera failed",
        "camera works",
        "copied",
        "copy failed",
        "task failed",
        "request failed",
        "server failed",
        "server warned",
        "monitor warned",
        "library warned",
        "import cleared",
    }
)


def kind_of(error: BaseException) -> str:
    """Name the kind of an error and of what caused it; what they say may quote what somebody entered."""
    causes = [error, *filter(None, [error.__cause__])]
    return " from ".join(type(each).__name__ for each in causes)


class EventLog:
    """Writes events with their facts: numbers, kinds of errors, places in the program.

    Codes, notes, names and pictures have no way in: whoever adds an event names its facts where it happens, and what an
    error *says* is left out, for it may quote what somebody entered.

    Parameters
    ----------
    path : str or Path, optional
        File to append to; standard error by default.
    now : callable
        Tells the time.

    Raises
    ------
    ConfigError
        When the file cannot be written.
    """

    def __init__(
        self, path: str | Path | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._path = None if path is None else Path(path)
        if self._path is not None:
            try:
                with self._path.open("a"):
                    pass
            except OSError as error:
                raise ConfigError(
                    Message(
                        "The log {path} cannot be written ({reason}); choose another file.",
                        path=str(path),
                        reason=error.strerror or str(error),
                    )
                ) from error

    def write(self, event: str, **facts: Fact) -> None:
        """Write one event; a log that cannot be written stops nothing.

        Raises
        ------
        KeyError
            For an event that is not in `EVENTS`.
        """
        if event not in EVENTS:
            raise KeyError(event)
        short = {name: fact[:LONGEST_FACT] if isinstance(fact, str) else fact for name, fact in facts.items()}
        at = self._now().isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "event": event, "version": VERSION, **short}, ensure_ascii=True) + "\n"
        with self._lock:
            try:
                if self._path is None:
                    sys.stderr.write(line)
                else:
                    with self._path.open("a", encoding="utf-8") as file:
                        file.write(line)
            except (OSError, ValueError):
                return

    def failed(self, event: str, error: BaseException, **facts: Fact) -> None:
        """Write that something failed: the kind of the error, its module and line, not what it says.

        Where that is in somebody else's module, `inside` is the line of ours that called it.
        """
        places = [
            f"{frame.f_globals.get('__name__', '?')}:{line}" for frame, line in walk_tb(error.__traceback__)
        ] or [""]
        ours = [place for place in places if place.startswith("prismseg.")]
        inside: dict[str, Fact] = {"inside": ours[-1]} if ours and ours[-1] != places[-1] else {}
        self.write(event, error=type(error).__name__, where=places[-1], **inside, **facts)
