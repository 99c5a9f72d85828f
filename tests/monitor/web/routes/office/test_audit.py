"""The audit as people read it: what stood there before, who came in, who took what away."""

from __future__ import annotations

import csv
import io
import json
import time as clocks
from datetime import UTC, date, datetime

from sqlalchemy import select, text
from tests.monitor.web.conftest import NAME, PASSWORD, browsing

from prismseg.base.version import VERSION
from prismseg.monitor.languages import languages
from prismseg.monitor.store import verify
from prismseg.monitor.store.schema import AuditRow
from prismseg.monitor.web.audit_view import AuditFilter, list_audit
from prismseg.monitor.web.audit_words import AuditWords
from prismseg.monitor.web.security.record import STARTED, record_start


def lines(services, **wanted):
    with services.store.read() as db:
        return list_audit(db, AuditFilter(**wanted), None)[0]


def test_old_and_new_values_are_read_and_filtered(page, services):
    session = page.begin("E-AUDIT")
    page.capture(session)
    for remarks in ({"pain": 8, "note": "screams"}, {"pain": 2, "note": ""}):
        page.patch(f"{session}/captures/1/remarks", remarks)
    page.patch(f"{session}/details", {"changed": {"drug": "ropivacaine 0.2 %"}})
    page.patch(f"{session}/details", {"changed": {"code": "E-OTHER"}})
    page.begin("E-ELSE")
    text = page.get("/audit", params={"code": "E-OTHER"}).text
    for told in ("screams", "remarks.pain", "ropivacaine", "E-AUDIT", "#1"):
        assert told in text, told
    assert "E-ELSE" not in text
    found = {name: (old, new) for line in lines(services, code="E-OTHER") for name, old, new in line.changes}
    assert found["code"] == ("–", "E-AUDIT") or ("E-AUDIT", "E-OTHER") in [
        (old, new) for line in lines(services) for name, old, new in line.changes if name == "code"
    ]
    assert {line.action for line in lines(services, action="remarks stated")} == {"remarks stated"}
    assert lines(services, who="nobody") == []
    assert any(line.who == "prismseg" for line in lines(services, machine=True))
    assert not any(line.who == "prismseg" for line in lines(services))


def test_the_table_holds_each_change_and_taking_it_away_is_an_entry(page, services):
    session = page.begin("E-1")
    page.patch(f"{session}/details", {"changed": {"note": "=1+1"}})
    table = page.get("/api/audit.csv")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert {"details.note"} <= {row["field"] for row in rows}
    assert [row["after"] for row in rows if row["field"] == "details.note"] == ["'=1+1"]
    assert lines(services)[0].action == "exported" and ("format", "audit.csv") in lines(services)[0].more
    assert page.get("/api/audit/check").json()["ok"]


def test_exports_are_entries(page, services):
    session = page.begin("E-1")
    page.capture(session)
    for name in ("table.csv", "patient.zip"):
        assert page.get(f"{session}/{name}").status_code == 200
        assert ("format", name) in lines(services)[0].more and lines(services)[0].code == "E-1"


def test_who_came_in_and_who_did_not(guarded):
    with browsing(guarded, client=("10.0.0.7", 1)) as page:
        page.log_in(password="wrong password")
        page.log_in("hunter2 in the wrong field", "x")
        assert page.log_in().status_code == 303
        page.post("/logout")
        for _ in range(8):
            page.log_in(password="wrong password")
    told = [(line.who, line.action) for line in reversed(lines(guarded)) if line.about == "log-in"]
    assert told == [
        (NAME, "log-in failed"), ("unknown", "log-in failed"), (NAME, "logged in"), (NAME, "logged out"),
        *[(NAME, "log-in failed")] * 5, (NAME, "log-in refused"),
    ]  # fmt: skip
    assert all(("address", "10.0.0.7") in line.more for line in lines(guarded) if line.about == "log-in")
    with guarded.store.read() as db:
        assert "hunter2" not in "".join(f"{row.who}{row.detail}" for row in db.scalars(select(AuditRow)))
    assert verify(guarded.store).ok


def test_a_full_disk_keeps_nobody_from_logging_in(guarded, monkeypatch, caplog):
    from prismseg.base import OutputError

    def full():
        raise OutputError("The store cannot be written: the disk is full.")

    with browsing(guarded) as page:
        monkeypatch.setattr(guarded.store, "write", full)
        assert page.log_in().status_code == 303
        assert "not in the audit: logged in" in caplog.text
        assert page.get("/").status_code == 200


def test_changes_of_users_say_by_whom(guarded):
    guarded.users.add("boss", PASSWORD, role="administrator")
    with browsing(guarded) as page:
        page.log_in("boss")
        page.patch(f"/api/users/{NAME}", {"role": "reviewer", "ward": "A"})
        page.post("/api/users", {"name": NAME, "password": "tibia-kolibri"})
    newest = lines(guarded)[:2]
    assert [(line.who, line.action) for line in newest] == [
        ("boss", "user may log in"),
        ("boss", "user has another role"),
    ]
    assert set(newest[1].changes) == {("role", "staff", "reviewer"), ("ward", "–", "A")}
    assert newest[0].changes == (("password", "(old)", "(new)"),)


def test_a_start_tells_which_settings_differ(services):
    record_start(services.store, services.settings, VERSION)
    other = services.settings.model_copy(update={"lock_minutes": 3.0})
    record_start(services.store, other, VERSION)
    newest = lines(services, action=STARTED, machine=True)[0]
    assert newest.changes == (("lock_minutes", "10.0", "3.0"),)
    assert str(services.settings.data) not in json.dumps(newest.more)


def test_actions_are_in_the_language_of_the_page_and_the_table_as_stored(guarded):
    guarded.users.add("rev", PASSWORD, role="reviewer")
    with browsing(guarded) as page, browsing(guarded) as reviewer:
        page.log_in()
        session = page.begin("E-1")
        page.post(f"{session}/dose")
        page.post(f"{session}/skips", {"minute": 1, "reason": "examined"})
        reviewer.log_in("rev")
        reviewer.get("/language/es")
        shown = reviewer.get("/audit").text
        for said, stored in (
            ("captura omitida", "capture skipped"),
            ("dosis de prueba administrada", "test dose given"),
        ):
            assert f'<option value="{stored}" >{said}</option>' in shown
            assert f'{said} <small class="quiet-text" lang="en">{stored}</small>' in shown
        assert "acceso" in shown and ">log-in</td>" not in shown
        only = reviewer.get("/audit", params={"action": "capture skipped"}).text
        assert f'<option value="capture skipped" selected>{said_of("capture skipped")}</option>' in only
        assert only.count('lang="en">capture skipped<') == 1 and 'lang="en">test dose given<' not in only
        table = reviewer.get("/api/audit.csv", params={"action": "capture skipped"}).content.decode("utf-8-sig")
        assert {row["action"] for row in csv.DictReader(io.StringIO(table))} == {"capture skipped"}
        reviewer.get("/language/en")
        assert "capture skipped</td>" in reviewer.get("/audit").text.replace("\n", "")


def said_of(action):
    return AuditWords(languages()["es"]).action(action)


def test_names_are_never_translated(guarded):
    guarded.users.add("audit", PASSWORD)
    with guarded.store.read() as db:
        line = next(each for each in list_audit(db, AuditFilter(), None)[0] if each.about == "audit")
    words = AuditWords(languages()["es"])
    assert words.about(line) == "audit" and words.actor("audit") == "audit"


def test_days_are_those_of_the_ward(page, services, monkeypatch):
    """At half past eight in the evening in Bogotá it is the next day in UTC."""
    monkeypatch.setenv("TZ", "America/Bogota")
    clocks.tzset()
    try:
        with services.store.write() as transaction:
            transaction.at = datetime(2026, 5, 5, 1, 30, tzinfo=UTC)
            transaction.note("ana", "exported", "audit")
        assert [line.who for line in lines(services, first=date(2026, 5, 4), last=date(2026, 5, 4))] == ["ana"]
        assert lines(services, first=date(2026, 5, 5), last=date(2026, 5, 5)) == []
        shown = page.get("/audit", params={"first": "2026-05-04", "last": "2026-05-04"}).text
        assert "2026-05-04 20:30:00" in shown and "-05:00" in shown
    finally:
        monkeypatch.undo()
        clocks.tzset()


def test_faults_of_the_record_are_told_in_the_readers_language(page, services):
    session = page.begin("E-1").rsplit("/", 1)[-1]
    with services.store.engine.begin() as connection:
        connection.execute(text("UPDATE sessions SET code = 'E-2'"))
    told = page.get("/api/audit/check", headers={"Accept-Language": "es"}).json()
    assert told["faults"] == [f"sessions/{session} fue modificado después de su última entrada en la auditoría."]
