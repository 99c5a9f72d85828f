"""What concerns a patient rather than a session: codes, all data of one, erasing."""

from prismseg.monitor.patients.archive import write_archive
from prismseg.monitor.patients.codes import code_warnings
from prismseg.monitor.patients.erase import CAUSES, Cause, Erased, erase_patient, expired_codes

__all__ = ["CAUSES", "Cause", "Erased", "code_warnings", "erase_patient", "expired_codes", "write_archive"]
