"""The session's clock: it goes steadily while the program runs, also when the computer's clock is set."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

JUMP_SECONDS = 2.0


class SteadyClock:
    """Tells the time of day from a clock that cannot jump, and notices when the computer's does.

    Parameters
    ----------
    wall : callable
        Seconds since 1970, as the computer says; may jump.
    steady : callable
        Seconds from a clock that only goes forward.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._steady = wall, steady
        self._start, self._zero = wall(), steady()

    def __call__(self) -> datetime:
        """Tell the time, in UTC."""
        return datetime.fromtimestamp(self._start, UTC) + timedelta(seconds=self._steady() - self._zero)

    @property
    def jump(self) -> float:
        """Seconds by which the computer's clock was moved since the start; 0 within `JUMP_SECONDS`."""
        moved = self._wall() - self().timestamp()
        return moved if abs(moved) > JUMP_SECONDS else 0.0
