"""The live picture over its socket: for whom, and until when."""

from __future__ import annotations

import json
import struct

import pytest
from starlette.websockets import WebSocketDisconnect
from tests.monitor.web.conftest import HERE, NAME


def watch(page, path="/live", origin=HERE, host="127.0.0.1:8080", accepted="en", session=None):
    if session is not None:
        path += f"{'&' if '?' in path else '?'}session={session.rsplit('/', 1)[-1]}"
    headers = {"host": host, "accept-language": accepted}
    if origin is not None:
        headers["origin"] = origin
    return page.client.websocket_connect(f"ws://127.0.0.1:8080{path}", headers=headers)


def header_of(data):
    (length,) = struct.unpack(">I", data[:4])
    return json.loads(data[4 : 4 + length])


def picture_of(data):
    (length,) = struct.unpack(">I", data[:4])
    return data[4 + length :]


def receive(socket, wanted=lambda header: header["fresh"]):
    """Receive until a header of a kind comes."""
    for _ in range(20):
        data = socket.receive_bytes()
        if wanted(header_of(data)):
            return data
    pytest.fail(f"it did not come; the last was {header_of(data)}")


def test_the_live_picture_is_for_this_page_and_its_session(page, time):
    session = page.begin()
    with watch(page, "/live?view=mirrored", session=session) as socket:
        data = receive(socket)
    header = header_of(data)
    assert header["size"] == [240, 320]
    assert set(header["outlines"]) == {"left", "right"}
    assert picture_of(data)[:2] == b"\xff\xd8"
    assert (header["age"], header["taken_at"]) == (0, header["now"])


@pytest.mark.parametrize("session", ["", "%00", "/api/sessions/no-such"])
def test_nobody_is_shown_without_a_session(page, session):
    with watch(page, session=session) as socket:
        data = socket.receive_bytes()
    header = header_of(data)
    assert "no such session" in header["failure"]
    assert (picture_of(data), header["lights"], header["outlines"]) == (b"", [], {})


def test_a_picture_that_stays_grows_old_and_its_lights_with_it(page, camera, time):
    """The camera hangs: the page hears a sign of life each second, with the picture's age, and no green light."""
    session = page.begin()
    with watch(page, session=session) as socket:
        first = header_of(receive(socket))
        assert {light["state"] for light in first["lights"]} == {"good"}
        camera.hangs.set()
        try:
            receive(socket, lambda header: not header["news"])  # the picture that was under way has come
            time.wait(1.9)
            receive(socket, lambda header: not header["news"] and header["fresh"])
            time.wait(0.2)
            data = receive(socket, lambda header: not header["news"] and not header["fresh"])
        finally:
            camera.hangs.clear()
    header = header_of(data)
    assert header["age"] > 2 and header["beat"] > first["beat"] and header["number"] >= first["number"]
    assert {light["state"] for light in header["lights"]} == {"old"} and picture_of(data) == b""


def test_the_last_patients_picture_is_not_shown_to_the_next(page, camera, time):
    first = page.begin("E-1")
    shown = camera.frame()
    camera.again = shown  # as a folder does: the same picture with its own time
    with watch(page, session=first) as socket:
        assert picture_of(receive(socket))
    time.wait(5)
    second = page.begin("E-2")
    with watch(page, session=second) as socket:
        data = socket.receive_bytes()
        assert "No picture of this patient yet" in header_of(data)["failure"] and picture_of(data) == b""
        answer = page.post(f"{second}/captures")
        assert answer.status_code == 409 and "5 s before" in answer.json()["error"]
        camera.again = None
        assert picture_of(receive(socket))
    with watch(page, session=first) as socket:
        data = socket.receive_bytes()
    assert "with session E-2 now" in header_of(data)["failure"] and picture_of(data) == b""


def test_a_closed_session_shows_nobody(page):
    session = page.begin()
    page.post(f"{session}/closing")
    with watch(page, session=session) as socket:
        data = socket.receive_bytes()
    assert "is closed" in header_of(data)["failure"] and picture_of(data) == b""


@pytest.mark.parametrize(
    ("accepted", "chosen", "said"),
    [("en", None, "Two soles."), ("es-ES,es;q=0.9", None, "Dos plantas."), ("en", "es", "Dos plantas.")],
)
def test_lights_are_said_in_the_language_of_the_page(page, accepted, chosen, said):
    session = page.begin()
    if chosen is not None:
        page.client.cookies.set("language", chosen)
    with watch(page, accepted=accepted, session=session) as socket:
        header = header_of(receive(socket))
    assert header["lights"][0] == {"name": "two soles", "state": "good", "text": said}


@pytest.mark.parametrize(
    ("language", "said"), [("es", "Dos plantas."), ("en", "Two soles."), ("xx", "Two soles.")]
)
def test_a_page_says_its_language_where_the_browser_does_not(page, language, said):
    with watch(page, f"/live?language={language}", session=page.begin()) as socket:
        assert header_of(receive(socket))["lights"][0]["text"] == said


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "127.0.0.1:8080"),
        ("", "127.0.0.1:8080"),
        ("null", "127.0.0.1:8080"),
        ("http://attacker.example", "127.0.0.1:8080"),
        ("http://127.0.0.1:3000", "127.0.0.1:8080"),
        ("http://[", "127.0.0.1:8080"),
        ("http://attacker.example", "attacker.example"),
    ],
)
def test_other_pages_do_not_see_it(page, origin, host):
    with watch(page, origin=origin, host=host) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_bytes()
    assert closed.value.code == 4401


def test_it_needs_a_log_in(visitor):
    with watch(visitor) as socket, pytest.raises(WebSocketDisconnect):
        socket.receive_bytes()


@pytest.mark.parametrize("end", ("lock", "disable", "log out"))
def test_it_ends_with_the_visit_and_does_not_prolong_it(midwife, guarded, time, end):
    with watch(midwife) as socket:
        for _ in range(2):
            time.wait(290)
            socket.receive_bytes()
        if end == "lock":
            time.wait(21)
        elif end == "disable":
            guarded.users.disable(NAME)
        else:
            midwife.post("/logout")
        with pytest.raises(WebSocketDisconnect) as closed:
            for _ in range(10):
                socket.receive_bytes()
    assert closed.value.code == 4401
