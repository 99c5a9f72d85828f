"""Wards, signatures, roles, and old and new values of changes beside the audit chain."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("sessions", sa.Column("ward", sa.String(length=40), nullable=True))
    op.add_column("sessions", sa.Column("signed_at", sa.DateTime(), nullable=True))
    op.add_column("sessions", sa.Column("signed_by", sa.String(length=200), nullable=True))
    op.add_column("users", sa.Column("role", sa.String(length=40), nullable=True))
    op.add_column("users", sa.Column("ward", sa.String(length=40), nullable=True))
    op.create_table(
        "audit_values",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["audit.seq"], name=op.f("fk_audit_values_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_values")),
    )
