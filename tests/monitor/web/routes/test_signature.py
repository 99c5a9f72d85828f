"""A signature is a person's name: that of the log-in, or one that was typed and is told as such."""

from __future__ import annotations

import pytest
from tests.monitor.web.conftest import NAME, browsing

from prismseg.monitor.report import collect_report
from prismseg.monitor.store import verify


@pytest.mark.parametrize(
    "name", ["", " ", "staff", "Staff.", "  STAFF 2", "personal", "1234", "A.", "\u200b\u200b"]
)
def test_without_log_in_nobody_signs_without_a_name(page, name):
    session = page.begin()
    page.post(f"{session}/closing")
    refused = page.post(f"{session}/signature", {"name": name})
    assert refused.status_code == 422 and "first and last name" in refused.json()["error"]
    assert page.get(session).json()["signed_at"] is None


def test_a_name_that_is_typed_without_log_in_is_told_as_such(page, services):
    session = page.begin()
    page.post(f"{session}/closing")
    signed = page.post(f"{session}/signature", {"name": "  Ana  Pérez "}).json()
    assert (signed["signed_by"], signed["signed_typed"]) == ("Ana Pérez", True)
    standing = collect_report(services.sessions, session.rsplit("/", 1)[1], "staff").standing
    assert (standing.signed_by, standing.signed_typed) == ("Ana Pérez", True)
    assert 'id="sign-name"' in page.get(session.removeprefix("/api")).text
    opened = page.post(f"{session}/closing", {"closed": False, "reason": "wrong side"}).json()
    assert (opened["signed_by"], opened["signed_typed"]) == (None, False)
    assert verify(services.store).ok


def test_a_pin_gives_no_name_to_sign_with(services):
    services.users.set_pin("274915")
    with browsing(services) as page:
        page.log_in("staff", "274915")
        session = page.begin()
        page.post(f"{session}/closing")
        assert page.post(f"{session}/signature").status_code == 422
        assert page.post(f"{session}/signature", {"name": "Ana Pérez"}).json()["signed_typed"]


def test_whoever_is_logged_in_signs_with_that_name_alone(midwife):
    session = midwife.begin()
    midwife.post(f"{session}/closing")
    assert 'id="sign-name"' not in midwife.get(session.removeprefix("/api")).text
    refused = midwife.post(f"{session}/signature", {"name": "Ana Pérez"})
    assert refused.status_code == 422 and NAME in refused.json()["error"]
    signed = midwife.post(f"{session}/signature").json()
    assert (signed["signed_by"], signed["signed_typed"]) == (NAME, False)
