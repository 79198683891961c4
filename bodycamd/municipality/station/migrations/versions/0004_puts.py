"""Segments that may lie in the storage without a receipt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The mark of a put. What a process left before, that died, is found when the index is made anew."""
    op.add_column("segments", sa.Column("put_begun", sa.Boolean, nullable=False, server_default=sa.false()))
