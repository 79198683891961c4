"""What the station expects, what it has, and what it said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The first tables."""
    op.create_table(
        "chains",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chains"),
    )
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("line", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_audit"),
    )
    op.create_table(
        "receipts",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("n", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("file_bytes", sa.LargeBinary, nullable=False),
        sa.Column("kept", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("device", "n", name="pk_receipts"),
    )
    op.create_table(
        "segments",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("recording", sa.String(11), nullable=False),
        sa.Column("file", sa.String(20), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("good_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("torn_bytes", sa.Integer, nullable=False),
        sa.Column("torn_sha256", sa.String(64), nullable=False),
        sa.Column("receipt", sa.BigInteger),
        sa.PrimaryKeyConstraint("device", "recording", "file", name="pk_segments"),
        sa.ForeignKeyConstraint(["device", "receipt"], ["receipts.device", "receipts.n"], name="fk_segments_device"),
    )
