from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from prismseg.base import ConfigError, DataError
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, verify
from prismseg.monitor.web.security.users import UserDirectory

from .scene import UNLOCK, TrueSegmenter, capture, soles, sql, verdict


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = SessionStore(tmp_path / "ward")
    service = SessionService(store, TrueSegmenter())
    session = service.begin("ana", {"code": "E-1"}, camera="none")
    for number in (1, 2):
        capture(service, number, session)
    with store.read() as db:
        before = db.execute(text("select mask_id from captures where number = 1")).scalar()
    service.correct_mask("ana", session, 1, soles(), before=before)
    UserDirectory(store).add("ana", "correct horse")
    assert verify(store).ok
    store.close()
    return tmp_path / "ward"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE sessions SET code = 'E-2'", "sessions/"),
        ("UPDATE captures SET taken_at = '2020-01-01 00:00:00.000000' WHERE number = 2", "captures/"),
        ("UPDATE masks SET origin = 'automatic' WHERE origin = 'edited'", "masks/"),
        ("UPDATE results SET minute = 5 WHERE number = 1", "results/"),
        ("UPDATE users SET password = 'x'", "users/ana"),
        ("DELETE FROM results WHERE number = 1", "is gone from the database"),
        (
            "INSERT INTO users (name, password, created_at) VALUES ('eve', 'x', '2026-01-01 00:00:00.000000')",
            "no audit entry speaks of it",
        ),
    ],
)
def test_a_changed_row_is_found(folder: Path, statement: str, named: str) -> None:
    sql(folder, statement)
    found = verdict(folder).faults
    assert found and any(named in fault for fault in found)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET who = 'eve' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"]
)
def test_the_audit_table_takes_no_change(folder: Path, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        sql(folder, statement)


def test_a_changed_audit_entry_is_found(folder: Path) -> None:
    sql(folder, *UNLOCK, "UPDATE audit SET who = 'eve' WHERE seq = 2")
    assert any("Audit entry 2 was changed" in fault for fault in verdict(folder).faults)


def test_the_end_of_the_chain_cannot_be_cut_off(folder: Path) -> None:
    sql(folder, *UNLOCK, "DELETE FROM audit WHERE seq > 5")
    with pytest.raises(DataError, match="not the database's"):
        SessionStore(folder)


def test_a_missing_entry_is_found(folder: Path) -> None:
    sql(folder, *UNLOCK, "DELETE FROM audit WHERE seq = 3")
    with pytest.raises(DataError, match="Entry 3"):
        SessionStore(folder)


@pytest.mark.parametrize("what", ["bit", "gone", "swapped"])
def test_a_changed_frame_is_found(folder: Path, what: str) -> None:
    database = sqlite3.connect(folder / "monitor.db")
    one, other = (row[0] for row in database.execute("SELECT frame_sha256 FROM captures ORDER BY number"))
    database.close()
    paths = [folder / "files" / name[:2] / name for name in (one, other)]
    if what == "bit":
        data = bytearray(paths[0].read_bytes())
        data[len(data) // 2] ^= 1
        paths[0].write_bytes(data)
    elif what == "gone":
        paths[0].unlink()
    else:
        first, second = (path.read_bytes() for path in paths)
        paths[0].write_bytes(second)
        paths[1].write_bytes(first)
    found = verdict(folder).faults
    assert sum("frame of capture" in fault for fault in found) == (2 if what == "swapped" else 1)


def test_a_changed_line_of_the_audit_file_is_found(folder: Path) -> None:
    path = folder / "audit.jsonl"
    lines = path.read_text().splitlines()
    third = json.loads(lines[2])
    third["who"] = "eve"
    lines[2] = json.dumps(third)
    path.write_text("\n".join(lines) + "\n")
    assert any("Line 3 of" in fault for fault in verdict(folder).faults)
    lines[2] = "{"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="Line 3"):
        SessionStore(folder)


def test_one_monitor_a_folder(folder: Path) -> None:
    store = SessionStore(folder)
    with pytest.raises(ConfigError, match="Another monitor"):
        SessionStore(folder)
    store.close()
    SessionStore(folder).close()


def test_a_database_of_a_newer_version_is_left_alone(folder: Path) -> None:
    sql(folder, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="another version"):
        SessionStore(folder)


def test_the_tables_are_those_of_the_models(folder: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from prismseg.monitor.store.schema import Base

    store = SessionStore(folder)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    store.close()
