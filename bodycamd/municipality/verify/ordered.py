"""Holds by signed orders, judged again by whoever holds the ledger: a hold whose id is a SHA-256 follows an order to hold with this id, and
its release an order to release that names it. Who has the key in use can write any entry, and cannot sign for people: where their keys are
known, an order counts only with their signatures.
"""

from __future__ import annotations

from bodycamd.errors import DataError
from bodycamd.evidence import orders, signed_document
from bodycamd.evidence.noted_entries import OrderAccepted
from bodycamd.evidence.orders import Hold, Release, SignedOrder
from bodycamd.evidence.retention_entries import HoldAdded, HoldReleased
from bodycamd.municipality.copies.person_keys import People
from bodycamd.retention.holds import ORDERED_ID_LENGTH


class OrderedHolds:
    """Takes the entries of a verified ledger in order."""

    def __init__(self, people: People) -> None:
        self._keys = dict(people.values())
        self._holds: dict[str, Hold] = {}
        self._released: set[str] = set()

    def order(self, stated: OrderAccepted) -> None:
        """An order that is stated as carried out; one that is not what it says counts for nothing."""
        try:
            found = orders.decode(signed_document.from_entry(stated.document, "the order"), "the order")
            good = found.id == stated.order and self._signed(found)
        except DataError:
            return
        match found.order.body:
            case Hold() as hold if good:
                self._holds[found.id] = hold
            case Release(holds=released) if good:
                self._released.update(released)

    def wrong(self, detail: HoldAdded | HoldReleased) -> str:
        """What is wrong with a hold or a release; empty where nothing is."""
        id = detail.id
        if len(id) != ORDERED_ID_LENGTH:
            return ""
        if isinstance(detail, HoldReleased):
            return "" if id in self._released else f"hold {id[:16]}… is released, and no good order before it says so"
        hold = self._holds.get(id)
        if hold is None or hold.recording not in (None, detail.recording):
            return f"held by order {id[:16]}…, and no good order before it says so"
        return ""

    def _signed(self, order: SignedOrder) -> bool:
        """By all of those whose keys are known. Raises `DataError` for a signature that does not hold."""
        keys = [self._keys[name] for name in order.order.people if name in self._keys]
        return len(order.document.signers(keys)) == len(keys)
