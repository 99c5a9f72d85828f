"""All data of a patient, and what becomes of them when she is erased while they are put together."""

from __future__ import annotations

import io
import zipfile

import pytest

from prismseg.monitor.patients import erase_patient
from prismseg.monitor.store import verify
from prismseg.monitor.store.schema import AuditRow
from prismseg.monitor.web.routes import downloads
from prismseg.monitor.web.routes.office import patients


@pytest.fixture
def session(page):
    begun = page.begin("E-1")
    page.capture(begun)
    return begun


def exports(services) -> int:
    with services.store.read() as db:
        return db.query(AuditRow).where(AuditRow.action == "exported").count()


def test_all_of_a_patient_is_given(page, services, session):
    with zipfile.ZipFile(io.BytesIO(page.get(f"{session}/patient.zip").content)) as archive:
        assert {"session-1/report.pdf", "session-1/rows.json", "session-1/frame-1.tiff"} <= set(archive.namelist())
    assert exports(services) == 1


@pytest.mark.parametrize("name", ["patient.zip", "report.pdf", "fhir.json"])
def test_who_is_erased_while_her_files_are_read_is_gone(page, services, session, monkeypatch, name):
    get = services.store.files.get

    def gone_meanwhile(sha256):
        if services.store.files.path(sha256).exists():
            erase_patient(services.store, "boss", "E-1", "request")
        return get(sha256)

    monkeypatch.setattr(services.store.files, "get", gone_meanwhile)
    services.sessions._measurer._measured.clear()  # so that files are read again
    answer = page.get(f"{session}/{name}")
    assert answer.status_code == 404 and "no such session" in answer.json()["error"], answer.text
    assert exports(services) == 0 and verify(services.store).ok


def test_nothing_is_given_of_who_was_erased_while_it_was_put_together(page, services, session, monkeypatch):
    collect, write = downloads.collect_report, patients.write_archive

    def erased_after(work):
        def done(*arguments, **options):
            made = work(*arguments, **options)
            erase_patient(services.store, "boss", "E-1", "request")
            return made

        return done

    monkeypatch.setattr(downloads, "collect_report", erased_after(collect))
    assert page.get(f"{session}/report.pdf").status_code == 404
    other = page.begin("E-1")
    page.capture(other)
    monkeypatch.setattr(patients, "write_archive", erased_after(write))
    assert page.get(f"{other}/patient.zip").status_code == 404
    assert exports(services) == 0 and verify(services.store).ok
