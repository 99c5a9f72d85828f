"""A folder that version 0.1.0 wrote: it opens, its chain holds, its numbers are measured again as they stand there."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, insert, select

from prismseg.base import ConfigError
from prismseg.monitor.languages import languages
from prismseg.monitor.patients.archive import write_archive
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.sessions.summary import summarize_entry
from prismseg.monitor.store import SessionStore, latest_results, list_captures, verify
from prismseg.monitor.store.database import MIGRATIONS
from prismseg.monitor.store.schema import AuditRow, SessionRow
from prismseg.monitor.web.audit_view import AuditFilter, list_audit
from prismseg.monitor.web.state import describe_session
from prismseg.thermal import REGIONS, SIDES

from .scene import TrueSegmenter, verdict

DATA = Path(__file__).parent / "data"
WRITTEN = DATA / "data-0.1.0.zip"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sessions, one closed, with corrected, imported and excluded captures."""
    with zipfile.ZipFile(WRITTEN) as archive:
        archive.extractall(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> Iterator[SessionStore]:
    made = SessionStore(folder)
    yield made
    made.close()


def test_it_is_whole_after_it_was_brought_to_the_newest_form(folder: Path) -> None:
    with pytest.raises(ConfigError, match="start the monitor once"):
        verdict(folder)
    SessionStore(folder).close()
    found = verdict(folder)
    assert (found.ok, found.entries, found.rows, found.files) == (True, 65, 32, 12)  # three of them of its import


def test_the_chain_goes_on(store: SessionStore) -> None:
    service = SessionService(store, TrueSegmenter())
    with store.read() as db:
        keys = list(db.scalars(select(SessionRow.id).where(SessionRow.closed_at.is_not(None))))
    for key in keys:
        service.reopen("ana", key, "late note")
    assert verify(store).ok
    with store.read() as db:
        actions = list(db.scalars(select(AuditRow.action).order_by(AuditRow.seq)))
    assert actions[-1] == "session opened again" and "capture taken out" in actions


def assert_alike(made: Any, stored: Any) -> None:
    """Compare numbers, but for errors, which are estimated by the model of today.

    Where a territory ends follows from a registration, which ends some hundredths of a pixel elsewhere on another
    processor: a pixel more or less.
    """
    if isinstance(stored, dict):
        assert set(made) == set(stored)
        for name in set(stored) - {"error"}:
            assert_alike(made[name], stored[name])
    else:
        room = {float: 0.02, int: 2}.get(type(stored))  # degrees, and pixels
        assert made == (stored if room is None else pytest.approx(stored, abs=room))


def test_numbers_are_those_that_were_stored(store: SessionStore) -> None:
    service = SessionService(store, TrueSegmenter())
    with store.read() as db:
        keys = list(db.scalars(select(SessionRow.id)))
    measured = 0
    for key in keys:
        _, rebuilt = service.measure(key)
        with store.read() as db:
            results = latest_results(db, key)
        for entry, capture in zip(rebuilt.session.entries, rebuilt.captures, strict=True):
            result = results[capture.id]
            assert (entry.minute, str(entry.status)) == (result.minute, result.status)
            made = summarize_entry(rebuilt.session, entry)
            for part in ("values", "differences", "baseline", "comparable"):
                assert_alike(made[part], result.outcome[part])
            measured += entry.ok
    assert measured == 4


@pytest.mark.parametrize("code", ["en", "es"])
def test_pages_show_all_that_was_stored(store: SessionStore, code: str) -> None:
    language = languages()[code]
    with store.read() as db:
        rows = list(db.scalars(select(SessionRow)))
        states = [describe_session(db, row, language, store.clock()) for row in rows]
        stored = [row.flags for row in rows] + [
            result.outcome for row in rows for result in latest_results(db, row.id).values()
        ]
    assert {flag["name"] for state in states for flag in state["flags"]} == {"warming", "quality"}
    assert sorted(len(state["deleted"]) for state in states) == [0, 1]
    for state in states:
        for capture in state["captures"]:
            assert set(capture["values"]) == set(SIDES)
            assert all(set(regions) == set(REGIONS) for regions in capture["values"].values())
    if code == "es":
        assert {text for text in templates(stored) if text not in language.texts} == set()


def templates(value: Any) -> Iterator[str]:
    """Sentences among stored values, which are translated when they are shown."""
    if isinstance(value, Mapping):
        if set(value) == {"template", "values"} and re.search(
            "[A-Za-z]", re.sub("{[^}]*}", "", value["template"])
        ):
            yield value["template"]
        for each in value.values():
            yield from templates(each)
    elif isinstance(value, list):
        for each in value:
            yield from templates(each)


CAMERA = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def form_0005(tmp_path: Path) -> Path:
    """Imports whose stored times were a dose and stated minutes; E-1 with a camera's clock, and one capture excluded."""
    with zipfile.ZipFile(DATA / "data-form-0005.zip") as archive:
        archive.extractall(tmp_path / "former")
    return tmp_path / "former"


def move_rows(folder: Path, url: str) -> None:
    """Bring a folder's rows to a server, in the form that they have."""
    target = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with target.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
    source = create_engine(f"sqlite:///{folder / 'monitor.db'}")
    tables = MetaData()
    tables.reflect(target)
    with source.connect() as old, target.begin() as new:
        for table in tables.sorted_tables:
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows and table.name != "alembic_version":
                new.execute(insert(table), rows)
    target.dispose()
    source.dispose()
    (folder / "monitor.db").unlink()


@pytest.fixture
def former(form_0005: Path, fresh: Callable[[], str | None]) -> Iterator[SessionStore]:
    url = fresh()
    if url is not None:
        move_rows(form_0005, url)
    made = SessionStore(form_0005, url)
    yield made
    made.close()


def test_no_stored_time_of_an_import_is_made_of_its_minute(former: SessionStore) -> None:
    """A picture that the camera took 40 s after the stated minute keeps both; one without a time has none."""
    with former.read() as db:
        rows = {row.code: row for row in db.scalars(select(SessionRow))}
        captures = {
            code: [(each.stated_minute, each.taken_at) for each in list_captures(db, row.id, deleted=True)]
            for code, row in rows.items()
        }
    assert captures["E-1"] == [(0, CAMERA), (5, CAMERA + timedelta(minutes=5, seconds=40)), (10, None)]
    assert captures["E-2"] == [(0, None), (5, None)]
    assert (rows["E-1"].test_dose_at, rows["E-2"].test_dose_at) == (CAMERA, None)
    ((stated, taken),) = captures["E-3"]
    assert stated is None and taken is not None and rows["E-3"].test_dose_at is not None
    assert verify(former).faults == ()


def test_minutes_and_numbers_of_imports_stay(former: SessionStore) -> None:
    service = SessionService(former, TrueSegmenter())
    with former.read() as db:
        keys = {row.code: row.id for row in db.scalars(select(SessionRow))}
    for code, minutes in (("E-1", [0, 5]), ("E-2", [0, 5])):
        _, rebuilt = service.measure(keys[code])
        with former.read() as db:
            results = latest_results(db, keys[code])
        assert [entry.minute for entry in rebuilt.session.entries] == minutes
        assert [results[row.id].minute for row in rebuilt.captures] == minutes


def test_the_audit_shows_no_time_that_was_made_up(former: SessionStore) -> None:
    """The chain keeps what it sealed; neither its page nor a patient's archive says it."""
    with former.read() as db:
        lines, _ = list_audit(db, AuditFilter(machine=True), None)
    told = {
        (line.code, line.action, name, after)
        for line in lines
        for name, _, after in line.changes
        if name in ("taken_at", "test_dose_at") and line.code in ("E-1", "E-2")
    }
    assert told == {
        ("E-1", "test dose given", "test_dose_at", "2026-03-01T09:30:00.000000+00:00"),
        ("E-1", "frame kept", "taken_at", "2026-03-01T09:30:00.000000+00:00"),
        ("E-1", "stated minutes kept apart", "taken_at", "2026-03-01T09:35:40.000000+00:00"),
    }
    archive = io.BytesIO()
    write_archive(SessionService(former, TrueSegmenter()), "E-2", archive, languages()["en"])
    with zipfile.ZipFile(archive) as packed:
        texts = [packed.read(name) for name in packed.namelist() if name.endswith((".json", ".csv"))]
    assert len(texts) >= 3 and not any(b"1970-01-01" in text for text in texts)
