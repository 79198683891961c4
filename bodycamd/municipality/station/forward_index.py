"""The station's index of what it forwards: which standing orders there are, which are ended, and how far each recording has come.

Each method is one transaction; all of them raise `StorageError`. What a method changes the log says too, so that `rebuild` makes it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from bodycamd.evidence import orders
from bodycamd.evidence import receipts as receipts_format
from bodycamd.evidence.orders import ORDER_TYPE, SignedOrder, StandingForward
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.municipality.station.audit import AuditLine, Event
from bodycamd.municipality.station.database import AUDIT_CHAIN, Database, last_link, ledger_chain, log_line
from bodycamd.municipality.station.tables import deletions, documents, ended_forwardings, forwardings, receipts, segments

State: TypeAlias = Literal["begun", "stopped", "forwarded", "receipted", "not_shown", "not_yet"]
STATES: Final[Mapping[Event, State]] = {
    "forwarding": "begun",
    "forwarding_stopped": "stopped",
    "forwarded": "forwarded",
    "forward_receipted": "receipted",
    "not_forwarded": "not_shown",
    "not_forwarded_yet": "not_yet",
}
THERE: Final[tuple[State, ...]] = ("forwarded", "receipted")
"""All of it is at the receiver; `receipted`: and the receiver's own station has given receipts for it."""
MAX_TOLD: Final = 500
"""Characters of what a line of the log tells."""


def told_of(line: AuditLine) -> tuple[tuple[str, str, str], str, State] | None:
    """What a line of the log says of a forwarding: camera, recording and order; the receiver; and how far it has come."""
    if (state := STATES.get(line.event)) is None or line.device is None or line.sha256 is None:
        return None
    recording, _, to = line.what.partition(" to ")
    return (line.device, recording, line.sha256), to.partition(" (")[0], state


class ForwardIndex:
    """In the station's database. `told` begins with the recording, ` to `, the receiver and ` (`: so it is read again."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def standing(self, now_us: int) -> list[tuple[SignedOrder, StandingForward]]:
        """The standing orders that have not ended by themselves, oldest first. Whether they count is not looked at."""
        query = select(documents.c.file_bytes).where(documents.c.type == ORDER_TYPE, documents.c.kept, documents.c.not_after_us >= now_us)
        with self.database.reading() as connection:
            found = [orders.decode(raw, "an order") for raw in connection.execute(query.order_by(documents.c.n)).scalars()]
        return [(one, one.order.body) for one in found if isinstance(one.order.body, StandingForward)]

    def is_ended(self, device: str, order: str) -> bool:
        """Whether somebody has ended this standing order for a camera."""
        query = select(ended_forwardings).where(ended_forwardings.c.device == device, ended_forwardings.c.order_id == order)
        with self.database.reading() as connection:
            return connection.execute(query).first() is not None

    def states(self, device: str) -> dict[str, dict[str, tuple[str, State]]]:
        """By recording and order: the receiver, and how far it has come."""
        found: dict[str, dict[str, tuple[str, State]]] = {}
        with self.database.reading() as connection:
            for row in connection.execute(select(forwardings).where(forwardings.c.device == device)):
                found.setdefault(row.recording, {})[row.order_id] = row.receiver, row.state
        return found

    def whole(self, device: str) -> frozenset[str]:
        """The recordings of which every segment that the ledger states until now has a receipt."""
        given = func.count(segments.c.receipt) == func.count()
        query = select(segments.c.recording).where(segments.c.device == device).group_by(segments.c.recording).having(given)
        with self.database.reading() as connection:
            return frozenset(connection.execute(query).scalars())

    def begin(self, device: str, recording: str, receiver: str, told: str, order: str, now_us: int, *, once: bool = False) -> bool:
        """From here on the copy is given to a receiver; a line of the log says what and why: with `once` only where none does that nothing
        follows. Nothing, and false, where it is deleted or its deletion is on its way; with `once` also where the receiver has it by any
        order."""
        with self.database.transaction() as connection:
            last_link(connection, ledger_chain(device))  # its row is locked, as where a deletion is begun
            last_link(connection, AUDIT_CHAIN)
            gone = and_(deletions.c.device == device, deletions.c.recording == recording)
            if connection.execute(select(deletions).where(gone)).first() is not None:
                return False
            if once and _has(connection, device, recording, receiver):
                return False
            if once and _state(connection, device, recording, order) == "begun":
                return True
            log_line(connection, now_us, "forwarding", device, told, order)
            _set(connection, device, recording, order, receiver, "begun")
            return True

    def end(self, device: str, recording: str, receiver: str, told: str, order: str, now_us: int) -> None:
        """All of it is there: a line of the log says so, unless one does since it was begun."""
        with self.database.transaction() as connection:
            last_link(connection, AUDIT_CHAIN)
            if _state(connection, device, recording, order) in THERE:
                return
            log_line(connection, now_us, "forwarded", device, told, order)
            _set(connection, device, recording, order, receiver, "forwarded")

    def stop(self, device: str, recording: str, receiver: str, told: str, order: str, now_us: int) -> None:
        """It was begun, and goes no further by this order: a line of the log says what is at the receiver, once since it was begun."""
        with self.database.transaction() as connection:
            last_link(connection, AUDIT_CHAIN)
            if _state(connection, device, recording, order) != "begun":
                return
            log_line(connection, now_us, "forwarding_stopped", device, told[:MAX_TOLD], order)
            _set(connection, device, recording, order, receiver, "stopped")

    def begun_by_standing(self) -> list[tuple[str, str, SignedOrder, StandingForward]]:
        """What was begun by standing orders, and neither is there nor was stopped: camera, recording, order."""
        query = (
            select(forwardings.c.device, forwardings.c.recording, documents.c.file_bytes)
            .join(documents, documents.c.id == forwardings.c.order_id)
            .where(forwardings.c.state == "begun")
            .order_by(forwardings.c.device, forwardings.c.recording, documents.c.n)
        )
        with self.database.reading() as connection:
            found = [(row.device, row.recording, orders.decode(row.file_bytes, "an order")) for row in connection.execute(query)]
        return [(device, name, one, one.order.body) for device, name, one in found if isinstance(one.order.body, StandingForward)]

    def without_receipts(self, receivers: Sequence[str]) -> list[tuple[str, str, str, str]]:
        """What these receivers have, and have given no receipts for yet: camera, recording, order, receiver."""
        waiting = (forwardings.c.state == "forwarded", forwardings.c.receiver.in_(receivers))
        query = select(forwardings).where(*waiting).order_by(forwardings.c.device, forwardings.c.recording, forwardings.c.order_id)
        with self.database.reading() as connection:
            return [(row.device, row.recording, row.order_id, row.receiver) for row in connection.execute(query)]

    def own_receipts(self, device: str, recording: str) -> list[SignedReceipt]:
        """This station's own for the segments of a recording, in their order; none where one of them has none."""
        of = and_(segments.c.device == device, segments.c.recording == recording)
        query = (
            select(receipts.c.file_bytes)
            .select_from(segments)
            .outerjoin(receipts, and_(receipts.c.device == segments.c.device, receipts.c.n == segments.c.receipt))
            .where(of)
            .order_by(segments.c.number)
        )
        with self.database.reading() as connection:
            found = list(connection.execute(query).scalars())
        return [] if None in found else [receipts_format.decode(raw, "a receipt") for raw in found]

    def receipted(self, device: str, recording: str, receiver: str, told: str, order: str, now_us: int) -> None:
        """The receiver's own station has given receipts for all of it: a line of the log says so, once."""
        with self.database.transaction() as connection:
            last_link(connection, AUDIT_CHAIN)
            if _state(connection, device, recording, order) != "forwarded":
                return
            log_line(connection, now_us, "forward_receipted", device, told, order)
            _set(connection, device, recording, order, receiver, "receipted")

    def cannot_show(self, device: str, recording: str, receiver: str, told: str, order: str, now_us: int, *, final: bool) -> bool:
        """Nothing shows that it may go by a standing order: a line of the log says so, once, and once more where that is `final`; whether
        it does now."""
        with self.database.transaction() as connection:
            last_link(connection, AUDIT_CHAIN)
            if _state(connection, device, recording, order) not in ((None, "not_yet") if final else (None,)):
                return False
            log_line(connection, now_us, "not_forwarded" if final else "not_forwarded_yet", device, told[:MAX_TOLD], order)
            _set(connection, device, recording, order, receiver, "not_shown" if final else "not_yet")
            return True

    def restore(self, told: Mapping[tuple[str, str, str], tuple[str, State]]) -> None:
        """As the log has it: by camera, recording and order."""
        with self.database.transaction() as connection:
            for (device, recording, order), (receiver, state) in told.items():
                _set(connection, device, recording, order, receiver, state)


def end_standing(connection: Connection, devices: Sequence[str], ended: str, order: str, now_us: int | None) -> None:
    """This standing order is over for these cameras, by this order, also where it has not come yet; a line of the log for each, unless
    `now_us` is `None`."""
    for device in devices:
        if now_us is not None:
            log_line(connection, now_us, "forwarding_ended", device, f"standing order {ended}", order)
        here = and_(ended_forwardings.c.device == device, ended_forwardings.c.order_id == ended)
        if connection.execute(select(ended_forwardings).where(here)).first() is None:
            connection.execute(insert(ended_forwardings).values(device=device, order_id=ended))


def forget(connection: Connection, device: str, recording: str) -> None:
    """Nothing of the recording is left here: the log alone says where it went."""
    connection.execute(delete(forwardings).where(_of(device, recording)))


def _of(device: str, recording: str) -> ColumnElement[bool]:
    return and_(forwardings.c.device == device, forwardings.c.recording == recording)


def _has(connection: Connection, device: str, recording: str, receiver: str) -> bool:
    """Whether a receiver has it, by whatever order."""
    there = (forwardings.c.receiver == receiver, forwardings.c.state.in_(THERE))
    return connection.execute(select(forwardings).where(_of(device, recording), *there)).first() is not None


def _state(connection: Connection, device: str, recording: str, order: str) -> str | None:
    here = (_of(device, recording), forwardings.c.order_id == order)
    found: str | None = connection.execute(select(forwardings.c.state).where(*here)).scalar()
    return found


def _set(connection: Connection, device: str, recording: str, order: str, receiver: str, state: State) -> None:
    here = (_of(device, recording), forwardings.c.order_id == order)
    if not connection.execute(update(forwardings).where(*here).values(state=state)).rowcount:
        connection.execute(insert(forwardings).values(device=device, recording=recording, order_id=order, receiver=receiver, state=state))
