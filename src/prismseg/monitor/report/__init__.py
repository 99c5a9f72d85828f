"""Reports of a session: PDF, CSV, Excel, DICOM."""

from prismseg.monitor.report.dicom import dicom_installed, write_dicom
from prismseg.monitor.report.pdf import write_pdf
from prismseg.monitor.report.sheets import write_xlsx
from prismseg.monitor.report.tables import tidy, write_csv

__all__ = ["dicom_installed", "tidy", "write_csv", "write_dicom", "write_pdf", "write_xlsx"]
