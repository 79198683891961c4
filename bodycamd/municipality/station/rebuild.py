"""The index made anew, from what cameras signed and what the storage has of the station's own receipts and log.

What an index knows and nobody signed is nothing: who lost it, or does not trust it, makes it again. What does not verify is told, and left
out of it; the files stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from bodycamd.errors import BodycamError, DataError
from bodycamd.evidence import orders, receipts
from bodycamd.evidence import roster as rosters
from bodycamd.evidence import suspension as suspensions
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.orders import ORDER_TYPE
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.statements import ZERO_HASH, wall_us
from bodycamd.evidence.suspension import SUSPEND_TYPE
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.forward_index import ForwardIndex
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.ledger_copy import LedgerCopy
from bodycamd.municipality.station.log_told import Told, told_by
from bodycamd.municipality.station.order_index import OrderIndex
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.storage import Storage


class Rebuilt(Struct, frozen=True):
    """How much came back, and what did not verify, a sentence each."""

    cameras: int
    receipts: int
    documents: int
    audit_lines: int
    problems: tuple[str, ...]


def rebuild(index: Index, storage: Storage, first_keys: Mapping[str, PublicKey], station_key: PublicKey) -> Rebuilt:
    """Fill an empty index. `first_keys` are those of all cameras that the roster lists, whatever has become of them. Raises `DataError`
    where the index is not empty, or the log does not hold together; `StorageError`.
    """
    if not index.database.is_empty():
        raise DataError("the index is not empty: move it away first; nothing was changed")
    return fill(index, storage, first_keys, station_key)


def fill(index: Index, storage: Storage, first_keys: Mapping[str, PublicKey], station_key: PublicKey) -> Rebuilt:
    """The same of an index that is known to be empty. Raises as `rebuild` does."""
    lines = list(storage.audit_lines())
    index.restore_audit(lines, audit.check(lines))
    told = told_by(lines)
    copies = CopyIndex(index.database)
    for (device, recording), day in told.deletions.items():
        copies.restore_deletion(device, recording, day)
    calls = HelpIndex(index.database)
    for id, (device, came_us) in told.calls.items():
        calls.restore(id, device, came_us)
    for sha256, over_us in told.pushes_over.items():
        calls.restore_push_over(sha256, over_us)
    ForwardIndex(index.database).restore(told.forwardings)
    documents, problems = _restore_documents(index, storage, told)
    RestoredIndex(index.database).restore(told.waits)
    cameras, found = storage.cameras(), 0
    for device in cameras:
        try:
            key = first_keys.get(device)
            if key is None:
                raise DataError(f"{device}: the roster lists no such camera")
            index.note_lines(device, LedgerCopy(storage.camera(device), key).new_lines())
            for signed in _own_receipts(device, storage, station_key):
                _restore_receipt(index, signed, told)
                found += 1
                if signed.receipt.audit_head not in told.receipts and signed.id not in told.taken_back:
                    problems.append(f"{device}: receipt {signed.receipt.n}: the log that it names the head of is not here")
            for copy in copies.copies(device):
                if copy.segments == 0 and storage.has_recording(device, copy.recording):
                    copies.restore_put(device, copy.recording)
        except DataError as error:
            problems.append(str(error))
    return Rebuilt(len(cameras), found, documents, len(lines), tuple(problems))


def _restore_receipt(index: Index, signed: SignedReceipt, told: Told) -> None:
    if (taken := told.taken_back.get(signed.id)) is not None:
        counts = told.counts_for(signed.receipt, taken.n)
        index.restore_receipt(signed, taken.received_us, taken.kept_until_us, counts=counts, longest=True)
        return
    dated, received_us = told.receipts.get(signed.receipt.audit_head, (False, None))
    kept_until_us = wall_us(signed.receipt.kept_until, "kept_until") if dated else None
    counts = told.counts_for(signed.receipt, told.numbers.get(signed.receipt.audit_head, 0))
    index.restore_receipt(signed, received_us, kept_until_us, counts=counts)


def _restore_documents(index: Index, storage: Storage, told: Told) -> tuple[int, list[str]]:
    """The orders and rosters that are there: how many, and which are none. Their signatures were looked at when they came; a camera looks
    itself."""
    found: int = 0
    problems: list[str] = []
    orders_index = OrderIndex(index.database)
    for n, raw in storage.documents():
        where = f"document {n}"
        try:
            if raw.startswith(ORDER_TYPE.encode()):
                order = orders.decode(raw, where)
                orders_index.restore(n, order, told.counts.get(order.id, ()))
            elif raw.startswith(SUSPEND_TYPE.encode()):
                orders_index.restore(n, suspensions.decode(raw, where), ())
            else:
                orders_index.restore(n, rosters.decode(raw, where), ())
            found += 1
        except DataError as error:
            problems.append(str(error))
    return found, problems


def _own_receipts(device: str, storage: Storage, station_key: PublicKey) -> Iterator[SignedReceipt]:
    """Those that this station signed for the camera, one after the other. Raises `DataError` at the first that is none, or out of place."""
    n, prev = 0, ZERO_HASH
    for number, raw in enumerate(storage.receipts(device), 1):
        where = f"{device}: receipt {number}"
        try:
            signed = receipts.decode(raw, where)
            own = station_key.id in signed.document.signers([station_key])
        except BodycamError as error:
            raise DataError(f"{where}: {error}") from error
        if not own or signed.receipt.device != device or (signed.receipt.n, signed.receipt.prev) != (n + 1, prev):
            raise DataError(f"{where}: it is not this station's next receipt for this camera")
        n, prev = signed.receipt.n, signed.id
        yield signed
