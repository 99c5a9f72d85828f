from __future__ import annotations

import json

from tests.monitor.web.conftest import browsing

from prismseg.monitor.store.schema import AuditRow


def test_a_skipped_capture_is_recorded_with_its_reason(page, services, time) -> None:
    session = page.begin("E-SKIP")
    page.capture(session)
    refused = page.post(f"{session}/skips", {"minute": 1, "reason": "moved"})
    assert refused.status_code == 409 and "before the test dose" in refused.json()["error"]
    page.post(f"{session}/dose")
    time.wait(65)
    assert page.post(f"{session}/skips", {"minute": 1, "reason": "  "}).status_code == 422
    assert page.post(f"{session}/skips", {"minute": 1, "reason": "\u200b\u2060"}).status_code == 422, (
        "nobody sees it"
    )
    answer = page.post(f"{session}/skips", {"minute": 1, "reason": " in theatre "})
    (skip,) = answer.json()["skipped"]
    assert (skip["minute"], skip["reason"], skip["by"]) == (1, "in theatre", "staff")
    assert page.post(f"{session}/skips", {"minute": 1, "reason": "again"}).status_code == 409
    with services.store.read() as db:
        assert [row.action for row in db.query(AuditRow) if "skip" in row.action] == ["capture skipped"]
    assert page.get("/api/board").json()["sessions"][0]["skipped"] == [1], "neither names nor reasons"


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


def test_a_board_that_stays_on_is_all_that_a_locked_page_shows(midwife, guarded, time) -> None:
    session = midwife.begin("E-1")
    assert 'content="600.0"' in midwife.open("/board").text
    assert midwife.post("/api/board/staying", {"on": True}).status_code == 204
    time.wait(5000)
    board = midwife.open("/board")
    assert "E-1" in midwife.get("/api/board").text and 'name="lock" content="0"' in board.text
    for path in ("/", session, session.removeprefix("/api"), "/new", "/api/sessions", f"{session}/report.pdf"):
        answer = midwife.get(path, follow_redirects=False)
        assert answer.status_code in (303, 401), path
    changes = ("/api/touch", "/api/board/staying", f"{session}/dose", "/api/sessions")
    assert {midwife.post(path, {"on": True}).status_code for path in changes} == {401}
    time.wait(5000)
    assert midwife.get("/api/board").status_code == 200, "looking at it opened nothing, and locked nothing"
    assert midwife.get("/api/sessions").status_code == 401
    assert midwife.post("/logout").status_code == 204
    assert midwife.get("/api/board").status_code == 401
    with guarded.store.read() as db:
        assert "board stays on" in [row.action for row in db.query(AuditRow)]


def test_a_board_ends_with_the_access_and_outlives_the_log_ins_of_others(midwife, guarded) -> None:
    midwife.post("/api/board/staying", {"on": True})
    for _ in range(25):
        with browsing(guarded) as other:
            assert other.log_in().status_code == 303
    assert midwife.get("/api/board").status_code == 200
    guarded.users.disable("midwife")
    assert midwife.get("/api/board").status_code == 401


def test_a_board_is_locked_as_long_as_nobody_lets_it_stay_on(midwife, time) -> None:
    midwife.post("/api/board/staying", {"on": True})
    midwife.post("/api/board/staying", {"on": False})
    time.wait(5000)
    assert midwife.get("/api/board").status_code == 401
    assert midwife.log_in().status_code == 303
    assert "staying-dialog" in midwife.get("/board").text
