"""Tables of the store. Captures, masks and results are never changed in what was measured.

Rows are deleted only when a patient is erased on request, which the audit tells.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, MetaData, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """Times with a zone, kept in UTC; SQLite knows no zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Drop the zone after moving to UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Root of all tables."""

    type_annotation_map = {  # noqa: RUF012 - as SQLAlchemy declares it
        datetime: UtcDateTime,
        str: String(200),
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class SessionRow(Base):
    """One session; `details` is a `prismseg.monitor.sessions.details.Details`."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), index=True)
    details: Mapped[dict[str, Any]]
    view: Mapped[str]
    camera: Mapped[str]
    origin: Mapped[str]  # camera, import or demonstration
    created_at: Mapped[datetime] = mapped_column(index=True)
    created_by: Mapped[str]
    test_dose_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    revision: Mapped[int]  # grows with every change, so that an open page sees that it is late
    flags: Mapped[list[Any]]
    ward: Mapped[str | None] = mapped_column(String(40))  # of whoever began it; None where nobody has one
    signed_at: Mapped[datetime | None]  # when somebody answered for the record with their name
    signed_by: Mapped[str | None]
    signed_typed: Mapped[bool | None]  # True where the name was typed, since nobody had logged in
    camera_since: Mapped[datetime | None]  # when the camera came to this session; None while it has none
    skipped: Mapped[list[Any] | None]  # captures that were not taken: minute, reason, who and when


class CaptureRow(Base):
    """One frame, taken once; what may change is that it is excluded, its remarks, and which mask counts."""

    __tablename__ = "captures"
    __table_args__ = (UniqueConstraint("session_id", "number"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), index=True)
    number: Mapped[int]
    key: Mapped[str] = mapped_column(
        String(64), unique=True
    )  # of the request, so that a repeated one captures once
    taken_at: Mapped[datetime | None]  # by its camera; None where an imported picture has no time of day
    stated_minute: Mapped[float | None]  # of an import: since the test dose, as staff stated it
    source: Mapped[str]
    camera: Mapped[str]
    frame_sha256: Mapped[str] = mapped_column(String(64))
    height: Mapped[int]
    width: Mapped[int]
    parameters: Mapped[dict[str, Any]]
    mask_id: Mapped[str | None] = mapped_column(String(36))
    failure: Mapped[dict[str, Any] | None]  # why there is no automatic mask
    remarks: Mapped[dict[str, Any]]
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str]
    deleted_reason: Mapped[str]


class PixelRow(Base):
    """Hash of a capture's temperatures, derived from its file: the same picture is found whatever its time and name."""

    __tablename__ = "pixels"

    capture_id: Mapped[str] = mapped_column(ForeignKey("captures.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)


class MaskRow(Base):
    """One state of a capture's mask; undo and redo walk along `parent_id`."""

    __tablename__ = "masks"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    capture_id: Mapped[str] = mapped_column(ForeignKey("captures.id"), index=True)
    number: Mapped[int]
    parent_id: Mapped[str | None] = mapped_column(String(36))
    origin: Mapped[str]
    file_sha256: Mapped[str] = mapped_column(String(64))
    model: Mapped[str]
    model_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class ResultRow(Base):
    """Numbers of one capture and all that they depend on; a later one of the same capture replaces it."""

    __tablename__ = "results"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    capture_id: Mapped[str] = mapped_column(ForeignKey("captures.id"), index=True)
    number: Mapped[int]
    mask_id: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime]
    minute: Mapped[float]
    status: Mapped[str]
    outcome: Mapped[dict[str, Any]]  # values, differences, reason, cautions
    application: Mapped[str]
    model: Mapped[str]
    model_hash: Mapped[str]
    template_hash: Mapped[str]
    method: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    mask_origin: Mapped[str]
    view: Mapped[str]


class UserRow(Base):
    """Someone who may log in; the password is kept as an argon2 hash."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    password: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    role: Mapped[str | None] = mapped_column(String(40))  # of `ROLES`; None is staff, as before there were roles
    ward: Mapped[str | None] = mapped_column(String(40))  # whose sessions staff see; None: all


class AuditRow(Base):
    """One change; each entry holds the hash of the one before, and of the row as it was after the change."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]  # table and key of the row
    row_sha256: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))


class AuditValuesRow(Base):
    """Old and new values of one change, apart from the chain, which holds their hash: on request they can be erased."""

    __tablename__ = "audit_values"

    seq: Mapped[int] = mapped_column(ForeignKey("audit.seq"), primary_key=True, autoincrement=False)
    salt: Mapped[str] = mapped_column(String(64))  # so that erased values cannot be found again by trying
    text: Mapped[str] = mapped_column(Text)


AUDITED = (SessionRow, CaptureRow, MaskRow, ResultRow, UserRow)
