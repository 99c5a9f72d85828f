"""At the socket of a server with TLS: handshakes that do not go on end, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.monitor.web.conftest import make_certificate
from tests.monitor.web.security.sockets import connect, ended, serving

from prismseg.monitor.web.security.handshakes import HandshakeLimits, tls_protocol
from prismseg.monitor.web.serve import create_server

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def gate(pair: dict[str, Path], **limits: float) -> type[asyncio.Protocol]:
    return tls_protocol(pair["certificate"], pair["key"], limits=HandshakeLimits(**limits))


def answers(port: int, pair: dict[str, Path], *, at_once: bool = False) -> bool:
    """Ask over TLS; `at_once` sends the request in the packet that ends the handshake."""
    context = ssl.create_default_context(cafile=str(pair["certificate"]))
    with connect(port) as plain:
        if not at_once:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                secured.sendall(REQUEST)
                return secured.recv(1000).startswith(b"HTTP/1.1 200")
        came, sends = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(came, sends, server_hostname="localhost")
        while True:
            try:
                secured.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(sends.read())
                came.write(plain.recv(10_000))
        secured.write(REQUEST)
        plain.sendall(sends.read())
        while True:
            try:
                return secured.read(1000).startswith(b"HTTP/1.1 200")
            except ssl.SSLWantReadError:
                came.write(plain.recv(10_000))


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", REQUEST])
def test_half_a_handshake_ends_after_its_time(pair, sent: bytes) -> None:
    with serving(gate(pair, seconds=0.2)) as port, connect(port) as half:
        half.sendall(sent)
        begun = time.monotonic()
        assert ended(half) and time.monotonic() - begun < 5
        assert answers(port, pair)


def test_what_comes_with_the_end_of_the_handshake_is_a_request(pair) -> None:
    with serving(gate(pair)) as port:
        assert all(answers(port, pair, at_once=True) for _ in range(5))


def test_many_half_handshakes_do_not_keep_others_out(pair) -> None:
    with serving(gate(pair, seconds=60, most=20)) as port, ExitStack() as opened:
        held = [opened.enter_context(connect(port)) for _ in range(60)]
        assert answers(port, pair)
        assert all(ended(each) for each in held[:40])  # the oldest made room


def test_the_monitor_serves_so(open_monitor, pair) -> None:
    assert create_server(open_monitor(**pair)).config.http.limits == HandshakeLimits(seconds=10, most=200)
