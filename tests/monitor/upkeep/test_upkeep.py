"""What a monitor does by itself: the watch over the clock, copies, the log, and how it says that it is."""

from __future__ import annotations

import ast
import json
import re
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from tests.monitor.sessions.test_clock import Computer
from tests.monitor.store.scene import TrueSegmenter, capture

import prismseg.monitor
from prismseg.base import ConfigError, OutputError
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, verify
from prismseg.monitor.store.audit import values_sha256
from prismseg.monitor.store.schema import AuditRow
from prismseg.monitor.upkeep import backups as backups_module
from prismseg.monitor.upkeep import housekeeper
from prismseg.monitor.upkeep.backups import BackupPlan, Backups
from prismseg.monitor.upkeep.clock_watch import ClockWatch
from prismseg.monitor.upkeep.health import Health
from prismseg.monitor.upkeep.housekeeper import Housekeeper, Task
from prismseg.monitor.upkeep.log import EVENTS, EventLog


class Ward:
    """A store on a computer whose clocks a test sets; it may be started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.computer = folder, Computer()
        self.log = EventLog(folder.parent / "log.jsonl")
        self.start()

    def start(self) -> None:
        self.clock: SteadyClock = self.computer.clock()
        self.store = SessionStore(self.folder, clock=lambda: self.clock())
        self.watch = ClockWatch(self.store, self.clock, self.log, lambda: self.computer.steady)
        self.service = SessionService(self.store, TrueSegmenter())

    def restart(self) -> None:
        self.store.close()
        self.start()

    def begin(self) -> str:
        return self.service.begin("ana", {"code": "E-1"}, camera="none")

    def told(self, *actions: str) -> list[dict[str, float]]:
        with self.store.read() as db:
            rows = list(db.scalars(select(AuditRow).order_by(AuditRow.seq)))
        return [json.loads(row.detail) for row in rows if row.action in actions]

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder.parent / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path / "ward")
    yield made
    made.store.close()


def test_a_jump_is_in_the_audit_of_a_running_session_once(ward: Ward) -> None:
    ward.begin()
    ward.computer.wall += 3600
    for _ in range(3):
        ward.computer.wait(1)
        ward.watch.look()
    assert ward.told("computer's clock moved") == [{"seconds": 3600.0}]
    ward.computer.wall -= 7200
    ward.watch.look()
    assert [each["seconds"] for each in ward.told("computer's clock moved")] == [3600.0, -3600.0]
    assert verify(ward.store).ok


def test_without_a_running_session_the_clock_follows_the_computers(ward: Ward) -> None:
    session = ward.begin()
    ward.service.close("ana", session)
    ward.computer.wall += 3600
    ward.watch.look()
    assert ward.clock.jump == 0 and ward.clock().timestamp() == ward.computer.wall
    assert ward.told("computer's clock moved") == []
    assert [each["event"] for each in ward.events()] == ["clock moved"]


def test_sleep_and_restarts_are_in_the_audit(ward: Ward) -> None:
    ward.begin()
    ward.computer.wait(1)
    ward.watch.look()
    ward.computer.wait(600)
    ward.watch.look()
    assert ward.told("computer slept") == [{"seconds": 600.0}]
    ward.computer.wait(120)
    ward.computer.wall -= 3600
    ward.restart()
    assert ward.told("monitor started again")[-1] == {"seconds_off": 120.0, "seconds_unknown": 0.0}
    assert ward.watch.lost == 0
    ward.computer.boot, ward.computer.wall = "another", ward.computer.wall - 86400
    ward.restart()
    assert ward.told("monitor started again")[-1]["seconds_unknown"] == pytest.approx(90000, abs=1)
    assert ward.watch.lost > 0


def plan(ward: Ward, tmp_path: Path, **more: float) -> Backups:
    made = BackupPlan(tmp_path / "copies", **more)
    return Backups(ward.store, made, ward.log, ward.clock)


def test_a_copy_is_made_when_it_is_due_and_old_ones_go(ward: Ward, tmp_path: Path) -> None:
    ward.service.session = ward.begin()
    capture(ward.service, 1)
    backups = plan(ward, tmp_path, hours=24, kept=2)
    assert backups.age is None and backups.look() and not backups.look()
    for _ in range(3):
        ward.computer.wait(24 * 3600)
        assert backups.look()
    copies = sorted((tmp_path / "copies").iterdir())
    assert len(copies) == 2 and backups.age < timedelta(seconds=1)
    restored = SessionStore(copies[-1])
    assert verify(restored).ok and verify(restored).files > 0
    restored.close()


def test_a_copy_that_cannot_be_restored_does_not_count(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward.service.session = ward.begin()
    capture(ward.service, 1)
    backups = plan(ward, tmp_path)
    real = backups_module.copy_store

    def torn(store: SessionStore, out: Path) -> int:
        made = real(store, out)
        file = next((out / "files").glob("??/*"))
        file.write_bytes(file.read_bytes()[:-9])
        return made

    monkeypatch.setattr(backups_module, "copy_store", torn)
    with pytest.raises(OutputError, match="cannot be restored"):
        backups.look()
    assert list((tmp_path / "copies").iterdir()) == [] and backups.age is None
    assert "cannot be restored" in backups.fault
    monkeypatch.undo()
    assert backups.look() and not backups.fault


def health(ward: Ward, backups: Backups | None = None, **camera: object) -> dict[str, object]:
    named = SimpleNamespace(asked_at=None, given_at=None, **camera)
    return Health(ward.store, ward.clock, ward.watch, named, backups)()


def test_health_tells_which_part_ails(ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    well = health(ward)
    assert well["status"] == "running"
    assert {name: check["ok"] for name, check in well["checks"].items()} == {
        "disk": True, "camera": None, "audit": True, "backup": None, "clock": True,
    }  # fmt: skip
    ward.begin()
    ward.store.trail_fault = "it is read-only"
    ward.computer.wall += 3600
    backups = plan(ward, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000_000))
    checks = health(ward, backups)["checks"]
    assert {name for name, check in checks.items() if check["ok"] is False} == {"disk", "audit", "backup", "clock"}
    assert (checks["disk"]["free_bytes"], checks["clock"]["jump_seconds"]) == (10_000_000, 3600)
    monkeypatch.undo()
    backups.look()
    assert health(ward, backups)["checks"]["backup"] == {"ok": True, "age_hours": 0.0}
    ward.computer.wait(40 * 3600)
    assert health(ward, backups)["checks"]["backup"] == {"ok": False, "age_hours": 40.0}


def test_health_of_a_camera(ward: Ward) -> None:
    camera = SimpleNamespace(asked_at=ward.clock(), given_at=ward.clock())
    made = Health(ward.store, ward.clock, ward.watch, camera, None)
    ward.computer.wait(7)
    assert made()["checks"]["camera"] == {"ok": True, "seconds_since_picture": 7.0}
    camera.asked_at = ward.clock()
    assert made()["checks"]["camera"] == {"ok": False, "seconds_since_picture": 7.0}


def test_the_log_has_no_patient_data(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.jsonl")
    try:
        raise ValueError("María Pérez, E-1")
    except ValueError as error:
        log.failed("request failed", error, method="POST")
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["error"], entry["method"]) == ("request failed", "ValueError", "POST")
    assert entry["where"].partition(":")[0] == __name__ and "Pérez" not in line and "E-1" not in line
    with pytest.raises(KeyError):
        log.write("María")
    with pytest.raises(ConfigError, match="cannot be written"):
        EventLog(tmp_path / "no" / "folder.jsonl")


def test_a_failure_in_somebody_elses_module_names_the_line_of_ours_too(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.jsonl")
    try:
        values_sha256(None, "\udcff")  # which no encoding takes
    except UnicodeEncodeError as error:
        log.failed("request failed", error)
    try:
        EventLog(tmp_path / "log.jsonl").write("started", seconds=Path())
    except TypeError as error:
        log.failed("task failed", error)
    ours, theirs = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines())
    assert re.fullmatch(r"prismseg\.monitor\.store\.audit:\d+", ours["where"]) and "inside" not in ours
    assert theirs["where"].startswith("json.") and theirs["inside"].startswith("prismseg.monitor.upkeep.log:")


def test_every_event_is_written_by_something() -> None:
    """What is announced in the documents and never written is waited for in vain."""
    said = {
        node.value
        for path in Path(prismseg.monitor.__file__).parent.glob("**/*.py")
        if path.name != "log.py"
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for node in call.args
        if isinstance(node, ast.Constant)
    }
    assert EVENTS - said == set()


def test_a_task_that_fails_is_told_and_tried_again(tmp_path: Path) -> None:
    seconds, done = [0.0], []

    def act() -> None:
        done.append(seconds[0])
        if len(done) == 1:
            raise OutputError("The disk is full.")

    log = EventLog(tmp_path / "log.jsonl")
    keeper = Housekeeper([Task("copy", 10, act)], log, clock=lambda: seconds[0])
    for _ in range(25):
        keeper.look()
        seconds[0] += 1
    assert done == [10, 20]
    assert '"task": "copy"' in (tmp_path / "log.jsonl").read_text()


def test_a_long_copy_keeps_nobody_from_looking_at_the_clock(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(housekeeper, "_LOOK_SECONDS", 0.001)
    copied, looks = threading.Event(), threading.Semaphore(0)
    tasks = [Task("backup", 0, lambda: copied.wait(20)), Task("clock", 0, looks.release)]
    keeper = Housekeeper(tasks, EventLog(tmp_path / "log.jsonl"))
    keeper.start()
    try:
        assert all(looks.acquire(timeout=10) for _ in range(3)), (
            "the time would be taken for sleep of the computer"
        )
    finally:
        copied.set()
        keeper.stop()
