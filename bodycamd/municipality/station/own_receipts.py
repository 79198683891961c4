"""Receipts that this station gave and has lost, taken back from the ledger of the camera that states them. Pure.

After a restore from an older backup a camera's ledger has receipts that the station knows nothing of. They are the station's own, by its
key, one behind the other: it goes on behind them, and never signs another one with a number that it has given.
"""

from __future__ import annotations

from collections.abc import Iterable

from bodycamd.errors import BodycamError
from bodycamd.evidence import receipts
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.noted_entries import Uploaded
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.signed_document import from_entry


def lost_receipts(details: Iterable[object], station: str, key: PublicKey, device: str, n: int, last: str) -> list[SignedReceipt]:
    """Those that a ledger's verified entries state behind number `n`, the last one known, whose id is `last`; oldest first. What another
    station signed, and what does not follow, is none."""
    found: list[SignedReceipt] = []
    for detail in details:
        if not isinstance(detail, Uploaded):
            continue
        try:
            one = receipts.decode(from_entry(detail.document, "uploaded"), "uploaded")
            own = key.id in one.document.signers([key])
        except BodycamError:
            continue  # the recorder stated it under another roster's key, or it is none: verify says so
        receipt = one.receipt
        if own and (receipt.station, receipt.device, receipt.n, receipt.prev) == (station, device, n + 1, last):
            found.append(one)
            n, last = receipt.n, one.id
    return found
