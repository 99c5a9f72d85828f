from __future__ import annotations

import re
import sys

import pytest
from tests.monitor.web.conftest import browsing

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
