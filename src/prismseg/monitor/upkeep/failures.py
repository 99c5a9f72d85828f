"""What nobody foresaw: told in the log by kind and place, never by what it says, which may quote a patient's data."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from prismseg.monitor.upkeep.log import EventLog, Fact

REQUEST_ID = "request_id"
"""Name in a request's state, by which a line of the log is found."""
_SERVERS = ("uvicorn.error", "asyncio")
_INTERNAL_ERROR = 1011  # of a web socket


class UnexpectedErrors:
    """Numbers requests, and answers what went wrong in one; the server, which would log all of it, hears of nothing.

    Parameters
    ----------
    app : ASGIApp
        What answers requests.
    log : EventLog
        Told of each error.
    answer : callable
        Makes the answer of a request that failed.
    """

    def __init__(self, app: ASGIApp, log: EventLog, answer: Callable[[HTTPConnection], Response]) -> None:
        self.app = app
        self.log = log
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        number = scope.setdefault("state", {})[REQUEST_ID] = secrets.token_hex(4)
        answered = False

        async def sent(event: Event) -> None:
            nonlocal answered
            answered = True
            await send(event)

        try:
            await self.app(scope, receive, sent)
        except Exception as error:
            method = scope.get("method", "WEBSOCKET")
            self.log.failed("request failed", error, method=method, request=number)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": _INTERNAL_ERROR})
            elif not answered:
                await self.answer(HTTPConnection(scope))(scope, receive, send)


class WarningLog(logging.Handler):
    """Brings what the program's loggers warn of into the log, which else has plain lines of theirs beside it.

    Of an error its kind and place; of the server and of the monitor itself else the sentence without its values, and the
    values that the monitor names there; of a library, which may have put values into its sentence, the place alone.
    """

    def __init__(self, log: EventLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    @classmethod
    def install(cls, log: EventLog) -> None:
        """Take the place of the handlers that the server's loggers have, and of a former one for all others."""
        for name in _SERVERS:
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [cls(log)], False
        root = logging.getLogger()
        root.handlers = [*(each for each in root.handlers if not isinstance(each, cls)), cls(log)]

    def emit(self, record: logging.LogRecord) -> None:
        """Write one event."""
        said = (str(record.msg).splitlines() or [""])[0]  # a traceback may follow, which quotes what an error says
        if record.exc_info and record.exc_info[1] is not None:
            self._log.failed("server failed", record.exc_info[1], logger=record.name)
        elif record.name in _SERVERS:
            self._log.write("server warned", logger=record.name, said=said)
        elif record.name.startswith("prismseg."):
            given = record.args if isinstance(record.args, Mapping) else {}
            named: dict[str, Fact] = {name: str(fact) for name, fact in given.items()}
            named.update({name: fact for name, fact in given.items() if isinstance(fact, int | float)})
            self._log.write("monitor warned", logger=record.name, said=said, **named)
        else:
            self._log.write("library warned", logger=record.name, where=f"{record.module}:{record.lineno}")
