"""When a picture that came as a file was taken, by the monitor's clock; cameras' own clocks are often wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

CLOCK_TOLERANCE = timedelta(seconds=30)
"""By which a camera's clock may differ from the monitor's and count as right; the shortest step of a session is twice."""


@dataclass(frozen=True)
class _Seen:
    """A picture that came: when, and by how much its own time lay before that."""

    arrived: datetime
    behind: timedelta


class PictureTimes:
    """Tells when pictures were taken, and learns by how much the camera's clock is wrong.

    A picture comes later than it was taken, by seconds or, with a card or over a network, by minutes. One picture alone
    does not tell whether it is late or its clock is slow; two that came apart and lie equally far behind do.

    Parameters
    ----------
    tolerance : timedelta
        By which clocks may differ.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    >>> times = PictureTimes()
    >>> times.place(noon - timedelta(seconds=4), noon) == noon - timedelta(seconds=4)
    True
    >>> times.place(noon, noon + timedelta(minutes=9)) == noon  # it came late
    True
    """

    def __init__(self, tolerance: timedelta = CLOCK_TOLERANCE) -> None:
        self._tolerance = tolerance
        self._slow: timedelta | None = None  # the camera's clock; None while that is not known
        self._last: _Seen | None = None

    def place(self, stated: datetime, arrived: datetime) -> datetime | None:
        """Tell when a picture was taken.

        Parameters
        ----------
        stated : datetime
            By the camera's clock, with zone.
        arrived : datetime
            When the file came, by the monitor's clock.

        Returns
        -------
        datetime or None
            Never later than it came; None while the camera's clock is not known.
        """
        behind, last = arrived - stated, self._last
        self._last = _Seen(arrived, behind)
        apart = last is not None and arrived - last.arrived > self._tolerance
        if last is not None and apart and abs(behind - last.behind) <= self._tolerance:
            self._slow = self._error(behind)
        elif self._slow is None or behind < self._slow - self._tolerance:  # it was set, or nothing is known yet
            self._slow = timedelta(0) if abs(behind) <= self._tolerance else None
        return None if self._slow is None else min(stated + self._slow, arrived)

    def _error(self, behind: timedelta) -> timedelta:
        return timedelta(0) if abs(behind) <= self._tolerance else behind
