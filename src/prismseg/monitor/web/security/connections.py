"""Connections that do not come to the point: half a header, half a body, answers that nobody reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True)
class ConnectionLimits:
    """What a connection may take.

    Attributes
    ----------
    header_seconds : float
        From the opening, or from the answer before, to the end of a request's header.
    body_seconds, body_bytes : float, int
        A body must bring so many bytes in this time, or end; a slow telephone brings a hundred times as many.
    unread_seconds : float
        In which so many bytes of an answer must be read too, or it is given up.
    most : int
        Connections at a time. Beyond it one that waits for its header makes room, the oldest first; where there is none
        the new one is closed.
    """

    header_seconds: float = 10.0
    body_seconds: float = 20.0
    body_bytes: int = 20_000
    unread_seconds: float = 60.0
    most: int = 500


class LimitedProtocol(H11Protocol):
    """HTTP whose connections end when they hold a descriptor for nothing."""

    limits = ConnectionLimits()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._stage = ""
        self._received = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._left = 0  # bytes of an answer that were not read when it was last looked

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or make room for it."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.most and not self._make_room():
            transport.abort()
            return
        self._follow()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._end_waiting()
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._received += len(data)
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._follow()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Give the connection to the socket, which has its own ways to see that nobody is there."""
        self._end_waiting()
        self._stage = "socket"
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """Wait for the reader of an answer, not for ever."""
        super().pause_writing()
        if self._unread is None:
            self._watch_reader()

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        if self._stage == "header" and self._deadline is None:
            self._await_header()

    @property
    def awaits_header(self) -> bool:
        """Whether no request is under way."""
        return self._stage == "header"

    def _make_room(self) -> bool:
        waiting = [each for each in self.connections if isinstance(each, LimitedProtocol) and each.awaits_header]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda each: each._deadline.when() if each._deadline is not None else 0.0)
        self.connections.discard(oldest)
        oldest.transport.abort()
        return True

    def _follow(self) -> None:
        """Set the time limit of the stage that the connection has come to."""
        if self._stage == "socket" or self.transport.is_closing():
            return
        stage = {h11.IDLE: "header", h11.SEND_BODY: "body"}.get(self.conn.their_state, "answer")
        if stage == self._stage:
            return  # a limit is not put off by single bytes
        self._end_waiting()
        self._stage = stage
        if stage == "header":
            # An answer that was given whole is not read yet: the next request is waited for afterwards.
            if self._unread is None:
                self._await_header()
        elif stage == "body":
            self._watch_body()

    def _await_header(self) -> None:
        self._deadline = self.loop.call_later(self.limits.header_seconds, self.transport.abort)

    def _watch_body(self) -> None:
        self._received = 0
        self._deadline = self.loop.call_later(self.limits.body_seconds, self._check_body)

    def _check_body(self) -> None:
        # While the application is busy with what came, nothing more is read.
        if self._received < self.limits.body_bytes and not self.flow.read_paused:
            self.transport.abort()
        else:
            self._watch_body()

    def _watch_reader(self) -> None:
        self._left = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(self.limits.unread_seconds, self._check_reader)

    def _check_reader(self) -> None:
        if self._left - self.transport.get_write_buffer_size() < self.limits.body_bytes:
            self.transport.abort()
        else:
            self._watch_reader()

    def _end_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None
