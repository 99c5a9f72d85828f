"""What nobody foresaw: the log says where, and nothing of what an error says, which may be a patient's."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
from contextlib import contextmanager
from time import sleep

import pytest
from starlette.websockets import WebSocketDisconnect
from tests.monitor.web.conftest import browsing
from tests.monitor.web.routes.test_live import watch

from prismseg.monitor.cameras import CameraError, WatchedCamera
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.web.serve import create_server
from prismseg.monitor.web.services import open_services

SECRET = "María Pérez, E-1"


def fail(*_, **__):
    raise ValueError(SECRET)


def logged(services) -> list[dict]:
    return [json.loads(line) for line in services.settings.log.read_text().splitlines()]


@pytest.fixture
def failing(open_monitor, tmp_path, monkeypatch):
    """A monitor whose list of sessions and live pictures fail in a way that nobody foresaw."""
    services = open_monitor(log=tmp_path / "log.jsonl")
    monkeypatch.setattr("prismseg.monitor.web.routes.pages.list_sessions", fail)
    monkeypatch.setattr("prismseg.monitor.web.routes.live._find_place", fail)
    return services


@contextmanager
def served(services):
    server = create_server(services)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started:
            sleep(0.005)
        yield taken.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def test_a_server_logs_kind_place_and_number_of_the_request(failing, capfd):
    with served(failing) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(9999), b"")).decode()
    assert answer.startswith("HTTP/1.1 500")
    (entry,) = (each for each in logged(failing) if each["event"] == "request failed")
    assert entry["error"] == "ValueError" and re.fullmatch(r"[\w.]+:\d+", entry["where"])
    assert entry["inside"].startswith("prismseg.monitor.web.routes.pages:")
    assert entry["request"] in answer, "staff read it out to IT"
    written = failing.settings.log.read_text() + "".join(capfd.readouterr())
    assert "Pérez" not in written and "E-1" not in written and "Traceback" not in written


def test_a_live_page_whose_picture_fails_is_ended(failing):
    with browsing(failing) as page:
        page.open("/new")
        with (
            pytest.raises(WebSocketDisconnect) as closed,
            watch(page) as live,
        ):
            live.receive_bytes()
    assert closed.value.code == 1011
    (entry,) = (each for each in logged(failing) if each["event"] == "request failed")
    assert (entry["error"], entry["method"]) == ("ValueError", "WEBSOCKET") and len(entry["request"]) == 8


def test_what_the_server_itself_meets_is_told_without_values(failing):
    create_server(failing)
    for name in ("uvicorn.error", "asyncio"):
        try:
            fail()
        except ValueError:
            logging.getLogger(name).exception("Exception in %s", SECRET)
        logging.getLogger(name).warning("Nothing to do with %s", SECRET)
    entries = logged(failing)
    assert [each["event"] for each in entries] == ["server failed", "server warned"] * 2
    assert entries[0]["where"].startswith(f"{__name__}:") and entries[1]["said"] == "Nothing to do with %s"
    assert "Pérez" not in failing.settings.log.read_text()


def test_warnings_of_the_monitor_and_of_libraries_are_in_the_one_log(failing, capfd):
    create_server(failing)
    create_server(failing)  # a second server of the process takes the first one's place
    own = logging.getLogger("prismseg.monitor.web.routes.login")
    own.warning("refused for %(seconds)d s, address %(address)s", {"seconds": 30, "address": "10.0.0.7"})
    own.warning("no such user: %s", SECRET)
    logging.getLogger("somebody.elses").warning(f"cannot read {SECRET}")
    told, unnamed, foreign = logged(failing)
    assert (told["event"], told["seconds"], told["address"]) == ("monitor warned", 30, "10.0.0.7")
    assert unnamed["said"] == "no such user: %s"
    assert (foreign["event"], foreign["logger"]) == ("library warned", "somebody.elses")
    assert re.fullmatch(r"test_failures:\d+", foreign["where"]) and "said" not in foreign
    assert "Pérez" not in failing.settings.log.read_text()
    assert capfd.readouterr().err == "", "no plain lines beside it"


def test_the_camera_begins_to_fail_and_works_again(tmp_path, open_monitor, camera, segmenter, time):
    made = open_monitor(log=tmp_path / "log.jsonl")
    watched = WatchedCamera(camera, now=made.clock)
    made.close()
    services = open_services(made.settings, camera=watched, segmenter=segmenter, clock=SteadyClock(time, time))
    for plugged in (True, False, False, True, True):
        camera.plugged = plugged
        try:
            watched.frame()
        except CameraError:
            assert not plugged
    services.close()
    told = [each for each in logged(services) if each["event"].startswith("camera")]
    assert [each["event"] for each in told] == ["camera failed", "camera works"]
    assert told[0]["error"] == "CameraError"
