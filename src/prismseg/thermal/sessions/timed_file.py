"""One file of a session, with what is known of when it was taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prismseg.base import Message
from prismseg.base.deprecation import renamed
from prismseg.thermal.frames.file_names import NamedTime
from prismseg.thermal.frames.frame import Frame


@renamed(refusal="rejection")
@dataclass(frozen=True, eq=False)
class TimedFile:
    """One file of a session.

    Attributes
    ----------
    path : Path
        The file.
    frame : Frame or None
        What was read from it; None where it was rejected.
    rejection : Message or None
        Why it was.
    named : NamedTime or None
        The time in its name.
    minute : float or None
        Since the test dose; None where it is not known.
    stamp : datetime or None
        Date and time of day in its name, where they stand for the camera's clock: no file holds a time.
    """

    path: Path
    frame: Frame | None
    rejection: Message | None = None
    named: NamedTime | None = None
    minute: float | None = None
    stamp: datetime | None = None

    @property
    def clock(self) -> datetime | None:
        """Time by the camera's clock, or by the date and time of day in the name."""
        return self.stamp if self.frame is None or self.frame.time is None else self.frame.time
