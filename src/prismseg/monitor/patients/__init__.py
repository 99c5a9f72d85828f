"""What concerns a patient rather than a session: codes, all data of one, erasing."""

from prismseg.monitor.patients.archive import write_archive
from prismseg.monitor.patients.codes import code_warnings
from prismseg.monitor.patients.erase import (
    CAUSES,
    Cause,
    Erased,
    count_sessions,
    erase_patient,
    expired_codes,
    find_similar,
)

__all__ = [
    "CAUSES",
    "Cause",
    "Erased",
    "code_warnings",
    "count_sessions",
    "erase_patient",
    "expired_codes",
    "find_similar",
    "write_archive",
]
