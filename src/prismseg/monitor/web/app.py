"""The application: everything wired together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from prismseg.base import DataError, Message, OutputError, PrismsegError
from prismseg.base.version import VERSION
from prismseg.monitor.cameras import CameraError
from prismseg.monitor.sessions.details import say_problem
from prismseg.monitor.store import Conflict, NotFound, get_row
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.upkeep.failures import REQUEST_ID, UnexpectedErrors
from prismseg.monitor.web.routes import (
    board,
    captures,
    downloads,
    imports,
    live,
    login,
    pages,
    pictures,
    sessions,
    sso,
)
from prismseg.monitor.web.routes.office import audit, patients, site, users
from prismseg.monitor.web.security.body_limit import BodySizeLimit
from prismseg.monitor.web.security.responses import error_response, told_to_staff
from prismseg.monitor.web.security.roles import session_of
from prismseg.monitor.web.services import AppServices

_STATUS: tuple[tuple[type[PrismsegError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (CameraError, 503),
    (OutputError, 507),
)
_HTTP = {
    404: Message("There is nothing at this address."),
    405: Message("This cannot be done at this address."),
}
_MOST_BYTES = 4_000_000  # a mask, the largest that is sent beside files
_MOST_UPLOADED = 20  # files of the largest size in one request


def create_app(services: AppServices) -> FastAPI:
    """Make the application around open services."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        services.close()

    app = FastAPI(
        title="prismseg monitor",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.services = services
    app.middleware("http")(services.guard)
    uploads = {"/api/imports": int(services.settings.upload_mb * 1e6 * _MOST_UPLOADED)}
    app.add_middleware(BodySizeLimit, most=_MOST_BYTES, uploads=uploads)
    app.add_middleware(
        UnexpectedErrors, log=services.log, answer=_unexpected_error
    )  # the last added is the first asked
    app.add_exception_handler(PrismsegError, _known_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    for routes in (
        sessions,
        captures,
        board,
        pictures,
        imports,
        live,
        login,
        sso,
        pages,
        audit,
        patients,
        site,
        users,
    ):
        app.include_router(routes.router)
    app.include_router(downloads.create_router())
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    return app


def _known_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PrismsegError)
    session = session_of(request.scope["path"])
    if isinstance(error, DataError) and session is not None:
        error = _erased(request, session) or error  # its files go, too, while somebody reads them
    if isinstance(error, OutputError):  # staff are told to call IT, who find here what failed
        path, number = error.message.values.get("path"), request.scope["state"][REQUEST_ID]
        request.app.state.services.log.failed(
            "request failed", error, method=request.method, path=path, request=number
        )
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 422)
    return error_response(request, status, told_to_staff(error))


def _erased(request: Request, session: str) -> NotFound | None:
    """Say that a session is gone, where it is."""
    with request.app.state.services.store.read() as db:
        try:
            get_row(db, SessionRow, session)
        except NotFound as error:
            return error
    return None


def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_response(request, 422, say_problem(error.errors()[0]))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = _HTTP.get(error.status_code, Message("What was sent cannot be read."))
    return error_response(request, error.status_code, text, error.headers or {})


def _unexpected_error(request: HTTPConnection) -> Response:
    return error_response(
        request,
        500,
        Message(
            "The monitor failed at this; its log says where, under {number}. Load the page again to see what was saved.",
            number=request.scope["state"][REQUEST_ID],
        ),
    )
