"""The station's index of orders: which there are, for which cameras, how far each has come, and what cameras' ledgers state of them.

An order is done when a ledger that verified says so, and not when somebody claims it. Each method is one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import BigInteger, Connection, Integer, String, and_, bindparam, delete, func, insert, or_, select, update

from bodycamd.evidence import orders
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.noted_entries import OrderDone, OrderRefused, RosterAccepted, SuspensionAccepted
from bodycamd.evidence.orders import FORWARDING, ORDER_TYPE, EndForward, Hold, Release, SignedOrder
from bodycamd.evidence.retention_entries import HoldReleased
from bodycamd.evidence.roster import ROSTER_TYPE, SignedRoster
from bodycamd.evidence.statements import wall_us
from bodycamd.evidence.suspension import SUSPEND_TYPE, SignedSuspension
from bodycamd.municipality.station.copy_index import add_hold, add_releases
from bodycamd.municipality.station.database import Database, last_link, log_line, set_link
from bodycamd.municipality.station.forward_index import end_standing
from bodycamd.municipality.station.tables import accepted_rosters, deliveries, documents, order_lines, presences

ORDERED_ID_LENGTH: Final = 64
"""Of an id of a hold: that of its order. Holds of a camera's own have others."""
DOCUMENT_CHAIN: Final = "documents"
ABOUT_ORDERS: Final = (OrderDone, OrderRefused, RosterAccepted, SuspensionAccepted, HoldReleased)
SEEN_AGAIN_US: Final = 60_000_000
"""A camera that asks again within this is not written down anew."""


class Document(Struct, frozen=True):
    """An order or a roster, as it was signed, and its number."""

    n: int
    file_bytes: bytes


class Delivery(Struct, frozen=True):
    """How far an order has come at one camera. `done`: the ledger states `order_done`; else `outcome` is why it was refused last, or empty
    where the ledger says nothing of it. `line`, of the file of `start`, is the ledger's line that says so, `line_sha256` its SHA-256.
    """

    order: SignedOrder
    device: str
    sent_us: int | None
    seen_us: int | None
    done: bool = False
    outcome: str = ""
    start: int | None = None
    line: int | None = None
    line_sha256: str = ""


class Presence(Struct, frozen=True):
    """When a camera asked last, and the JSON that it sent of itself."""

    device: str
    seen_us: int
    state: bytes | None


class Look(Struct, frozen=True):
    """What a camera is to get behind number `after`, or behind 0 where the station has given no such number yet. `present`: it was written
    down just now that it asks; `unseen`: it has not been that it got what was sent to it."""

    after: int
    orders: tuple[Document, ...]
    roster: Document | None
    present: bool
    unseen: bool


_DEVICE: Final = bindparam("device", type_=String)
_BEHIND: Final = (documents.c.n > bindparam("begin", type_=BigInteger), documents.c.n <= bindparam("until", type_=BigInteger))
_ORDERS: Final = (
    select(documents.c.n, documents.c.file_bytes)
    .where(
        or_(documents.c.type == SUSPEND_TYPE, documents.c.n.in_(select(deliveries.c.n).where(deliveries.c.device == _DEVICE))),
        *_BEHIND,
        or_(documents.c.not_after_us.is_(None), documents.c.not_after_us >= bindparam("since_us", type_=BigInteger)),
        documents.c.id.not_in(select(order_lines.c.order_id).where(order_lines.c.device == _DEVICE, order_lines.c.done)),
    )
    .order_by(documents.c.n)
    .limit(bindparam("most", type_=Integer))
)
_ROSTER: Final = select(documents.c.n, documents.c.file_bytes).where(
    documents.c.n == select(func.max(documents.c.n)).where(documents.c.type == ROSTER_TYPE, *_BEHIND).scalar_subquery(),
    documents.c.id.not_in(select(accepted_rosters.c.sha256).where(accepted_rosters.c.device == _DEVICE)),
)
_PRESENT: Final = select(presences.c.seen_us).where(presences.c.device == _DEVICE)
_UNSEEN: Final = (
    select(deliveries.c.n)
    .where(
        deliveries.c.device == _DEVICE,
        deliveries.c.n <= bindparam("after", type_=BigInteger),
        deliveries.c.sent_us.is_not(None),
        deliveries.c.seen_us.is_(None),
    )
    .limit(1)
)
_LAST: Final = select(func.max(documents.c.n))
_SETTLED: Final = select(
    _LAST.scalar_subquery(),
    select(func.min(documents.c.n)).where(documents.c.n > bindparam("known", type_=BigInteger), ~documents.c.kept).scalar_subquery(),
)


class OrderIndex:
    """In the station's database. All methods raise `StorageError`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._known = 0
        """Until this number the storage has all documents, and none is ever taken back: no look goes over them again."""

    def add_order(self, signed: SignedOrder, told: str, now_us: int, counts: Sequence[str] = ()) -> bool:
        """Add an order and a line of the log that says `told`; whether it is new: one that is known is not added again. For the copies of
        the cameras of `counts` it counts here too, where it holds, releases, or ends a standing order.
        """
        with self.database.transaction() as connection:
            n, _ = last_link(connection, DOCUMENT_CHAIN)
            if _is_known(connection, signed.id):
                return False
            _add_order(connection, n + 1, signed, kept=False)
            log_line(connection, now_us, "order_kept", None, told, signed.id)
            _count(connection, n + 1, signed, counts, now_us)
            return True

    def add_roster(self, signed: SignedRoster, now_us: int) -> None:
        """The same of a roster."""
        with self.database.transaction() as connection:
            n, _ = last_link(connection, DOCUMENT_CHAIN)
            if _is_known(connection, signed.document.sha256):
                return
            _add_roster(connection, n + 1, signed, kept=False)
            told = f"roster {signed.roster.version} of root {signed.roster.root.version}"
            log_line(connection, now_us, "roster_kept", None, told, signed.document.sha256)

    def add_suspension(self, signed: SignedSuspension, told: str, now_us: int, not_after_us: int) -> bool:
        """The same of a suspension, which every camera gets until its roster ends; whether it is new."""
        with self.database.transaction() as connection:
            n, _ = last_link(connection, DOCUMENT_CHAIN)
            if _is_known(connection, signed.document.sha256):
                return False
            _add(connection, n + 1, signed.document.sha256, SUSPEND_TYPE, signed.document.file_bytes, not_after_us, kept=False)
            log_line(connection, now_us, "suspension_kept", None, told, signed.document.sha256)
            return True

    def last_document(self) -> int:
        """The number of the last document that was added, whether cameras may have it yet or not; 0 before the first."""
        with self.database.reading() as connection:
            return connection.execute(_LAST).scalar() or 0

    def suspensions(self) -> list[bytes]:
        """Every suspension that was kept, as it came."""
        with self.database.reading() as connection:
            rows = connection.execute(select(documents.c.file_bytes).where(documents.c.type == SUSPEND_TYPE).order_by(documents.c.n))
            return [row.file_bytes for row in rows]

    def restore(self, n: int, document: SignedOrder | SignedRoster | SignedSuspension, counts: Sequence[str]) -> None:
        """An order, a roster or a suspension as the storage has it, the next one; for these cameras' copies it counts, by the log."""
        with self.database.transaction() as connection:
            last_link(connection, DOCUMENT_CHAIN)
            if isinstance(document, SignedOrder):
                _add_order(connection, n, document, kept=True)
                _count(connection, n, document, counts, None)
            elif isinstance(document, SignedSuspension):
                ends = connection.execute(select(documents.c.file_bytes).where(documents.c.id == document.suspension.roster)).scalar()
                _add(connection, n, document.document.sha256, SUSPEND_TYPE, document.document.file_bytes, _end_of(ends), kept=True)
            else:
                _add_roster(connection, n, document, kept=True)

    def is_kept(self, n: int) -> None:
        """The storage has the document too: from now on it is given to cameras."""
        with self.database.transaction() as connection:
            connection.execute(update(documents).where(documents.c.n == n).values(kept=True))

    def newest(self) -> int:
        """The number of the newest document that cameras may have; 0 before the first."""
        with self.database.reading() as connection:
            return self._settled(connection)

    def not_kept(self) -> list[Document]:
        """What a crash came in between of: the storage may not have it."""
        with self.database.transaction() as connection:
            rows = connection.execute(select(documents.c.n, documents.c.file_bytes).where(~documents.c.kept).order_by(documents.c.n))
            return [Document(row.n, row.file_bytes) for row in rows]

    def devices_after(self, n: int | None) -> tuple[int, frozenset[str] | None]:
        """The newest number, and for whom there is something behind number `n`: `None` is everybody, as for no number."""
        with self.database.reading() as connection:
            settled = self._settled(connection)
            if n is None:
                return settled, None
            new = (documents.c.n > n, documents.c.n <= settled)
            if connection.execute(select(documents.c.n).where(*new, documents.c.type.in_((ROSTER_TYPE, SUSPEND_TYPE)))).first() is not None:
                return settled, None
            rows = connection.execute(select(deliveries.c.device).where(deliveries.c.n > n, deliveries.c.n <= settled))
            return settled, frozenset(row.device for row in rows)

    def look_for(self, device: str, after: int, most: int, now_us: int, ahead_us: int) -> Look:
        """What a camera that asks for what follows number `after` is to get: the newest roster, where its ledger does not state it; and the
        orders for it, and the suspensions, which are for all, that its ledger does not state as done and that ended no more than `ahead_us`
        ago; the first `most` of them."""
        with self.database.reading() as connection:
            until = self._settled(connection)
            begin = after if after <= until else 0
            here = {"device": device, "begin": begin, "until": until}
            orders = connection.execute(_ORDERS, {**here, "most": most, "since_us": now_us - ahead_us})
            found = tuple(Document(row.n, row.file_bytes) for row in orders)
            row = connection.execute(_ROSTER, here).first()
            roster = None if row is None else Document(row.n, row.file_bytes)
            seen_us = connection.execute(_PRESENT, here).scalar()
            unseen = after > 0 and connection.execute(_UNSEEN, {"device": device, "after": after}).first() is not None
        return Look(begin, found, roster, seen_us is not None and now_us - seen_us < SEEN_AGAIN_US, unseen)

    def _settled(self, connection: Connection) -> int:
        """The number until which the storage has all documents. What follows is given to nobody yet: a camera that had a later one already
        would never ask for it."""
        last, missing = connection.execute(_SETTLED, {"known": self._known}).one()
        found: int = (last or 0) if missing is None else missing - 1
        self._known = max(self._known, found)
        return found

    def are_sent(self, device: str, numbers: Sequence[int], now_us: int) -> None:
        """These are given to the camera now."""
        with self.database.transaction() as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.device == device, deliveries.c.n.in_(numbers), deliveries.c.sent_us.is_(None))
                .values(sent_us=now_us)
            )

    def are_seen(self, device: str, until: int, now_us: int) -> None:
        """The camera asks for what follows this number: it has what was sent to it until there."""
        with self.database.transaction() as connection:
            seen = and_(deliveries.c.device == device, deliveries.c.n <= until, deliveries.c.sent_us.is_not(None))
            connection.execute(update(deliveries).where(seen, deliveries.c.seen_us.is_(None)).values(seen_us=now_us))

    def is_present(self, device: str, now_us: int, state: bytes | None = None) -> None:
        """The camera asks; `state` is what it says of itself."""
        with self.database.transaction() as connection:
            before = connection.execute(select(presences.c.seen_us).where(presences.c.device == device)).scalar()
            if before is None:
                connection.execute(insert(presences).values(device=device, seen_us=now_us, state=state))
            elif state is not None:
                connection.execute(update(presences).where(presences.c.device == device).values(seen_us=now_us, state=state))
            elif now_us - before >= SEEN_AGAIN_US:
                connection.execute(update(presences).where(presences.c.device == device).values(seen_us=now_us))

    def presences(self) -> list[Presence]:
        """Of all cameras that have asked for anything."""
        with self.database.transaction() as connection:
            rows = connection.execute(select(presences).order_by(presences.c.device))
            return [Presence(row.device, row.seen_us, row.state) for row in rows]

    def deliveries(self) -> list[Delivery]:
        """Every order at every camera that it is for, oldest first."""
        query = (
            select(documents.c.file_bytes, deliveries, order_lines)
            .join(deliveries, deliveries.c.n == documents.c.n)
            .outerjoin(order_lines, and_(order_lines.c.order_id == documents.c.id, order_lines.c.device == deliveries.c.device))
            .where(documents.c.type == ORDER_TYPE)
            .order_by(documents.c.n, deliveries.c.device)
        )
        with self.database.transaction() as connection:
            return [
                Delivery(
                    orders.decode(row.file_bytes, f"order {row.n}"),
                    row.device,
                    row.sent_us,
                    row.seen_us,
                    bool(row.done),
                    row.outcome or "",
                    row.start,
                    row.line,
                    row.sha256 or "",
                )
                for row in connection.execute(query)
            ]


def note_line(connection: Connection, device: str, line: Line) -> None:
    """Know what a verified line of `ABOUT_ORDERS` states. What is done stays done."""
    match line.detail:
        case OrderDone(order=order, outcome=outcome):
            _state(connection, device, line, order, outcome, done=True)
        case OrderRefused(order=order, reason=reason):
            _state(connection, device, line, order, reason, done=False)
        case SuspensionAccepted(sha256=sha256):
            _state(connection, device, line, sha256, "accepted", done=True)
        case HoldReleased() if len(line.detail.id) == ORDERED_ID_LENGTH:
            add_releases(connection, device, [line.detail.id], "", None)
        case RosterAccepted(sha256=sha256):
            connection.execute(delete(accepted_rosters).where(accepted_rosters.c.device == device))
            connection.execute(insert(accepted_rosters).values(device=device, sha256=sha256))


def _state(connection: Connection, device: str, line: Line, order: str, outcome: str, *, done: bool) -> None:
    here = and_(order_lines.c.device == device, order_lines.c.order_id == order)
    if connection.execute(select(order_lines.c.done).where(here)).scalar():
        return
    connection.execute(delete(order_lines).where(here))
    connection.execute(
        insert(order_lines).values(
            device=device, order_id=order, done=done, outcome=outcome, start=line.entry.start, line=line.number, sha256=line.sha256
        )
    )


def _count(connection: Connection, n: int, signed: SignedOrder, devices: Sequence[str], now_us: int | None) -> None:
    match signed.order.body:
        case Hold():
            add_hold(connection, n, signed, devices, now_us)
        case Release(holds=ended):
            for device in devices:
                add_releases(connection, device, ended, signed.id, now_us)
        case EndForward(order=standing):
            end_standing(connection, devices, standing, signed.id, now_us)


def _end_of(roster_bytes: bytes | None) -> int | None:
    """When the roster of a suspension ends; `None` where it is not here."""
    if roster_bytes is None:
        return None
    return wall_us(rosters.decode(roster_bytes, "the roster").roster.not_after, "not_after")


def _is_known(connection: Connection, id: str) -> bool:
    return connection.execute(select(documents.c.n).where(documents.c.id == id)).first() is not None


def _add_order(connection: Connection, n: int, signed: SignedOrder, *, kept: bool) -> None:
    ends = signed.order.not_after
    not_after_us = None if ends is None else wall_us(ends, "not_after")
    _add(connection, n, signed.id, ORDER_TYPE, signed.document.file_bytes, not_after_us, kept=kept)
    if isinstance(signed.order.body, FORWARDING):
        return  # it is the station's own to carry out: no camera gets it
    for device in signed.order.cameras:
        connection.execute(insert(deliveries).values(device=device, n=n))


def _add_roster(connection: Connection, n: int, signed: SignedRoster, *, kept: bool) -> None:
    _add(connection, n, signed.document.sha256, ROSTER_TYPE, signed.document.file_bytes, None, kept=kept)


def _add(connection: Connection, n: int, id: str, type: str, file_bytes: bytes, not_after_us: int | None, *, kept: bool) -> None:
    connection.execute(insert(documents).values(n=n, id=id, type=type, file_bytes=file_bytes, not_after_us=not_after_us, kept=kept))
    set_link(connection, DOCUMENT_CHAIN, n, id)
