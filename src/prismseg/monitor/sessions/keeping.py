"""A frame on its way into a session: what its network says, its files, then its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import PrismsegError
from prismseg.monitor.sessions.measuring import Measurer
from prismseg.monitor.store import Transaction
from prismseg.monitor.store.files import FileStore, encode_frame, encode_mask
from prismseg.monitor.store.schema import CaptureRow, SessionRow
from prismseg.thermal import Frame


@dataclass(frozen=True)
class Shot:
    """A frame for a session.

    Attributes
    ----------
    frame : Frame
        Temperatures.
    key : str
        Names the wish to keep it: what was kept under a key is not kept again.
    camera : str
        Where it comes from.
    taken_at : datetime
        When, in UTC.
    mask : ndarray of bool, optional
        Soles outlined elsewhere; without it the network finds them.
    """

    frame: Frame
    key: str
    camera: str
    taken_at: datetime
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Filed:
    """A shot whose files are on the disk; rows may name them now."""

    shot: Shot
    frame_sha256: str
    mask_sha256: str | None
    failure: dict[str, Any] | None


def file_shot(files: FileStore, measurer: Measurer, shot: Shot) -> Filed:
    """Write a shot's frame and mask; a frame that the network cannot look at has a failure instead of a mask."""
    frame_sha256 = files.put(encode_frame(shot.frame))
    if shot.mask is not None:
        return Filed(shot, frame_sha256, files.put(encode_mask(shot.mask)), None)
    try:
        looks = measurer.looks(shot.frame)
    except PrismsegError as error:
        return Filed(shot, frame_sha256, None, error.message.to_json())
    return Filed(shot, frame_sha256, files.put(looks), None)


def add_shot(
    transaction: Transaction, who: str, session: SessionRow, filed: Filed, measurer: Measurer
) -> CaptureRow:
    """Add the rows of a shot to a session."""
    shot = filed.shot
    made = transaction.add_capture(
        who,
        session,
        key=shot.key,
        taken_at=shot.taken_at,
        source=_storable(shot.frame.source),
        camera=shot.camera,
        frame_sha256=filed.frame_sha256,
        size=shot.frame.size,
        parameters=shot.frame.parameters.stated(),
        failure=filed.failure,
    )
    if filed.mask_sha256 is not None and shot.mask is None:
        model = measurer.model
        transaction.add_mask(
            "prismseg",
            made,
            origin="automatic",
            sha256=filed.mask_sha256,
            model=model.name,
            model_hash=model.sha256,
        )
    elif filed.mask_sha256 is not None:
        transaction.add_mask(who, made, origin="imported", sha256=filed.mask_sha256)
    return made


def _storable(name: str) -> str:
    """Bring a file's name into what every database takes: 200 characters, each of them one."""
    return name.encode("utf-8", "replace").decode()[-200:]
