"""The live picture over a socket: a header in JSON, then the JPEG; at least one header a second, as a sign of life."""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from prismseg.base import Message
from prismseg.monitor.languages import Language, languages
from prismseg.monitor.live import FRESH_SECONDS, Aim, LiveFrame
from prismseg.monitor.sessions.admission import check_camera
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.store import Conflict, SessionStore
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web.dependencies import (
    ClockDep,
    GuardDep,
    LanguageDep,
    LiveDep,
    SettingsDep,
    StoreDep,
    WatchLimiterDep,
)
from prismseg.monitor.web.security.roles import Account
from prismseg.thermal import FEET, VIEWS, check_feet, check_view

router = APIRouter()
_NOT_LOGGED_IN = 4401  # the page's script knows it
_BEAT_SECONDS = 1.0


@router.websocket("/live")
async def send_live_picture(
    socket: WebSocket,
    guard: GuardDep,
    live: LiveDep,
    store: StoreDep,
    clock: ClockDep,
    settings: SettingsDep,
    limiter: WatchLimiterDep,
    language: LanguageDep,
) -> None:
    """Send every picture until the page is left or locked."""
    # Not every browser sends its languages along when it opens a socket: the page says which one it is in.
    language = languages().get(socket.query_params.get("language", ""), language)
    browser = guard.authorize_socket(socket)
    await socket.accept()
    if browser is None:
        await socket.close(_NOT_LOGGED_IN)
        return
    wanted = socket.query_params.get("view", "")
    view = check_view(wanted) if wanted in VIEWS else settings.view
    chosen = socket.query_params.get("feet", "")
    feet = check_feet(chosen) if chosen in FEET else "both"
    session = socket.query_params.get("session", "").replace("\0", "")  # which PostgreSQL does not take
    held, number, beat = live.last, 0, 0
    listening = asyncio.create_task(_until_left(socket))
    try:
        with live.watched(view, feet):
            while not listening.done() and (browser := guard.authorize(socket)) is not None:
                fresh = await to_thread.run_sync(live.after, number, _BEAT_SECONDS, limiter=limiter)
                place = await to_thread.run_sync(_find_place, store, session, browser.account, limiter=limiter)
                news, beat = fresh is not None, beat + 1
                if fresh is not None:  # else the page shows the one before, whatever has come in this moment
                    held, number = fresh, fresh.number
                told = LiveHeader(held, (view, feet), place, clock(), news=news)
                header = {
                    **told(language),
                    "beat": beat,
                    **_clock(clock, language),
                    "trail_fault": language(store.trail_fault),
                }
                await socket.send_bytes(_packed(header, held.picture if told.shown and news else b""))
        if not listening.done():
            await socket.close(_NOT_LOGGED_IN)
    except (WebSocketDisconnect, RuntimeError):
        return  # the page was left while a picture was under way
    finally:
        listening.cancel()


def _clock(clock: SteadyClock, language: Language) -> dict[str, Any]:
    notice = clock.notice
    return {"clock_jump": clock.jump, "clock_notice": "" if notice is None else language(notice)}


async def _until_left(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


@dataclass(frozen=True)
class Place:
    """What a page's session has of the camera: its revision, since when, or why nothing."""

    revision: int
    since: datetime | None
    refusal: Message | None


def _find_place(store: SessionStore, session: str, account: Account) -> Place:
    with store.read() as db:
        row = db.get(SessionRow, session)
        if row is None or not account.sees(row.ward):
            return Place(0, None, Message("There is no such session: {key}.", key=session))
        try:
            check_camera(db, row)
        except Conflict as error:
            return Place(row.revision, None, error.message)
        return Place(row.revision, row.camera_since, None)


@dataclass(frozen=True)
class LiveHeader:
    """What a page is told with a live picture, or without one as a sign of life.

    Attributes
    ----------
    live_frame : LiveFrame
        The newest picture.
    aim : Aim
        How the page's session sees it.
    place : Place
        Whether the camera is with that session.
    now : datetime
        By the monitor's clock.
    news : bool
        Whether the page has not been told of this picture yet.
    """

    live_frame: LiveFrame
    aim: Aim
    place: Place
    now: datetime
    news: bool

    @property
    def shown(self) -> bool:
        """Whether the picture is one of this session's patient."""
        taken, since = self.live_frame.taken_at, self.place.since
        return taken is not None and since is not None and taken >= since

    def __call__(self, language: Language) -> dict[str, Any]:
        """Say it in a language.

        ``taken_at`` and ``age`` (s) are of the picture that the page shows now, by the monitor's clock; its lights are
        old with it.
        """
        frame = self.live_frame
        taken = frame.taken_at if self.shown else None
        age = None if taken is None else max(0.0, (self.now - taken).total_seconds())
        fresh = age is not None and age <= FRESH_SECONDS
        failure = self._failure()
        return {
            "number": frame.number,
            "news": self.news,
            "now": self.now.isoformat(timespec="milliseconds"),
            "taken_at": None if taken is None else taken.isoformat(timespec="milliseconds"),
            "age": None if age is None else round(age, 3),
            "fresh": fresh,
            "size": frame.size,
            "outlines": frame.outlines.get(self.aim, {}) if self.shown else {},
            "lights": [
                {"name": light.name, "state": light.state if fresh else "old", "text": language(light.text)}
                for light in (frame.lights.get(self.aim, ()) if self.shown else ())
            ],
            "failure": None if failure is None else language(failure),
            "revision": self.place.revision,
        }

    def _failure(self) -> Message | None:
        if self.place.refusal is not None or self.live_frame.failure is not None:
            return self.place.refusal or self.live_frame.failure
        if not self.shown:
            return Message("No picture of this patient yet. Take one with the camera.")
        return None


def _packed(header: dict[str, Any], picture: bytes) -> bytes:
    text = json.dumps(header, ensure_ascii=False).encode()
    return struct.pack(">I", len(text)) + text + picture
