"""What whoever keeps a station running has to see, in numbers: of the index, of the disk, and of the process. No camera is named in them.

Cameras are counted and not listed, recordings too: the figures go to a monitoring system, which is no place for who was where.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, func, or_, select

from bodycamd.errors import StorageError
from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station import audit as audit_log
from bodycamd.municipality.station.database import Database
from bodycamd.municipality.station.tables import audit, chains, deletions, help_calls, help_trials, holds, presences, segments

TESTED_SECONDS: Final = 26 * 3600
"""A camera tests once a day."""
ASKED_SECONDS: Final = (600, 3600, 86_400, 7 * 86_400)
"""Within which the cameras that asked are counted."""


class Asked(Struct, frozen=True):
    """How many cameras have asked for orders within these seconds."""

    seconds: int
    cameras: int


class HelpFigures(Struct, frozen=True, kw_only=True):
    """Of the help call, in the last four weeks. `tried_us`: when the command was last tried with everybody, `None`: never; `tried_well`: it
    ended well for each. `unconfirmed`: calls for which nobody was reached; `unanswered`: somebody was, and nobody has answered. `tested`:
    cameras whose own test was confirmed within `TESTED_SECONDS`."""

    tried_us: int | None
    tried_well: bool
    unconfirmed: int
    unanswered: int
    answered: int
    tested: int


class IndexFigures(Struct, frozen=True, kw_only=True):
    """Of the index. `log_head_us`: the time of the newest line of the log, `None` before the first; `undated`: stored segments that no
    confirmed clock has dated; `stored_bytes`: of those with a receipt; `waiting`: stated by a ledger, and not stored; `put_begun`: on their
    way into the storage, or left there by a process that died; `going`: recordings whose deletion has begun and is not over."""

    receipts: int
    log_lines: int
    log_head_us: int | None
    stored: int
    stored_bytes: int
    undated: int
    waiting: int
    put_begun: int
    going: int
    deleted: int
    holds: int
    asked: tuple[Asked, ...]
    help: HelpFigures | None = None
    """`None` while no call and no test has come."""


class SweepFigures(Struct, frozen=True):
    """Of the last sweep that came to its end: when; copies that it could not delete, that nothing dates, and that are held over their
    term."""

    ended_us: int
    problems: int
    undated: int
    held: int


class StampFigures(Struct, frozen=True):
    """Of the log's stamps: the authority's time in the newest, `None` before the first in this process; and how often it has failed."""

    stamped_us: int | None
    failures: int


class Figures(Struct, frozen=True, kw_only=True):
    """All of it. `index` is `None` while the index cannot be asked, `free_bytes` and `staged_bytes` while the disk cannot; `roster_ends_us`
    may be past."""

    now_us: int
    version: str
    received_bytes: int
    refused: dict[str, int]
    index_errors: int
    index: IndexFigures | None
    sweep: SweepFigures | None
    stamps: StampFigures | None
    clock_confirmed: bool
    held_polls: int
    staged_bytes: int | None
    staged_files: int | None
    free_bytes: int | None
    cameras_active: int
    roster_ends_us: int


def index_figures(database: Database, now_us: int) -> IndexFigures:
    """The figures of the index. Raises `StorageError`."""
    stored = segments.c.receipt.is_not(None)
    size = segments.c.good_bytes + segments.c.torn_bytes
    with database.reading() as connection:
        counted = connection.execute(
            select(
                func.count().filter(stored).label("stored"),
                func.coalesce(func.sum(size).filter(stored), 0).label("stored_bytes"),
                func.count().filter(or_(stored, segments.c.put_begun), segments.c.received_us.is_(None)).label("undated"),
                func.count().filter(segments.c.receipt.is_(None), ~segments.c.put_begun).label("waiting"),
                func.count().filter(segments.c.receipt.is_(None), segments.c.put_begun).label("put_begun"),
            ).select_from(segments)
        ).one()
        newest = connection.execute(select(audit.c.n, audit.c.line).order_by(audit.c.n.desc()).limit(1)).one_or_none()
        gone = connection.execute(
            select(
                func.count().filter(deletions.c.deleted_on.is_(None)).label("going"),
                func.count().filter(deletions.c.deleted_on.is_not(None)).label("deleted"),
            ).select_from(deletions)
        ).one()
        return IndexFigures(
            receipts=_receipts(connection),
            log_lines=newest.n if newest is not None else 0,
            log_head_us=wall_us(audit_log.decode(newest.line, "audit").at, "audit") if newest is not None else None,
            stored=counted.stored,
            stored_bytes=int(counted.stored_bytes),
            undated=counted.undated,
            waiting=counted.waiting,
            put_begun=counted.put_begun,
            going=gone.going,
            deleted=gone.deleted,
            holds=connection.execute(select(func.count()).select_from(holds)).scalar_one(),
            asked=tuple(Asked(seconds, _asked_since(connection, now_us - seconds * 1_000_000)) for seconds in ASKED_SECONDS),
            help=_help(connection, now_us),
        )


def _help(connection: Connection, now_us: int) -> HelpFigures | None:
    sent, answered, real = help_calls.c.sent.is_not(None), help_calls.c.answer.is_not(None), ~help_calls.c.test
    fresh = help_calls.c.came_us >= now_us - TESTED_SECONDS * 1_000_000
    counted = connection.execute(
        select(
            func.count().label("all"),
            func.count().filter(real, ~sent, ~answered).label("unconfirmed"),
            func.count().filter(real, sent, ~answered).label("unanswered"),
            func.count().filter(real, answered).label("answered"),
            func.count(func.distinct(help_calls.c.device)).filter(help_calls.c.test, sent, fresh).label("tested"),
        ).select_from(help_calls)
    ).one()
    tried = connection.execute(select(help_trials)).first()
    if counted.all == 0 and tried is None:
        return None
    return HelpFigures(
        tried_us=tried.tried_us if tried is not None else None,
        tried_well=tried is not None and tried.reached,
        unconfirmed=counted.unconfirmed,
        unanswered=counted.unanswered,
        answered=counted.answered,
        tested=counted.tested,
    )


def _receipts(connection: Connection) -> int:
    given = select(func.coalesce(func.sum(chains.c.n), 0)).where(chains.c.name.like("receipts/%"))
    return int(connection.execute(given).scalar_one())


def _asked_since(connection: Connection, since_us: int) -> int:
    found: int = connection.execute(select(func.count()).select_from(presences).where(presences.c.seen_us >= since_us)).scalar_one()
    return found


def index_answers(database: Database) -> bool:
    """Whether the index can be asked, at the least cost."""
    try:
        with database.reading() as connection:
            connection.execute(select(1))
    except StorageError:
        return False
    return True


def index_figures_or_none(database: Database, now_us: int) -> IndexFigures | None:
    """The same; `None` where the index fails: that is a figure too (`Database.errors`)."""
    try:
        return index_figures(database, now_us)
    except StorageError:
        return None


class Health(Struct, frozen=True):
    """What a process needs to do its work: as of `Figures`."""

    now_us: int
    index_up: bool
    free_bytes: int | None
    roster_ends_us: int


def faults(health: Health) -> list[str]:
    """Why this process cannot do its work now, a sentence each; nothing where it can. What only waits is no fault: a clock that is not
    confirmed yet, a copy that cannot be deleted."""
    found: list[str] = []
    if not health.index_up:
        found.append("the index cannot be asked")
    if health.free_bytes is None:
        found.append("the folder of data cannot be looked at")
    elif health.free_bytes == 0:
        found.append("there is no room left in data")
    if health.roster_ends_us <= health.now_us:
        found.append("the roster has ended: nothing is taken")
    return found
