from __future__ import annotations

import re
import sys

import pytest
from tests.monitor.web.conftest import browsing

from prismseg.monitor.sessions.details import Details, Remarks
from prismseg.monitor.site.agreement import FEWEST

CHOSEN = re.compile(r'name="view" value="([^"]+)" required checked')


def test_a_capture_leads_to_the_ones_beside_it_that_count(page):
    session = page.begin()
    for _ in range(4):
        page.capture(session)
    assert page.post(f"{session}/captures/3/removal", {"reason": "cut"}).status_code == 200
    path = session.removeprefix("/api")
    links = {
        number: re.findall(r'href="\S+/captures/(\d+)" rel="(\w+)"', page.get(f"{path}/captures/{number}").text)
        for number in (1, 2, 4)
    }
    assert links == {1: [("2", "next")], 2: [("1", "prev"), ("4", "next")], 4: [("2", "prev")]}


@pytest.mark.parametrize(("stated", "shown"), [({}, "soles-to-camera"), ({"view": "mirrored"}, "mirrored")])
def test_pages_show_how_the_camera_sees_the_soles(open_monitor, stated, shown):
    with browsing(open_monitor(**stated)) as page:
        page.open()
        session = page.begin().removeprefix("/api")
        for path in ("/new", "/import", session):
            assert CHOSEN.findall(page.get(path).text) == [shown], path
        other = ({"soles-to-camera", "mirrored"} - {shown}).pop()
        assert page.patch(f"/api{session}/view", {"view": other}).status_code == 200
        assert CHOSEN.findall(page.get(session).text) == [other]


@pytest.mark.parametrize("installed", [True, False])
def test_dicom_is_offered_where_its_packages_are(page, monkeypatch, installed):
    pytest.importorskip("highdicom")
    if not installed:
        monkeypatch.setitem(sys.modules, "highdicom", None)
    assert ("dicom.zip" in page.get(page.begin().removeprefix("/api")).text) == installed


def test_the_page_can_be_installed_as_an_app(page):
    html = page.get("/").text
    (link,) = re.findall(r'<link rel="manifest" href="([^"]+)"', html)
    answer = page.get(link)
    assert answer.headers["content-type"].split(";")[0] in ("application/manifest+json", "application/json")
    manifest = answer.json()
    assert manifest["name"] and manifest["display"] in ("fullscreen", "standalone")
    assert (
        manifest["start_url"].startswith(manifest["scope"]) and page.get(manifest["start_url"]).status_code == 200
    )
    for icon in manifest["icons"]:
        assert page.get(icon["src"]).headers["content-type"].startswith(icon["type"])


def stated(transaction, number, left, cold, pain):
    """Add a session of two captures whose soles have warmed by so much, and what was said after the dose."""
    session = transaction.add_session(
        "ana", Details(code=f"E-{number}"), view="mirrored", camera="none", origin="camera"
    )
    session.test_dose_at = transaction.at
    for minute in (0, 10):
        capture = transaction.add_capture(
            "ana", session, key=f"key-{number}-{minute}", taken_at=transaction.at, source="s", camera="none",
            frame_sha256=f"{number:032}{minute:032}", pixels_sha256="0" * 64, size=(2, 3), parameters={},
        )  # fmt: skip
        capture.remarks = Remarks(pain=pain, cold_left=cold, cold_right=cold).model_dump()
        delta = {"whole sole": {"delta": {"value": left if minute else 0.0}}}
        outcome = {"values": {"left": delta, "right": delta}}
        transaction.add_result(
            capture, mask_id=None, minute=minute, status="measured", outcome=outcome,
            application="", model="", model_hash="", template_hash="", method="", parameters={}, mask_origin="", view="",
        )  # fmt: skip


@pytest.mark.parametrize("sessions", [FEWEST - 1, FEWEST])
def test_the_site_draws_a_curve_from_ten_of_each_kind_on(page, services, sessions):
    with services.store.write() as transaction:
        for number in range(sessions):
            stated(transaction, number, 3.0 + number / 10, "not felt", 1)
            stated(transaction, 100 + number, 0.2 + number / 100, "felt", 8)
    text = page.get("/site").text
    assert f"{2 * sessions} sessions with a test dose" in text
    assert (text.count("<polyline") == 2) == (sessions >= FEWEST), "one of cold, one of pain, at 10 min"
    assert ("1.00 (" in text) == (sessions >= FEWEST)
    assert ">too few<" in text, "of the other minutes"
    assert f"from {FEWEST} sessions of both kinds on" in text
