"""What a station holds, recording by recording, for people who look: from its index, the cameras' ledgers and the storage, changing none.

Nothing here decides: what is deleted when, the sweep decides (`term`). What it says of a camera's holds is as good as the ledger that is
here; where that does not verify, or another process has more of it, `problem` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import and_, select

from bodycamd.errors import BodycamError
from bodycamd.evidence import receipts as receipts_format
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.municipality.station import audit as audit_log
from bodycamd.municipality.station.copy_index import CopyIndex, Held
from bodycamd.municipality.station.database import Database, ledger_chain
from bodycamd.municipality.station.ledger_view import ledger_lines
from bodycamd.municipality.station.storage import Storage
from bodycamd.municipality.station.tables import audit, chains, receipts, segments
from bodycamd.municipality.station.term import Copy, CopyFacts, deletes_us, holds_of
from bodycamd.retention.policy import Hold


class ForwardedTo(Struct, frozen=True):
    """A recording went to this receiver; `at` as the station's log has it."""

    receiver: str
    at: str


class ListedSegment(Struct, frozen=True):
    """A segment that the camera's ledger states. `here`: a file of its name is in the storage."""

    file: str
    size_bytes: int
    here: bool
    receipt: int | None


class ListedCopy(Struct, frozen=True, kw_only=True):
    """A recording that a ledger states and that is not deleted here. `deletes_us`: when it goes at the latest, if nothing holds it and the
    clock is confirmed; `None` where nothing dates it or nothing of it is here. `receipts`: how many were given for its segments, newer ones
    for the same segment included."""

    device: str
    recording: str
    ended: bool
    segments: tuple[ListedSegment, ...]
    receipts: int
    held: tuple[Hold, ...]
    deletes_us: int | None
    deleting: bool
    forwarded: tuple[ForwardedTo, ...]
    problem: str = ""

    @property
    def missing(self) -> list[str]:
        """The files that have not come."""
        return [one.file for one in self.segments if not one.here and one.receipt is None]

    @property
    def lost(self) -> list[str]:
        """The files that have a receipt and are not in the storage, where nobody deletes them."""
        return [] if self.deleting else [one.file for one in self.segments if not one.here and one.receipt is not None]


def list_copies(database: Database, storage: Storage, first_keys: Mapping[str, PublicKey], now_us: int, days: int) -> Iterator[ListedCopy]:
    """Every recording of every camera, in order. Raises `StorageError` where index or storage fail."""
    copies = CopyIndex(database)
    deleting, forwarded = frozenset(copies.begun()), _forwarded(database)
    for device in copies.devices():
        head, held, known = _newest_line(database, device), copies.held(device), copies.copies(device)
        given, rows = _receipts(database, device), _segments(database, device)
        facts, problem = _facts(storage, device, first_keys.get(device), head)
        on = _holds(facts, held, known, now_us)
        for copy in known:
            here = storage.segments(device, copy.recording)
            stated = facts.facts.known.get(copy.recording)
            one = ListedCopy(
                device=device,
                recording=copy.recording,
                ended=stated is not None and stated.end is not None,
                segments=tuple(ListedSegment(file, size, file in here, n) for file, size, n in rows.get(copy.recording, ())),
                receipts=given.get(copy.recording, 0),
                held=tuple(on.get(copy.recording, ())),
                deletes_us=deletes_us(facts, copy, now_us, days) if copy.segments else None,
                deleting=(device, copy.recording) in deleting,
                forwarded=tuple(forwarded.get((device, copy.recording), ())),
                problem=problem,
            )
            if one.lost:  # or the station beside us has begun to delete it since, and may have done with it
                one = replace(one, deleting=(device, copy.recording) in copies.begun(device))
                if copies.deleted_on(device, copy.recording) is not None:
                    continue
            yield one


def _facts(storage: Storage, device: str, key: PublicKey | None, head: str) -> tuple[CopyFacts, str]:
    """What the ledger that is here states, as far as it counts; and what is wrong with it."""
    facts = CopyFacts()
    if key is None:
        return facts, f"{device}: the roster lists no such camera: nothing in its ledger counts"
    try:
        lines = ledger_lines(storage.camera(device), key)
    except BodycamError as error:
        return facts, f"{device}: {error}"
    for line in lines:
        facts.take(line)
    if head != ZERO_HASH and all(line.sha256 != head for line in lines):
        return facts, f"{device}: another process has more of its ledger: a hold may stand in it"
    return facts, ""


def _holds(facts: CopyFacts, held: Held, known: list[Copy], now_us: int) -> dict[str, list[Hold]]:
    return holds_of(facts, held.orders, held.released, {copy.recording: copy for copy in known}, facts.here(now_us))


def _newest_line(database: Database, device: str) -> str:
    with database.reading() as connection:
        found: str | None = connection.execute(select(chains.c.head).where(chains.c.name == ledger_chain(device))).scalar()
        return found or ZERO_HASH


def _segments(database: Database, device: str) -> dict[str, list[tuple[str, int, int | None]]]:
    """By recording: file, size, and the number of its receipt."""
    columns = (segments.c.recording, segments.c.file, segments.c.good_bytes, segments.c.torn_bytes, segments.c.receipt)
    query = select(*columns).where(segments.c.device == device).order_by(segments.c.recording, segments.c.file)
    found: dict[str, list[tuple[str, int, int | None]]] = {}
    with database.reading() as connection:
        for row in connection.execute(query):
            found.setdefault(row.recording, []).append((row.file, row.good_bytes + row.torn_bytes, row.receipt))
    return found


def _receipts(database: Database, device: str) -> dict[str, int]:
    """By recording how many receipts name a segment of it."""
    found: dict[str, int] = {}
    query = select(receipts.c.file_bytes).where(and_(receipts.c.device == device, receipts.c.kept)).order_by(receipts.c.n)
    with database.reading() as connection:
        for raw in connection.execute(query, execution_options={"yield_per": 1000}).scalars():
            if (recording := receipts_format.decode(raw, "a receipt").receipt.recording) is not None:
                found[recording] = found.get(recording, 0) + 1
    return found


def _forwarded(database: Database) -> dict[tuple[str, str], list[ForwardedTo]]:
    """By camera and recording, as the log says it (`Forwarding`)."""
    found: dict[tuple[str, str], list[ForwardedTo]] = {}
    with database.reading() as connection:
        for raw in connection.execute(select(audit.c.line).order_by(audit.c.n), execution_options={"yield_per": 1000}).scalars():
            if b"forwarded" in raw and (line := audit_log.decode(raw, "the log")).event == "forwarded" and line.device is not None:
                recording, _, to = line.what.partition(" to ")
                found.setdefault((line.device, recording), []).append(ForwardedTo(to.partition(" (")[0], line.at))
    return found
