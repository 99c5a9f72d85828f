"""Reports of a session: PDF, CSV, Excel, DICOM."""

from prismseg.base.deprecation import renamed_exports
from prismseg.monitor.report.content import Report, collect_report
from prismseg.monitor.report.dicom import dicom_installed, write_dicom
from prismseg.monitor.report.formats import REPORT_FORMATS, ReportFormat
from prismseg.monitor.report.pdf.document import write_pdf
from prismseg.monitor.report.tables.tidy import tidy_table, write_csv
from prismseg.monitor.report.tables.workbook import write_xlsx

__all__ = [
    "REPORT_FORMATS",
    "Report",
    "ReportFormat",
    "collect_report",
    "dicom_installed",
    "tidy_table",
    "write_csv",
    "write_dicom",
    "write_pdf",
    "write_xlsx",
]

__getattr__ = renamed_exports(__name__, tidy="tidy_table")
