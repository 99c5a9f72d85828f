"""What the monitor asks of any camera."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from prismseg.base import PrismsegError
from prismseg.thermal import Frame

LATE = 1.5  # seconds after which a picture that was asked for is overdue: nobody shall look at an old one for 2 s
Now = Callable[[], datetime]
"""Tells the time in UTC, as the monitor's clock has it."""


def utc_now() -> datetime:
    """Tell the time in UTC by the computer's clock."""
    return datetime.now(UTC)


class CameraError(PrismsegError):
    """A camera gives no picture that can be measured: unplugged, late, frozen, unreadable."""


class Camera(Protocol):
    """A source of thermal frames.

    A camera that failed recovers by itself: ask again after a moment. Only what can never work (an unknown kind, a
    missing package) is refused when it is opened.
    """

    @property
    def name(self) -> str:
        """What staff know it by; a `prismseg.base.Message` where it has words."""

    def frame(self) -> Frame:
        """Give the next picture; its `time` is when it was taken, in UTC by the monitor's clock.

        Blocks until there is one, at most about `LATE` seconds.

        Raises
        ------
        CameraError
            Saying what is wrong and what to do.
        """

    def reset(self) -> None:
        """Forget every picture: another patient comes, and none that was taken before shall be given again."""

    def close(self) -> None:
        """Release the device; may be called twice."""
