"""What one process does at a time, although several share the index: a lease of a name, for a while.

By the database's own clock, so that the processes' clocks need not agree. A process that died holds nothing when its time is over; one that
lives gives back what it has done with. What is done under a lease must be harmless twice all the same: a process may be stopped for longer
than its lease and go on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bodycamd.municipality.station.database import Database
from bodycamd.municipality.station.tables import leases

LEASE_SECONDS: Final = 3600


def database_now_us(connection: Connection) -> int:
    """The time by the clock that all processes share: PostgreSQL's, or with SQLite that of the computer that they all run on."""
    if connection.dialect.name == "sqlite":
        return time.time_ns() // 1000
    return int(connection.execute(select(func.extract("epoch", func.clock_timestamp()) * 1_000_000)).scalar_one())


class Leases:
    """Of one process. All of it raises `StorageError` where the database fails."""

    def __init__(self, database: Database, now_us: Callable[[Connection], int] = database_now_us) -> None:
        self._database, self._now_us = database, now_us

    @contextmanager
    def held(self, name: str, seconds: int = LEASE_SECONDS) -> Iterator[bool]:
        """Whether this is the one that has the lease, until this ends or its time is over."""
        holder = self.take(name, seconds)
        try:
            yield holder is not None
        finally:
            if holder is not None:
                self.give_back(name, holder)

    def take(self, name: str, seconds: int = LEASE_SECONDS) -> str | None:
        """The word by which it is given back; `None` where somebody else has it. All ask for the same `seconds` for a name: one that is
        held for longer than that is nobody's."""
        holder = os.urandom(16).hex()
        with self._database.transaction() as connection:
            now_us = self._now_us(connection)
            row = connection.execute(select(leases.c.until_us).where(leases.c.name == name).with_for_update(skip_locked=True)).one_or_none()
            values = {"holder": holder, "until_us": now_us + seconds * 1_000_000}
            if row is not None:
                # One that is held for longer than anybody takes it was taken by a clock that was ahead, or under other settings.
                if now_us < row.until_us <= now_us + seconds * 1_000_000:
                    return None
                connection.execute(update(leases).where(leases.c.name == name).values(**values))
                return holder
            try:
                with connection.begin_nested():  # there is none, or another process has its row just now
                    connection.execute(insert(leases).values(name=name, **values))
            except IntegrityError:
                return None
            return holder

    def renew(self, name: str, holder: str, seconds: int = LEASE_SECONDS) -> bool:
        """Hold it for `seconds` from now on; whether it is still this one's: also where its time is over, and nobody has taken it."""
        with self._database.transaction() as connection:
            now_us = self._now_us(connection)
            own = update(leases).where(leases.c.name == name, leases.c.holder == holder)
            return connection.execute(own.values(until_us=now_us + seconds * 1_000_000)).rowcount > 0

    def give_back(self, name: str, holder: str) -> None:
        """It is done with. What somebody else has meanwhile stays his."""
        with self._database.transaction() as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
