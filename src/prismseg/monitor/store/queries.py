"""Reading rows of the store."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from prismseg.base import DataError, Message
from prismseg.monitor.store.errors import NotFound
from prismseg.monitor.store.files import FileStore, decode_frame, hash_pixels
from prismseg.monitor.store.schema import Base, CaptureRow, PixelRow, ResultRow, SessionRow

Row = TypeVar("Row", bound=Base)


def get_row(db: Database, kind: type[Row], key: str) -> Row:
    """Find a row by its key.

    Raises
    ------
    NotFound
        When there is none.
    """
    row = db.get(kind, key)
    if row is None:
        # One sentence a kind: names of tables have no translation.
        raise NotFound(
            Message("There is no such session: {key}.", key=key)
            if kind is SessionRow
            else Message("There is no such entry: {key}.", key=key)
        )
    return row


def get_capture(db: Database, session: str, number: int) -> CaptureRow:
    """Find a capture of a session by its number."""
    row = db.scalars(
        select(CaptureRow).where(CaptureRow.session_id == session, CaptureRow.number == number)
    ).first()
    if row is None:
        raise NotFound(Message("There is no capture {number} in this session.", number=number))
    return row


def list_captures(db: Database, session: str, *, deleted: bool = False) -> list[CaptureRow]:
    """List captures of a session in the order in which they were taken."""
    query = (
        select(CaptureRow)
        .where(CaptureRow.session_id == session)
        .order_by(
            CaptureRow.stated_minute, CaptureRow.taken_at, CaptureRow.number
        )  # all of a session state one, or none
    )
    return [row for row in db.scalars(query) if deleted or row.deleted_at is None]


def latest_results(db: Database, session: str) -> dict[str, ResultRow]:
    """Newest result of each capture of a session, by the capture's key."""
    query = (
        select(ResultRow)
        .join(CaptureRow, CaptureRow.id == ResultRow.capture_id)
        .where(CaptureRow.session_id == session)
        .order_by(ResultRow.number)
    )
    return {row.capture_id: row for row in db.scalars(query)}


def find_picture(db: Database, sha256: str) -> list[CaptureRow]:
    """Find the captures of all sessions that show this picture, excluded ones as well."""
    query = select(CaptureRow).join(PixelRow, PixelRow.capture_id == CaptureRow.id)
    return list(db.scalars(query.where(PixelRow.sha256 == sha256).order_by(CaptureRow.id)))


def index_pixels(db: Database, files: FileStore) -> None:
    """Add what is missing in the index: captures of a version that had none.

    Frames whose files are gone or were changed are left out; `verify` tells of them.
    """
    query = select(CaptureRow).outerjoin(PixelRow, PixelRow.capture_id == CaptureRow.id)
    for capture in db.scalars(query.where(PixelRow.capture_id.is_(None))).all():
        try:
            frame = decode_frame(files.get(capture.frame_sha256))
        except DataError:
            continue
        db.add(PixelRow(capture_id=capture.id, sha256=hash_pixels(frame.celsius)))
