"""Serving the application."""

from __future__ import annotations

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from prismseg.base import OutputError
from prismseg.monitor.web.app import create_app
from prismseg.monitor.web.services import AppServices
from prismseg.monitor.web.settings import bracketed

_GRACE_SECONDS = 3  # for answers under way when the server is stopped

_MOST_SOCKET_BYTES = 1_000_000  # pages send nothing over it


def serve(services: AppServices) -> None:
    """Serve until the process is asked to stop.

    Raises
    ------
    OutputError
        When the address is taken.
    """
    settings = services.settings
    try:
        create_server(services).run()
    except SystemExit as error:
        raise OutputError(
            f"Cannot serve on {settings.host}:{settings.port}; is another program there? Choose another --port."
        ) from error


def create_server(services: AppServices) -> uvicorn.Server:
    """Make the server of an application."""
    settings = services.settings
    config = uvicorn.Config(
        create_app(services),
        host=settings.host,
        port=settings.port,
        ssl_certfile=None if settings.certificate is None else str(settings.certificate),
        ssl_keyfile=None if settings.key is None else str(settings.key),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # anybody on this machine could state another address at each attempt to log in
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
