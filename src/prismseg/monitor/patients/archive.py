"""All data of a patient as one ZIP archive, for whoever asks what is kept of them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import IO, Any

from sqlalchemy import inspect, select

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.monitor.report import REPORT_FORMATS, collect_report
from prismseg.monitor.sessions.admission import is_import
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import NotFound, latest_results, list_captures
from prismseg.monitor.store.audit import as_json
from prismseg.monitor.store.changes import without_invented_times
from prismseg.monitor.store.schema import AuditRow, AuditValuesRow, Base, CaptureRow, MaskRow, SessionRow


def write_archive(
    service: SessionService, code: str, target: IO[bytes], language: Language, ward: str | None = None
) -> int:
    """Write every session of a code: reports in all formats, rows, frames, masks and audit entries.

    Parameters
    ----------
    service : SessionService
        Over the store.
    code : str
        Of the patient.
    target : binary file
        Open for writing.
    language : Language
        Of the reports.
    ward : str, optional
        Leave out sessions of other wards.

    Returns
    -------
    int
        How many sessions were written.

    Raises
    ------
    NotFound
        When no session has that code.
    """
    store = service.store
    with store.read() as db:
        query = select(SessionRow).where(SessionRow.code == code).order_by(SessionRow.created_at)
        if ward is not None:
            query = query.where((SessionRow.ward == ward) | SessionRow.ward.is_(None))
        sessions = list(db.scalars(query))
    if not sessions:
        raise NotFound(Message("There is no session with the code {code}.", code=code))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, session in enumerate(sessions, start=1):
            _write_session(service, session, f"session-{number}", archive, language)
    return len(sessions)


def _write_session(
    service: SessionService, session: SessionRow, folder: str, archive: zipfile.ZipFile, language: Language
) -> None:
    report = collect_report(service, session.id)
    for form in REPORT_FORMATS.values():
        if form.available():
            buffer = io.BytesIO()
            form.write(report, buffer, language)
            archive.writestr(f"{folder}/{form.filename}", buffer.getvalue())
    with service.store.read() as db:
        captures = list_captures(db, session.id, deleted=True)
        masks = list(
            db.scalars(
                select(MaskRow)
                .join(CaptureRow, CaptureRow.id == MaskRow.capture_id)
                .where(CaptureRow.session_id == session.id)
            )
        )
        rows: list[Any] = [session, *captures, *masks, *latest_results(db, session.id).values()]
        subjects = [f"{row.__tablename__}/{row.id}" for row in rows]
        imported = dict(zip(subjects, rows, strict=True)) if is_import(session) else {}
        entries = [
            {**_columns(entry), "values": None if values is None else _told(values, imported.get(entry.subject))}
            for entry, values in db.execute(
                select(AuditRow, AuditValuesRow)
                .join(AuditValuesRow, AuditValuesRow.seq == AuditRow.seq, isouter=True)
                .where(AuditRow.subject.in_(subjects))
                .order_by(AuditRow.seq)
            )
        ]
    archive.writestr(
        f"{folder}/rows.json", as_json([{"table": row.__tablename__, **_columns(row)} for row in rows])
    )
    archive.writestr(f"{folder}/audit.json", as_json(entries))
    for capture in captures:
        archive.writestr(f"{folder}/frame-{capture.number}.tiff", service.store.files.get(capture.frame_sha256))
    for mask in masks:
        number = next(capture.number for capture in captures if capture.id == mask.capture_id)
        ending = "tiff" if mask.origin == "automatic" else "png"
        archive.writestr(
            f"{folder}/mask-{number}-{mask.number}.{ending}", service.store.files.get(mask.file_sha256)
        )


def _told(values: AuditValuesRow, row: Base | None) -> dict[str, Any]:
    return without_invented_times(json.loads(values.text), row)


def _columns(row: Base) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
