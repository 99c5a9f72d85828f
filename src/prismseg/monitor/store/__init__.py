"""Sessions on the disk: database, files, audit chain, and the check of all three."""

from prismseg.monitor.store.store import (
    Change,
    Conflict,
    NotFound,
    Store,
    capture_of,
    captures_of,
    find,
    results_of,
)
from prismseg.monitor.store.verify import Verdict, verify

__all__ = [
    "Change",
    "Conflict",
    "NotFound",
    "Store",
    "Verdict",
    "capture_of",
    "captures_of",
    "find",
    "results_of",
    "verify",
]
