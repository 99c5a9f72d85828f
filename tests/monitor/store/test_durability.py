from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prismseg.base import OutputError
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, verify
from prismseg.monitor.store.backup import copy_store
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web.security.users import UserDirectory

from .scene import TrueSegmenter, busy, capture

KILLS = int(os.environ.get("PRISMSEG_KILLS", "40"))


@pytest.mark.timeout(600)
def test_kills_at_any_moment_lose_nothing_that_was_confirmed(tmp_path: Path) -> None:
    script = Path(__file__).with_name("crash_loop.py")
    done = subprocess.run([sys.executable, str(script), str(tmp_path), str(KILLS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    print(told)
    assert told["kills"] == KILLS and told["confirmed"] > KILLS / 4


@pytest.fixture
def service(tmp_path: Path):
    store = SessionStore(tmp_path / "ward")
    made = SessionService(store, TrueSegmenter())
    made.session = made.begin("ana", {"code": "E-1"}, camera="none")
    yield made
    store.close()


def test_a_full_disk_is_said_and_nothing_is_half_written(service: SessionService, monkeypatch) -> None:
    capture(service, 1)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="the disk is full"):
            capture(service, 2)
    assert verify(service.store).ok and verify(service.store).unused == 0
    assert capture(service, 2) == 2
    assert verify(service.store).ok


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_really_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=900k", "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        store = SessionStore(disk / "ward")
        service = SessionService(store, TrueSegmenter())
        service.session = service.begin("ana", {"code": "E-1"}, camera="none")
        kept = 0
        with pytest.raises(OutputError, match="disk is full"):
            for number in range(1, 500):
                capture(service, number)
                kept = number
        assert kept > 2
        store.close()
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        store = SessionStore(disk / "ward")
        assert verify(store).faults == ()
        service = SessionService(store, TrueSegmenter())
        with store.read() as db:
            session = db.query(SessionRow).one().id
        assert capture(service, 900, session) == kept + 1
        assert verify(store).ok
        store.close()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_an_audit_file_that_cannot_be_written_is_said_and_catches_up(service: SessionService, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(service.store.trail, "path", service.store.folder / "none" / "audit.jsonl")
        capture(service, 1)
        assert "Cannot write the audit file" in service.store.trail_fault
    assert not verify(service.store).ok
    capture(service, 2)  # the file catches up with the next change
    assert service.store.trail_fault == "" and verify(service.store).ok
    with monkeypatch.context() as patch:
        patch.setattr(service.store.trail, "path", service.store.folder / "none" / "audit.jsonl")
        capture(service, 3)
    folder = service.store.folder
    service.store.close()
    again = SessionStore(folder)  # or at the next start
    assert verify(again).ok
    again.close()


def test_users_come_and_go_beside_a_monitor_that_writes(service: SessionService) -> None:
    with busy(lambda number: capture(service, number)):
        beside = SessionStore(service.store.folder, access="shared")
        for turn in range(6):
            users = UserDirectory(beside)
            users.add("ana", "correct horse") if turn % 2 == 0 else users.disable("ana")
        beside.close()
    assert verify(service.store).faults == ()
    folder = service.store.folder
    service.store.close()
    again = SessionStore(folder)
    assert verify(again).ok
    again.close()


class Died(BaseException):
    """As if the machine stopped here."""


@pytest.mark.parametrize("moment", ["frame kept", "mask kept", "before the commit", "before the audit line"])
def test_whatever_the_moment_the_store_is_whole(service: SessionService, monkeypatch, moment: str) -> None:
    capture(service, 1)
    store, folder = service.store, service.store.folder

    def die(*_: object, **__: object) -> None:
        raise Died

    real = store.files.put
    kept = []

    def put(data: bytes) -> str:
        kept.append(real(data))
        if len(kept) == (1 if moment == "frame kept" else 2):
            raise Died
        return kept[-1]

    with monkeypatch.context() as patch:
        if moment in ("frame kept", "mask kept"):
            patch.setattr(store.files, "put", put)
        elif moment == "before the commit":
            patch.setattr(service, "_update_results", die)
        else:
            patch.setattr(store.trail, "append", die)
        with pytest.raises(Died):
            capture(service, 2)
    store.close()
    again = SessionStore(folder)
    verdict = verify(again)
    assert verdict.ok and verdict.unused == {"frame kept": 1, "mask kept": 1}.get(
        moment, 1 if "commit" in moment else 0
    )
    other = SessionService(again, TrueSegmenter())
    number = capture(other, 2, service.session)
    assert number == 2 and verify(again).ok and verify(again).unused == 0
    again.close()


def test_a_torn_audit_line_is_written_again(service: SessionService) -> None:
    capture(service, 1)
    folder, path = service.store.folder, service.store.trail.path
    service.store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    again = SessionStore(folder)
    assert path.read_bytes() == whole and verify(again).ok
    again.close()


def test_verify_and_backup_beside_a_monitor_that_writes(service: SessionService, tmp_path: Path) -> None:
    """In a folder that is locked by the writer, and without a false alarm."""
    capture(service, 0)
    with busy(lambda number: capture(service, number)):
        for turn in range(5):
            beside = SessionStore(service.store.folder, access="read-only")
            assert verify(beside).faults == ()
            copy_store(beside, tmp_path / f"copy {turn}")
            with pytest.raises(OutputError, match="reading only"), beside.write():
                pass
            beside.close()
    for turn in range(5):
        copied = SessionStore(tmp_path / f"copy {turn}")
        assert verify(copied).faults == () and verify(copied).entries > 3
        copied.close()
