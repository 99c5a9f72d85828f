"""Reports and tables to take away."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from pathlib import Path

from fastapi import APIRouter, Response

from prismseg.monitor.report import write_csv, write_dicom, write_pdf, write_xlsx
from prismseg.monitor.report.content import collect_report
from prismseg.monitor.web.desk import TheDesk, TheLanguage

router = APIRouter(prefix="/api/sessions/{session}")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/report.pdf")
def pdf(desk: TheDesk, language: TheLanguage, session: str) -> Response:
    """Report, A4."""
    report = collect_report(desk.service, session)
    buffer = io.BytesIO()
    write_pdf(report, buffer, language)
    return _file(buffer.getvalue(), "application/pdf", f"{report.details.code}.pdf")


@router.get("/table.csv")
def csv(desk: TheDesk, session: str) -> Response:
    """Every number, tidy."""
    report = collect_report(desk.service, session)
    buffer = io.BytesIO()
    write_csv(report, buffer)
    return _file(buffer.getvalue(), "text/csv; charset=utf-8", f"{report.details.code}.csv")


@router.get("/table.xlsx")
def xlsx(desk: TheDesk, language: TheLanguage, session: str) -> Response:
    """Every number, as a workbook."""
    report = collect_report(desk.service, session)
    buffer = io.BytesIO()
    write_xlsx(report, buffer, language)
    return _file(buffer.getvalue(), _XLSX, f"{report.details.code}.xlsx")


@router.get("/dicom.zip")
def dicom(desk: TheDesk, language: TheLanguage, session: str) -> Response:
    """Pictures in °C, segmentations and report as DICOM."""
    report = collect_report(desk.service, session)
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dicom(report, folder, language)
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))
    return _file(buffer.getvalue(), "application/zip", f"{report.details.code}-dicom.zip")


def _file(data: bytes, kind: str, name: str) -> Response:
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "session"
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{safe}"'})
