"""Orders and rosters for cameras, what ledgers state of them, and which cameras are there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables of orders."""
    op.create_table(
        "documents",
        sa.Column("n", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("file_bytes", sa.LargeBinary, nullable=False),
        sa.Column("not_after_us", sa.BigInteger),
        sa.Column("kept", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_documents"),
        sa.UniqueConstraint("id", name="uq_documents_id"),
    )
    op.create_table(
        "deliveries",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("n", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("sent_us", sa.BigInteger),
        sa.Column("seen_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("device", "n", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["n"], ["documents.n"], name="fk_deliveries_n"),
    )
    op.create_table(
        "order_lines",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.String(200), nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("device", "order_id", name="pk_order_lines"),
    )
    op.create_table(
        "accepted_rosters",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_accepted_rosters"),
    )
    op.create_table(
        "presences",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("state", sa.LargeBinary),
        sa.PrimaryKeyConstraint("device", name="pk_presences"),
    )
