"""The receipts that a receiver's own station gives for what was forwarded to it: looked at, kept, and stated in this station's log.

Each lies beside the note, in the receiver's folder. It counts with the signature of the station that the operator registered for this
receiver, for this camera, recording and segment, and the very bytes that this station has its own receipt for. Once there is one for each
segment, the log says so: which was the last of the chain, and until when the receiver keeps what is kept shortest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from msgspec import Struct

from bodycamd.errors import BodycamError, DataError
from bodycamd.evidence import receipts
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.receipts import MAX_RECEIPT_BYTES, SignedReceipt
from bodycamd.municipality.station.forward_index import ForwardIndex
from bodycamd.municipality.station.forwarding import FORWARDED_FOLDER
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.receiver_place import Place, place_of
from bodycamd.municipality.station.station_file import ReceiverSettings, ReceiverStationSettings
from bodycamd.municipality.station.storage import Storage

log = logging.getLogger(__name__)


class Receipted(Struct, frozen=True):
    """Camera, recording and receiver of what has all its receipts now; and a sentence for each one that counts for nothing."""

    recordings: tuple[tuple[str, str, str], ...] = ()
    problems: tuple[str, ...] = ()


class ReceiverReceipts:
    """Of one process; what it does twice is the same."""

    def __init__(self, index: Index, storage: Storage, receivers: Sequence[ReceiverSettings], *, now_us: Callable[[], int]) -> None:
        self._index, self._storage, self._now_us = index, storage, now_us
        self._receivers = {one.name: one for one in receivers if one.station is not None}
        self._forwards = ForwardIndex(index.database)

    def run(self) -> Receipted:
        """Look at all that was forwarded to a station and has no receipts yet. Raises `StorageError` where the index fails."""
        done, problems = list[tuple[str, str, str]](), list[str]()
        for device, recording, order, name in self._forwards.without_receipts(sorted(self._receivers)):
            try:
                if self._recording(self._receivers[name], device, recording, order):
                    done.append((device, recording, name))
            except (BodycamError, OSError) as error:
                problems.append(f"{device}: {recording}: {name}: {error}")
        return Receipted(tuple(done), tuple(problems))

    def _recording(self, receiver: ReceiverSettings, device: str, recording: str, order: str) -> bool:
        station = receiver.station
        assert station is not None, "the others are left out"
        place, found = place_of(receiver, device), list[tuple[str, SignedReceipt]]()
        for own in self._forwards.own_receipts(device, recording):
            file = f"{recording}-{own.receipt.segment or 0:06d}.taken"
            receipt = _receipt(place, station, file, own)
            if receipt is None:
                return False
            found.append((file, receipt))
        if not found:
            return False
        for file, receipt in found:
            self._storage.put_small(f"cameras/{device}/forwarded/{receiver.name}-{order[:16]}-{file}", receipt.document.file_bytes)
        last = max((receipt for _, receipt in found), key=lambda one: one.receipt.n)
        until = min(receipt.receipt.kept_until for _, receipt in found)
        of = f"{len(found)} receipts of {station.name}, number {last.receipt.n} the last: {last.id}; kept there until {until}"
        told = f"{recording} to {receiver.name} ({receiver.controller}): {of}"
        self._forwards.receipted(device, recording, receiver.name, told, order, self._now_us())
        keep_log(self._index, self._storage)
        return True


def _receipt(place: Place, station: ReceiverStationSettings, file: str, own: SignedReceipt) -> SignedReceipt | None:
    """Theirs; `None` while there is none. Raises `DataError` for one that counts for nothing."""
    raw = place.read(FORWARDED_FOLDER, file, limit=2 * MAX_RECEIPT_BYTES)
    if raw is None:
        return None
    found, key = receipts.decode(raw, file), PublicKey.from_hex(station.key)
    if key.id not in found.document.signers([key]):
        raise DataError(f"{file}: {station.name} has not signed it")
    one, of = found.receipt, own.receipt
    said = (one.station, one.device, one.recording, one.segment, one.sha256, one.size)
    if said != (station.name, of.device, of.recording, of.segment, of.sha256, of.size):
        raise DataError(f"{file}: it is for something else than what was forwarded")
    return found
