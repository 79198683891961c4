"""What was forwarded to whom, which the log alone has said until now, and the ends of standing orders."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables, and what the log says of recordings that are not deleted."""
    made = op.create_table(
        "forwardings",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("recording", sa.String(11), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("receiver", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("device", "recording", "order_id", name="pk_forwardings"),
    )
    op.create_table(
        "ended_forwardings",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("device", "order_id", name="pk_ended_forwardings"),
    )
    connection = op.get_bind()
    gone = {(row.device, row.recording) for row in connection.execute(sa.text(_DELETED))}
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in connection.execute(sa.text("SELECT line FROM audit ORDER BY n")):
        line = json.loads(bytes(row.line))
        if (state := _STATES.get(line["event"])) is None:
            continue
        recording, _, to = line["what"].partition(" to ")
        if (line["device"], recording) not in gone:
            key = {"device": line["device"], "recording": recording, "order_id": line["sha256"]}
            found[line["device"], recording, line["sha256"]] = {**key, "receiver": to.partition(" (")[0], "state": state}
    if found:
        op.bulk_insert(made, list(found.values()))


_DELETED = "SELECT device, recording FROM deletions WHERE deleted_on IS NOT NULL"
_STATES = {"forwarding": "begun", "forwarded": "forwarded"}
