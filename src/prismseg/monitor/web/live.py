"""The live picture over a socket: a header in JSON, then the JPEG."""

from __future__ import annotations

import asyncio
import json
import struct

from anyio import to_thread
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from sqlalchemy import select

from prismseg.monitor.languages import Language
from prismseg.monitor.live import Glimpse
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web.desk import Desk
from prismseg.monitor.web.guard import language_of
from prismseg.thermal import VIEWS, View, check_view

router = APIRouter()
_REFUSED = 4401


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Send every picture until the page is left or locked."""
    desk: Desk = socket.app.state.desk
    visit = desk.guard.allowed_socket(socket)
    await socket.accept()
    if visit is None:
        await socket.close(_REFUSED)
        return
    wanted = socket.query_params.get("view", "")
    view = check_view(wanted) if wanted in VIEWS else desk.settings.view
    session = socket.query_params.get("session", "").replace("\0", "")  # which PostgreSQL does not take
    language = language_of(socket)
    number = 0
    listening = asyncio.create_task(_until_left(socket))
    try:
        with desk.live.watched(view):
            while not listening.done() and desk.guard.visitor(socket) is not None:
                glimpse = await to_thread.run_sync(desk.live.after, number, limiter=desk.watching)
                if glimpse is None:
                    continue
                number = glimpse.number
                revision = await to_thread.run_sync(_revision, desk, session, limiter=desk.watching)
                await socket.send_bytes(_packed(glimpse, view, language, desk, revision))
        if not listening.done():
            await socket.close(_REFUSED)
    except (WebSocketDisconnect, RuntimeError):
        return  # the page was left while a picture was under way
    finally:
        listening.cancel()


async def _until_left(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _revision(desk: Desk, session: str) -> int:
    with desk.store.read() as db:
        return db.scalar(select(SessionRow.revision).where(SessionRow.id == session)) or 0


def _packed(glimpse: Glimpse, view: View, language: Language, desk: Desk, revision: int) -> bytes:
    header = {
        "number": glimpse.number,
        "size": glimpse.size,
        "outlines": glimpse.outlines.get(view, {}),
        "lights": [
            {"name": light.name, "state": light.state, "text": language(light.text)}
            for light in glimpse.lights.get(view, ())
        ],
        "failure": None if glimpse.failure is None else language(glimpse.failure),
        "revision": revision,
        "clock_jump": desk.clock.jump,
        "trail_fault": desk.store.trail_fault,
        "now": desk.clock().isoformat(timespec="milliseconds"),
    }
    text = json.dumps(header, ensure_ascii=False).encode()
    return struct.pack(">I", len(text)) + text + glimpse.picture
