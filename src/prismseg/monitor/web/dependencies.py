"""What a route may ask for: each part of the services under the type it has, and facts of the request."""

from __future__ import annotations

from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Path, Request
from starlette.requests import HTTPConnection

from prismseg.monitor.cameras import Camera
from prismseg.monitor.languages import Language
from prismseg.monitor.live import LiveView
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.segmenter import SoleSegmenter
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore
from prismseg.monitor.upkeep.health import Health
from prismseg.monitor.web.explainer import Explainer
from prismseg.monitor.web.rendering import PageRenderer
from prismseg.monitor.web.security.attempts import LoginAttempts
from prismseg.monitor.web.security.guard import RequestGuard
from prismseg.monitor.web.security.responses import language_of
from prismseg.monitor.web.security.roles import EVERYBODY, Account
from prismseg.monitor.web.security.users import UserDirectory
from prismseg.monitor.web.services import AppServices
from prismseg.monitor.web.settings import MonitorSettings
from prismseg.monitor.web.sso.sign_on import SingleSignOn
from prismseg.monitor.web.state import SessionView
from prismseg.monitor.web.uploads import PendingImports

# All are coroutines: FastAPI would run each plain function in a thread.


async def _services(connection: HTTPConnection) -> AppServices:
    services: AppServices = connection.app.state.services
    return services


Services = Annotated[AppServices, Depends(_services)]


async def _settings(services: Services) -> MonitorSettings:
    return services.settings


async def _clock(services: Services) -> SteadyClock:
    return services.clock


async def _store(services: Services) -> SessionStore:
    return services.store


async def _segmenter(services: Services) -> SoleSegmenter:
    return services.segmenter


async def _sessions(services: Services) -> SessionService:
    return services.sessions


async def _camera(services: Services) -> Camera:
    return services.camera


async def _live(services: Services) -> LiveView:
    return services.live


async def _explainer(services: Services) -> Explainer:
    return services.explainer


async def _users(services: Services) -> UserDirectory:
    return services.users


async def _guard(services: Services) -> RequestGuard:
    return services.guard


async def _attempts(services: Services) -> LoginAttempts:
    return services.attempts


async def _sso(services: Services) -> SingleSignOn:
    return services.sso


async def _pending_imports(services: Services) -> PendingImports:
    return services.pending_imports


async def _renderer(services: Services) -> PageRenderer:
    return services.renderer


async def _watch_limiter(services: Services) -> CapacityLimiter:
    return services.watch_limiter


async def _health(services: Services) -> Health:
    return services.health


async def _language(connection: HTTPConnection) -> Language:
    return language_of(connection)


async def _session_view(services: Services, request: Request) -> SessionView:
    return SessionView(services.store, services.clock, language_of(request), (await _account(request)).sees_ward)


async def _user(request: Request) -> str:
    browser = request.state.browser
    return browser.who if browser is not None else ""


async def _account(request: Request) -> Account:
    browser = request.state.browser
    return browser.account if browser is not None else EVERYBODY


SettingsDep = Annotated[MonitorSettings, Depends(_settings)]
ClockDep = Annotated[SteadyClock, Depends(_clock)]
StoreDep = Annotated[SessionStore, Depends(_store)]
SegmenterDep = Annotated[SoleSegmenter, Depends(_segmenter)]
SessionsDep = Annotated[SessionService, Depends(_sessions)]
CameraDep = Annotated[Camera, Depends(_camera)]
LiveDep = Annotated[LiveView, Depends(_live)]
ExplainerDep = Annotated[Explainer, Depends(_explainer)]
UsersDep = Annotated[UserDirectory, Depends(_users)]
GuardDep = Annotated[RequestGuard, Depends(_guard)]
AttemptsDep = Annotated[LoginAttempts, Depends(_attempts)]
SsoDep = Annotated[SingleSignOn, Depends(_sso)]
PendingImportsDep = Annotated[PendingImports, Depends(_pending_imports)]
RendererDep = Annotated[PageRenderer, Depends(_renderer)]
WatchLimiterDep = Annotated[CapacityLimiter, Depends(_watch_limiter)]
HealthDep = Annotated[Health, Depends(_health)]
LanguageDep = Annotated[Language, Depends(_language)]
SessionViewDep = Annotated[SessionView, Depends(_session_view)]
UserDep = Annotated[str, Depends(_user)]  # who asks
AccountDep = Annotated[Account, Depends(_account)]  # what they may do
CaptureNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]  # databases' integers end there
