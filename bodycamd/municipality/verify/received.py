"""Receipts that a ledger states, held against what it states of the segments that they are for.

Who has the key in use can write any entry. A receipt is a station's word about bytes: one that is for others than the ledger's does not go
with it, whoever signed it. Whose signature it has is not looked at: for that the roster of its time is needed.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.evidence.noted_entries import Uploaded
from bodycamd.evidence.receipts import RECEIPT_TYPE
from bodycamd.evidence.signed_document import from_entry


class _For(Struct, frozen=True):
    """What a receipt says that it is for; whatever else it says is passed over."""

    recording: str
    segment: int
    size: int
    sha256: str


_RECEIPTS = msgspec.json.Decoder(_For)


def goes_with(stated: Uploaded, size: int, sha256: str | None) -> bool:
    """Whether the receipt is what its entry says, and for a file of this size and SHA-256; `None`: the ledger does not state it, because a
    cut left something behind the good bytes."""
    try:
        lines = from_entry(stated.document, "the receipt").split(b"\n", 2)
        found = _RECEIPTS.decode(lines[1])
    except (DataError, IndexError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    id = hashlib.sha256(lines[0] + b"\n" + lines[1] + b"\n").hexdigest()
    return (
        (lines[0], id) == (RECEIPT_TYPE.encode(), stated.receipt)
        and (found.recording, found.segment, found.size) == (stated.recording, stated.segment, size)
        and sha256 in (None, found.sha256)
    )
