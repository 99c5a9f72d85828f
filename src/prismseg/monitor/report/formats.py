"""The formats in which a session can be taken away.

One registration adds a format: its route, the link on the session's page and the file's name derive from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from prismseg.base import Message
from prismseg.base.registry import Registry
from prismseg.monitor.languages import Language
from prismseg.monitor.report.content import Report


def _always() -> bool:
    return True


@dataclass(frozen=True)
class ReportFormat:
    """One format of reports.

    Attributes
    ----------
    filename : str
        Last part of its address, below ``/api/sessions/SESSION/``.
    ending : str
        Of the name of the file that is taken away; what comes before is the session's code.
    media_type : str
        As HTTP has it.
    title : Message
        On the link.
    write : callable
        Writes a report into an open binary file, in a language.
    available : callable
        Whether the packages are installed that it needs; a format that is not available has no link.
    """

    filename: str
    ending: str
    media_type: str
    title: Message
    write: Callable[[Report, IO[bytes], Language], object]
    available: Callable[[], bool] = _always


REPORT_FORMATS: Registry[ReportFormat] = Registry("report format")
REPORT_FORMATS.register(
    "pdf", "prismseg.monitor.report.pdf.document:FORMAT", summary="Pictures, curves, tables and flags on A4."
)
REPORT_FORMATS.register(
    "csv", "prismseg.monitor.report.tables.tidy:FORMAT", summary="Every number, one row a region."
)
REPORT_FORMATS.register(
    "xlsx", "prismseg.monitor.report.tables.workbook:FORMAT", summary="Every number, as a workbook."
)
REPORT_FORMATS.register(
    "dicom", "prismseg.monitor.report.dicom:FORMAT", summary="Frames in °C, segmentations and the report as DICOM."
)
REPORT_FORMATS.register(
    "fhir", "prismseg.monitor.report.fhir:FORMAT", summary="Temperatures, pain and cold test as a FHIR R4 bundle."
)
REPORT_FORMATS.register(
    "redcap",
    "prismseg.monitor.report.tables.redcap:FORMAT",
    summary="Session and captures as REDCap imports them.",
)
