"""The station's index of its copies, as long as they are kept: what is due when, what holds it, what is on its way, and what is gone.

Each method is one transaction; all of them raise `StorageError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from bodycamd.evidence import orders
from bodycamd.evidence.orders import SignedOrder
from bodycamd.evidence.roster import DAY_US
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.database import AUDIT_CHAIN, Database, last_link, ledger_chain, log_line
from bodycamd.municipality.station.forward_index import forget
from bodycamd.municipality.station.tables import deletions, documents, holds, releases, segments
from bodycamd.municipality.station.term import Copy, Due

PUT_US: Final = DAY_US
"""So long a put may take, with all that is tried again of it: after that its process is dead."""
_STORED = or_(segments.c.receipt.is_not(None), segments.c.put_begun)
WORDS = {
    "wall_clock": "{days} days have passed by confirmed clocks",
    "running_time": "{days} days of running time have passed",
    "received": "{days} days have passed since all of it was received",
    "not_received": "the camera has deleted it, and nothing of it came",
}


class Held(Struct, frozen=True):
    """The orders to hold that count for a camera's copies, by their ids; and the holds that are released, whoever placed them."""

    orders: dict[str, SignedOrder]
    released: frozenset[str]


class CopyIndex:
    """In the station's database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def devices(self) -> list[str]:
        """The cameras of which anything is expected or stored."""
        with self.database.transaction() as connection:
            return [row.device for row in connection.execute(select(segments.c.device).distinct().order_by(segments.c.device))]

    def copies(self, device: str) -> list[Copy]:
        """Every recording of a camera that the index has segments of."""
        stored = _STORED
        query = (
            select(
                segments.c.recording,
                func.count().filter(stored).label("stored"),
                func.count().filter(and_(stored, segments.c.received_us.is_(None))).label("undated"),
                func.max(segments.c.received_us).filter(stored).label("received_us"),
                func.max(segments.c.kept_until_us).filter(stored).label("kept_until_us"),
                func.sum(segments.c.good_bytes + segments.c.torn_bytes).filter(stored).label("size_bytes"),
            )
            .where(segments.c.device == device)
            .group_by(segments.c.recording)
            .order_by(segments.c.recording)
        )
        with self.database.transaction() as connection:
            return [
                Copy(
                    row.recording,
                    row.stored,
                    int(row.size_bytes or 0),
                    None if row.undated else row.received_us,
                    row.kept_until_us or 0,
                )
                for row in connection.execute(query)
            ]

    def held(self, device: str) -> Held:
        """What holds a camera's copies besides its ledger."""
        query = select(documents.c.file_bytes, holds.c.hold).where(holds.c.device == device, documents.c.n == holds.c.n)
        with self.database.transaction() as connection:
            found = {row.hold: orders.decode(row.file_bytes, f"order {row.hold}") for row in connection.execute(query)}
            over = connection.execute(select(releases.c.hold).where(releases.c.device == device))
            return Held(found, frozenset(row.hold for row in over))

    def begin(self, device: str, due: Due, head: str, seen: Held, now_us: int) -> bool:
        """From here on the copy goes, whatever comes; a line of the log says why. Nothing, and false, where any process has more of the
        camera's ledger than up to `head`, other orders hold than those `seen`, it is on its way already, or a segment of it may be on its
        way here."""
        recording = due.copy.recording
        with self.database.transaction() as connection:
            if last_link(connection, ledger_chain(device))[1] != head:
                return False  # its row is locked: what comes from the camera waits
            last_link(connection, AUDIT_CHAIN)
            holding = {row.hold for row in connection.execute(select(holds.c.hold).where(holds.c.device == device))}
            if _deletion(connection, device, recording) or holding != seen.orders.keys():
                return False
            if _is_put(connection, device, recording, now_us):
                return False
            connection.execute(insert(deletions).values(device=device, recording=recording, deleted_on=None))
            why = WORDS[due.proof].format(days=due.days)
            told = f"{recording}: {why}; {due.copy.segments} segments, {due.copy.size_bytes} bytes"
            log_line(connection, now_us, "deleting", device, told, None)
            return True

    def begun(self, device: str | None = None) -> list[tuple[str, str]]:
        """The copies that are on their way: camera and recording."""
        query = select(deletions.c.device, deletions.c.recording).where(deletions.c.deleted_on.is_(None))
        query = query if device is None else query.where(deletions.c.device == device)
        with self.database.transaction() as connection:
            return [(row.device, row.recording) for row in connection.execute(query.order_by(deletions.c.device, deletions.c.recording))]

    def finish(self, device: str, recording: str, now_us: int) -> None:
        """Nothing of it is left: its rows go, but one; a line of the log says so, once."""
        here = and_(deletions.c.device == device, deletions.c.recording == recording)
        with self.database.transaction() as connection:
            last_link(connection, AUDIT_CHAIN)
            connection.execute(delete(segments).where(segments.c.device == device, segments.c.recording == recording))
            forget(connection, device, recording)
            done = update(deletions).where(here, deletions.c.deleted_on.is_(None)).values(deleted_on=wall_text(now_us)[:10])
            if connection.execute(done).rowcount:
                log_line(connection, now_us, "deleted", device, recording, None)

    def deleted_on(self, device: str, recording: str) -> str | None:
        """The day, `None` where it is not deleted."""
        query = select(deletions.c.deleted_on).where(deletions.c.device == device, deletions.c.recording == recording)
        with self.database.transaction() as connection:
            day: str | None = connection.execute(query).scalar()
            return day

    def date_receipts(self, now_us: int) -> int:
        """The clock is confirmed now: what was received while it was not is at least so old. How many segments that dated."""
        undated = and_(_STORED, segments.c.received_us.is_(None))
        with self.database.transaction() as connection:
            if connection.execute(select(segments.c.file).where(undated).limit(1)).first() is None:
                return 0
            last_link(connection, AUDIT_CHAIN)  # before the rows, as whoever signs a receipt locks them
            found = connection.execute(update(segments).where(undated).values(received_us=now_us)).rowcount
            log_line(connection, now_us, "receipts_dated", None, f"{found} segments", None)
            return found

    def is_going(self, device: str, recording: str) -> bool:
        """Whether it is deleted, or its deletion is on its way."""
        with self.database.transaction() as connection:
            return _deletion(connection, device, recording)

    def restore_put(self, device: str, recording: str) -> None:
        """Something of it is in the storage, and no receipt is."""
        here = and_(segments.c.device == device, segments.c.recording == recording)
        with self.database.transaction() as connection:
            connection.execute(update(segments).where(here).values(put_begun=True))

    def restore_deletion(self, device: str, recording: str, deleted_on: str | None) -> None:
        """As the log states it."""
        with self.database.transaction() as connection:
            connection.execute(delete(deletions).where(deletions.c.device == device, deletions.c.recording == recording))
            connection.execute(insert(deletions).values(device=device, recording=recording, deleted_on=deleted_on))


def add_hold(connection: Connection, n: int, signed: SignedOrder, devices: Sequence[str], now_us: int | None) -> None:
    """An order to hold that counts for these cameras' copies; a line of the log for each, unless `now_us` is `None`. One that was released
    before holds nothing."""
    for device in devices:
        if now_us is not None:
            log_line(connection, now_us, "hold_begun", device, f"{signed.order.kind} by {signed.order.person}", signed.id)
        if not _is_released(connection, device, signed.id):
            connection.execute(insert(holds).values(device=device, hold=signed.id, n=n))


def add_releases(connection: Connection, device: str, ended: Sequence[str], order: str, now_us: int | None) -> None:
    """These holds are over for a camera's copies, also where they have not come yet; lines as of `add_hold`."""
    for hold in ended:
        if now_us is not None:
            log_line(connection, now_us, "hold_ended", device, f"hold {hold}", order)
        connection.execute(delete(holds).where(holds.c.device == device, holds.c.hold == hold))
        if not _is_released(connection, device, hold):
            connection.execute(insert(releases).values(device=device, hold=hold))


def _is_released(connection: Connection, device: str, hold: str) -> bool:
    return connection.execute(select(releases.c.hold).where(releases.c.device == device, releases.c.hold == hold)).first() is not None


def _is_put(connection: Connection, device: str, recording: str, now_us: int) -> bool:
    """Whether a segment of it may be on its way into the storage."""
    latest = or_(segments.c.received_us.is_(None), segments.c.received_us > now_us - PUT_US)
    query = select(segments.c.file).where(segments.c.device == device, segments.c.recording == recording, segments.c.put_begun, latest)
    return connection.execute(query).first() is not None


def _deletion(connection: Connection, device: str, recording: str) -> bool:
    query = select(deletions.c.recording).where(deletions.c.device == device, deletions.c.recording == recording)
    return connection.execute(query).first() is not None
