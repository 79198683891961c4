"""What the station's index holds. All of it can be made anew from what cameras and people signed, and from the receipts beside it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, ForeignKeyConstraint, Integer, LargeBinary, MetaData, String, Table, false

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

chains = Table(
    "chains",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("head", String(64), nullable=False),
)
"""The newest link of each chain: the audit log's, and the receipts' of each camera. Its row is locked while a link is added."""

audit = Table(
    "audit",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("file_bytes", LargeBinary, nullable=False),
    Column("kept", Boolean, nullable=False, default=False),
)
"""`kept`: it lies in the storage too. Nobody gets one before."""

segments = Table(
    "segments",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("recording", String(11), primary_key=True),
    Column("file", String(20), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("good_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("torn_bytes", Integer, nullable=False),
    Column("torn_sha256", String(64), nullable=False),
    Column("receipt", BigInteger),
    Column("received_us", BigInteger),
    Column("kept_until_us", BigInteger),
    Column("put_begun", Boolean, nullable=False, default=False, server_default=false()),
    ForeignKeyConstraint(["device", "receipt"], ["receipts.device", "receipts.n"]),
)
"""Each segment that a camera's ledger states, and once it is stored the number of its receipt, when it came at the latest (null while no
confirmed clock says), and until when the receipt says that it is kept. `put_begun`: it may lie in the storage, and has no receipt yet; if
its process died it never gets one, and its term ends all the same."""

documents = Table(
    "documents",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(64), nullable=False, unique=True),
    Column("type", String(32), nullable=False),
    Column("file_bytes", LargeBinary, nullable=False),
    Column("not_after_us", BigInteger),
    Column("kept", Boolean, nullable=False, default=False),
)
"""Orders and rosters for cameras, in the order in which they came; a camera asks for those behind a number. `kept`: as of `receipts`."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("n", BigInteger, ForeignKey("documents.n"), primary_key=True, autoincrement=False),
    Column("sent_us", BigInteger),
    Column("seen_us", BigInteger),
)
"""For which cameras an order is. `sent_us`: when it was first given to it; `seen_us`: when it asked for what follows."""

order_lines = Table(
    "order_lines",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("order_id", String(64), primary_key=True),
    Column("done", Boolean, nullable=False),
    Column("outcome", String(200), nullable=False),
    Column("start", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
)
"""What ledgers state of orders, whoever brought them: `order_done`, or else the last `order_refused`. `line` counts in its file."""

accepted_rosters = Table(
    "accepted_rosters",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("sha256", String(64), nullable=False),
)
"""The roster that a camera's ledger states last."""

presences = Table(
    "presences",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("seen_us", BigInteger, nullable=False),
    Column("state", LargeBinary),
)
"""When a camera last asked for anything, and what it said of itself: its uplink's word, signed in no ledger. A rebuilt index has none."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("until_us", BigInteger, nullable=False),
)
"""What one of several processes does now, until when at most, by the database's clock (`leases`). It is nothing that a rebuild makes."""

holds = Table(
    "holds",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("hold", String(64), primary_key=True),
    Column("n", BigInteger, ForeignKey("documents.n"), nullable=False),
)
"""Orders to hold that hold the station's own copies, whatever the camera does; until a release."""

releases = Table(
    "releases",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("hold", String(64), primary_key=True),
)
"""Holds that were released, by an order here or by the camera's ledger; also such that never came."""

help_calls = Table(
    "help_calls",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("device", String(64), nullable=False),
    Column("test", Boolean, nullable=False),
    Column("file_bytes", LargeBinary, nullable=False),
    Column("came_us", BigInteger, nullable=False),
    Column("called", Integer, nullable=False),
    Column("next_us", BigInteger),
    Column("sent", LargeBinary),
    Column("answer", LargeBinary),
)
"""Calls for help and tests of one. `called`: how many people were called; `next_us`: when the next one is, null for nobody more; `sent`:
the confirmation that was signed; `answer`: the order of a person. An index that is made anew knows of a call only that there was one:
without bytes it is neither called for nor confirmed again."""

help_trials = Table(
    "help_trials",
    metadata,
    Column("tried_us", BigInteger, primary_key=True, autoincrement=False),
    Column("reached", Boolean, nullable=False),
)
"""When the station last tried the command with everybody, and whether it ended well for each; one row."""

help_pushes_over = Table(
    "help_pushes_over",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("over_us", BigInteger, nullable=False),
)
"""Subscriptions to pushes that are over, by the SHA-256 of address and keys: a push service has said so, and none is tried again."""

deletions = Table(
    "deletions",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("recording", String(11), primary_key=True),
    Column("deleted_on", String(10)),
)
"""Recordings whose copies are gone; without a day while they are on their way. Nothing else is kept of them here."""

forwardings = Table(
    "forwardings",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("recording", String(11), primary_key=True),
    Column("order_id", String(64), primary_key=True),
    Column("receiver", String(64), nullable=False),
    Column("state", String(16), nullable=False),
)
"""What the log says of recordings that are not deleted: `begun`, `stopped` in the middle, `forwarded` to this receiver, `receipted` by its
own station too; or of a standing order that is for it `not_shown`, where it was sealed to others, and `not_yet`, where nothing shows to
whom or when."""

ended_forwardings = Table(
    "ended_forwardings",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("order_id", String(64), primary_key=True),
)
"""Standing orders to forward that were ended for a camera; also such that never came."""
