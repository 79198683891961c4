"""Subscriptions to pushes that are over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """By the SHA-256 of their address."""
    op.create_table(
        "help_pushes_over",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("over_us", sa.BigInteger, nullable=False),
    )
