"""What the station's log says that nobody else signed: when receipts were given and by which clock, which orders count for its copies,
which copies are gone, and which calls for help have come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from bodycamd.evidence.receipts import Receipt
from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.forward_index import State, told_of
from bodycamd.municipality.station.restored_index import Waits


class TakenBack(Struct, frozen=True):
    """By which line, until when it promised to keep what it is for, and when that was received at the latest."""

    n: int
    kept_until_us: int
    received_us: int | None = None


class Told(Struct, frozen=True):
    """`receipts`: by the head that a receipt names, whether a confirmed clock gave it, and when what it is for was received at the latest.
    `counts`: by an order's id the cameras for whose copies it counts. `deletions`: the day, by camera and recording; `None` while it is on
    its way. `calls`: by the id of a call for help its camera, and when it came."""

    receipts: Mapping[str, tuple[bool, int | None]]
    counts: Mapping[str, tuple[str, ...]]
    deletions: Mapping[tuple[str, str], str | None]
    calls: Mapping[str, tuple[str, int]] = {}
    pushes_over: Mapping[str, int] = {}
    """Subscriptions to pushes that are over, by the SHA-256 of address and keys, and since when."""
    taken_back: Mapping[str, TakenBack] = {}
    """Receipts, by their ids, that a camera's ledger stated and that were lost here."""
    numbers: Mapping[str, int] = {}
    """By the head that a receipt names, the number of its line."""
    lost: Mapping[tuple[str, str, int], int] = {}
    """By camera, recording and number of a segment that the storage has lost, the number of the line that says so."""
    waits: Waits = Waits()
    forwardings: Mapping[tuple[str, str, str], tuple[str, State]] = {}
    """By camera, recording and order the receiver, and how far it has come."""

    def counts_for(self, receipt: Receipt, n: int) -> bool:
        """Whether a receipt by line `n` says that its segment is here: it was not lost since."""
        return n >= self.lost.get((receipt.device, receipt.recording or "", receipt.segment or 0), 0)


def told_by(lines: Iterable[bytes]) -> Told:
    """From all of the log, which was checked (`audit.check`). Raises `DataError`."""
    receipts: dict[str, tuple[bool, int | None]] = {}
    counts: dict[str, tuple[str, ...]] = {}
    deletions: dict[tuple[str, str], str | None] = {}
    calls: dict[str, tuple[str, int]] = {}
    pushes_over: dict[str, int] = {}
    taken_back: dict[str, TakenBack] = {}
    numbers: dict[str, int] = {}
    lost: dict[tuple[str, str, int], int] = {}
    forwardings: dict[tuple[str, str, str], tuple[str, State]] = {}
    waits, since = Waits(), set[str]()
    for raw in lines:
        line = audit.decode(raw, "audit")
        at_us = wall_us(line.at, "audit")
        if (forwarding := told_of(line)) is not None:
            forwardings[forwarding[0]] = forwarding[1:]
        if line.event in ("receipt_signed", "receipt_signed_undated") and line.device is not None:
            since.add(line.device)
            numbers[audit.head_of(raw)] = line.n
        match line.event:
            case "receipt_signed":
                receipts[audit.head_of(raw)] = (True, at_us)
            case "receipt_signed_undated":
                receipts[audit.head_of(raw)] = (False, None)
            case "receipts_dated":
                receipts = {head: (dated, at_us if received is None else received) for head, (dated, received) in receipts.items()}
                undated = {id: replace(one, received_us=at_us) for id, one in taken_back.items() if one.received_us is None}
                taken_back |= undated
            case "receipt_taken_back" if line.sha256 is not None:
                taken_back[line.sha256] = TakenBack(line.n, wall_us(line.what.rpartition(" ")[2], "audit"))
            case "segment_lost" if line.device is not None:
                recording, _, file = line.what.partition("/")
                lost[line.device, recording, int(file[:6])] = line.n
            case "orders_brought":
                waits = replace(waits, brought_us=at_us)
            case "hold_begun" | "hold_ended" | "forwarding_ended" if line.device is not None and line.sha256 is not None:
                known = counts.get(line.sha256, ())
                counts[line.sha256] = known if line.device in known else (*known, line.device)
            case "deleting" if line.device is not None:
                deletions[line.device, line.what.partition(":")[0]] = None
            case "deleted" if line.device is not None:
                deletions[line.device, line.what] = line.at[:10]
            case "help_called" if line.device is not None and line.sha256 is not None:
                calls[line.sha256] = line.device, at_us
            case "help_push_over" if line.sha256 is not None:
                pushes_over[line.sha256] = at_us
            case "restored":
                waits = Waits(line.n, int(line.what.rpartition(" ")[2]))
                since.clear()
    kept = {key: told for key, told in forwardings.items() if deletions.get(key[:2]) is None}
    return Told(receipts, counts, deletions, calls, pushes_over, taken_back, numbers, lost, replace(waits, heard=frozenset(since)), kept)
