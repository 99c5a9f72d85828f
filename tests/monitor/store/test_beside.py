"""Verify and backup: what only a copy shows, what a stopped monitor leaves, and disks that take no more."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prismseg.base import ConfigError, DataError, OutputError
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, audit, verify
from prismseg.monitor.store.backup import copy_store
from prismseg.monitor.store.database import disk_is_full

from .scene import UNLOCK, TrueSegmenter, capture, sql, verdict


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SessionService]:
    store = SessionStore(tmp_path / "ward")
    made = SessionService(store, TrueSegmenter())
    made.session = made.begin("ana", {"code": "E-1"}, camera="none")
    made.record_dose("ana", made.session)
    yield made
    store.close()


def closed(service: SessionService) -> Path:
    service.store.close()
    return service.store.folder


def test_a_database_brought_back_from_an_older_copy_is_found(service: SessionService, tmp_path: Path) -> None:
    capture(service, 1)
    copy_store(service.store, tmp_path / "older")
    capture(service, 2)
    folder = closed(service)
    shutil.copy(tmp_path / "older" / "monitor.db", folder / "monitor.db")
    (fault,) = verdict(folder).faults
    assert "is an entry that is gone from the database" in fault
    with pytest.raises(DataError, match="brought back from an older copy"):
        SessionStore(folder)


def test_the_whole_brought_back_is_found_by_a_later_copy_of_the_audit_file(
    service: SessionService, tmp_path: Path
) -> None:
    capture(service, 1)
    copy_store(service.store, tmp_path / "older")
    copied = shutil.copy(service.store.trail.path, tmp_path / "kept elsewhere.jsonl")
    assert verdict(tmp_path / "older", earlier=copied).ok
    capture(service, 2)
    assert verify(service.store, earlier=copied).ok, "the chain has grown since the copy"
    copied = shutil.copy(service.store.trail.path, tmp_path / "kept elsewhere.jsonl")
    assert verdict(tmp_path / "older").ok
    (fault,) = verdict(tmp_path / "older", earlier=copied).faults
    assert "kept elsewhere.jsonl is an entry that is gone" in fault
    with pytest.raises(ConfigError, match="no audit file"):
        verdict(tmp_path / "older", earlier=tmp_path / "none")


def test_a_chain_forged_to_its_end_is_found_by_a_copy(service: SessionService, tmp_path: Path) -> None:
    capture(service, 1)
    copied = shutil.copy(service.store.trail.path, tmp_path / "kept elsewhere.jsonl")
    forge(service, 3, to_the_end=True)
    service.store.trail.path.unlink()
    folder = closed(service)
    SessionStore(folder).close()  # writes the forged chain into a new file
    assert verdict(folder).ok
    (fault,) = verdict(folder, earlier=copied).faults
    assert "Line 3 of" in fault


def forge(service: SessionService, seq: int, *, to_the_end: bool) -> None:
    """Change an entry and seal it anew, and those after it."""
    sql(service.store.folder, *UNLOCK)
    with service.store.engine.begin() as connection, audit.Database(connection) as db:
        previous = None
        for entry in db.query(audit.AuditRow).filter(audit.AuditRow.seq >= seq).order_by(audit.AuditRow.seq):
            if previous is None:
                entry.who = "eve"
            elif to_the_end:
                entry.previous = previous
            previous = entry.sha256 = audit.seal(entry)
        db.commit()


@pytest.mark.parametrize(("seq", "said"), [(3, "Audit entry 4 does not follow"), (8, "Line 8 of")])
def test_an_entry_sealed_anew_is_found(service: SessionService, seq: int, said: str) -> None:
    capture(service, 1)
    assert verify(service.store).entries == 8
    forge(service, seq, to_the_end=False)
    assert any(said in fault for fault in verdict(service.store.folder).faults)


def test_missing_entries_are_named_and_do_not_hide_the_rest(service: SessionService) -> None:
    for number in (1, 2):
        capture(service, number)
    sql(service.store.folder, *UNLOCK, "DELETE FROM audit WHERE seq IN (2, 5, 6)", "UPDATE captures SET width = 4")
    faults = verdict(service.store.folder).faults
    assert faults[:2] == ("Audit entry 2 is missing.", "Audit entries 5 to 6 are missing.")
    assert sum("captures/" in fault for fault in faults) == 2


def test_lines_taken_from_the_audit_file(service: SessionService) -> None:
    for number in (1, 2):
        capture(service, number)
    path = service.store.trail.path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4] + lines[5:]))
    assert "Line 5 of" in verdict(service.store.folder).faults[0]
    path.write_bytes(b"".join(lines[:5]))
    assert f"ends at entry 5 of {len(lines)}" in verdict(service.store.folder).faults[0]
    path.unlink()
    assert f"ends at entry 0 of {len(lines)}" in verdict(service.store.folder).faults[0]
    path.write_bytes(b"5\n" + b"".join(lines[1:]))
    assert "Line 1 of" in verdict(service.store.folder).faults[0]


def test_a_monitor_stopped_before_the_audit_line_is_no_forgery(service: SessionService, monkeypatch) -> None:
    """Before the next start the file lacks the last change, and no more."""
    capture(service, 1)
    with monkeypatch.context() as patch:
        patch.setattr(service.store.trail, "append", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            capture(service, 2)
    found = verdict(service.store.folder)
    assert found.ok and found.behind == 5
    capture(service, 3)  # a program that goes on all the same leaves no gap
    found = verdict(service.store.folder)
    assert found.ok and found.behind == 0


def test_another_process_that_was_killed_leaves_no_gap(service: SessionService) -> None:
    child = os.fork()
    if child == 0:
        beside = SessionStore(service.store.folder, access="shared")
        beside.trail.append = lambda _: os._exit(0)
        with beside.write() as transaction:
            transaction.update_session("eve", "details stated", transaction.session(service.session), code="E-2")
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    capture(service, 1)
    assert verify(service.store).faults == ()
    SessionStore(closed(service)).close()


def test_lines_on_their_way_are_waited_for(service: SessionService) -> None:
    for number in (1, 2):
        capture(service, number)
    path = service.store.trail.path
    whole = path.read_bytes()
    path.write_bytes(whole[:900])
    late = threading.Timer(0.15, path.write_bytes, [whole])
    late.start()
    assert verdict(service.store.folder).faults == ()
    late.join()


def test_reading_changes_nothing(service: SessionService) -> None:
    capture(service, 1)
    folder = closed(service)
    path = folder / "audit.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    assert verdict(folder).behind == 1
    store = SessionStore(folder, access="read-only")
    with pytest.raises(OutputError, match="read"), store.read() as db:
        db.connection().exec_driver_sql("UPDATE sessions SET code = 'x'")
    store.close()
    assert {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()} == before


@pytest.mark.parametrize("access", ["read-only", "shared"])
def test_tables_of_another_version_are_said_and_not_misread(service: SessionService, access) -> None:
    sql(service.store.folder, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match=r"another version of prismseg \(9999"):
        SessionStore(service.store.folder, access=access)


def test_a_folder_without_a_monitor(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no monitor's database"):
        SessionStore(tmp_path, access="read-only")
    (tmp_path / "monitor.db").write_bytes(b"")
    with pytest.raises(ConfigError, match="another version of prismseg"):
        SessionStore(tmp_path, access="read-only")
    (tmp_path / "monitor.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(OutputError, match="not a database"):
        SessionStore(tmp_path, access="read-only")


def test_a_ward_and_its_backup_are_for_their_user_alone(service: SessionService, tmp_path: Path) -> None:
    copy_store(service.store, tmp_path / "copy")
    assert [path.stat().st_mode & 0o777 for path in (service.store.folder, tmp_path / "copy")] == [0o700] * 2
    (tmp_path / "shared").mkdir(mode=0o750)
    SessionStore(tmp_path / "shared").close()
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o750, "the hospital's choice stays"


def test_a_store_may_be_closed_by_another_thread(service: SessionService) -> None:
    closer = threading.Thread(target=service.store.close)
    closer.start()
    closer.join()
    again = SessionStore(service.store.folder)
    assert verify(again).ok
    again.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A small disk, mounted anew with other options at each call."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)], capture_output=True
    ).returncode:
        pytest.skip("this machine lets nobody mount a disk")

    def again(options: str) -> Path:
        subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)
        return place

    yield again
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_backup_on_a_disk_that_cannot_be_written_is_verified(service: SessionService, disk) -> None:
    capture(service, 1)
    copy_store(service.store, disk("rw") / "copy")
    folder = disk("ro") / "copy"
    found = verdict(folder)
    assert found.faults == () and found.entries == 8


def test_a_backup_that_does_not_fit_is_said_and_is_no_backup(service: SessionService, disk) -> None:
    for number in range(8):
        capture(service, number)
    small = disk("size=240k")
    with pytest.raises(OutputError, match=r"Cannot write .*full"):
        copy_store(service.store, small / "copy")
    with pytest.raises(ConfigError, match="no monitor's database"):
        SessionStore(small / "copy", access="read-only")
    with pytest.raises(OutputError, match="not empty"):
        copy_store(service.store, small / "copy")
    assert verify(service.store).ok


def test_a_database_that_can_grow_no_more_saves_nothing_and_says_so(service: SessionService) -> None:
    capture(service, 1)
    engine = service.store.engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    engine.dispose()
    from sqlalchemy import event

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    event.listen(engine, "connect", limit)
    with pytest.raises(OutputError, match=r"the disk is full; free some space\. Nothing was saved") as caught:
        for number in range(2, 40):
            capture(service, number)
    assert disk_is_full(caught.value.__cause__)
    assert verify(service.store).faults == ()
    event.remove(engine, "connect", limit)
    engine.dispose()
    assert capture(service, 100) == number
    assert verify(service.store).faults == ()


def test_an_audit_file_torn_by_a_full_disk_is_whole_after_the_next_change(service: SessionService, disk) -> None:
    """The database lies elsewhere and takes the change; the file takes half of it."""
    trail = disk("size=32k") / "audit.jsonl"
    shutil.move(service.store.trail.path, trail)
    service.store.trail.path = trail
    number = 0
    while not service.store.trail_fault:
        number += 1
        capture(service, number)
    assert (
        "Cannot write the audit file" in service.store.trail_fault and "No space left" in service.store.trail_fault
    )
    capture(service, number + 1)
    disk("size=1m")
    capture(service, number + 2)
    assert service.store.trail_fault == "" and verify(service.store).faults == ()


def test_a_monitor_starts_with_an_audit_file_that_cannot_be_written(service: SessionService, monkeypatch) -> None:
    capture(service, 1)
    folder = closed(service)
    path = folder / "audit.jsonl"
    path.write_bytes(path.read_bytes()[:-10])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(audit.AuditFile, "append", full)
        store = SessionStore(folder)
    assert "No space left" in store.trail_fault
    store.close()
    store = SessionStore(folder)
    assert store.trail_fault == "" and verify(store).ok
    store.close()


def test_a_long_audit_file_does_not_slow_a_change(service: SessionService, monkeypatch) -> None:
    """Only the end of the file is read, whatever the lines' length."""

    def whole(_: audit.AuditFile) -> Iterator[dict]:
        raise AssertionError("the whole file is read")

    with service.store.write() as transaction:
        row = transaction.session(service.session)
        for number in range(1500):
            transaction.record("ana", "noted", row, text="ñ" * (number % 40) * 500 if number % 50 == 49 else "")
    with monkeypatch.context() as patch:
        patch.setattr(audit.AuditFile, "lines", whole)
        for number in range(5):
            service.update_details("ana", service.session, {"parity": number})
    assert service.store.trail_fault == ""
    assert verify(service.store).faults == ()
    path = service.store.trail.path
    with path.open("ab") as file:
        file.write(b'{"half')
    service.update_details("ana", service.session, {"parity": 9})
    assert verify(service.store).faults == ()


def test_an_entry_written_between_two_looks_at_the_audit_file_is_no_forgery(
    service: SessionService, monkeypatch
) -> None:
    """The lines are counted and then compared: what comes in between belongs to no entry that was read."""
    capture(service, 1)
    beside = SessionStore(service.store.folder, access="read-only")
    counted, numbers = audit.AuditFile.lines, iter((2, 3))

    def lines(trail):
        yield from counted(trail)
        if (number := next(numbers, None)) is not None:
            capture(service, number)

    monkeypatch.setattr(audit.AuditFile, "lines", lines)
    assert verify(beside).faults == ()
    assert verify(beside).faults == ()
    beside.close()
