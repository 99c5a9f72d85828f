"""One transaction: every row that is added or changed has its audit entry."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from prismseg.base import Message
from prismseg.monitor.sessions.details import Details, Remarks
from prismseg.monitor.store.audit import append_entry
from prismseg.monitor.store.changes import find_changes
from prismseg.monitor.store.errors import Conflict
from prismseg.monitor.store.queries import get_capture, get_row
from prismseg.monitor.store.schema import Base, CaptureRow, MaskRow, PixelRow, ResultRow, SessionRow


class Transaction:
    """A transaction of the store that may write.

    Parameters
    ----------
    db : Database
        Open transaction.
    at : datetime
        When it happens.
    """

    def __init__(self, db: Database, at: datetime) -> None:
        self.db = db
        self.at = at

    def session(self, key: str) -> SessionRow:
        """Find a session."""
        return get_row(self.db, SessionRow, key)

    def capture(self, session: str, number: int) -> CaptureRow:
        """Find a capture of a session that was not excluded."""
        found = get_capture(self.db, session, number)
        if found.deleted_at is not None:
            raise Conflict(Message("Capture {number} was excluded.", number=number))
        return found

    def record(self, who: str, action: str, row: Base, **detail: Any) -> None:
        """Add an audit entry about a row as it is now, with what was changed in it."""
        append_entry(self.db, self.at, who, action, row, detail, find_changes(row))

    def note(
        self, who: str, action: str, subject: str, values: Mapping[str, Any] | None = None, **detail: Any
    ) -> None:
        """Add an audit entry about what changed no row: a log-in, an export, a start."""
        append_entry(self.db, self.at, who, action, subject, detail, values)

    def update_session(self, who: str, action: str, session: SessionRow, **columns: Any) -> None:
        """Change columns of a session, and let open pages see that it has changed.

        Raises
        ------
        Conflict
            When it is closed and is to remain so.
        """
        if "closed_at" not in columns:
            check_unlocked(session)
        for name, value in columns.items():
            setattr(session, name, value)
        session.revision += 1
        self.record(who, action, session, changed=sorted(columns))

    def sign_session(self, who: str, session: SessionRow, name: str) -> None:
        """Put a name under a closed session, the one change that it takes; one that is not of a log-in was typed.

        Raises
        ------
        Conflict
            When it is open, or signed already.
        """
        if session.closed_at is None:
            raise Conflict(Message("Close the session first: what is signed must not change."))
        if session.signed_at is not None:
            raise Conflict(Message("The session is signed already, by {name}.", name=session.signed_by))
        session.signed_at, session.signed_by, session.signed_typed = self.at, name, True if name != who else None
        session.revision += 1
        self.record(who, "session signed", session)

    def update_capture(self, who: str, action: str, capture: CaptureRow, **columns: Any) -> None:
        """Change what may change of a capture."""
        check_unlocked(self.session(capture.session_id))
        for name, value in columns.items():
            setattr(capture, name, value)
        self.record(who, action, capture, number=capture.number, changed=sorted(columns))

    def add_session(
        self,
        who: str,
        details: Details,
        *,
        view: str,
        camera: str,
        origin: str,
        at: datetime | None = None,
        ward: str | None = None,
    ) -> SessionRow:
        """Begin a session; one of a camera has the camera from then on."""
        begun = at or self.at
        row = SessionRow(
            id=str(uuid.uuid4()),
            code=details.code,
            details=details.model_dump(),
            view=view,
            camera=camera,
            origin=origin,
            created_at=begun,
            created_by=who,
            revision=1,
            flags=[],
            ward=ward,
            camera_since=None if origin == "import" else begun,
        )
        self.db.add(row)
        self.record(who, "session begun", row, origin=origin)
        return row

    def add_capture(
        self,
        who: str,
        session: SessionRow,
        *,
        key: str,
        taken_at: datetime | None,
        source: str,
        camera: str,
        frame_sha256: str,
        pixels_sha256: str,
        size: tuple[int, int],
        parameters: dict[str, float],
        failure: dict[str, Any] | None = None,
        stated_minute: float | None = None,
    ) -> CaptureRow:
        """Keep a frame whose file is already on the disk."""
        check_unlocked(session)
        row = CaptureRow(
            id=str(uuid.uuid4()),
            session_id=session.id,
            number=1 + (self.db.scalar(_highest(CaptureRow, CaptureRow.session_id == session.id)) or 0),
            key=key,
            taken_at=taken_at,
            stated_minute=stated_minute,
            source=source,
            camera=camera,
            frame_sha256=frame_sha256,
            height=size[0],
            width=size[1],
            parameters=parameters,
            failure=failure,
            remarks=Remarks().model_dump(),
            deleted_by="",
            deleted_reason="",
        )
        self.db.add(row)
        self.record(who, "frame kept", row, number=row.number, frame=frame_sha256)
        self.db.add(PixelRow(capture_id=row.id, sha256=pixels_sha256))
        return row

    def add_mask(
        self, who: str, capture: CaptureRow, *, origin: str, sha256: str, model: str = "", model_hash: str = ""
    ) -> MaskRow:
        """Keep a mask and let it be the one that counts."""
        row = MaskRow(
            id=str(uuid.uuid4()),
            capture_id=capture.id,
            number=1 + (self.db.scalar(_highest(MaskRow, MaskRow.capture_id == capture.id)) or 0),
            parent_id=capture.mask_id,
            origin=origin,
            file_sha256=sha256,
            model=model,
            model_hash=model_hash,
            created_at=self.at,
            created_by=who,
        )
        self.db.add(row)
        self.record(who, f"mask {origin}", row, capture=capture.number, file=sha256)
        self.update_capture(who, "mask chosen", capture, mask_id=row.id)
        return row

    def add_result(self, capture: CaptureRow, **columns: Any) -> ResultRow:
        """Keep numbers of a capture."""
        row = ResultRow(
            id=str(uuid.uuid4()),
            capture_id=capture.id,
            number=1 + (self.db.scalar(_highest(ResultRow, ResultRow.capture_id == capture.id)) or 0),
            created_at=self.at,
            **columns,
        )
        self.db.add(row)
        self.record("prismseg", "measured", row, capture=capture.number, status=row.status)
        return row


def check_unlocked(session: SessionRow) -> None:
    """Refuse to change a closed session.

    Raises
    ------
    Conflict
        When it is closed.
    """
    if session.closed_at is not None:
        raise Conflict(
            Message("The session is closed and locked. Whoever must change it opens it again and says why.")
        )


def _highest(kind: Any, condition: Any) -> Any:
    return select(func.max(kind.number)).where(condition)
