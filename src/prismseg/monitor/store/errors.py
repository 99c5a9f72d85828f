"""What can be wrong with a request to the store, other than the disk."""

from __future__ import annotations

from prismseg.base import DataError


class NotFound(DataError):
    """There is no such session, capture or mask."""


class Conflict(DataError):
    """What was asked for does not fit what has become of the session meanwhile."""
