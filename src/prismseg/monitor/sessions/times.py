"""When the test dose was given: checked against the clock, and against what whoever states it was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from prismseg.base import Message
from prismseg.monitor.store import Conflict

_EARLIEST = timedelta(hours=12)  # before now; an earlier one is a slip of the date
_AHEAD = timedelta(seconds=2)  # by which a page's idea of the monitor's clock may be ahead of it
_SAME = timedelta(milliseconds=2)  # pages are told times to the millisecond


@dataclass(frozen=True)
class DoseStatement:
    """When the test dose was given, as somebody states it.

    Attributes
    ----------
    seconds_ago : float
        Before now; counts where no moment is stated.
    at : datetime or None
        The moment, by the monitor's clock.
    shown : tuple of (datetime or None) or None
        What a page showed until then, None in it for no dose; None where nobody looked.
    """

    seconds_ago: float = 0.0
    at: datetime | None = None
    shown: tuple[datetime | None] | None = None

    def moment(self, now: datetime, held: datetime | None) -> datetime:
        """Give the moment, where it is possible and nobody else has changed it meanwhile.

        Parameters
        ----------
        now : datetime
            By the monitor's clock.
        held : datetime or None
            The time of the dose that holds by now.

        Raises
        ------
        Conflict
            When it lies in the future or more than 12 hours back, or something else holds than was shown: two people at
            two screens may both state the dose.

        Examples
        --------
        >>> from datetime import UTC
        >>> noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
        >>> DoseStatement(seconds_ago=90).moment(noon, None).isoformat()
        '2026-05-04T11:58:30+00:00'
        """
        if self.shown is not None and not _same(*self.shown, held):
            raise Conflict(
                Message(
                    "The time of the test dose was changed meanwhile, in another window. Look at it, and correct it only "
                    "if it is wrong."
                )
            )
        possible = 0 <= self.seconds_ago <= _EARLIEST.total_seconds()
        moment = now - timedelta(seconds=self.seconds_ago if possible else 0.0) if self.at is None else self.at
        if not possible or not -_AHEAD <= now - moment <= _EARLIEST:
            raise Conflict(Message("The test dose was given now or within the last 12 hours."))
        return min(moment, now)


def _same(shown: datetime | None, held: datetime | None) -> bool:
    if shown is None or held is None:
        return shown is held
    return abs(shown - held) <= _SAME
