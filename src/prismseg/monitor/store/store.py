"""The store: every change is one transaction with its audit entry, confirmed only when it is on the disk."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session as Database

from prismseg.base import ConfigError, DataError, Message, OutputError, make_folder
from prismseg.monitor.sessions.records import Details, Remarks
from prismseg.monitor.store import audit
from prismseg.monitor.store.database import Access, claim, open_engine, open_to_read, writing
from prismseg.monitor.store.files import Files
from prismseg.monitor.store.schema import (
    Base,
    CaptureRow,
    MaskRow,
    ResultRow,
    SessionRow,
)

Row = TypeVar("Row", bound=Base)
Clock = Callable[[], datetime]


def now() -> datetime:
    """Tell the time, with zone."""
    return datetime.now(UTC)


class NotFound(DataError):
    """There is no such session, capture or mask."""


class Conflict(DataError):
    """What was asked for does not fit what has become of the session meanwhile."""


class Store:
    """Sessions, captures, masks and results.

    Parameters
    ----------
    folder : Path
        For files, audit trail and (by default) the database.
    url : str, optional
        SQLAlchemy address of the database; else SQLite in the folder.
    clock : callable, optional
        Tells the time.
    access : {"alone", "beside", "reading"}
        A monitor has its folder alone. Beside it something else may be changed, such as who may log in; or it may only be
        looked at: then nothing is locked, brought up to date or written.

    Raises
    ------
    ConfigError
        When another monitor has the folder or the database open, or the database cannot be used.
    """

    def __init__(
        self, folder: Path, url: str | None = None, clock: Clock = now, *, access: Access = "alone"
    ) -> None:
        self.folder = make_folder(folder, private=True) if access == "alone" else folder
        self.clock = clock
        self.reading = access == "reading"
        self.trail_fault = ""
        self._turn = threading.RLock()
        self._claim: Connection | None = None
        # Of the process, not of the thread that took it: who closes the store may be another one.
        self._lock = FileLock(self.folder / "monitor.lock", thread_local=False)
        self._chain = FileLock(self.folder / "audit.lock")  # held from a change to its line in the audit file
        self.files = Files(self.folder / "files")
        self.trail = audit.AuditFile(self.folder / "audit.jsonl")
        address = url or f"sqlite:///{self.folder / 'monitor.db'}"
        if access != "alone":
            if url is None and not (self.folder / "monitor.db").is_file():
                raise ConfigError(f"There is no monitor's database in {folder}; state its folder with --data.")
            self.engine = open_engine(address, access)
            return
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigError(
                f"Another monitor has {folder} open. Use that one, or choose another folder with --data."
            ) from error
        try:
            self.engine = open_engine(address)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._claim = claim(self.engine)
            self.files.sweep()
            with self._chain:
                with open_to_read(self.engine) as db:
                    self.trail.compare(db)
                self._follow()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the folder."""
        if self._claim is not None:
            self._claim.close()
        self.engine.dispose()
        self._lock.release()

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Begin a change; it is confirmed when the block ends without an error."""
        if self.reading:
            raise OutputError(f"{self.folder} was opened for reading only.")
        with self._turn, self._chain:
            with writing(self.engine) as db:
                yield Change(db, self.clock())
            self._follow()

    def _follow(self) -> None:
        """Bring the audit file up to the database, also with what another process left out before it was stopped.

        The change and its sealed entry are in the database already: a file that cannot be written is said and not raised,
        and catches up with the next change.
        """
        try:
            with open_to_read(self.engine) as db:
                self.trail.catch_up(db)
            self.trail_fault = ""
        except (OutputError, DataError) as error:
            self.trail_fault = str(error)

    @contextmanager
    def read(self) -> Iterator[Database]:
        """Begin to read."""
        with open_to_read(self.engine) as db:
            yield db


class Change:
    """One transaction of the store.

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
        return find(self.db, SessionRow, key)

    def capture(self, session: str, number: int) -> CaptureRow:
        """Find a capture of a session that was not taken out."""
        found = capture_of(self.db, session, number)
        if found.deleted_at is not None:
            raise Conflict(Message("Capture {number} was taken out.", number=number))
        return found

    def record(self, who: str, action: str, row: Base, **detail: Any) -> None:
        """Add an audit entry about a row as it is now."""
        audit.append(self.db, self.at, who, action, row, detail)

    def update_session(self, who: str, action: str, session: SessionRow, **columns: Any) -> None:
        """Change columns of a session, and let open pages see that it has changed."""
        for name, value in columns.items():
            setattr(session, name, value)
        session.revision += 1
        self.record(who, action, session, changed=sorted(columns))

    def update_capture(self, who: str, action: str, capture: CaptureRow, **columns: Any) -> None:
        """Change what may change of a capture."""
        for name, value in columns.items():
            setattr(capture, name, value)
        self.record(who, action, capture, number=capture.number, changed=sorted(columns))

    def add_session(
        self, who: str, details: Details, *, view: str, camera: str, origin: str, at: datetime | None = None
    ) -> SessionRow:
        """Begin a session."""
        row = SessionRow(
            id=str(uuid.uuid4()),
            code=details.code,
            details=details.model_dump(),
            view=view,
            camera=camera,
            origin=origin,
            created_at=at or self.at,
            created_by=who,
            revision=1,
            flags=[],
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
        taken_at: datetime,
        source: str,
        camera: str,
        frame_sha256: str,
        size: tuple[int, int],
        parameters: dict[str, float],
        failure: dict[str, Any] | None = None,
    ) -> CaptureRow:
        """Keep a frame whose file is already on the disk."""
        row = CaptureRow(
            id=str(uuid.uuid4()),
            session_id=session.id,
            number=1 + (self.db.scalar(_highest(CaptureRow, CaptureRow.session_id == session.id)) or 0),
            key=key,
            taken_at=taken_at,
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


def find(db: Database, kind: type[Row], key: str) -> Row:
    """Find a row by its key.

    Raises
    ------
    NotFound
        When there is none.
    """
    row = db.get(kind, key)
    if row is None:
        raise NotFound(Message("There is no such {kind}: {key}.", kind=kind.__tablename__.rstrip("s"), key=key))
    return row


def capture_of(db: Database, session: str, number: int) -> CaptureRow:
    """Find a capture of a session by its number."""
    row = db.scalars(
        select(CaptureRow).where(CaptureRow.session_id == session, CaptureRow.number == number)
    ).first()
    if row is None:
        raise NotFound(Message("There is no capture {number} in this session.", number=number))
    return row


def captures_of(db: Database, session: str, *, deleted: bool = False) -> list[CaptureRow]:
    """List captures of a session in the order in which they were taken."""
    query = (
        select(CaptureRow).where(CaptureRow.session_id == session).order_by(CaptureRow.taken_at, CaptureRow.number)
    )
    return [row for row in db.scalars(query) if deleted or row.deleted_at is None]


def results_of(db: Database, session: str) -> dict[str, ResultRow]:
    """Newest result of each capture of a session, by the capture's key."""
    query = (
        select(ResultRow)
        .join(CaptureRow, CaptureRow.id == ResultRow.capture_id)
        .where(CaptureRow.session_id == session)
        .order_by(ResultRow.number)
    )
    return {row.capture_id: row for row in db.scalars(query)}


def _highest(kind: Any, condition: Any) -> Any:
    return select(func.max(kind.number)).where(condition)
