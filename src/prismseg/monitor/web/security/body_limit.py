"""A limit on the size of requests."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from prismseg.base import Message
from prismseg.monitor.web.security.responses import error_response


class BodySizeLimit:
    """Refuses bodies that are too large, before and while they are read.

    Parameters
    ----------
    app : ASGIApp
        What answers the others.
    most : int
        Bytes.
    uploads : mapping of str to int
        Bytes for the paths that take more.
    """

    def __init__(self, app: ASGIApp, most: int, uploads: Mapping[str, int]) -> None:
        self.app = app
        self.most = most
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.uploads.get(scope["path"], self.most)
        too_large = error_response(HTTPConnection(scope), 413, Message("The upload is too large."))
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > most:
            await too_large(scope, receive, send)
            return
        seen, answered = 0, False

        async def counted() -> Event:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLarge
            return message

        async def first(message: Event) -> None:
            # Whoever reads the body takes the error for one of its own, and would answer that the body is damaged.
            nonlocal answered
            if answered or seen <= most:
                answered = True
                await send(message)

        try:
            await self.app(scope, counted, first)
        except Exception:  # `TooLarge`, or a group with it
            if seen <= most or answered:
                raise
        if seen > most and not answered:
            await too_large(scope, receive, send)


class TooLarge(Exception):
    """A body went on beyond what is accepted."""
