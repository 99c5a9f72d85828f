from __future__ import annotations

import json

from prismseg.monitor.store.schema import AuditRow


def test_a_skipped_capture_is_recorded_with_its_reason(page, services, time) -> None:
    session = page.begin("E-SKIP")
    page.capture(session)
    refused = page.post(f"{session}/skips", {"minute": 1, "reason": "moved"})
    assert refused.status_code == 409 and "before the test dose" in refused.json()["error"]
    page.post(f"{session}/dose")
    time.wait(65)
    assert page.post(f"{session}/skips", {"minute": 1, "reason": "  "}).status_code == 422
    answer = page.post(f"{session}/skips", {"minute": 1, "reason": " in theatre "})
    (skip,) = answer.json()["skipped"]
    assert (skip["minute"], skip["reason"], skip["by"]) == (1, "in theatre", "staff")
    assert page.post(f"{session}/skips", {"minute": 1, "reason": "again"}).status_code == 409
    with services.store.read() as db:
        assert [row.action for row in db.query(AuditRow) if "skip" in row.action] == ["capture skipped"]
    assert page.get("/api/board").json()["sessions"][0]["skipped"] == [skip]


def test_the_board_shows_each_running_session_as_its_page_does(page, camera, time) -> None:
    begun = []
    for code in ("E-1", "E-2", "E-3"):
        begun.append(page.begin(code, take_camera=True))
        time.wait(1)
    closed, _, running = begun
    page.post(f"{closed}/closing", {"closed": True})
    page.capture(running)
    page.post(f"{running}/dose")
    time.wait(600)
    camera.warmer = {"left": 2.0, "right": 0.0}
    state = page.capture(running)
    board = page.get("/api/board").json()
    assert [each["code"] for each in board["sessions"]] == ["E-3", "E-2"], "newest first, none that is closed"
    shown, empty = board["sessions"]
    last = state["captures"][-1]
    assert shown["last"]["minute"] == last["minute"] and len(shown["minutes"]) == 2
    for side in ("left", "right"):
        assert shown["last"][side]["delta"] == last["values"][side]["whole sole"]["delta"]
        assert shown["last"][side]["rate"] == last["values"][side]["whole sole"]["rate"]
    assert json.dumps(shown["flags"]) == json.dumps(state["flags"])
    assert shown["has_camera"] and not empty["has_camera"] and empty["last"] is None
    assert 'id="board"' in page.get("/board").text
