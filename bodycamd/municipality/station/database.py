"""The database below the station's index: SQLite by default (WAL, every commit synchronised), or PostgreSQL, and the chains in it.

Several processes may use one PostgreSQL at once; on SQLite one process writes at a time, and the others wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from bodycamd.errors import ConfigError, StorageError
from bodycamd.evidence.statements import ZERO_HASH, wall_text
from bodycamd.municipality.station import audit as audit_log
from bodycamd.municipality.station.audit import AUDIT_FORMAT, AuditLine, Event
from bodycamd.municipality.station.tables import audit, chains, leases, metadata

AUDIT_CHAIN: Final = "audit"
BUSY_SECONDS: Final = 30
TABLES_LOCK: Final = 0x626F6479
"""PostgreSQL's advisory lock of who brings the tables up to date."""


class Database:
    """An opened one, its tables up to date. All methods raise `StorageError` where it fails."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.errors = 0
        """Transactions that the database failed, since it was opened."""

    @classmethod
    def open(cls, url: str) -> Database:
        """Open a database by its SQLAlchemy URL and bring its tables up to date. Raises `ConfigError` for no such kind, `StorageError`."""
        try:
            place = make_url(url)
            engine = create_engine(place, pool_pre_ping=place.get_backend_name() != "sqlite")  # a server may have gone, a file has not
        except (ArgumentError, ModuleNotFoundError) as error:
            raise ConfigError(f"index: {error}; allowed: sqlite:////PATH or postgresql+psycopg://…") from error
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _sqlite_connected)
            event.listen(engine, "begin", _sqlite_begin)
        config = AlembicConfig()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
        found = cls(engine)
        with found.transaction() as connection:
            if engine.dialect.name == "postgresql":  # of two that find no tables, each would make them
                connection.execute(select(func.pg_advisory_xact_lock(TABLES_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return found

    def check_version(self) -> None:
        """Raises `StorageError` unless its tables are this version's; nothing is changed."""
        config = AlembicConfig()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
        head = ScriptDirectory.from_config(config).get_current_head()
        with self.reading() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        if found != head:
            raise StorageError(f"the index is of version {found}, and this program's is {head}: start the station once")

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: durable when this ends, undone where it raises."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            self.errors += 1
            raise StorageError(f"the index cannot be used: {str(error.args[0])[:300] if error.args else type(error).__name__}") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads: on SQLite nobody who writes waits for it. Raises as `transaction` does."""
        try:
            with self._engine.connect().execution_options(reading=True) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            self.errors += 1
            raise StorageError(f"the index cannot be used: {str(error.args[0])[:300] if error.args else type(error).__name__}") from error

    def is_empty(self) -> bool:
        """Whether it holds nothing at all."""
        with self.transaction() as connection:
            kept = [table for table in metadata.sorted_tables if table is not leases]
            return all(connection.execute(select(table).limit(1)).first() is None for table in kept)


def last_link(connection: Connection, name: str) -> tuple[int, str]:
    """The newest link of a chain; its row stays locked until the transaction ends."""
    query = select(chains.c.n, chains.c.head).where(chains.c.name == name).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        with suppress(IntegrityError), connection.begin_nested():  # another process may begin the chain at the same moment
            connection.execute(insert(chains).values(name=name, n=0, head=ZERO_HASH))
        row = connection.execute(query).one()
    return row.n, row.head


def ledger_chain(device: str) -> str:
    """The name of the chain whose newest link is the newest line of a camera's ledger that any process has."""
    return f"ledger/{device}"


def set_link(connection: Connection, name: str, n: int, head: str) -> None:
    """The chain, whose `last_link` was asked for in this transaction, has a new one."""
    connection.execute(update(chains).where(chains.c.name == name).values(n=n, head=head))


def log_line(connection: Connection, now_us: int, event: Event, device: str | None, what: str, sha256: str | None) -> str:
    """Add a line to the audit log; the new head."""
    n, prev = last_link(connection, AUDIT_CHAIN)
    line = AuditLine(format=AUDIT_FORMAT, n=n + 1, prev=prev, at=wall_text(now_us), event=event, device=device, what=what, sha256=sha256)
    raw = audit_log.encode(line)
    head = audit_log.head_of(raw)
    connection.execute(insert(audit).values(n=n + 1, line=raw))
    set_link(connection, AUDIT_CHAIN, n + 1, head)
    return head


def _sqlite_connected(connection: object, entry: ConnectionPoolEntry) -> None:
    """Python's driver begins no transaction by itself: `_sqlite_begin` does."""
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    """At once for writing, but for what only reads: two that read first and write then would refuse each other."""
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")
