"""How the record stands when a report is made of it: open or closed, signed, imported, printed when and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from prismseg.base import Message
from prismseg.monitor.report.words import Words
from prismseg.monitor.store.schema import SessionRow

# What every page says of where the frames come from; of a session in front of its own camera nothing.
_ORIGINS: Mapping[str, Message] = {
    "import": Message("IMPORTED"),
    "demonstration": Message("DEMONSTRATION – no patient"),
}


@dataclass(frozen=True)
class Standing:
    """State of a record at one moment.

    Attributes
    ----------
    origin : str
        camera, import or demonstration.
    closed_at, signed_at : datetime or None
        With time zone (UTC); None where it is open, or not signed.
    signed_by : str
        Empty where it is not signed.
    signed_typed : bool
        Whether the name was typed, since nobody had logged in.
    printed_at : datetime or None
        When the report was made; None where that is not to be said.
    printed_by : str
        By whom; empty where nobody logs in.
    """

    origin: str = "camera"
    closed_at: datetime | None = None
    signed_at: datetime | None = None
    signed_by: str = ""
    signed_typed: bool = False
    printed_at: datetime | None = None
    printed_by: str = ""

    def sentences(self, words: Words) -> list[str]:
        """Say the state in words: origin, closed or open, signed, printed."""
        told = [words(_ORIGINS[self.origin])] if self.origin in _ORIGINS else []
        if self.closed_at is None:
            told.append(words(Message("OPEN – may still change")))
        else:
            told.append(words(Message("closed {time}", time=words.moment(self.closed_at))))
        if self.signed_at is not None:
            name, time = self.signed_by, words.moment(self.signed_at)
            told.append(
                words(Message("signed {time} as {name} (typed, nobody was logged in)", time=time, name=name))
                if self.signed_typed
                else words(Message("signed by {name}, {time}", name=name, time=time))
            )
        if self.printed_at is not None:
            time = words.moment(self.printed_at)
            told.append(
                words(Message("printed {time} by {name}", time=time, name=self.printed_by))
                if self.printed_by
                else words(Message("printed {time}", time=time))
            )
        return told


def standing_of(session: SessionRow, printed_at: datetime | None, printed_by: str) -> Standing:
    """Read the state of a stored session."""
    return Standing(
        session.origin,
        session.closed_at,
        session.signed_at,
        session.signed_by or "",
        bool(session.signed_typed),
        printed_at,
        printed_by,
    )
