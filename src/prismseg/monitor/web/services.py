"""Everything that answers a request needs, opened once from the settings and passed to the application."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from anyio import CapacityLimiter
from argon2 import PasswordHasher
from sqlalchemy import select

from prismseg.monitor.cameras import Camera, CameraError, find_simulator, open_camera
from prismseg.monitor.cameras.watchdog import WatchedCamera
from prismseg.monitor.live import LiveView
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.demonstration import create_demonstration
from prismseg.monitor.sessions.segmenter import SoleSegmenter
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, finish_erasing
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.upkeep.backups import BackupPlan, Backups
from prismseg.monitor.upkeep.clock_watch import ClockWatch
from prismseg.monitor.upkeep.health import Health
from prismseg.monitor.upkeep.housekeeper import Housekeeper, Task
from prismseg.monitor.upkeep.log import EventLog
from prismseg.monitor.web.explainer import Explainer
from prismseg.monitor.web.rendering import PageRenderer
from prismseg.monitor.web.security.attempts import LoginAttempts
from prismseg.monitor.web.security.browser_sessions import BrowserSessions
from prismseg.monitor.web.security.exposure import check_exposure
from prismseg.monitor.web.security.guard import RequestGuard
from prismseg.monitor.web.security.users import UserDirectory
from prismseg.monitor.web.settings import MonitorSettings
from prismseg.monitor.web.sso.sign_on import SingleSignOn
from prismseg.monitor.web.uploads import PendingImports

_BACKUP_LOOK_SECONDS = 60.0
_MOST_WATCHING = 64  # live pages that wait for a picture at a time; more take turns


@dataclass(frozen=True, kw_only=True)
class AppServices:
    """The parts of a running monitor. A route takes those it needs; see `prismseg.monitor.web.dependencies`.

    Attributes
    ----------
    settings : MonitorSettings
        With which it was started.
    clock : SteadyClock
        Tells the time.
    store : SessionStore
        Database, files, audit trail.
    segmenter : SoleSegmenter
        The network.
    sessions : SessionService
        What staff can do.
    camera : Camera
        The thermal camera.
    live : LiveView
        The live picture.
    explainer : Explainer
        Maps of what the network sees.
    users : UserDirectory
        Who may log in.
    guard : RequestGuard
        Stands before every request.
    attempts : LoginAttempts
        Limits log-ins.
    sso : SingleSignOn
        The hospital's accounts, where there are any.
    pending_imports : PendingImports
        Files that were sent and are not confirmed yet.
    renderer : PageRenderer
        Makes pages of templates.
    watch_limiter : CapacityLimiter
        Live pages wait in threads of their own, so that they never take one from a capture.
    log : EventLog
        What happened to the monitor, without patient data.
    clock_watch : ClockWatch
        Looks after the clock.
    backups : Backups or None
        Scheduled copies, where they are planned.
    health : Health
        How all that is.
    housekeeper : Housekeeper
        Does what is due; `serve` starts it.
    """

    settings: MonitorSettings
    clock: SteadyClock
    store: SessionStore
    segmenter: SoleSegmenter
    sessions: SessionService
    camera: Camera
    live: LiveView
    explainer: Explainer
    users: UserDirectory
    guard: RequestGuard
    attempts: LoginAttempts
    sso: SingleSignOn
    pending_imports: PendingImports
    renderer: PageRenderer
    watch_limiter: CapacityLimiter
    log: EventLog
    clock_watch: ClockWatch
    backups: Backups | None
    health: Health
    housekeeper: Housekeeper

    def close(self) -> None:
        """Stop the housekeeper and the live view, and release camera and store."""
        self.housekeeper.stop()
        self.log.write("stopped")
        self.live.stop()
        self.camera.close()
        self.store.close()


def open_services(
    settings: MonitorSettings,
    *,
    camera: Camera | None = None,
    segmenter: SoleSegmenter | None = None,
    clock: SteadyClock | None = None,
    idle_clock: Callable[[], float] = time.monotonic,
    hasher: PasswordHasher | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> AppServices:
    """Open store, network and camera, and build on them all else that the application needs.

    Parameters
    ----------
    settings : MonitorSettings
        As started.
    camera, segmenter : optional
        In place of those that the settings name.
    clock : SteadyClock, optional
        Tells the time.
    idle_clock : callable
        Seconds that only increase, by which pages are locked and log-ins limited.
    hasher : PasswordHasher, optional
        Of passwords; argon2's recommended costs by default.
    progress : callable, optional
        Told how many captures of the demonstration are made.

    Raises
    ------
    PrismsegError
        When something cannot be opened, or the page would be open to others unprotected.
    """
    clock = clock or SteadyClock()
    sso = SingleSignOn.open(settings.sso, idle_clock)
    log = EventLog(settings.log, clock)
    store = SessionStore(settings.data, settings.database, clock)
    try:
        finish_erasing(store)
        _clear_incoming(settings, log)
        clock_watch = ClockWatch(store, clock, log)
        plan = None if settings.backup is None else BackupPlan(settings.backup, settings.backup_hours)
        backups = None if plan is None else Backups(store, plan, log, clock)
        tasks = [Task("clock", 1.0, clock_watch.look)]
        if backups is not None:
            tasks.append(Task("backup", _BACKUP_LOOK_SECONDS, backups.look))
        users = UserDirectory(store, hasher, takes_pin=settings.sso is None)
        check_exposure(settings, users.count(), pin=users.has_pin())
        segmenter = segmenter or SoleSegmenter(settings.model)
        camera = camera if camera is not None else open_camera(settings.camera, clock)
        if isinstance(camera, WatchedCamera):
            camera.on_change = partial(_tell_camera, log)
        sessions = SessionService(store, segmenter)
        if settings.demonstration and find_simulator(camera) is not None and _is_empty(store):
            create_demonstration(sessions, camera, clock(), progress)
        guard = RequestGuard(
            settings, BrowserSessions(settings.lock_minutes * 60, settings.port, idle_clock), users
        )
        return AppServices(
            settings=settings,
            clock=clock,
            store=store,
            segmenter=segmenter,
            sessions=sessions,
            camera=camera,
            live=LiveView(camera, segmenter.segment_live, settings.scale),
            explainer=Explainer(segmenter.predictor),
            users=users,
            guard=guard,
            attempts=LoginAttempts(idle_clock),
            sso=sso,
            pending_imports=PendingImports(),
            renderer=PageRenderer(settings, guard),
            watch_limiter=CapacityLimiter(_MOST_WATCHING),
            log=log,
            clock_watch=clock_watch,
            backups=backups,
            health=Health(store, clock, clock_watch, camera, backups),
            housekeeper=Housekeeper(tasks, log),
        )
    except BaseException:
        store.close()
        raise


def _tell_camera(log: EventLog, error: CameraError | None) -> None:
    """Write when the camera begins to fail, and when it works again."""
    if error is None:
        log.write("camera works")
    else:
        log.failed("camera failed", error)


def _is_empty(store: SessionStore) -> bool:
    with store.read() as db:
        return db.scalars(select(SessionRow.id).limit(1)).first() is None


def _clear_incoming(settings: MonitorSettings, log: EventLog) -> None:
    """Remove the files of an import during which the program was stopped: originals, perhaps with names."""
    left = list(settings.incoming.iterdir()) if settings.incoming.is_dir() else []
    for path in left:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    if left:
        log.write("import cleared", left=len(left))
