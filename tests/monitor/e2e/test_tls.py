"""The monitor as other machines reach it: encrypted, behind a log-in, started by its command."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest
from tests.monitor.web.conftest import NAME, PASSWORD, make_certificate

from prismseg.monitor.store import SessionStore
from prismseg.monitor.web.security.users import UserDirectory

from .conftest import PATIENCE, Served


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def port(tmp_path: Path, log: Path) -> Iterator[int]:
    store = SessionStore(tmp_path / "ward")
    UserDirectory(store).add(NAME, PASSWORD)
    store.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    pair = make_certificate(tmp_path)
    command = [sys.executable, "-c", "from prismseg.cli.main import run; run()", "monitor", "--empty", "--no-open"]
    command += ["--host", "0.0.0.0", "--name", "monitor.ward.example", "--port", str(number)]
    command += ["--data", str(tmp_path / "ward")]
    command += ["--certificate", str(pair["certificate"]), "--key", str(pair["key"])]
    with log.open("w") as told:
        running = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=told, stderr=told)
    until = monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", number)):
        assert running.poll() is None and monotonic() < until, log.read_text()
        sleep(0.2)
    yield number
    running.send_signal(signal.SIGTERM)
    # The server passes the signal on when it has shut down.
    assert running.wait(timeout=PATIENCE) in (0, -signal.SIGTERM), log.read_text()


def test_a_session_over_tls(browser, port: int, log: Path) -> None:
    context = browser.new_context(ignore_https_errors=True, locale="en-GB")
    page = context.new_page()
    sockets: list[str] = []
    page.on("websocket", lambda opened: sockets.append(opened.url))
    page.goto(f"https://127.0.0.1:{port}/new")
    assert urlsplit(page.url).path == "/login"
    page.fill("#name", NAME)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_selector("#logout")
    assert [cookie["secure"] for cookie in context.cookies() if cookie["httpOnly"]] == [True]
    page.goto(f"https://127.0.0.1:{port}/new")
    page.click("#new button[type=submit]")
    page.wait_for_url("**/sessions/*")
    page.wait_for_selector("#picture[data-number]")
    page.click("#capture")
    page.wait_for_selector("#captures li[data-number='1']")
    assert sockets and all(address.startswith(f"wss://127.0.0.1:{port}/live") for address in sockets)
    assert f"https://monitor.ward.example:{port}/" in log.read_text()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        plain.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert b"HTTP" not in plain.recv(4096), "nothing is said unencrypted"
    context.close()


def test_a_page_that_is_leaving_does_not_keep_the_store_from_being_closed(tmp_path: Path) -> None:
    """Its close frame has come, its connection is still open: for encrypted ones that lasts."""
    served = Served(tmp_path / "ward", **make_certificate(tmp_path))
    served.services.users.add(NAME, PASSWORD)
    here = f"127.0.0.1:{served.port}"
    browsers = served.services.guard.browsers
    browser = browsers.begin(NAME, served.services.users.accounts()[NAME].proof)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with trusting.wrap_socket(socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)) as page:
        words = ["GET /live HTTP/1.1", f"Host: {here}", "Upgrade: websocket", "Connection: Upgrade"]
        words += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        words += [f"Origin: https://{here}", f"Cookie: {browsers.cookie}={browser.token}", "", ""]
        page.sendall("\r\n".join(words).encode())
        assert page.recv(100).startswith(b"HTTP/1.1 101")
        page.sendall(b"\x88\x80\0\0\0\0")
        sleep(0.5)
        served.stop()
    assert not served.thread.is_alive()
    SessionStore(tmp_path / "ward").close()
