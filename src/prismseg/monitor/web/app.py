"""The application: everything wired together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import CapacityLimiter
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from prismseg.base import Message, OutputError, PrismsegError
from prismseg.base.version import VERSION
from prismseg.monitor.cameras import Camera, CameraError, open_camera, simulator_of
from prismseg.monitor.live import LiveView
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.demonstration import create_demonstration
from prismseg.monitor.sessions.segmenter import SoleSegmenter
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import Conflict, NotFound, SessionStore
from prismseg.monitor.web import api, downloads, images, importing, live, pages
from prismseg.monitor.web.desk import Desk
from prismseg.monitor.web.explaining import Explainer
from prismseg.monitor.web.guard import Guard, SizeLimit, language_of, refused
from prismseg.monitor.web.settings import MonitorSettings, check_exposure
from prismseg.monitor.web.users import Attempts, count_users, proofs
from prismseg.monitor.web.visits import Visits
from prismseg.monitor.web.waiting import Waiting

_STATUS: tuple[tuple[type[PrismsegError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (CameraError, 503),
    (OutputError, 507),
)
_MOST_BYTES = 4_000_000  # a mask, the largest that is sent beside files
_MOST_WATCHING = 64  # live pages that wait for a picture at a time; more take turns
_MOST_UPLOADED = 20  # files of the largest size in one request


def open_desk(
    settings: MonitorSettings,
    *,
    camera: Camera | None = None,
    clock: SteadyClock | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> Desk:
    """Open store, camera and network.

    Parameters
    ----------
    settings : MonitorSettings
        As started.
    camera : Camera, optional
        In place of the one that the settings name.
    clock : SteadyClock, optional
        Tells the time.
    progress : callable, optional
        Told how many captures of the demonstration are made.

    Raises
    ------
    PrismsegError
        When something cannot be opened, or the page would be open to others unprotected.
    """
    steady = clock or SteadyClock()
    store = SessionStore(settings.data, settings.database, steady)
    try:
        check_exposure(settings, count_users(store))
        segmenter = SoleSegmenter(settings.model)
        seen = camera if camera is not None else open_camera(settings.camera)
        service = SessionService(store, segmenter)
        if settings.demonstration and simulator_of(seen) is not None and _is_empty(store):
            create_demonstration(service, seen, steady(), progress)
        guard = Guard(settings, Visits(settings.lock_minutes * 60), lambda: proofs(store))
        view = LiveView(seen, segmenter.segment_live, settings.scale)
        return Desk(
            settings,
            steady,
            store,
            segmenter,
            service,
            seen,
            view,
            Explainer(segmenter.predictor),
            guard,
            Attempts(),
            Waiting(),
            CapacityLimiter(_MOST_WATCHING),
        )
    except BaseException:
        store.close()
        raise


def close_desk(desk: Desk) -> None:
    """Let go of everything."""
    desk.live.stop()
    desk.camera.close()
    desk.store.close()


def create_app(desk: Desk) -> FastAPI:
    """Make the application around an open desk."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        close_desk(desk)

    app = FastAPI(
        title="prismseg monitor",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.desk = desk
    app.middleware("http")(desk.guard)
    uploads = {"/api/imports": int(desk.settings.upload_mb * 1e6 * _MOST_UPLOADED)}
    app.add_middleware(SizeLimit, most=_MOST_BYTES, uploads=uploads)
    app.add_exception_handler(PrismsegError, _said)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _failed)
    for part in (api, images, downloads, importing, live, pages):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    return app


def _is_empty(store: SessionStore) -> bool:
    from prismseg.monitor.web.state import listed

    with store.read() as db:
        return listed(db, "", 0)[1] == 0


def _said(request: Request, error: Exception) -> Response:
    assert isinstance(error, PrismsegError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 422)
    return JSONResponse({"error": language_of(request)(error.message)}, status_code=status)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = " ".join(str(part) for part in first["loc"] if part != "body")
    return JSONResponse({"error": f"{place}: {first['msg']}"}, status_code=422)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, status_code=error.status_code, headers=error.headers)


def _failed(request: Request, error: Exception) -> Response:
    return refused(
        request,
        500,
        Message("The monitor failed at this; its log says where. Load the page again to see what was saved."),
    )
