"""Stated minutes of imports apart from times: an invented time of day stands nowhere.

Imports counted each picture's time from a test dose and a stated minute, the dose from a made-up moment where no camera's
clock told it. A picture's time is its camera's now, or none. Changed rows are sealed anew in the audit.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.orm import Session as Database

from prismseg.base import DataError
from prismseg.monitor.sessions.imports import camera_time
from prismseg.monitor.store.audit import append_sealed, columns_sha256
from prismseg.monitor.store.files import FileStore, decode_frame
from prismseg.monitor.store.schema import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = UtcDateTime()
# As the tables are in this form, whatever later ones add.
_SESSIONS = sa.table(
    "sessions",
    *(sa.column(name) for name in ("id", "code", "view", "camera", "origin", "created_by", "revision", "ward")),
    *(sa.column(name) for name in ("signed_by", "timed_by")),
    *(sa.column(name, _TIME) for name in ("created_at", "test_dose_at", "closed_at", "signed_at", "camera_since")),
    *(sa.column(name, sa.JSON()) for name in ("details", "flags", "skipped")),
    sa.column("signed_typed", sa.Boolean()),
)
_CAPTURES = sa.table(
    "captures",
    *(sa.column(name) for name in ("id", "session_id", "number", "key", "source", "camera", "frame_sha256")),
    *(sa.column(name) for name in ("height", "width", "mask_id", "deleted_by", "deleted_reason")),
    *(sa.column(name, _TIME) for name in ("taken_at", "deleted_at")),
    *(sa.column(name, sa.JSON()) for name in ("parameters", "failure", "remarks")),
    sa.column("stated_minute", sa.Double()),
)
_SHORTEST_DELAY = 0.001  # minutes; what came after the dose was never rounded to it


def upgrade() -> None:
    """Add the column, let times be unknown, and move what stands in imports."""
    with op.batch_alter_table("captures") as table:
        table.add_column(sa.Column("stated_minute", sa.Double(), nullable=True))
        table.alter_column("taken_at", existing_type=sa.DateTime(), nullable=True)
    files: FileStore | None = context.config.attributes.get("files")
    with Database(op.get_bind()) as db:
        for session in db.execute(sa.select(_SESSIONS).where(_SESSIONS.c.origin == "import")).mappings().all():
            _separate(db, files, dict(session))
        db.flush()
    with op.batch_alter_table("sessions") as table:
        table.drop_column("timed_by")


def _separate(db: Database, files: FileStore | None, session: dict[str, Any]) -> None:
    query = sa.select(_CAPTURES).where(_CAPTURES.c.session_id == session["id"]).order_by(_CAPTURES.c.number)
    captures = [dict(row) for row in db.execute(query).mappings()]
    dose = session["test_dose_at"] or max((row["taken_at"] for row in captures), default=None)
    for row in captures:
        minute = round((row["taken_at"] - dose).total_seconds() / 60, 3) + 0.0
        minute = max(minute, _SHORTEST_DELAY) if row["taken_at"] > dose else minute
        _update(db, _CAPTURES, row, stated_minute=minute, taken_at=_time_of(files, row["frame_sha256"]))
    known = session.pop("timed_by") == "camera"
    _update(db, _SESSIONS, session, test_dose_at=session["test_dose_at"] if known else None)


def _update(db: Database, table: Any, row: dict[str, Any], **columns: Any) -> None:
    changes = {name: [row[name], value] for name, value in columns.items() if row[name] != value}
    row |= columns
    db.execute(sa.update(table).where(table.c.id == row["id"]).values(**columns))
    append_sealed(
        db,
        datetime.now(UTC),
        "prismseg",
        "stated minutes kept apart",
        f"{table.name}/{row['id']}",
        columns_sha256(table.name, row),
        {"changed": sorted(changes)},
        changes,
    )


def _time_of(files: FileStore | None, sha256: str) -> datetime | None:
    """Give a picture's time by its camera; a file that is gone or was changed tells none, and `verify` tells of it."""
    try:
        return None if files is None else camera_time(decode_frame(files.get(sha256)))
    except DataError:
        return None
