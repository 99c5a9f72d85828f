"""TLS handshakes that do not come to their end: each has a short time, and only so many wait at once."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prismseg.monitor.web.security.connections import LimitedProtocol


@dataclass(frozen=True)
class HandshakeLimits:
    """What a handshake may take.

    Attributes
    ----------
    seconds : float
        From the opening of the connection to the end of the handshake; a slow telephone needs less than one.
    most : int
        Handshakes at a time. Beyond it the oldest makes room: it has waited longest for a client that does not go on.
    """

    seconds: float = 10.0
    most: int = 200


class HandshakeGate(asyncio.Protocol):
    """A connection until its handshake is done, then requests go to the protocol behind it.

    The event loop's own TLS lets a handshake wait for a minute and tells of none that is under way, so that nobody could
    bound their number. Here the server takes plain connections and begins TLS itself.
    """

    context: ssl.SSLContext
    limits = HandshakeLimits()
    inner: type[LimitedProtocol] = LimitedProtocol
    waiting: dict[HandshakeGate, None]  # the oldest first

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._early: list[bytes] = []  # what came with the handshake's last packet
        self._task: asyncio.Task[None] | None = None
        self._plain: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, and end the oldest one where too many wait."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()  # nothing is read but by TLS
        if len(self.waiting) >= self.limits.most:
            next(iter(self.waiting)).end()
        self.waiting[self] = None
        self._plain = transport
        self._task = asyncio.get_running_loop().create_task(self._shake(transport))

    def data_received(self, data: bytes) -> None:
        """Keep what comes before the protocol behind has the connection."""
        self._early.append(data)

    def end(self) -> None:
        """Give the handshake up."""
        self.waiting.pop(self, None)
        if self._task is not None and self._plain is not None:
            self._task.cancel()
            self._plain.abort()  # a task that had not begun yet would not

    async def _shake(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                transport, self, self.context, server_side=True, ssl_handshake_timeout=self.limits.seconds
            )
        except (OSError, asyncio.CancelledError):  # the end of its time is an `OSError` too
            transport.abort()
            return
        finally:
            self.waiting.pop(self, None)
        if secured is None or secured.is_closing():  # the client left
            transport.abort()
            return
        behind = self.inner(**self._options)
        secured.set_protocol(behind)
        behind.connection_made(secured)
        for data in self._early:
            behind.data_received(data)
        self._early.clear()


def tls_protocol(
    certificate: str | Path,
    key: str | Path | None,
    *,
    limits: HandshakeLimits | None = None,
    inner: type[LimitedProtocol] = LimitedProtocol,
) -> type[HandshakeGate]:
    """Make the protocol of a server over TLS.

    Parameters
    ----------
    certificate, key : path
        PEM.
    limits : HandshakeLimits, optional
        Of handshakes.
    inner : type of LimitedProtocol
        Takes the requests.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    chosen, behind = limits or HandshakeLimits(), inner

    class Gate(HandshakeGate):
        context, limits, inner = made, chosen, behind
        waiting: dict[HandshakeGate, None] = {}  # noqa: RUF012 - one of each server, shared by its connections

    return Gate
