"""Pictures and masks of captures."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from fastapi import APIRouter, Request, Response
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from prismseg.base import DataError, Message
from prismseg.monitor.live import outline_points
from prismseg.monitor.live.pictures import coloured, overlay, png
from prismseg.monitor.sessions.details import Details
from prismseg.monitor.store import Conflict, SessionStore, get_capture, get_row
from prismseg.monitor.store.files import decode_probabilities
from prismseg.monitor.store.schema import CaptureRow, MaskRow, SessionRow
from prismseg.monitor.web.dependencies import (
    CaptureNumber,
    ExplainerDep,
    SessionsDep,
    SessionViewDep,
    SettingsDep,
    StoreDep,
    UserDep,
)
from prismseg.monitor.web.explainer import uncertainty
from prismseg.monitor.web.routes.bodies import JsonObject
from prismseg.thermal import Soles, check_view

router = APIRouter(prefix="/api/sessions/{session}/captures/{number}")


@router.get("/picture.png")
def picture(
    store: StoreDep, sessions: SessionsDep, settings: SettingsDep, session: str, number: CaptureNumber
) -> Response:
    """Frame in the fixed scale."""
    capture, _, _ = _find(store, session, number)
    return _png(coloured(sessions.load_frame(capture), settings.scale))


@router.get("/outlines")
def outlines(store: StoreDep, sessions: SessionsDep, session: str, number: CaptureNumber) -> JsonObject:
    """Outlines of both soles by side, (x, y) in pixels."""
    _, mask, row = _find(store, session, number)
    if mask is None:
        return {"outlines": {}}
    feet = Details.model_validate(row.details).feet
    found = sessions.load_mask(mask, row.view, feet)
    return {"outlines": outline_points(Soles.from_mask(found, check_view(row.view), feet=feet))}


@router.get("/mask.png")
def mask_png(store: StoreDep, sessions: SessionsDep, session: str, number: CaptureNumber) -> Response:
    """Mask in use: 255 is sole."""
    capture, mask, row = _find(store, session, number)
    feet = Details.model_validate(row.details).feet
    shape = (capture.height, capture.width)
    found: NDArray[np.bool_] = np.zeros(shape, bool) if mask is None else sessions.load_mask(mask, row.view, feet)
    return _png(np.where(found, 255, 0).astype(np.uint8))


@router.post("/mask")
async def correct_mask(
    store: StoreDep,
    sessions: SessionsDep,
    view: SessionViewDep,
    who: UserDep,
    session: str,
    number: CaptureNumber,
    request: Request,
    before: str = "",
) -> JsonObject:
    """Use a mask drawn by hand; the body is a PNG of the frame's size, bright pixels are sole."""
    body = await request.body()

    def store_mask() -> JsonObject:
        with store.read() as db:
            capture = get_capture(db, session, number)
        sessions.correct_mask(who, session, number, _decode(body, capture), before=before or None)
        return view(session)

    return await run_in_threadpool(store_mask)


@router.get("/explanation/{kind}.png")
def explanation(
    store: StoreDep,
    sessions: SessionsDep,
    explainer: ExplainerDep,
    session: str,
    number: CaptureNumber,
    kind: Literal["evidence", "doubt"],
) -> Response:
    """Overlay of where the evidence for soles lies, or of where the network is unsure."""
    capture, _, _ = _find(store, session, number)
    if kind == "evidence":
        return _png(overlay(explainer.evidence(sessions.load_frame(capture)), "viridis"))
    query = select(MaskRow).where(MaskRow.capture_id == capture.id, MaskRow.origin == "automatic")
    with store.read() as db:
        automatic = db.scalars(query).first()
    if automatic is None:
        raise Conflict(Message("The network has not looked at this frame: its mask was imported."))
    return _png(overlay(uncertainty(*decode_probabilities(store.files.get(automatic.file_sha256))), "cividis"))


def _find(
    store: SessionStore, session: str, number: CaptureNumber
) -> tuple[CaptureRow, MaskRow | None, SessionRow]:
    with store.read() as db:
        row = get_row(db, SessionRow, session)
        capture = get_capture(db, session, number)
        mask = None if capture.mask_id is None else get_row(db, MaskRow, capture.mask_id)
        return capture, mask, row


def _decode(body: bytes, capture: CaptureRow) -> NDArray[np.bool_]:
    """Read a mask; a picture of another size is refused before it is unpacked."""
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
            if image.size != (capture.width, capture.height):
                raise DataError(Message("The mask has not the size of the frame."))
            mask: NDArray[np.bool_] = np.asarray(image.convert("L")) > 127
    except DataError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(Message("The mask is no PNG that can be read.")) from error
    return mask


def _png(picture: NDArray[np.uint8]) -> Response:
    return Response(png(picture), media_type="image/png")
