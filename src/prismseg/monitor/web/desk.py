"""What the pages and the API share: store, ward, camera, live view, languages, visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Path, Request

from prismseg.monitor.cameras import Camera
from prismseg.monitor.languages import Language
from prismseg.monitor.live import LiveView
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.segmenter import SoleSegmenter
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore
from prismseg.monitor.web.explaining import Explainer
from prismseg.monitor.web.guard import Guard, language_of
from prismseg.monitor.web.settings import MonitorSettings
from prismseg.monitor.web.users import Attempts
from prismseg.monitor.web.waiting import Waiting


@dataclass(frozen=True)
class Desk:
    """Everything that answers a request needs.

    Live pages wait for pictures in threads of their own number, `watching`, so that they never take one from a capture.
    """

    settings: MonitorSettings
    clock: SteadyClock
    store: SessionStore
    segmenter: SoleSegmenter
    service: SessionService
    camera: Camera
    live: LiveView
    explainer: Explainer
    guard: Guard
    attempts: Attempts
    waiting: Waiting
    watching: CapacityLimiter


def desk_of(request: Request) -> Desk:
    """Find the desk of the application."""
    desk: Desk = request.app.state.desk
    return desk


def who_of(request: Request) -> str:
    """Name who asks."""
    visit = request.state.visit
    return visit.who if visit is not None else ""


TheDesk = Annotated[Desk, Depends(desk_of)]
TheLanguage = Annotated[Language, Depends(language_of)]
Who = Annotated[str, Depends(who_of)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]  # of a capture; databases' integers end there
