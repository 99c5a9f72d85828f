"""Signatures whose name was typed where nobody had logged in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("sessions", sa.Column("signed_typed", sa.Boolean(), nullable=True))
