"""The store on a real PostgreSQL: Debian's server, started by the test, or the one that an address names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session as Database

from prismseg.base import ConfigError, OutputError
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, verify
from prismseg.monitor.store.backup import copy_store
from prismseg.monitor.store.database import _MONITOR_LOCK

from .scene import TrueSegmenter, busy, capture, frame, soles

pytest.importorskip("psycopg")


@pytest.fixture
def service(url: str, tmp_path: Path) -> Iterator[SessionService]:
    store = SessionStore(tmp_path / "ward", url)
    made = SessionService(store, TrueSegmenter())
    made.session = made.begin("ana", {"code": "E-Ñ1"}, camera="none")
    yield made
    store.close()


def test_a_session_is_kept_opened_again_and_verified(service: SessionService, url: str) -> None:
    capture(service, 1)
    service.record_dose("ana", service.session)
    capture(service, 2, left=31.0)
    folder = service.store.folder
    verdict = verify(service.store)
    assert verdict.ok and verdict.files == 3  # two frames; both looks are the same
    row, rebuilt = service.measure(service.session)
    assert row.code == "E-Ñ1" and rebuilt.session.delta(rebuilt.session.entries[1], "left").value == pytest.approx(
        3, abs=0.1
    )
    service.store.close()
    again = SessionStore(folder, url)
    assert verify(again).ok
    _, same = SessionService(again, TrueSegmenter()).measure(service.session)
    assert same.session.table().equals(rebuilt.session.table())
    again.close()


def test_corrections_are_undone_and_redone(service: SessionService) -> None:
    capture(service, 1)
    with service.store.read() as db:
        before = db.execute(text("select mask_id from captures")).scalar()
    service.correct_mask("ana", service.session, 1, soles(), before=before)
    service.undo_correction("ana", service.session, 1)
    service.redo_correction("ana", service.session, 1)
    assert verify(service.store).ok


def test_the_audit_table_takes_no_change(service: SessionService) -> None:
    for statement in ("UPDATE audit SET who = 'eve'", "DELETE FROM audit", "TRUNCATE audit CASCADE"):
        with pytest.raises(DBAPIError, match="never changed"), service.store.engine.begin() as connection:
            connection.execute(text(statement))


def test_a_changed_row_is_found(service: SessionService) -> None:
    capture(service, 1)
    with service.store.engine.begin() as connection:
        connection.execute(text("UPDATE captures SET width = 4"))
    assert [fault.split("/")[0] for fault in verify(service.store).faults] == ["captures"]


def test_two_who_write_at_once_extend_one_chain(service: SessionService) -> None:
    def describe(number: int) -> None:
        service.update_details("ana", service.session, {"parity": number % 10})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(describe, range(20)))
    assert verify(service.store).ok


def test_the_tables_are_those_of_the_models(service: SessionService) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from prismseg.monitor.store.schema import Base

    with service.store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be used") as caught:
        SessionStore(tmp_path / "ward", "postgresql+psycopg://ana:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_a_wrong_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        SessionStore(tmp_path / "ward", "nodatabase://here")


def test_one_monitor_a_database(service: SessionService, url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Another monitor uses the database"):
        SessionStore(tmp_path / "elsewhere", url)
    folder = service.store.folder
    service.store.close()
    SessionStore(folder, url).close()


def test_a_claim_waits_for_a_monitor_that_is_going(service: SessionService, url: str) -> None:
    """The server may see a client's end only after the next monitor has begun."""
    folder = service.store.folder
    service.store.close()
    going = create_engine(url).connect()
    going.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MONITOR_LOCK})
    end = threading.Timer(0.3, going.invalidate)  # closes the connection without a word of unlocking
    end.start()
    again = SessionStore(folder, url)
    assert going.invalidated and verify(again).ok
    again.close()
    end.join()


def test_verify_and_backup_beside_a_monitor_that_writes(service: SessionService, url: str, tmp_path: Path) -> None:
    capture(service, 0)
    with busy(lambda number: capture(service, number)):
        for turn in range(3):
            beside = SessionStore(service.store.folder, url, access="read-only")
            for _ in range(8):
                assert verify(beside).faults == ()
            copy_store(beside, tmp_path / f"copy {turn}")
            beside.close()
    _, rebuilt = service.measure(service.session)
    for turn in range(3):
        copied = SessionStore(tmp_path / f"copy {turn}")
        assert verify(copied).faults == () and verify(copied).entries > 3
        _, same = SessionService(copied, TrueSegmenter()).measure(service.session)
        number = len(same.session.entries)
        assert [row.frame_sha256 for row in same.captures] == [
            row.frame_sha256 for row in rebuilt.captures[:number]
        ]
        copied.close()


def test_a_connection_lost_at_the_commit_leaves_no_gap_in_the_audit_file(
    service: SessionService, monkeypatch
) -> None:
    """The server may have kept what the monitor was told had failed."""
    real = Database.commit

    def commit(self: Database) -> None:
        real(self)
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    with monkeypatch.context() as patch:
        patch.setattr(Database, "commit", commit)
        with pytest.raises(OutputError, match="closed the connection"):
            capture(service, 1)
    assert capture(service, 1) == 1  # asked for again, it is there
    capture(service, 2)
    assert verify(service.store).faults == ()


def test_long_and_odd_names_of_files_are_kept(service: SessionService) -> None:
    odd = replace(frame(1), source=f"{'long ' * 60}\udcff.tiff")
    assert service.capture("ana", service.session, NewCapture(odd, "key-odd", "none", service.store.clock())) == 1
    assert verify(service.store).ok
