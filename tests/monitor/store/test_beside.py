"""Verify and backup: what only a copy shows, what a stopped monitor leaves, and disks that take no more."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prismseg.base import ConfigError, DataError, OutputError
from prismseg.monitor.sessions.ward import Ward
from prismseg.monitor.store import SessionStore, audit, verify
from prismseg.monitor.store.backup import copy_store

from .scene import UNLOCK, Seer, capture, sql, verdict


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    store = SessionStore(tmp_path / "ward")
    made = Ward(store, Seer())
    made.session = made.begin("ana", {"code": "E-1"}, camera="none")
    made.give_dose("ana", made.session)
    yield made
    store.close()


def closed(ward: Ward) -> Path:
    ward.store.close()
    return ward.store.folder


def test_a_database_brought_back_from_an_older_copy_is_found(ward: Ward, tmp_path: Path) -> None:
    capture(ward, 1)
    copy_store(ward.store, tmp_path / "older")
    capture(ward, 2)
    folder = closed(ward)
    shutil.copy(tmp_path / "older" / "monitor.db", folder / "monitor.db")
    (fault,) = verdict(folder).faults
    assert "is an entry that is gone from the database" in fault
    with pytest.raises(DataError, match="brought back from an older copy"):
        SessionStore(folder)


def test_the_whole_brought_back_is_found_by_a_later_copy_of_the_audit_file(ward: Ward, tmp_path: Path) -> None:
    capture(ward, 1)
    copy_store(ward.store, tmp_path / "older")
    copied = shutil.copy(ward.store.trail.path, tmp_path / "kept elsewhere.jsonl")
    assert verdict(tmp_path / "older", earlier=copied).ok
    capture(ward, 2)
    assert verify(ward.store, earlier=copied).ok, "the chain has grown since the copy"
    copied = shutil.copy(ward.store.trail.path, tmp_path / "kept elsewhere.jsonl")
    assert verdict(tmp_path / "older").ok
    (fault,) = verdict(tmp_path / "older", earlier=copied).faults
    assert "kept elsewhere.jsonl is an entry that is gone" in fault
    with pytest.raises(ConfigError, match="no audit file"):
        verdict(tmp_path / "older", earlier=tmp_path / "none")


def test_a_chain_forged_to_its_end_is_found_by_a_copy(ward: Ward, tmp_path: Path) -> None:
    capture(ward, 1)
    copied = shutil.copy(ward.store.trail.path, tmp_path / "kept elsewhere.jsonl")
    forge(ward, 3, to_the_end=True)
    ward.store.trail.path.unlink()
    folder = closed(ward)
    SessionStore(folder).close()  # writes the forged chain into a new file
    assert verdict(folder).ok
    (fault,) = verdict(folder, earlier=copied).faults
    assert "Line 3 of" in fault


def forge(ward: Ward, seq: int, *, to_the_end: bool) -> None:
    """Change an entry and seal it anew, and those after it."""
    sql(ward.store.folder, *UNLOCK)
    with ward.store.engine.begin() as connection, audit.Database(connection) as db:
        previous = None
        for entry in db.query(audit.AuditRow).filter(audit.AuditRow.seq >= seq).order_by(audit.AuditRow.seq):
            if previous is None:
                entry.who = "eve"
            elif to_the_end:
                entry.previous = previous
            previous = entry.sha256 = audit.seal(entry)
        db.commit()


@pytest.mark.parametrize(("seq", "said"), [(3, "Audit entry 4 does not follow"), (8, "Line 8 of")])
def test_an_entry_sealed_anew_is_found(ward: Ward, seq: int, said: str) -> None:
    capture(ward, 1)
    assert verify(ward.store).entries == 8
    forge(ward, seq, to_the_end=False)
    assert any(said in fault for fault in verdict(ward.store.folder).faults)


def test_missing_entries_are_named_and_do_not_hide_the_rest(ward: Ward) -> None:
    for number in (1, 2):
        capture(ward, number)
    sql(ward.store.folder, *UNLOCK, "DELETE FROM audit WHERE seq IN (2, 5, 6)", "UPDATE captures SET width = 4")
    faults = verdict(ward.store.folder).faults
    assert faults[:2] == ("Audit entry 2 is missing.", "Audit entries 5 to 6 are missing.")
    assert sum("captures/" in fault for fault in faults) == 2


def test_lines_taken_from_the_audit_file(ward: Ward) -> None:
    for number in (1, 2):
        capture(ward, number)
    path = ward.store.trail.path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4] + lines[5:]))
    assert "Line 5 of" in verdict(ward.store.folder).faults[0]
    path.write_bytes(b"".join(lines[:5]))
    assert f"ends at entry 5 of {len(lines)}" in verdict(ward.store.folder).faults[0]
    path.unlink()
    assert f"ends at entry 0 of {len(lines)}" in verdict(ward.store.folder).faults[0]
    path.write_bytes(b"5\n" + b"".join(lines[1:]))
    assert "Line 1 of" in verdict(ward.store.folder).faults[0]


def test_a_monitor_stopped_before_the_audit_line_is_no_forgery(ward: Ward, monkeypatch) -> None:
    """Before the next start the file lacks the last change, and no more."""
    capture(ward, 1)
    with monkeypatch.context() as patch:
        patch.setattr(ward.store.trail, "append", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            capture(ward, 2)
    found = verdict(ward.store.folder)
    assert found.ok and found.behind == 5
    capture(ward, 3)  # a program that goes on all the same leaves no gap
    found = verdict(ward.store.folder)
    assert found.ok and found.behind == 0


def test_another_process_that_was_killed_leaves_no_gap(ward: Ward) -> None:
    child = os.fork()
    if child == 0:
        beside = SessionStore(ward.store.folder, access="shared")
        beside.trail.append = lambda _: os._exit(0)
        with beside.write() as transaction:
            transaction.update_session("eve", "details stated", transaction.session(ward.session), code="E-2")
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    capture(ward, 1)
    assert verify(ward.store).faults == ()
    SessionStore(closed(ward)).close()


def test_lines_on_their_way_are_waited_for(ward: Ward) -> None:
    for number in (1, 2):
        capture(ward, number)
    path = ward.store.trail.path
    whole = path.read_bytes()
    path.write_bytes(whole[:900])
    late = threading.Timer(0.15, path.write_bytes, [whole])
    late.start()
    assert verdict(ward.store.folder).faults == ()
    late.join()


def test_reading_changes_nothing(ward: Ward) -> None:
    capture(ward, 1)
    folder = closed(ward)
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
def test_tables_of_another_version_are_said_and_not_misread(ward: Ward, access) -> None:
    sql(ward.store.folder, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match=r"another version of prismseg \(9999"):
        SessionStore(ward.store.folder, access=access)


def test_a_folder_without_a_monitor(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no monitor's database"):
        SessionStore(tmp_path, access="read-only")
    (tmp_path / "monitor.db").write_bytes(b"")
    with pytest.raises(ConfigError, match="another version of prismseg"):
        SessionStore(tmp_path, access="read-only")
    (tmp_path / "monitor.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(OutputError, match="not a database"):
        SessionStore(tmp_path, access="read-only")


def test_a_ward_and_its_backup_are_for_their_user_alone(ward: Ward, tmp_path: Path) -> None:
    copy_store(ward.store, tmp_path / "copy")
    assert [path.stat().st_mode & 0o777 for path in (ward.store.folder, tmp_path / "copy")] == [0o700] * 2
    (tmp_path / "shared").mkdir(mode=0o750)
    SessionStore(tmp_path / "shared").close()
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o750, "the hospital's choice stays"


def test_a_store_may_be_closed_by_another_thread(ward: Ward) -> None:
    closer = threading.Thread(target=ward.store.close)
    closer.start()
    closer.join()
    SessionStore(ward.store.folder).close()


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


def test_a_backup_on_a_disk_that_cannot_be_written_is_verified(ward: Ward, disk) -> None:
    capture(ward, 1)
    copy_store(ward.store, disk("rw") / "copy")
    folder = disk("ro") / "copy"
    found = verdict(folder)
    assert found.faults == () and found.entries == 8


def test_a_backup_that_does_not_fit_is_said_and_is_no_backup(ward: Ward, disk) -> None:
    for number in range(8):
        capture(ward, number)
    small = disk("size=240k")
    with pytest.raises(OutputError, match=r"Cannot write .*full"):
        copy_store(ward.store, small / "copy")
    with pytest.raises(ConfigError, match="no monitor's database"):
        SessionStore(small / "copy", access="read-only")
    with pytest.raises(OutputError, match="not empty"):
        copy_store(ward.store, small / "copy")
    assert verify(ward.store).ok


def test_a_database_that_can_grow_no_more_saves_nothing_and_says_so(ward: Ward) -> None:
    capture(ward, 1)
    engine = ward.store.engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    engine.dispose()
    from sqlalchemy import event

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    event.listen(engine, "connect", limit)
    with pytest.raises(OutputError, match=r"the disk is full; free some space\. Nothing was saved"):
        for number in range(2, 40):
            capture(ward, number)
    assert verify(ward.store).faults == ()
    event.remove(engine, "connect", limit)
    engine.dispose()
    assert capture(ward, 100) == number
    assert verify(ward.store).faults == ()


def test_an_audit_file_torn_by_a_full_disk_is_whole_after_the_next_change(ward: Ward, disk) -> None:
    """The database lies elsewhere and takes the change; the file takes half of it."""
    trail = disk("size=32k") / "audit.jsonl"
    shutil.move(ward.store.trail.path, trail)
    ward.store.trail.path = trail
    number = 0
    while not ward.store.trail_fault:
        number += 1
        capture(ward, number)
    assert "Cannot write the audit file" in ward.store.trail_fault and "No space left" in ward.store.trail_fault
    capture(ward, number + 1)
    disk("size=1m")
    capture(ward, number + 2)
    assert ward.store.trail_fault == "" and verify(ward.store).faults == ()


def test_a_monitor_starts_with_an_audit_file_that_cannot_be_written(ward: Ward, monkeypatch) -> None:
    capture(ward, 1)
    folder = closed(ward)
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


def test_a_long_audit_file_does_not_slow_a_change(ward: Ward) -> None:
    """Only the end of the file is read, whatever the lines' length."""
    with ward.store.write() as transaction:
        row = transaction.session(ward.session)
        for number in range(1500):
            transaction.record("ana", "noted", row, text="ñ" * (number % 40) * 500 if number % 50 == 49 else "")
    started = time.perf_counter()
    for number in range(5):
        ward.describe("ana", ward.session, {"parity": number})
    assert time.perf_counter() - started < 1
    assert verify(ward.store).faults == ()
    path = ward.store.trail.path
    with path.open("ab") as file:
        file.write(b'{"half')
    ward.describe("ana", ward.session, {"parity": 9})
    assert verify(ward.store).faults == ()
