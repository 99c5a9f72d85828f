"""What the record answers: what stood there before, who changed it, and that a closed session is locked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from prismseg.base import DataError
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import Conflict, SessionStore, get_capture, get_row, verify
from prismseg.monitor.store.schema import AuditRow, AuditValuesRow, SessionRow

from .scene import SIZE, TrueSegmenter, capture, soles, sql, verdict


@pytest.fixture
def service(tmp_path: Path):
    store = SessionStore(tmp_path / "ward")
    made = SessionService(store, TrueSegmenter())
    made.session = made.begin("ana", {"code": "E-1", "drug": "bupivacaine 0.5 %"}, camera="none")
    capture(made, 1)
    yield made
    store.close()


def told(service: SessionService) -> list[tuple[str, str, dict[str, Any]]]:
    """Who did what, with old and new values."""
    with service.store.read() as db:
        values = {row.seq: json.loads(row.text) for row in db.scalars(select(AuditValuesRow))}
        return [
            (row.who, row.action, values.get(row.seq, {}))
            for row in db.scalars(select(AuditRow).order_by(AuditRow.seq))
        ]


def last(service: SessionService, action: str) -> dict[str, Any]:
    return [values for _, each, values in told(service) if each == action and values][-1]


def mask_of(service: SessionService) -> str | None:
    with service.store.read() as db:
        return get_capture(db, service.session, 1).mask_id


CHANGES: list[tuple[str, Callable[[SessionService, str], None], dict[str, list[Any]]]] = [
    ("details stated", lambda s, k: s.update_details("eva", k, {"drug": "ropivacaine 0.2 %"}),
     {"details.drug": ["bupivacaine 0.5 %", "ropivacaine 0.2 %"]}),
    ("details stated", lambda s, k: s.update_details("eva", k, {"code": "E-2"}),
     {"code": ["E-1", "E-2"], "details.code": ["E-1", "E-2"]}),
    ("remarks stated", lambda s, k: (s.update_remarks("ana", k, 1, {"pain": 8, "note": "screams"}),
                                     s.update_remarks("eva", k, 1, {"pain": 2, "note": ""})),
     {"remarks.pain": [8, 2], "remarks.note": ["screams", ""]}),
    ("view stated", lambda s, k: s.set_view("eva", k, "mirrored"), {"view": ["soles-to-camera", "mirrored"]}),
    ("capture taken out", lambda s, k: s.exclude_capture("eva", k, 1, "cut"), {"deleted_reason": ["", "cut"]}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "act", "expected"), CHANGES)
def test_every_change_keeps_what_stood_there_before(service, action, act, expected) -> None:
    act(service, service.session)
    found = last(service, action)
    assert {name: found.get(name) for name in expected} == expected
    assert verify(service.store).ok


def test_the_dose_and_the_mask_keep_what_stood_there_before(service) -> None:
    service.record_dose("ana", service.session, seconds_ago=600)
    first = last(service, "test dose given")["test_dose_at"]
    service.record_dose("eva", service.session, seconds_ago=60)
    second = last(service, "time of the test dose corrected")["test_dose_at"]
    assert first[0] is None and second[0] == first[1] and second[1] > second[0]
    automatic = mask_of(service)
    service.correct_mask("eva", service.session, 1, ~soles() & np.ones(SIZE, bool), before=automatic)
    assert last(service, "mask chosen")["mask_id"] == [automatic, mask_of(service)]
    assert last(service, "session begun")["details.drug"] == [None, "bupivacaine 0.5 %"]


def test_the_audit_file_holds_hashes_and_no_words_of_staff(service, tmp_path: Path) -> None:
    service.update_remarks("ana", service.session, 1, {"note": "screams"})
    written = (tmp_path / "ward" / "audit.jsonl").read_text()
    assert "screams" not in written and "bupivacaine" not in written and "values_sha256" in written


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit_values SET text = replace(text, 'E-1', 'E-9')", "values of audit entry 1 were changed"),
        ("UPDATE audit_values SET salt = 'x'", "values of audit entry 1 were changed"),
        ("DELETE FROM audit_values WHERE seq = 1", "values of audit entry 1 are gone"),
        ("INSERT INTO audit_values VALUES (3, 'x', '{}')", "values of audit entry 3 were changed"),
    ],
)
def test_changed_values_are_found(service, tmp_path: Path, statement: str, fault: str) -> None:
    service.store.close()
    sql(tmp_path / "ward", statement)
    assert any(fault in each for each in verdict(tmp_path / "ward").faults)


LOCKED: list[Callable[[SessionService, str], object]] = [
    lambda s, k: capture(s, 2),
    lambda s, k: s.update_details("ana", k, {"drug": "x"}),
    lambda s, k: s.update_remarks("ana", k, 1, {"pain": 3}),
    lambda s, k: s.set_view("ana", k, "mirrored"),
    lambda s, k: s.record_dose("ana", k),
    lambda s, k: s.exclude_capture("ana", k, 1, "cut"),
    lambda s, k: s.correct_mask("ana", k, 1, soles(), before=mask_of(s)),
    lambda s, k: s.undo_correction("ana", k, 1),
    lambda s, k: s.redo_correction("ana", k, 1),
    lambda s, k: s.close("ana", k),
]


@pytest.mark.parametrize("act", LOCKED)
def test_a_closed_session_takes_no_change(service, act) -> None:
    for mask in (soles(), ~soles()):
        service.correct_mask("ana", service.session, 1, mask, before=mask_of(service))
    service.undo_correction("ana", service.session, 1)  # so that there is something to undo and to redo
    service.close("ana", service.session)
    before = told(service)
    with pytest.raises(Conflict):
        act(service, service.session)
    assert told(service) == before
    service.reopen("eva", service.session, "the pain was 3")
    act(service, service.session)


def test_opening_again_needs_a_reason_and_ends_the_signature(service) -> None:
    with pytest.raises(Conflict, match="is open"):
        service.reopen("ana", service.session, "x")
    with pytest.raises(Conflict, match="Close the session first"):
        service.sign("ana", service.session)
    service.close("ana", service.session)
    service.sign("eva", service.session)
    with pytest.raises(Conflict, match="already, by eva"):
        service.sign("ana", service.session)
    with service.store.read() as db:
        assert get_row(db, SessionRow, service.session).signed_by == "eva"
    with pytest.raises(DataError, match="State why"):
        service.reopen("ana", service.session, " ")
    service.reopen("ana", service.session, "the pain was 3")
    with service.store.read() as db:
        row = get_row(db, SessionRow, service.session)
    assert (row.signed_by, row.signed_at, row.closed_at) == (None, None, None)
    assert last(service, "reason stated") == {"reason": [None, "the pain was 3"]}
    assert last(service, "session opened again")["signed_by"] == ["eva", None]
    assert verify(service.store).ok
