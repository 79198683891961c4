"""What cameras send, from the first byte to the receipt. Nothing here knows of HTTP.

    ledger      appended where it verifies (`ledger_copy`)           → durable, the segments that it states are expected
    question    nonce → SHA-256 of it and the stored file  → signed  → a newer receipt and the answer
    segment     parts → `staging` → SHA-256 as the ledger states it  → noted → `storage`, read back → receipt signed, in the index
                → the receipt's bytes in the storage too             → given to the camera

The uplink's key brings bytes and cannot say what they are: that is said by the ledger, which the camera's signing keys signed. A receipt is
given when the segment and the receipt itself are durable, and not before; asked for again it is the same one. One request at a time of each
camera, a second one is refused (`StoreBusyError`); any number of cameras at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from bodycamd.errors import DataError, NotFoundError, StorageError, StoreBusyError
from bodycamd.evidence import answers, receipts
from bodycamd.evidence.answers import CopyAnswer, SignedAnswer
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.receipts import Receipt, SignedReceipt
from bodycamd.evidence.roster import DAY_US
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.answer_pace import AnswerPace
from bodycamd.municipality.station.index import DeletedError, Index
from bodycamd.municipality.station.ledger_copy import LedgerCopy
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.own_receipts import lost_receipts
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.segments import ExpectedSegment, StoredSegment
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.station_clock import StationTime
from bodycamd.municipality.station.storage import Storage
from bodycamd.municipality.station.term import CopyFacts, kept_longer_us, kept_until_us

log = logging.getLogger(__name__)

MAX_OPENED: Final = 256
"""Ledgers that are held open: what was read of one is some kilobytes."""
MIN_LONGER_US: Final = 120_000_000
"""What is due sooner is not kept longer: it goes as it is."""
SECOND_US: Final = 1_000_000
MAX_RECEIPTS: Final = 100
"""In one answer."""


class LedgerFirstError(DataError):
    """The camera's ledger states no such segment, as far as the station has it: send the ledger first."""


class UndatedError(StorageError):
    """The store locks what it gets until a day, and the station's clock is not confirmed: no day is right. Try again later."""


class _Opened(Struct, frozen=True):
    """A ledger that is held open, and what it states of recordings."""

    copy: LedgerCopy
    facts: CopyFacts


class Progress(Struct, frozen=True):
    """How much of something is here, and the receipt once it is stored."""

    size_bytes: int
    receipt: SignedReceipt | None = None


class Intake:
    """What one process of a station takes from the cameras of the roster."""

    def __init__(
        self,
        name: str,
        signer: Signer,
        storage: Storage,
        staging: Staging,
        index: Index,
        *,
        days: int,
        clock: Callable[[], StationTime],
        own_term: bool = False,
        now_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._signer = name, signer
        self._storage, self._staging, self._index = storage, staging, index
        self._days, self._clock, self._own_term = days, clock, own_term
        self._pace = AnswerPace(now_seconds)
        self._restored = RestoredIndex(index.database)
        self._opened: dict[str, _Opened] = {}
        self._under_way: dict[str, tuple[ExpectedSegment, int]] = {}
        """What the last part of each camera was of, and how much of it was there then."""
        self._begun: set[str] = set()
        """Cameras that have begun to send their ledgers to this process."""
        self._heard: set[str] = set()
        """Cameras of which no receipt is lost here, since the station was not restored, or they got one since."""
        self._locks: dict[str, threading.Lock] = {}
        self._table = threading.Lock()

    def ledger_progress(self, device: str, first_key: PublicKey, start: int) -> Progress:
        """How much of a start's file is here."""
        with self.alone(device):
            self._begun.add(device)
            return Progress(self._ledger(device, first_key).copy.size_bytes(start))

    def take_ledger(self, device: str, first_key: PublicKey, start: int, offset: int, part: bytes) -> Progress:
        """Append whole lines. Raises as `LedgerCopy.append` does."""
        with self.alone(device):
            self._begun.add(device)
            ledger = self._ledger(device, first_key)
            try:
                ledger.copy.append(start, offset, part)
                self._note(device, ledger)
            except StorageError:
                self._opened.pop(device, None)
                raise
            return Progress(ledger.copy.size_bytes(start))

    def checkpoint_progress(self, device: str, first_key: PublicKey, first_kept: int) -> tuple[int, bool]:
        """How much of a checkpoint is here, and whether that is all of it. Raises `StorageError`."""
        with self.alone(device):
            return self._ledger(device, first_key).copy.checkpoint_bytes(first_kept)

    def take_checkpoint(
        self, device: str, first_key: PublicKey, first_kept: int, offset: int, part: bytes, *, last: bool
    ) -> tuple[int, bool]:
        """A part of the checkpoint behind which a shortened ledger begins. Raises as `LedgerCopy.add_checkpoint` does."""
        with self.alone(device):
            copy = self._ledger(device, first_key).copy
            copy.add_checkpoint(first_kept, offset, part, last=last)
            return offset + len(part), last

    def take_rest(self, device: str, first_key: PublicKey, start: int, rest: bytes) -> None:
        """What a cut left behind a file's good lines on the camera. Raises as `LedgerCopy.add_rest` does."""
        with self.alone(device):
            self._ledger(device, first_key).copy.add_rest(start, rest)

    def segment_progress(self, device: str, recording: str, file: str) -> Progress:
        """How much of a segment is here. Raises `LedgerFirstError`, `StorageError`."""
        with self.alone(device):
            segment, receipt = self._expected(device, recording, file)
            if receipt is not None:
                return Progress(segment.size, receipt)
            return Progress(self._staging.size_bytes(device, segment))

    def take_segment(
        self, device: str, first_key: PublicKey, recording: str, file: str, offset: int, part: bytes, *, last: bool
    ) -> Progress:
        """Put a part of a segment behind what is here; store the whole where it is the last one. A segment that is stored already is not
        taken again: its receipt is the answer. Raises `LedgerFirstError`, `OffsetError`, `DataError`, `StorageError`; `UndatedError`
        where it is whole, and waits for a clock that says until when to lock it.
        """
        with self.alone(device):
            segment = None if last else self._gone_on_with(device, recording, file, offset)
            if segment is None:
                segment, receipt = self._expected(device, recording, file)
                if receipt is not None:
                    return Progress(segment.size, receipt)
                self._check_heard(device)
            self._under_way.pop(device, None)
            self._staging.append(device, segment, offset, part)
            if not last:
                self._under_way[device] = segment, offset + len(part)
                return Progress(offset + len(part))
            staged, stored = self._staging.whole(device, segment)
            now = self._clock()
            if self._storage.locks and not now.confirmed:
                raise UndatedError("the station's clock is not confirmed yet: until when footage is locked would be wrong")
            ledger = self._ledger(device, first_key)
            until_us = max(now.wall_us, kept_until_us(ledger.facts, recording, now.wall_us, self._days))
            self._index.begin_put(device, stored, now.wall_us, until_us, dated=now.confirmed)
            until_us = self._storage.put_segment(device, stored, staged, until_us, now.wall_us)
            self._staging.drop(device, segment)
            try:
                return Progress(segment.size, self._sign(device, first_key, stored, now, until_us))
            except DeletedError:
                self._storage.delete_recording(device, recording)
                raise

    def ledger_receipt(self, device: str, first_key: PublicKey) -> SignedReceipt:
        """A receipt for the ledger as far as it is here: the newest one, where that says it already. Raises `NotFoundError` before the
        first line, `StorageError`.
        """
        with self.alone(device):
            self._check_heard(device)
            position = self._ledger(device, first_key).copy.position
            if position is None:
                raise NotFoundError(f"{device}: no line of its ledger is here")
            newest = self._index.last_receipt(device)
            if newest is not None and newest[0].receipt.head == position.head and not self._restored.is_unheard(device):
                return self._kept(device, *newest)
            now = self._clock()
            return self._sign(device, first_key, None, now, now.wall_us + self._days * DAY_US)

    def answer(self, device: str, first_key: PublicKey, recording: str, file: str, nonce: str) -> tuple[SignedReceipt | None, SignedAnswer]:
        """What only who has a stored segment can say of it: the file is read from the store now. `nonce` is 64 hex digits. Before it a
        newer receipt, where the segment is kept longer than the last one says: it came while the recording was going on. Raises
        `LedgerFirstError`, `NotFoundError` where it is not stored, `DataError` where the store has lost it, `UndatedError`,
        `StorageError`, `TooSoonError`. While the file is read, other requests of this camera go on, and so does what deletes its copies."""
        with self._pace.one(device):
            newer, segment = self._asked_for(device, first_key, recording, file)
            answer = CopyAnswer(
                station=self._name,
                device=device,
                recording=recording,
                segment=segment.number,
                nonce=nonce,
                sha256=self._storage.digest(device, recording, file, bytes.fromhex(nonce)),
                answered_at=wall_text(self._clock().wall_us),
            )
            return newer, answers.sign(answer, self._signer)

    def _asked_for(self, device: str, first_key: PublicKey, recording: str, file: str) -> tuple[SignedReceipt | None, ExpectedSegment]:
        """A newer receipt, and the segment."""
        with self.alone(device):
            self._check_heard(device)
            segment, given = self._expected(device, recording, file)
            if given is None:
                raise NotFoundError(f"{recording}/{file}: it is not stored here")
            now = self._clock()
            received_us, until_us = self._index.term_of(device, recording, file)
            if not now.confirmed or received_us is None:
                raise UndatedError("the station's clock is not confirmed yet: until when footage is kept would be wrong")
            stored = StoredSegment(recording, segment.number, file, segment.size, given.receipt.sha256 or "")
            return self._longer(device, first_key, stored, now, received_us, until_us), segment

    def _longer(
        self, device: str, first_key: PublicKey, stored: StoredSegment, now: StationTime, received_us: int, until_us: int | None
    ) -> SignedReceipt | None:
        facts = self._ledger(device, first_key).facts
        wanted_us = kept_longer_us(facts, stored.recording, received_us, now.wall_us, self._days)
        if wanted_us is None or (until_us is not None and wanted_us - until_us < SECOND_US):  # a lock is of whole seconds
            return None
        if wanted_us - now.wall_us < MIN_LONGER_US:
            return None
        found_us = max(until_us or 0, self._storage.keep_longer(device, stored, wanted_us))
        return self._sign(device, first_key, stored, now, found_us, longer=True)

    def receipts_after(self, device: str, n: int) -> list[SignedReceipt]:
        """The receipts that follow number `n`, oldest first, `MAX_RECEIPTS` at most."""
        return self._index.receipts_after(device, n, MAX_RECEIPTS)

    @contextmanager
    def facts(self, device: str, first_key: PublicKey) -> Iterator[CopyFacts]:
        """What a camera's ledger states, as far as it is here; nothing else of the camera is under way meanwhile. Raises `StoreBusyError`,
        `DataError` where the copy of the ledger does not verify, `StorageError`."""
        with self.alone(device):
            yield self._ledger(device, first_key).facts

    def _sign(
        self, device: str, first_key: PublicKey, stored: StoredSegment | None, now: StationTime, until_us: int, *, longer: bool = False
    ) -> SignedReceipt:
        position = self._ledger(device, first_key).copy.position
        assert position is not None  # the segment stands in it
        signed = self._index.sign_receipt(
            self._name,
            device,
            position.head,
            stored,
            now.wall_us,
            max(until_us, now.wall_us),
            self._signed,
            dated=now.confirmed,
            longer=longer,
        )
        return self._kept(device, signed, False)

    def _signed(self, receipt: Receipt) -> SignedReceipt:
        return receipts.sign(receipt, self._signer)

    def _kept(self, device: str, signed: SignedReceipt, kept: bool) -> SignedReceipt:
        """The receipt, once the storage has it too, and the log that it names the head of: a crash may have come in between."""
        if not kept:
            keep_log(self._index, self._storage)
            self._storage.put_receipt(device, signed.receipt.n, signed.document.file_bytes)
            self._index.receipt_is_kept(device, signed.receipt.n)
        return signed

    def _expected(self, device: str, recording: str, file: str) -> tuple[ExpectedSegment, SignedReceipt | None]:
        """A segment as the ledger states it, and its receipt once it is stored."""
        segment, given = self._index.expected(device, recording, file)
        if segment is None:
            raise LedgerFirstError(f"{recording}/{file}: the ledger, as far as it is here, states no such segment: send the ledger first")
        return segment, None if given is None else self._kept(device, *given)

    def _gone_on_with(self, device: str, recording: str, file: str, offset: int) -> ExpectedSegment | None:
        """The segment of the camera's last part, where this one follows on it and all that came is still there: only the first part and the
        last one, which is promised, ask the index. `None` where it is another one, or its recording was deleted since."""
        segment, size = self._under_way.get(device, (None, 0))
        if segment is None or (segment.recording, segment.file, size) != (recording, file, offset):
            return None
        return segment if self._staging.size_bytes(device, segment) == offset else None

    def _ledger(self, device: str, first_key: PublicKey) -> _Opened:
        ledger = self._opened.get(device)
        if ledger is None:
            with self._table:
                while len(self._opened) >= MAX_OPENED:
                    del self._opened[next(iter(self._opened))]
            ledger = _Opened(LedgerCopy(self._storage.camera(device), first_key), CopyFacts(own_term=self._own_term))
            self._note(device, ledger)
            self._opened[device] = ledger
        return ledger

    def _note(self, device: str, ledger: _Opened) -> None:
        lines = ledger.copy.new_lines()
        for line in lines:
            ledger.facts.take(line)
        self._index.note_lines(device, lines)
        if device not in self._heard:
            if self._restored.is_unheard(device):
                self._take_back(device, [line.detail for line in lines])
            else:
                self._heard.add(device)

    def _take_back(self, device: str, details: list[object]) -> None:
        """The receipts that the ledger states, and that are lost here."""
        key = self._signer.public

        def lost(n: int, last: str) -> list[SignedReceipt]:
            return lost_receipts(details, self._name, key, device, n, last)

        now = self._clock()
        most_us = now.wall_us + self._days * DAY_US if now.confirmed else None

        def is_here(recording: str, file: str) -> bool:
            if self._storage.has_segment(device, recording, file):
                return True
            log.error("%s: %s/%s has a receipt, and is not in the storage: it is lost here", device, recording, file)
            return False

        for signed in self._restored.take_back(device, lost, is_here, now.wall_us, most_us):
            self._kept(device, signed, False)
        keep_log(self._index, self._storage)

    def _check_heard(self, device: str) -> None:
        """Raises `LedgerFirstError` where the station was restored, and the camera has not begun to send its ledger since: it may state
        receipts whose numbers would be given once more."""
        if device in self._heard or device in self._begun:
            return
        if self._restored.is_unheard(device):
            raise LedgerFirstError("this station was restored: send the ledger first")

    @contextmanager
    def alone(self, device: str) -> Iterator[None]:
        """Nothing else of this camera is under way. It does not wait for that: a camera that asks twice at once would else keep the threads
        that the other cameras need. Raises `StoreBusyError`."""
        with self._table:
            lock = self._locks.setdefault(device, threading.Lock())
        if not lock.acquire(blocking=False):
            raise StoreBusyError(f"{device}: another request of this camera is under way")
        try:
            yield
        finally:
            lock.release()
