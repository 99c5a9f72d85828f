"""Captures: take, exclude, remark, undo and redo corrections."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from prismseg.monitor.sessions.admission import camera_since
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.web.dependencies import (
    CameraDep,
    CaptureNumber,
    SessionsDep,
    SessionViewDep,
    UserDep,
)
from prismseg.monitor.web.routes.bodies import CaptureBody, ExclusionBody, JsonObject, RemarksBody

router = APIRouter(prefix="/api/sessions/{session}/captures")


@router.post("", status_code=201)
def capture(
    sessions: SessionsDep,
    view: SessionViewDep,
    camera: CameraDep,
    who: UserDep,
    session: str,
    body: CaptureBody,
) -> JsonObject:
    """Take a frame, store it, measure it."""
    # A repeated request is answered also when the camera has gone since.
    number = sessions.find_capture(session, body.key)
    if number is None:
        camera_since(
            sessions.store, session
        )  # or why the session takes no picture, without asking the camera for one
        frame = camera.frame()
        assert frame.time is not None  # a camera's picture always has a time
        new = NewCapture(frame, body.key, camera=str(camera.name), taken_at=frame.time)
        number = sessions.capture(who, session, new)
    return {"number": number, "session": view(session)}


@router.post("/{number}/removal")
def exclude_capture(
    sessions: SessionsDep,
    view: SessionViewDep,
    who: UserDep,
    session: str,
    number: CaptureNumber,
    body: ExclusionBody,
) -> JsonObject:
    """Exclude a capture, with the reason."""
    sessions.exclude_capture(who, session, number, body.reason)
    return view(session)


@router.patch("/{number}/remarks")
def change_remarks(
    sessions: SessionsDep,
    view: SessionViewDep,
    who: UserDep,
    session: str,
    number: CaptureNumber,
    body: RemarksBody,
) -> JsonObject:
    """Change pain, cold test or note."""
    sessions.update_remarks(who, session, number, body.model_dump(exclude_unset=True))
    return view(session)


@router.post("/{number}/mask/{step}")
def step_mask(
    sessions: SessionsDep,
    view: SessionViewDep,
    who: UserDep,
    session: str,
    number: CaptureNumber,
    step: Literal["undo", "redo"],
) -> JsonObject:
    """Undo or redo a correction of the mask."""
    (sessions.undo_correction if step == "undo" else sessions.redo_correction)(who, session, number)
    return view(session)
