"""The monitor's clock: the time of day, kept by a clock that nobody sets and that runs while the computer sleeps."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prismseg.base import Message, OutputError, write_text

JUMP_SECONDS = 2.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FILE = "clock.json"


def steady_seconds() -> float:
    """Seconds of a clock that only goes forward, also while the computer sleeps where the system has such a one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)  # Python's own one stands still in sleep there
    return time.monotonic()


def boot_id() -> str:
    """Name of the time since the computer started, within which `steady_seconds` counts on; empty where unknown."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class SteadyClock:
    """Tells the time of day from a clock that cannot jump, and notices when the computer's does.

    Parameters
    ----------
    wall : callable
        Seconds since 1970, as the computer says; may jump.
    steady : callable
        Seconds from a clock that only goes forward.
    boot : callable
        Names the span within which `steady` counts on.

    Examples
    --------
    >>> wall, steady = [0.0], [0.0]
    >>> clock = SteadyClock(lambda: wall[0], lambda: steady[0])
    >>> wall[0], steady[0] = 3660.0, 60.0  # a minute passed, and the computer's clock was set forward by an hour
    >>> clock().minute, clock.jump
    (1, 3600.0)
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_seconds,
        boot: Callable[[], str] = boot_id,
    ) -> None:
        self._wall, self._steady, self._boot = wall, steady, boot
        self._start, self._zero = wall(), steady()

    def __call__(self) -> datetime:
        """Tell the time, in UTC."""
        return datetime.fromtimestamp(self._start, UTC) + timedelta(seconds=self._steady() - self._zero)

    @property
    def jump(self) -> float:
        """Seconds by which the computer's clock was moved since the start; 0 within `JUMP_SECONDS`."""
        moved = self._wall() - self().timestamp()
        return moved if abs(moved) > JUMP_SECONDS else 0.0

    @property
    def notice(self) -> Message | None:
        """Say that the computer's clock was moved, and what that does to the minutes; None while it was not."""
        jump = self.jump
        if jump == 0:
            return None
        direction = Message("forward") if jump > 0 else Message("back")
        return Message(
            "The computer's clock was set {direction} by {minutes:.1f} min. The monitor's clock runs on unchanged, and "
            "no minute is lost or counted twice; times of day are those of before.",
            direction=direction,
            minutes=abs(jump) / 60,
        )

    def resume(self, folder: str | Path, last: datetime | None, *, running: bool) -> float:
        """Go on from where the clock of the program before stood, and note where this one stands.

        While a session is running its clock goes on as it went, whatever the computer's says: the program was started
        again, not the labour. Where that cannot be told, because the computer was started again too, time never goes back
        behind what is stored.

        Parameters
        ----------
        folder : str or Path
            Where the note is.
        last : datetime or None
            Newest time in the store.
        running : bool
            Whether a session is.

        Returns
        -------
        float
            Seconds by which the computer's clock stands behind the store, and which nobody can tell; 0 otherwise.
        """
        path, lost = Path(folder) / _FILE, 0.0
        self._start, self._zero = self._wall(), self._steady()
        noted = self._noted(path) if running else None
        if noted is not None:
            self._start = noted
        elif running and last is not None and last.timestamp() - self._start > JUMP_SECONDS:
            lost = last.timestamp() - self._start
            self._start = last.timestamp()
        self._note(path)
        return lost

    def adopt(self, folder: str | Path) -> None:
        """Take the computer's time of day over, where no session would be torn by it."""
        self._start, self._zero = self._wall(), self._steady()
        self._note(Path(folder) / _FILE)

    def _noted(self, path: Path) -> float | None:
        """Time of now by the note of a program that ran since the computer started; None without one."""
        try:
            note = json.loads(path.read_text())
            boot, steady, seconds = str(note["boot"]), float(note["steady"]), float(note["time"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        passed = self._zero - steady
        return seconds + passed if boot and boot == self._boot() and passed >= 0 else None

    def _note(self, path: Path) -> None:
        note = {"boot": self._boot(), "steady": self._zero, "time": self._start}
        try:
            write_text(path, json.dumps(note))
        except OutputError:
            path.unlink(
                missing_ok=True
            )  # an old note would be wrong now; without one a start says what it cannot tell
