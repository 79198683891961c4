"""A station's index and roster, for who only looks: nothing in the folder of data is made, changed or removed, station or none.

SQLite would write even where one only reads: the read mark in its `-shm`, and a closing connection cleans up. Opened with `readonly_shm`
it writes nothing: beside a station that runs, or what a killed one left behind, the log (`-wal`) is read as it is. A database without these
two files was closed in order; it is opened as one that does not change, and read once more where it has changed meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from bodycamd.errors import ConfigError, NotFoundError, StorageError
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.roster_acceptance import Now, judge
from bodycamd.municipality.station.cameras import load_root, load_roster
from bodycamd.municipality.station.database import Database

TIMES: Final = 5
"""So often it is read, where somebody begins to write meanwhile."""
BUSY_SECONDS: Final = 10
T = TypeVar("T")


def read_index(url: str, read: Callable[[Database], T]) -> T:
    """What `read` finds in the index. Raises `NotFoundError` where there is none, `StorageError` where it is of another version, and as
    `read` does."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(f"index: {error}; allowed: sqlite:////PATH or postgresql+psycopg://…") from error
    if parsed.get_backend_name() != "sqlite":
        return _read(create_engine(url, pool_pre_ping=True, execution_options={"postgresql_readonly": True}), read)
    path = Path(parsed.database or "")
    for _ in range(TIMES):
        closed = _closed(path)
        try:
            found = _read(_sqlite(path, "immutable=1" if closed is not None else "readonly_shm=1"), read)
        except StorageError:
            if closed == _closed(path):
                raise
            continue  # it was opened or closed meanwhile
        if closed is None or closed == _closed(path):
            return found
    raise StorageError(f"{path}: it changes all the time: try again")


def read_roster(root_file: Path, roster_file: Path, kept: Path, now_us: int) -> SignedRoster:
    """The roster in force, as `RosterInForce` finds it, but one that is new is not kept. One that has ended still names the cameras. Raises
    `ConfigError` where there is none."""
    root = load_root("keys.root", root_file)
    before = load_roster(kept) if kept.exists() else None
    given = load_roster(roster_file)
    decision = judge(given, before or root, Now(now_us, trusted=True))
    if decision.accepted:
        return given
    if before is None:
        raise ConfigError(f"keys.roster: {roster_file}: {decision.why}")
    return before


def _read(engine: Engine, read: Callable[[Database], T]) -> T:
    database = Database(engine.execution_options(reading=True))
    try:
        database.check_version()
        return read(database)
    finally:
        database.close()


def _sqlite(path: Path, how: str) -> Engine:
    uri = f"file:{quote(str(path.absolute()))}?mode=ro&{how}"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False),
        poolclass=NullPool,
    )
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """What is read in one transaction is of one moment."""
    connection.exec_driver_sql("BEGIN")


def _closed(path: Path) -> tuple[int, int, int] | None:
    """Which file it is, and how it is, where nobody has it open and nobody was killed with it; else `None`."""
    try:
        found = os.stat(path)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no index is here: has the station run yet?") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    if Path(f"{path}-shm").exists():
        return None
    wal = Path(f"{path}-wal")
    if wal.exists() and wal.stat().st_size:
        raise StorageError(f"{wal}: its -shm is missing: the station was moved while it ran; start it once")
    return found.st_ino, found.st_mtime_ns, found.st_size
