"""At the socket: connections that hold a descriptor for nothing end, and others are answered meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

import pytest
from tests.monitor.web.security.sockets import connect, ended, serving

from prismseg.monitor.web.security.connections import ConnectionLimits, LimitedProtocol


def limited(lost: threading.Event | None = None, **limits: float) -> type[LimitedProtocol]:
    class Limited(LimitedProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if lost is not None:
                lost.set()

    Limited.limits = ConnectionLimits(**limits)
    return Limited


def answers(port: int, request: bytes = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") -> bool:
    with connect(port) as connection:
        connection.sendall(request)
        return connection.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
    ],
)
def test_half_a_request_ends_after_its_time(sent: bytes) -> None:
    with serving(limited(header_seconds=0.2, body_seconds=0.2)) as port, connect(port) as half:
        half.sendall(sent)
        assert ended(half)
        assert answers(port)


def test_single_bytes_do_not_put_the_end_off() -> None:
    with serving(limited(header_seconds=0.3)) as port, connect(port) as slow:
        slow.settimeout(0.02)
        sent = 0
        with pytest.raises((ConnectionError, AssertionError)):
            while sent < 1000:  # as many as would last for twenty seconds
                slow.sendall(b"a")
                sent += 1
                try:
                    assert slow.recv(10) != b""
                except TimeoutError:
                    continue
        assert sent < 1000


def test_a_second_request_on_the_same_connection_has_its_own_time() -> None:
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(limited(header_seconds=0.3)) as port, connect(port) as kept:
        for _ in range(3):
            kept.sendall(whole)
            answer = b""
            while not answer.endswith(b"xx"):
                answer += kept.recv(1000)
        kept.sendall(whole[:10])
        assert ended(kept)


def test_a_body_that_keeps_coming_is_read_to_its_end() -> None:
    with serving(limited(body_seconds=0.1, body_bytes=1)) as port, connect(port) as steady:
        steady.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
        for _ in range(400):
            steady.sendall(b"x" * 10_000)
        assert steady.recv(1000).startswith(b"HTTP/1.1 200")


LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"


def read_large(connection: socket.socket, *, pause: float) -> int:
    """Count what comes of an answer, read with pauses until the connection ends or all is there."""
    read, size = 0, 50_000_000
    while read < size:
        try:
            part = connection.recv(1_000_000)
        except ConnectionError:
            break
        if not part:
            break
        read += len(part)
        time.sleep(pause)
    return read


def test_an_answer_that_nobody_reads_is_given_up() -> None:
    lost = threading.Event()
    with serving(limited(lost, unread_seconds=0.2)) as port, connect(port) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_000_000)
        deaf.sendall(LARGE)
        assert lost.wait(20)  # nothing is read meanwhile
        assert read_large(deaf, pause=0) < 40_000_000


def test_an_answer_that_is_read_slowly_comes_whole() -> None:
    with serving(limited(unread_seconds=0.3, header_seconds=0.3)) as port, connect(port) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_000_000)
        slow.sendall(LARGE)
        assert read_large(slow, pause=0.02) >= 50_000_000


def test_many_that_only_open_do_not_keep_others_out() -> None:
    with serving(limited(header_seconds=60, most=20)) as port, ExitStack() as opened:
        held = [opened.enter_context(connect(port)) for _ in range(60)]
        assert answers(port)
        assert all(ended(each) for each in held[:40])  # the oldest made room
