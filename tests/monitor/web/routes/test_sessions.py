"""What the API does, with answers that are known beforehand."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select
from tests.monitor.web.conftest import JSON, as_json, delta

from prismseg.monitor.store import verify
from prismseg.monitor.store.schema import CaptureRow, SessionRow


def mask_of(page, session, number=1):
    return page.get(session).json()["captures"][number - 1]["mask"]


def draw(page, session, number=1, *, rows=(60, 200), before=None):
    """Send two bars as the mask of a capture."""
    mask = np.zeros((240, 320), np.uint8)
    mask[slice(*rows), 40:140], mask[slice(*rows), 180:280] = 255, 255
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    before = mask_of(page, session, number)["id"] if before is None else before
    path = f"{session}/captures/{number}/mask"
    return page.ask("POST", path, params={"before": before}, content=buffer.getvalue())


def area(page, session, number=1):
    with Image.open(io.BytesIO(page.get(f"{session}/captures/{number}/mask.png").content)) as image:
        return int((np.asarray(image) > 0).sum())


@pytest.fixture
def course(page, camera, time):
    """A session of a baseline and two captures: the left sole 3 °C warmer after 5 minutes, the right one 1 °C."""
    session = page.begin("E-COURSE")
    page.capture(session)
    time.wait(60)
    assert page.post(f"{session}/dose").status_code == 200
    for minute, left, right in ((5, 1.5, 0.5), (10, 3.0, 1.0)):
        time.wait(300)
        camera.warmer = {"left": left, "right": right}
        state = page.capture(session)
        assert state["captures"][-1]["minute"] == pytest.approx(minute, abs=1e-3)
    return session


def test_a_session_measures_the_change_of_each_foot(page, course):
    state = page.get(course).json()
    assert [each["minute"] for each in state["captures"]] == pytest.approx([-1, 5, 10], abs=1e-3)
    assert [each["baseline"] for each in state["captures"]] == [True, False, False]
    assert delta(state["captures"][0], "left") == 0
    for capture, left, right in zip(state["captures"][1:], (1.5, 3.0), (0.5, 1.0), strict=True):
        assert delta(capture, "left") == pytest.approx(left, abs=0.1)
        assert delta(capture, "right") == pytest.approx(right, abs=0.1)
        assert delta(capture, "left", "medial plantar") == pytest.approx(left, abs=0.15)
        assert not capture["reason"]


def test_the_other_view_swaps_the_feet_everywhere(page, course):
    before = page.get(course).json()
    lines = page.get(f"{course}/captures/3/outlines").json()["outlines"]
    state = page.patch(f"{course}/view", {"view": "mirrored"}).json()
    assert state["view"] == "mirrored"
    for old, new in zip(before["captures"], state["captures"], strict=True):
        for here, there in (("left", "right"), ("right", "left")):
            assert delta(new, here) == pytest.approx(delta(old, there), abs=1e-6)
            mean = [
                each["values"][side]["whole sole"]["mean"]["value"] for each, side in ((new, here), (old, there))
            ]
            assert mean[0] == pytest.approx(mean[1], abs=1e-6)
    swapped = page.get(f"{course}/captures/3/outlines").json()["outlines"]
    assert (swapped["left"], swapped["right"]) == (lines["right"], lines["left"])
    assert page.patch(f"{course}/view", {"view": "soles-to-camera"}).json()["captures"] == before["captures"]


def test_taking_out_the_baseline_blocks_the_changes(page, course):
    answer = page.post(f"{course}/captures/1/removal", {"reason": "  moved  "})
    state = answer.json()
    assert [each["number"] for each in state["captures"]] == [2, 3]
    assert not state["has_baseline"]
    assert all(delta(each, side) is None for each in state["captures"] for side in ("left", "right"))
    assert [(each["number"], each["reason"]) for each in state["deleted"]] == [(1, "moved")]
    assert page.post(f"{course}/captures/1/removal", {"reason": "again"}).status_code == 409
    assert page.post(f"{course}/captures/1/mask/undo").status_code == 409
    for reason in ("", "   "):
        assert page.post(f"{course}/captures/2/removal", {"reason": reason}).status_code == 422


def test_a_repeated_request_captures_once(page, services):
    session = page.begin()
    first = page.post(f"{session}/captures", {"key": "the same key"}).json()
    again = page.post(f"{session}/captures", {"key": "the same key"}).json()
    assert first["number"] == again["number"] == 1
    assert len(again["session"]["captures"]) == 1
    other = page.begin("E-2")
    answer = page.post(f"{other}/captures", {"key": "the same key"})
    assert answer.status_code == 409
    assert "another session" in answer.json()["error"]


def test_a_request_repeated_meanwhile_captures_once(page, services):
    session = page.begin()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: page.post(f"{session}/captures", {"key": "the same key"}), range(4)))
    assert [each.status_code for each in answers] == [201] * 4
    assert {each.json()["number"] for each in answers} == {1}
    with services.store.read() as db:
        assert db.scalar(select(func.count()).select_from(CaptureRow)) == 1
    assert verify(services.store).ok


def test_a_camera_that_is_gone_is_said_and_captures_nothing(page, camera):
    session = page.begin()
    camera.plugged = False
    answer = page.post(f"{session}/captures", {"key": "the same key"})
    assert (answer.status_code, answer.json()["error"]) == (503, "The camera is not plugged in.")
    camera.plugged = True
    assert page.post(f"{session}/captures", {"key": "the same key"}).json()["number"] == 1
    camera.plugged = False
    assert page.post(f"{session}/captures", {"key": "the same key"}).json()["number"] == 1, "it is kept already"


def test_corrections_are_undone_and_redone(page, captured):
    automatic = mask_of(page, captured)
    assert (automatic["origin"], automatic["can_undo"], automatic["can_redo"]) == ("automatic", False, False)
    areas = [area(page, captured)]
    for rows in ((60, 200), (60, 180)):
        assert draw(page, captured, rows=rows).status_code == 200
        areas.append(area(page, captured))
    assert areas[1:] == [140 * 200, 120 * 200]
    steps = [("undo", 1), ("undo", 0), ("redo", 1), ("redo", 2), ("undo", 1)]
    for step, position in steps:
        assert page.post(f"{captured}/captures/1/mask/{step}").status_code == 200
        assert area(page, captured) == areas[position]
    assert draw(page, captured, rows=(80, 200)).status_code == 200  # a new branch
    assert page.post(f"{captured}/captures/1/mask/redo").status_code == 409
    assert page.post(f"{captured}/captures/1/mask/undo").status_code == 200
    assert area(page, captured) == areas[1]
    assert page.post(f"{captured}/captures/1/mask/redo").status_code == 200
    assert area(page, captured) == 120 * 200
    for _ in range(2):
        page.post(f"{captured}/captures/1/mask/undo")
    assert mask_of(page, captured)["id"] == automatic["id"]
    assert page.post(f"{captured}/captures/1/mask/undo").status_code == 409


@pytest.fixture
def captured(page):
    session = page.begin()
    page.capture(session)
    return session


def test_a_correction_of_what_has_changed_meanwhile_is_refused(page, captured):
    first = mask_of(page, captured)["id"]
    assert draw(page, captured).status_code == 200
    for before in (first, "", "nothing"):
        answer = (
            draw(page, captured, rows=(60, 100), before=before or None)
            if before
            else page.ask(
                "POST", f"{captured}/captures/1/mask", content=page.get(f"{captured}/captures/1/mask.png").content
            )
        )
        assert answer.status_code == 409
        assert "another window" in answer.json()["error"]
    assert area(page, captured) == 140 * 200
    edited = mask_of(page, captured)
    assert (edited["origin"], edited["edited_by"]) == ("edited", "staff")


def test_remarks_are_kept_one_by_one(page, captured):
    path = f"{captured}/captures/1/remarks"
    page.patch(path, {"pain": 7, "cold_left": "less"})
    state = page.patch(path, {"note": " a note ", "pain": None}).json()
    assert state["captures"][0]["remarks"] == {
        "pain": None, "cold_left": "less", "cold_right": None, "note": "a note",
    }  # fmt: skip
    for wrong in (
        {"pain": 11},
        {"pain": 1.5},
        {"cold_left": "warm"},
        {"note": "x" * 201},
        {"mood": 1},
        {"note": "a\0"},
    ):
        assert page.patch(path, wrong).status_code == 422, wrong
    assert page.get(captured).json()["captures"][0]["remarks"]["note"] == "a note"


def test_details_are_checked_one_by_one(page):
    session = page.begin()
    path = f"{session}/details"
    state = page.patch(path, {"changed": {"weight_kg": 80, "height_cm": 160, "note": "line 1\nline 2"}}).json()
    assert state["bmi"] == pytest.approx(31.25)
    assert state["details"]["note"] == "line 1\nline 2"
    for name, value, words in (
        ("age_years", 9, "at least 10"),
        ("weeks", 46, "at most 45"),
        ("weeks", float("nan"), ""),
        ("weight_kg", float("inf"), ""),
        ("asa", 10**400, ""),
        ("asa", 1.5, ""),
        ("membranes", "torn", ""),
        ("drug", "x" * 201, "at most 200 characters"),
        ("code", "", ""),
        ("code", "x" * 41, "at most 40 characters"),
        ("drug", "a\0b", "Details: it holds a character that cannot be kept."),
        ("colour", "red", "There is no entry colour"),
        ("colour\ud800", "red", ""),
        ("drug", "\ud800", ""),
    ):
        answer = page.ask("PATCH", path, content=as_json({"changed": {name: value}}), headers=JSON)
        assert answer.status_code in (400, 422), name
        assert words in answer.json()["error"], answer.text
    assert page.get(session).json()["details"] == state["details"]
    assert page.patch(path, {"changed": {"weight_kg": None}}).json()["bmi"] is None


def test_a_closed_session_takes_no_captures(page, captured):
    assert page.post(f"{captured}/closing").json()["closed_at"]
    answer = page.post(f"{captured}/captures")
    assert answer.status_code == 409
    assert "closed" in answer.json()["error"]
    assert page.post(f"{captured}/closing", {"closed": False, "reason": "one more"}).json()["closed_at"] is None
    assert page.post(f"{captured}/captures").status_code == 201


def test_the_dose_is_corrected_within_limits(page, captured, time):
    time.wait(1000)
    page.post(f"{captured}/dose")
    state = page.post(f"{captured}/dose", {"seconds_ago": 600}).json()
    assert state["captures"][0]["minute"] == pytest.approx(-400 / 60, abs=1e-3)
    for seconds in (-1, 12 * 3600 + 1, float("nan"), float("inf"), "x", 10**400):
        answer = page.ask("POST", f"{captured}/dose", content=as_json({"seconds_ago": seconds}), headers=JSON)
        assert answer.status_code in (400, 422)


def test_the_dose_is_the_moment_that_was_chosen_however_long_the_request_took(page, captured, time):
    time.wait(1000)
    chosen = page.get(captured).json()["now"]
    time.wait(40)  # the monitor hung
    state = page.post(f"{captured}/dose", {"at": chosen, "before": None}).json()
    assert state["test_dose_at"] == chosen
    ahead = (datetime.fromisoformat(state["now"]) + timedelta(seconds=30)).isoformat()
    for wrong in (ahead, "2026-05-04T12:00", "2001-01-01T00:00:00Z", "noon"):
        assert page.post(f"{captured}/dose", {"at": wrong, "before": chosen}).status_code in (409, 422), wrong


def test_two_people_do_not_both_state_the_dose(page, captured, time):
    time.wait(1000)
    first = page.post(f"{captured}/dose", {"seconds_ago": 200, "before": None}).json()["test_dose_at"]
    for before in (None, "2026-05-04T12:00:00Z"):
        second = page.post(f"{captured}/dose", {"seconds_ago": 0, "before": before})
        assert second.status_code == 409 and "changed meanwhile" in second.json()["error"]
    assert page.get(captured).json()["test_dose_at"] == first
    assert page.post(f"{captured}/dose", {"seconds_ago": 100, "before": first}).status_code == 200


def test_what_does_not_exist_is_not_found(page, captured):
    nothing = "/api/sessions/00000000-0000-0000-0000-000000000000"
    for session, number in ((nothing, 1), (captured, 2)):
        capture = f"{session}/captures/{number}"
        for path in ("picture.png", "mask.png", "outlines", "explanation/evidence.png", "explanation/doubt.png"):
            assert page.get(f"{capture}/{path}").status_code == 404, path
        answers = [
            page.post(f"{capture}/removal", {"reason": "x"}),
            page.patch(f"{capture}/remarks", {}),
            page.post(f"{capture}/mask/undo"),
            page.post(f"{capture}/mask/redo"),
            page.ask("POST", f"{capture}/mask", content=page.get(f"{captured}/captures/1/mask.png").content),
            page.get(capture.removeprefix("/api")),
        ]
        assert [each.status_code for each in answers] == [404] * 6
        assert all(each.json()["error"] for each in answers)
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "/details", {"changed": {}}),
        ("PATCH", "/view", {"view": "mirrored"}),
        ("POST", "/dose", {}),
        ("POST", "/closing", {}),
        ("POST", "/captures", {}),
        *(("GET", f"/{name}", None) for name in ("report.pdf", "table.csv", "table.xlsx", "dicom.zip")),
    ):
        assert page.ask(method, nothing + path, json=body).status_code == 404, path
    assert page.get(nothing.removeprefix("/api")).status_code == 404


def test_odd_numbers_and_keys_are_refused_at_the_edge(page, captured):
    for number in (
        "0",
        "-1",
        "1.5",
        "x",
        str(2**31),
        str(2**63),
        str(10**30),
        "9" * 5000,
        "%00",
        "1%00",
        "\u0661",
    ):
        for path in (f"{captured}/captures/{number}/picture.png", f"{captured}/captures/{number}"):
            answer = page.get(path.removeprefix("" if path.endswith("png") else "/api"))
            assert answer.status_code in (400, 404, 422), (number, path)
            assert answer.json()["error"]
    for key in (
        "x",
        "%00",
        "a%00b",
        "%F0%9F%A6%B6",
        "%ff",
        "x" * 3000,
        "..%2f..%2fetc",
        "' OR 1=1 --",
        "{0.__class__}",
    ):
        assert page.get(f"/api/sessions/{key}").status_code in (400, 404), key


def test_lists_are_paged_and_searched(page, services, time):
    with services.store.read() as db:
        assert db.scalar(select(func.count()).select_from(SessionRow)) == 0
    for number in range(53):
        time.wait(1)
        services.sessions.begin("staff", {"code": f"E-{number:02}"}, camera="none", take_camera=True)
    services.sessions.begin("staff", {"code": "100%_sure\\"}, camera="none", take_camera=True)
    first = page.get("/api/sessions").json()
    assert (first["total"], len(first["sessions"])) == (54, 50)
    codes = [each["code"] for each in first["sessions"] if each["code"].startswith("E-")]
    assert codes == sorted(codes, reverse=True)
    assert len(page.get("/api/sessions?page=1").json()["sessions"]) == 4
    assert page.get("/api/sessions?page=2").json()["sessions"] == []
    assert [each["code"] for each in page.get("/api/sessions?text=e-07").json()["sessions"]] == ["E-07"]
    for text in ("%", "_", "\\", "100%_sure\\"):  # signs with a meaning in the database mean themselves
        assert page.get("/api/sessions", params={"text": text}).json()["total"] == 1, text
    key = first["sessions"][0]["id"]
    assert page.get("/api/sessions", params={"text": key}).json()["total"] == 1
    for query in ("page=-1", "page=10001", "page=x", f"text={'x' * 41}", "page=" + "9" * 400):
        assert page.get(f"/api/sessions?{query}").status_code == 422, query
    assert page.get("/api/sessions?text=%00").status_code == 400
    assert page.get("/?text=e-07").status_code == 200


def test_the_status_names_what_measures(page, services):
    status = page.get("/api/status").json()
    assert status["model"] == "thermal-feet"
    assert len(status["model_hash"]) == 64
    assert (status["trail_fault"], status["clock_jump"]) == ("", 0.0)


def test_closing_another_session_leaves_the_picture_of_the_one_with_the_camera(
    page, services, monkeypatch
) -> None:
    """What the camera has for a running patient is thrown away only where the camera comes to another one."""
    other = page.begin("E-OTHER")
    page.begin("E-RUNNING", take_camera=True)
    forgotten = []
    monkeypatch.setattr(type(services.live), "forget", lambda self: forgotten.append(1))
    page.post(f"{other}/closing", {"closed": True})
    assert page.post(f"{other}/closing", {"closed": False, "reason": "a note"}).status_code == 200
    assert forgotten == []
    third = page.begin("E-THIRD", take_camera=True)
    assert len(forgotten) == 1
    page.post(f"{third}/closing", {"closed": True})
    assert len(forgotten) == 2
