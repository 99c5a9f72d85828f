"""A frame becomes a capture: it is segmented, its files are written, then its rows are added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from prismseg.base import Message, PrismsegError
from prismseg.monitor.sessions.segmenter import ModelIdentity, Segmenter
from prismseg.monitor.store import Conflict, SessionStore, Transaction, hash_pixels
from prismseg.monitor.store.files import (
    FileStore,
    decode_probabilities,
    encode_frame,
    encode_mask,
    encode_probabilities,
)
from prismseg.monitor.store.schema import CaptureRow, MaskRow, SessionRow
from prismseg.thermal import Frame

_LONGEST_SOURCE = 200  # characters, as the column has


@dataclass(frozen=True)
class NewCapture:
    """A frame for a session.

    Attributes
    ----------
    frame : Frame
        Temperatures.
    key : str
        Of the request: a request that is repeated with the same key makes no second capture.
    camera : str
        Where the frame comes from.
    taken_at : datetime or None
        When, in UTC, by the camera; None where an imported picture has no time.
    minute : float or None
        Of an imported picture: since the test dose, as stated.
    mask : (H, W) ndarray of bool, optional
        Soles outlined elsewhere; without it the network finds them.
    """

    frame: Frame
    key: str
    camera: str
    taken_at: datetime | None
    minute: float | None = None
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class StoredCapture:
    """A capture whose files are on the disk, so that rows may name them.

    Attributes
    ----------
    new : NewCapture
        What was stored.
    frame_sha256, mask_sha256 : str or None
        Names of the files; no mask when the network could not take the frame.
    pixels_sha256 : str
        Of the temperatures alone.
    failure : dict or None
        Why there is no mask, as `Message.to_json` gives it.
    """

    new: NewCapture
    frame_sha256: str
    mask_sha256: str | None
    pixels_sha256: str
    failure: dict[str, Any] | None = None


def store_files(files: FileStore, segmenter: Segmenter, new: NewCapture) -> StoredCapture:
    """Segment a frame where it brings no mask, and write frame and mask; slow, so outside of any transaction."""
    frame_sha256, pixels = files.put(encode_frame(new.frame)), hash_pixels(new.frame.celsius)
    if new.mask is not None:
        return StoredCapture(new, frame_sha256, files.put(encode_mask(new.mask)), pixels)
    try:
        probabilities = segmenter.segment(new.frame)
    except PrismsegError as error:
        return StoredCapture(new, frame_sha256, None, pixels, error.message.to_json())
    return StoredCapture(new, frame_sha256, files.put(encode_probabilities(*probabilities)), pixels)


def discard_files(store: SessionStore, stored: StoredCapture) -> None:
    """Delete the frame of a capture that was refused, and its mask: no row will name them, and no erasure find them.

    A frame holds its time and what it shows, so that no other capture has the same; a mask may be another's that is on
    its way, where the network saw nothing, and stays then.
    """
    with store.write() as transaction:
        db = transaction.db
        if db.scalars(select(CaptureRow.id).where(CaptureRow.frame_sha256 == stored.frame_sha256)).first() is None:
            store.files.remove(stored.frame_sha256)
        mask = stored.mask_sha256
        if mask is None or not decode_probabilities(store.files.get(mask))[0].any():
            return
        if db.scalars(select(MaskRow.id).where(MaskRow.file_sha256 == mask)).first() is None:
            store.files.remove(mask)


def add_rows(
    transaction: Transaction, who: str, session: SessionRow, stored: StoredCapture, model: ModelIdentity
) -> CaptureRow:
    """Add the rows of a capture and of its mask to a session."""
    new = stored.new
    row = transaction.add_capture(
        who,
        session,
        key=new.key,
        taken_at=new.taken_at,
        stated_minute=new.minute,
        source=_storable(new.frame.source),
        camera=new.camera,
        frame_sha256=stored.frame_sha256,
        pixels_sha256=stored.pixels_sha256,
        size=new.frame.size,
        parameters=new.frame.parameters.to_dict(),
        failure=stored.failure,
    )
    if stored.mask_sha256 is None:
        return row
    if new.mask is None:
        transaction.add_mask(
            "prismseg",
            row,
            origin="automatic",
            sha256=stored.mask_sha256,
            model=model.name,
            model_hash=model.sha256,
        )
    else:
        transaction.add_mask(who, row, origin="imported", sha256=stored.mask_sha256)
    return row


def _storable(name: str) -> str:
    """Shorten a file's name to what every database takes, without halves of surrogate pairs."""
    return name.encode("utf-8", "replace").decode()[-_LONGEST_SOURCE:]


def find_number(db: Database, session: str, key: str) -> int | None:
    """Find the number of the capture that was made under a request's key, if any.

    Raises
    ------
    Conflict
        When it was made in another session.
    """
    known = db.scalars(select(CaptureRow).where(CaptureRow.key == key)).first()
    if known is not None and known.session_id != session:
        raise Conflict(Message("This request's key belongs to another session."))
    return None if known is None else known.number
