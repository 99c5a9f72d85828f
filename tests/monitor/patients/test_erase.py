"""Erasing a patient: nothing of hers is left on the disk, the chain holds, others keep theirs."""

from __future__ import annotations

import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select
from tests.monitor.store.scene import TrueSegmenter, capture, sql, verdict

from prismseg.monitor.languages import languages
from prismseg.monitor.patients import code_warnings, erase_patient, expired_codes, write_archive
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import Conflict, NotFound, SessionStore, copy_store, finish_erasing
from prismseg.monitor.store.schema import CaptureRow, SessionRow
from prismseg.thermal import Frame

SECRET = "Zürich-Marrón-1987"


@pytest.fixture
def service(tmp_path: Path):
    store = SessionStore(tmp_path / "ward")
    made = SessionService(store, TrueSegmenter())
    for code, note in (("E-1", SECRET), ("E-1", "again"), ("E-2", "another woman")):
        made.session = made.begin("ana", {"code": code, "note": note}, camera="none", take_camera=True)
        number = len(list(store.files.names()))
        capture(made, number + 1)
        made.update_remarks("ana", made.session, 1, {"note": note, "pain": 7})
        made.update_remarks("ana", made.session, 1, {"note": ""})
    yield made
    store.close()


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_is_left_but_that_it_was_erased(service: SessionService, tmp_path: Path) -> None:
    folder, secret = tmp_path / "ward", SECRET.encode()
    with service.store.read() as db:
        frames = dict(
            db.execute(
                select(SessionRow.code, CaptureRow.frame_sha256).join(
                    CaptureRow, CaptureRow.session_id == SessionRow.id
                )
            ).all()
        )
    assert secret in on_disk(folder), "before, it is there"
    assert erase_patient(service.store, "eva", "E-1", "request").sessions == 2
    assert secret not in on_disk(folder)
    assert SECRET.encode("utf-16") not in on_disk(folder) and b"E-1" not in (folder / "audit.jsonl").read_bytes()
    assert (
        not service.store.files.path(frames["E-1"]).exists() and service.store.files.path(frames["E-2"]).exists()
    )
    with service.store.read() as db:
        assert list(db.scalars(select(SessionRow.code))) == ["E-2"]
    service.store.close()
    assert secret not in on_disk(folder)
    found = verdict(folder)
    assert found.ok, found.faults
    assert (found.unused, found.behind) == (0, 0)


def test_the_chain_goes_on_and_a_gap_of_others_is_still_found(service: SessionService, tmp_path: Path) -> None:
    erase_patient(service.store, "eva", "E-1", "retention")
    service.update_remarks("ana", service.session, 1, {"pain": 3})
    service.store.close()
    assert verdict(tmp_path / "ward").ok
    sql(tmp_path / "ward", "DELETE FROM audit_values WHERE seq = (SELECT max(seq) FROM audit_values)")
    assert any("are gone" in fault for fault in verdict(tmp_path / "ward").faults)


def test_who_does_not_exist_is_not_erased(service: SessionService) -> None:
    with pytest.raises(NotFound, match="E-9"):
        erase_patient(service.store, "eva", "E-9", "request")


def test_files_that_a_stopped_program_left_are_erased_at_the_next_start(
    service: SessionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as stopped:
        stopped.setattr("prismseg.monitor.patients.erase.erase_files", lambda *_: 0)
        erase_patient(service.store, "eva", "E-1", "request")
    before = len(list(service.store.files.names()))
    assert finish_erasing(service.store) > 0
    assert len(list(service.store.files.names())) < before
    assert finish_erasing(service.store) == 0


def test_only_closed_sessions_run_out_of_time(service: SessionService) -> None:
    later = service.store.clock() + timedelta(days=400)
    service.store.clock = lambda: later
    assert expired_codes(service.store, 365) == []
    service.close("ana", service.session)
    assert expired_codes(service.store, 365) == ["E-2"] and expired_codes(service.store, 401) == []


def test_imported_sessions_run_out_of_time_though_nobody_closes_them(service: SessionService) -> None:
    new = NewCapture(Frame(np.eye(12) + 25.0), "imported", "camera", datetime(2026, 5, 4, tzinfo=UTC), 0.0)
    service.import_session("ana", {"code": "E-3"}, [new], view="mirrored", camera="camera", dose=None)
    later = service.store.clock() + timedelta(days=400)
    service.store.clock = lambda: later
    assert expired_codes(service.store, 365) == ["E-3"]


def test_a_code_that_is_written_in_another_way_is_told(service: SessionService) -> None:
    for code in ("e-1", "E - 1", "Ｅ-1"):
        service.begin("ana", {"code": code}, camera="none", take_camera=True)
    done = erase_patient(service.store, "eva", " E-1\N{ZERO WIDTH SPACE}", "request")
    assert (done.sessions, done.similar) == (2, ("E - 1", "e-1", "Ｅ-1"))
    with pytest.raises(NotFound, match="but with E - 1, e-1"):
        erase_patient(service.store, "eva", "E-1", "request")


def test_what_looks_the_same_is_the_same_code(service: SessionService) -> None:
    for typed in (
        "PEN\N{COMBINING TILDE}A-1",
        " PE\N{LATIN CAPITAL LETTER N WITH TILDE}A-1",
        "PEÑA-1\N{ZERO WIDTH SPACE}",
    ):
        service.begin("ana", {"code": typed}, camera="none", take_camera=True)
    with service.store.read() as db:
        assert db.scalar(select(func.count()).where(SessionRow.code == "PEÑA-1")) == 3
        warnings = [str(each) for each in code_warnings(db, "peña-1")]
    assert "3 sessions" in warnings[0] and "PEÑA-1" in warnings[1]


def test_a_frame_that_is_refused_after_all_is_not_left_on_the_disk(service: SessionService) -> None:
    """The session is closed, or its patient erased, while the network looks at the frame."""
    before = set(service.store.files.names())
    segmenter, segment = service.segmenter, service.segmenter.segment

    def closed_meanwhile(frame: Frame) -> object:
        service.close("eva", service.session)
        return segment(frame)

    segmenter.segment = closed_meanwhile
    with pytest.raises(Conflict, match="closed"):
        capture(service, 9)
    assert set(service.store.files.names()) == before

    service.begin("ana", {"code": "E-4"}, camera="none", take_camera=True)
    with service.store.read() as db:
        service.session = db.scalars(select(SessionRow.id).where(SessionRow.code == "E-4")).one()

    def erased_meanwhile(frame: Frame) -> object:
        erase_patient(service.store, "eva", "E-4", "mistake")
        return segment(frame)

    segmenter.segment = erased_meanwhile
    with pytest.raises(NotFound):
        capture(service, 10)
    assert set(service.store.files.names()) == before


def test_all_data_of_a_patient_are_in_one_archive(service: SessionService, tmp_path: Path) -> None:
    path = tmp_path / "patient.zip"
    with path.open("wb") as target:
        assert write_archive(service, "E-1", target, languages()["en"]) == 2
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        audit, rows = archive.read("session-1/audit.json").decode(), archive.read("session-1/rows.json").decode()
    for number in (1, 2):
        folder = f"session-{number}"
        assert {
            f"{folder}/{name}" for name in ("report.pdf", "table.csv", "frame-1.tiff", "mask-1-1.tiff")
        } <= names
    assert SECRET in audit and SECRET in rows and "another woman" not in audit + rows


def test_an_archive_for_a_ward_leaves_out_other_wards(service: SessionService, tmp_path: Path) -> None:
    service.begin("eva", {"code": "E-2"}, camera="none", ward="B", take_camera=True)
    for ward, count in (("A", 1), ("B", 2), (None, 2)):
        with (tmp_path / f"{ward}.zip").open("wb") as target:
            assert write_archive(service, "E-2", target, languages()["en"], ward) == count


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("E-2", ["used before, on "]),
        ("e-1", ["used before: 2 sessions", "was written E-1"]),
        ("E-1 ", ["used before: 2 sessions"]),
        ("Anna", ["looks like a name"]),
        ("María García", ["looks like a name"]),
        ("GARCIA LOPEZ", ["looks like a name"]),
        ("E 12.03.1991", ["date of birth"]),
        ("12345678Z", ["number of a document"]),
        ("E-7K2QM", []),
        ("DEMO-1", []),
        ("Ward 3-017", []),
    ],
)
def test_codes_are_warned_of(service: SessionService, code: str, words: list[str]) -> None:
    with service.store.read() as db:
        found = code_warnings(db, code)
    assert len(found) == len(words) and all(word in str(text) for word, text in zip(words, found, strict=True))


def test_a_copy_is_whole_though_a_patient_is_erased_meanwhile(
    service: SessionService, tmp_path: Path, monkeypatch
) -> None:
    copy, copied = shutil.copy2, []

    def erasing(source, target):
        copied.append(target)
        if len(copied) == 2:
            erase_patient(service.store, "eva", "E-1", "request")
        return copy(source, target)

    monkeypatch.setattr(shutil, "copy2", erasing)
    assert copy_store(service.store, tmp_path / "copy") == len(list(service.store.files.names()))
    assert SECRET.encode() not in on_disk(tmp_path / "copy")
    found = verdict(tmp_path / "copy")
    assert found.ok and (found.unused, found.behind) == (0, 0), found
