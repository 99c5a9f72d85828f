"""Files of erased patients, and what a database leaves of deleted rows."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import select

from prismseg.monitor.store.audit import ERASED
from prismseg.monitor.store.schema import AuditRow, CaptureRow, MaskRow
from prismseg.monitor.store.store import SessionStore


def erase_files(store: SessionStore, names: Iterable[str]) -> int:
    """Delete files that no row names any more, and overwrite what the database has left free; return how many files."""
    with store.read() as db:
        named = {*db.scalars(select(CaptureRow.frame_sha256)), *db.scalars(select(MaskRow.file_sha256))}
    gone = sum(store.files.remove(name) for name in names if name not in named)
    if store.engine.dialect.name == "sqlite":
        # Deleted rows are overwritten at once (`secure_delete`), in the journal when it is brought into the database.
        with store.engine.connect() as connection:
            connection.commit()
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    return gone


def finish_erasing(store: SessionStore) -> int:
    """Delete the files of erased patients that a stopped program left; return how many."""
    with store.read() as db:
        told = db.scalars(select(AuditRow.detail).where(AuditRow.action == ERASED))
        names = {str(name) for detail in told for name in json.loads(detail)["files"]}
    left = [name for name in names if store.files.path(name).exists()]
    return erase_files(store, left) if left else 0
