"""Pictures recorded elsewhere, before they become a session: their order, their time of day, and what must be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from prismseg.base import Message
from prismseg.thermal import Frame

Question = Literal["sizes", "cameras", "days"]
CLOCKS_AGREE = timedelta(minutes=1)
"""By which stated minutes may differ from the camera's clock: they are written down rounded."""


@dataclass(frozen=True, eq=False)
class TimedPicture:
    """A picture of an import with its minute.

    Attributes
    ----------
    frame : Frame
        Temperatures; its `time` is by the camera's clock, where it has one.
    name : str
        Of the file.
    minute : float
        Since the test dose.
    """

    frame: Frame
    name: str
    minute: float


def find_dose_time(pictures: Sequence[TimedPicture]) -> datetime | None:
    """Tell when the test dose was given, by the camera's clock.

    Parameters
    ----------
    pictures : sequence of TimedPicture
        With their minutes.

    Returns
    -------
    datetime or None
        In UTC, a clock without a zone taken as this computer's; None where no picture has a time, or where their times
        and minutes contradict each other: then nothing is known.

    Examples
    --------
    >>> import numpy as np
    >>> at = datetime(2026, 5, 4, 12, 5, tzinfo=UTC)
    >>> find_dose_time([TimedPicture(Frame(np.eye(10) + 20, time=at), "t5.jpg", 5.0)]).isoformat()
    '2026-05-04T12:00:00+00:00'
    """
    zeros = [
        (abs(each.minute), time - timedelta(minutes=each.minute))
        for each in pictures
        if (time := camera_time(each.frame)) is not None
    ]
    if not zeros:
        return None
    moments = [zero for _, zero in zeros]
    if max(moments) - min(moments) > CLOCKS_AGREE:
        return None
    return min(zeros, key=lambda pair: pair[0])[1]


def camera_time(frame: Frame) -> datetime | None:
    """Give a picture's time by the camera's clock in UTC; None without one, or for one that is no time of today."""
    try:
        return None if frame.time is None else frame.time.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        return None


def find_questions(pictures: Sequence[TimedPicture]) -> dict[Question, Message]:
    """Ask about what pictures of one session seldom differ in: they may be of several patients.

    Examples
    --------
    >>> import numpy as np
    >>> pictures = [TimedPicture(Frame(np.eye(side) + 20), f"{side}", 0.0) for side in (10, 12)]
    >>> {name: str(text) for name, text in find_questions(pictures).items()}
    {'sizes': 'The pictures have several sizes: 10 × 10, 12 × 12. Are they of one patient and one session?'}
    """
    sizes = dict.fromkeys("{1} × {0}".format(*each.frame.size) for each in pictures)
    cameras = dict.fromkeys(each.frame.camera or "–" for each in pictures)
    times = [time for each in pictures if (time := camera_time(each.frame)) is not None]
    days = dict.fromkeys(f"{time.astimezone():%Y-%m-%d}" for time in times)
    asked: dict[Question, Message] = {}
    if len(sizes) > 1:
        asked["sizes"] = Message(
            "The pictures have several sizes: {sizes}. Are they of one patient and one session?",
            sizes=", ".join(sizes),
        )
    if len(cameras) > 1:
        asked["cameras"] = Message(
            "The pictures come from several cameras: {cameras}. Are they of one patient and one session?",
            cameras=", ".join(cameras),
        )
    if len(days) > 1:
        asked["days"] = Message(
            "By the camera's clock the pictures are of several days: {days}. Are they of one session?",
            days=", ".join(days),
        )
    return asked
