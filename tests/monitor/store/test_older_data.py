"""A folder that version 0.1.0 wrote: it opens, its chain holds, its numbers are measured again as they stand there."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from prismseg.base import ConfigError
from prismseg.monitor.languages import languages
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.sessions.summary import summarize_entry
from prismseg.monitor.store import SessionStore, latest_results, verify
from prismseg.monitor.store.schema import AuditRow, SessionRow
from prismseg.monitor.web.state import describe_session
from prismseg.thermal import REGIONS, SIDES

from .scene import TrueSegmenter, verdict

WRITTEN = Path(__file__).parent / "data" / "data-0.1.0.zip"


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
    assert (found.ok, found.entries, found.rows, found.files) == (True, 62, 32, 12)


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
