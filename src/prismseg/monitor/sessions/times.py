"""Times of day of a session, where they are known: an import whose pictures have none keeps minutes alone."""

from __future__ import annotations

from datetime import UTC, datetime

from prismseg.monitor.store.schema import SessionRow

UNKNOWN_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the test dose of an import whose times of day are not known; never shown."""


def time_known(session: SessionRow) -> bool:
    """Tell whether a session's times are times of day.

    Imports of a version that did not say it counted back from the moment of the import: theirs are not.
    """
    return session.origin != "import" or session.timed_by == "camera"


def known_time(session: SessionRow, moment: datetime | None) -> datetime | None:
    """Give a time of the session, None where it is not known."""
    return moment if time_known(session) else None
