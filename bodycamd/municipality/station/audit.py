"""The station's own log: what it did, on whose word; each line chained to the one before, its head in every receipt.

A line is strict JSON: `n` counts from 1, `prev` is the SHA-256 of the line before, 64 zeros in the first. So the log is anchored in the
ledgers of all cameras: who runs the station cannot take a line out of it, or change one, that any receipt was given after. Lines behind the
newest receipt he can.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import strict_json
from bodycamd.evidence.statements import ZERO_HASH, DeviceId, Positive, Sha256, Stated, Wall

AUDIT_FORMAT: Final = "bodycam-audit/1"
Event: TypeAlias = Literal[
    "segment_stored",
    "receipt_signed",
    "receipt_signed_undated",
    "receipts_dated",
    "order_kept",
    "roster_kept",
    "suspension_kept",
    "hold_begun",
    "hold_ended",
    "deleting",
    "deleted",
    "help_called",
    "help_reached",
    "help_unreached",
    "help_answered",
    "help_tried",
    "help_push_over",
    "restored",
    "receipt_taken_back",
    "forwarding",
    "forwarded",
    "forwarding_stopped",
    "not_forwarded",
    "not_forwarded_yet",
    "forward_receipted",
    "forward_taken",
    "forwarding_ended",
    "segment_lost",
    "orders_brought",
    "bundle_added",
    "bundle_removed",
]
"""`receipt_signed_undated`: by a clock that is not confirmed; `receipts_dated`: it is now, and all of them are at least so old.
`help_called`: a camera's call for help has come; `help_reached`, `help_unreached`: how it ended for one of those who are called, by their
place in the list and the way to them; `help_push_over`: a push service has said that a subscription is over.
`forwarding_stopped`: the order counts no more, and a part of it is at the receiver. `not_forwarded`: a standing
order is for it, and it was sealed to others; `not_forwarded_yet`: nothing shows to whom, or when it was recorded. `forward_receipted`: the
receiver's own station has given receipts for it; `forward_taken`: this station has taken what another one has forwarded."""
BY_CONFIRMED_CLOCK: Final = frozenset[Event](("receipt_signed", "receipts_dated", "deleting"))
"""The time of these lines may be relied on, as it could when they were written; the others are written by any clock."""


class AuditLine(Stated, frozen=True, kw_only=True):
    """One line. `what` is told to people; `sha256` is of the document or the bytes that it is about."""

    format: Literal["bodycam-audit/1"]
    n: Positive
    prev: Sha256
    at: Wall
    event: Event
    device: DeviceId | None = None
    what: Annotated[str, Meta(max_length=500)] = ""
    sha256: Sha256 | None = None


_lines: msgspec.json.Decoder[AuditLine] = msgspec.json.Decoder(AuditLine)


def encode(line: AuditLine) -> bytes:
    """The line without its line end. Raises `DataError` for one that no reader would take."""
    raw = strict_json.encode(line, "audit")
    strict_json.check_own(raw, _lines, "audit")
    return raw


def head_of(raw: bytes) -> str:
    """What the next line must name as `prev`."""
    return hashlib.sha256(raw).hexdigest()


def decode(raw: bytes, where: str) -> AuditLine:
    """One line. Raises `DataError`."""
    return strict_json.decode(raw, _lines, where)


def check(raw_lines: list[bytes]) -> str:
    """The head of a whole log. Raises `DataError` with the number of the first line that does not follow."""
    head = ZERO_HASH
    for number, raw in enumerate(raw_lines, 1):
        line = strict_json.decode(raw, _lines, f"audit: line {number}")
        if (line.n, line.prev) != (number, head):
            raise DataError(f"audit: line {number}: it does not follow the line before it")
        head = head_of(raw)
    return head
