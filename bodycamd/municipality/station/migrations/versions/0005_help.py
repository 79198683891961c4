"""Calls for help."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The calls, and the station's own trials of the command."""
    op.create_table(
        "help_calls",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("test", sa.Boolean, nullable=False),
        sa.Column("file_bytes", sa.LargeBinary, nullable=False),
        sa.Column("came_us", sa.BigInteger, nullable=False),
        sa.Column("called", sa.Integer, nullable=False),
        sa.Column("next_us", sa.BigInteger),
        sa.Column("sent", sa.LargeBinary),
        sa.Column("answer", sa.LargeBinary),
    )
    op.create_table(
        "help_trials",
        sa.Column("tried_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("reached", sa.Boolean, nullable=False),
    )
