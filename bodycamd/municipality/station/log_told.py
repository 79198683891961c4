"""What the station's log says that nobody else signed: when receipts were given and by which clock, which orders count for its copies,
which copies are gone, and which calls for help have come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station import audit


class Told(Struct, frozen=True):
    """`receipts`: by the head that a receipt names, whether a confirmed clock gave it, and when what it is for was received at the latest.
    `counts`: by an order's id the cameras for whose copies it counts. `deletions`: the day, by camera and recording; `None` while it is on
    its way. `calls`: by the id of a call for help its camera, and when it came."""

    receipts: Mapping[str, tuple[bool, int | None]]
    counts: Mapping[str, tuple[str, ...]]
    deletions: Mapping[tuple[str, str], str | None]
    calls: Mapping[str, tuple[str, int]] = {}


def told_by(lines: Iterable[bytes]) -> Told:
    """From all of the log, which was checked (`audit.check`). Raises `DataError`."""
    receipts: dict[str, tuple[bool, int | None]] = {}
    counts: dict[str, tuple[str, ...]] = {}
    deletions: dict[tuple[str, str], str | None] = {}
    calls: dict[str, tuple[str, int]] = {}
    for raw in lines:
        line = audit.decode(raw, "audit")
        at_us = wall_us(line.at, "audit")
        match line.event:
            case "receipt_signed":
                receipts[audit.head_of(raw)] = (True, at_us)
            case "receipt_signed_undated":
                receipts[audit.head_of(raw)] = (False, None)
            case "receipts_dated":
                receipts = {head: (dated, at_us if received is None else received) for head, (dated, received) in receipts.items()}
            case "hold_begun" | "hold_ended" if line.device is not None and line.sha256 is not None:
                known = counts.get(line.sha256, ())
                counts[line.sha256] = known if line.device in known else (*known, line.device)
            case "deleting" if line.device is not None:
                deletions[line.device, line.what.partition(":")[0]] = None
            case "deleted" if line.device is not None:
                deletions[line.device, line.what] = line.at[:10]
            case "help_called" if line.device is not None and line.sha256 is not None:
                calls[line.sha256] = line.device, at_us
    return Told(receipts, counts, deletions, calls)
