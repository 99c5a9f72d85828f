"""Which session has the camera, what times of an import are worth, and an index of pictures by their pixels."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("sessions", sa.Column("camera_since", sa.DateTime(), nullable=True))
    op.add_column("sessions", sa.Column("timed_by", sa.String(length=200), nullable=True))
    op.create_table(
        "pixels",
        sa.Column("capture_id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_pixels_capture_id")),
        sa.PrimaryKeyConstraint("capture_id", name=op.f("pk_pixels")),
    )
    op.create_index(op.f("ix_pixels_sha256"), "pixels", ["sha256"], unique=False)
