"""Serving the application."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Sequence

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from prismseg.base import OutputError
from prismseg.base.version import VERSION
from prismseg.monitor.upkeep.failures import WarningLog
from prismseg.monitor.web.app import create_app
from prismseg.monitor.web.security.connections import LimitedProtocol
from prismseg.monitor.web.security.handshakes import tls_protocol
from prismseg.monitor.web.security.record import record_start
from prismseg.monitor.web.services import AppServices
from prismseg.monitor.web.settings import MonitorSettings, bracketed

_MOST_DESCRIPTORS = 8192
_GRACE_SECONDS = 3  # for answers under way when the server is stopped

_MOST_SOCKET_BYTES = 1_000_000  # pages send nothing over it


def bind_sockets(settings: MonitorSettings) -> list[socket.socket]:
    """Take the address before anything is opened or told; nobody is answered before the server listens.

    Raises
    ------
    OutputError
        When another program has it, or this machine does not.
    """
    host, port = settings.host or None, settings.port
    taken: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            taken.append(socket.socket(family, kind, protocol))
            if os.name == "posix":
                taken[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                taken[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken[-1].bind(address)
            taken[-1].listen()  # bound alone it would not keep another program from binding it as well
    except OSError as error:
        for each in taken:
            each.close()
        raise OutputError(f"Cannot serve on {settings.host}:{port}: {_reason(error)}.") from error
    return taken


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program is there already, perhaps a monitor; choose another --port"
    if error.errno == errno.EACCES:
        return "ports below 1024 are for the system; choose another --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address; choose another --host"
    return error.strerror or str(error)


def serve(services: AppServices, sockets: Sequence[socket.socket]) -> None:
    """Serve on sockets that are bound until the process is asked to stop."""
    _allow_descriptors()
    record_start(services.store, services.settings, VERSION)
    services.housekeeper.start()
    services.log.write("started")
    create_server(services).run(sockets=list(sockets))


def _allow_descriptors() -> None:
    """Take as many open files as the system gives: each connection is one."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def create_server(services: AppServices) -> uvicorn.Server:
    """Make the server of an application."""
    settings = services.settings
    WarningLog.install(services.log)
    config = uvicorn.Config(
        create_app(services),
        host=settings.host,
        port=settings.port,
        log_config=None,  # its own would write what an error says
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # anybody on this machine could state another address at each attempt to log in
        # TLS begins behind the server's back, which would let a handshake wait for a minute.
        http=LimitedProtocol if settings.certificate is None else tls_protocol(settings.certificate, settings.key),
        ws=LiveSocket,
        ws_max_size=_MOST_SOCKET_BYTES,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)


class LiveSocket(WebSocketsSansIOProtocol):
    """A socket that the server can end also while its page is leaving.

    The server's own one raises then, and the rest of the shutdown, which closes the store, is left out.
    """

    def shutdown(self) -> None:
        """End the connection."""
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()


def page_address(services: AppServices) -> str:
    """Where the page is."""
    settings = services.settings
    host = settings.names[0] if settings.everywhere else settings.host
    return f"{'https' if settings.secure else 'http'}://{bracketed(host)}:{settings.port}/"
