"""The live picture over a socket: a header in JSON, then the JPEG."""

from __future__ import annotations

import asyncio
import json
import struct

from anyio import to_thread
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from sqlalchemy import select

from prismseg.monitor.languages import Language, languages
from prismseg.monitor.live import Aim, LiveFrame
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.store import SessionStore
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
from prismseg.thermal import FEET, VIEWS, check_feet, check_view

router = APIRouter()
_NOT_LOGGED_IN = 4401  # the page's script knows it


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
    number = 0
    listening = asyncio.create_task(_until_left(socket))
    try:
        with live.watched(view, feet):
            while not listening.done() and guard.authorize(socket) is not None:
                live_frame = await to_thread.run_sync(live.after, number, limiter=limiter)
                if live_frame is None:
                    continue
                number = live_frame.number
                revision = await to_thread.run_sync(_revision, store, session, limiter=limiter)
                await socket.send_bytes(
                    _packed(live_frame, (view, feet), language, clock, store.trail_fault, revision)
                )
        if not listening.done():
            await socket.close(_NOT_LOGGED_IN)
    except (WebSocketDisconnect, RuntimeError):
        return  # the page was left while a picture was under way
    finally:
        listening.cancel()


async def _until_left(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _revision(store: SessionStore, session: str) -> int:
    with store.read() as db:
        return db.scalar(select(SessionRow.revision).where(SessionRow.id == session)) or 0


def _packed(
    live_frame: LiveFrame, aim: Aim, language: Language, clock: SteadyClock, fault: str, revision: int
) -> bytes:
    header = {
        "number": live_frame.number,
        "size": live_frame.size,
        "outlines": live_frame.outlines.get(aim, {}),
        "lights": [
            {"name": light.name, "state": light.state, "text": language(light.text)}
            for light in live_frame.lights.get(aim, ())
        ],
        "failure": None if live_frame.failure is None else language(live_frame.failure),
        "revision": revision,
        "clock_jump": clock.jump,
        "trail_fault": fault,
        "now": clock().isoformat(timespec="milliseconds"),
    }
    text = json.dumps(header, ensure_ascii=False).encode()
    return struct.pack(">I", len(text)) + text + live_frame.picture
