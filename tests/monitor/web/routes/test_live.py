"""The live picture over its socket: for whom, and until when."""

from __future__ import annotations

import json
import struct

import pytest
from starlette.websockets import WebSocketDisconnect
from tests.monitor.web.conftest import HERE, NAME


def watch(page, path="/live", origin=HERE, host="127.0.0.1:8080", accepted="en"):
    headers = {"host": host, "accept-language": accepted}
    if origin is not None:
        headers["origin"] = origin
    return page.client.websocket_connect(f"ws://127.0.0.1:8080{path}", headers=headers)


def header_of(data):
    (length,) = struct.unpack(">I", data[:4])
    return json.loads(data[4 : 4 + length])


def test_the_live_picture_is_for_this_page(page):
    with watch(page, "/live?view=mirrored&session=%00") as socket:
        header = header_of(socket.receive_bytes())
    assert header["size"] == [240, 320]
    assert set(header["outlines"]) == {"left", "right"}


@pytest.mark.parametrize(
    ("accepted", "chosen", "said"),
    [("en", None, "Two soles."), ("es-ES,es;q=0.9", None, "Dos plantas."), ("en", "es", "Dos plantas.")],
)
def test_lights_are_said_in_the_language_of_the_page(page, accepted, chosen, said):
    if chosen is not None:
        page.client.cookies.set("language", chosen)
    with watch(page, accepted=accepted) as socket:
        header = header_of(socket.receive_bytes())
    assert header["lights"][0] == {"name": "two soles", "state": "good", "text": said}


@pytest.mark.parametrize(
    ("language", "said"), [("es", "Dos plantas."), ("en", "Two soles."), ("xx", "Two soles.")]
)
def test_a_page_says_its_language_where_the_browser_does_not(page, language, said):
    with watch(page, f"/live?language={language}") as socket:
        assert header_of(socket.receive_bytes())["lights"][0]["text"] == said


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
