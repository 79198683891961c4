"""How long copies are kept: when they came, what holds them, and which are gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables of retention. Segments that came before have no date: they are dated by the next confirmed clock."""
    op.add_column("segments", sa.Column("received_us", sa.BigInteger))
    op.add_column("segments", sa.Column("kept_until_us", sa.BigInteger))
    op.create_table(
        "holds",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("hold", sa.String(64), nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("device", "hold", name="pk_holds"),
        sa.ForeignKeyConstraint(["n"], ["documents.n"], name="fk_holds_n"),
    )
    op.create_table(
        "releases",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("hold", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("device", "hold", name="pk_releases"),
    )
    op.create_table(
        "deletions",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("recording", sa.String(11), nullable=False),
        sa.Column("deleted_on", sa.String(10)),
        sa.PrimaryKeyConstraint("device", "recording", name="pk_deletions"),
    )
