"""What the station's index holds. All of it can be made anew from what cameras and people signed, and from the receipts beside it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKeyConstraint, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s", "ix": "ix_%(table_name)s_%(column_0_name)s"}
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
    ForeignKeyConstraint(["device", "receipt"], ["receipts.device", "receipts.n"]),
)
"""Each segment that a camera's ledger states, and the number of its receipt once it is stored."""
