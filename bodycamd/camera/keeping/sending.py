"""What may be sent to the station, by the ledger's word, and the receipts that come back for it.

Nothing is offered that is not durable: whole lines up to the last one that the disk has taken, and a segment once its `segment_sealed` or
`segment_recovered` is one of them. What a receipt was stated for is not offered again.

**A receipt is believed as far as the roster and the camera's own ledger go.** A station of the roster in force signed it, it is for this
camera, the next of its chain, and its `head` is a line of this ledger, not before that of the receipt before. For a segment it has exactly
the size and the SHA-256 of the one here. Then it is stated, whole. More than the first one of each segment, the first later one by which
the station keeps it longer, and beside them sixty an hour, are not: whoever has a station's key cannot fill the ledger.

One thread: that which writes the ledger. The counts may be read from any.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Final

from msgspec import Struct

from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.rosters import Enter
from bodycamd.camera.keeping.waiting import Question, Waiting, WaitingRecording, WaitingSegment, WaitingStart
from bodycamd.errors import DataError, NotFoundError, UnavailableError
from bodycamd.evidence import receipts, signed_document
from bodycamd.evidence.entries import KeyChanged, SegmentRecovered, SegmentSealed, StartDetail
from bodycamd.evidence.ledger_reader import LEDGER_FILE, Line
from bodycamd.evidence.noted_entries import Marked, Uploaded
from bodycamd.evidence.receipts import Receipt, Received, SignedReceipt, judge_receipt
from bodycamd.evidence.retention_entries import LedgerShortened, RecordingDeleted, RecordingDeleting, TimeStated
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.roster_acceptance import Now as KnownTime
from bodycamd.evidence.roster_acceptance import has_ended
from bodycamd.evidence.statements import wall_us
from bodycamd.linux.clock import Clock

log = logging.getLogger(__name__)

MOST_OTHERS_AN_HOUR: Final = 60
"""Receipts beside the first one of each segment, and the first later one that keeps it longer."""
HOUR_US: Final = 3_600_000_000
_DIGEST: Final = 32
_OTHER_BYTES: Final = "the segment here has another size or SHA-256"
_SAYS_LITTLE: Final = (Uploaded, KeyChanged, TimeStated)
"""Entries that by themselves are no reason to ask for a receipt: else each receipt would be one for the next."""


class Segment(Struct, frozen=True):
    """A segment's file as the ledger states it: `torn_bytes` follow the good ones where a cut left them."""

    number: int
    file: str
    good_bytes: int
    sha256: str
    torn_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        """Of the whole file."""
        return self.good_bytes + self.torn_bytes


class _Recording(Struct):
    segments: dict[int, Segment] = {}
    """Those without a receipt."""
    received: dict[int, Segment] = {}
    kept_until_us: dict[int, int] = {}
    """Of those, by the newest receipt; a segment that was kept longer once is not in it any more."""
    marked: bool = False
    deleting: bool = False

    def all(self) -> tuple[Segment, ...]:
        """Those with a receipt too."""
        return (*self.segments.values(), *self.received.values())


class Sending:
    """What may be sent of one camera to the station `station`. `take` each verified line, oldest first; `attach` once a start has begun."""

    def __init__(self, station: str, device: str, clock: Clock) -> None:
        self._station, self._device, self._clock = station, device, clock
        self._recordings: dict[str, _Recording] = {}
        self._ends: dict[int, int] = {}
        self._rests: dict[int, int] = {}
        self._checkpoint: tuple[int, str] | None = None
        """The first start behind the checkpoint, and the checkpoint's SHA-256."""
        self._received = Received()
        self._last: Receipt | None = None
        self._heads = bytearray()
        """The SHA-256 of each line from the head of the last receipt on."""
        self._news = 0
        """How many of these lines there were when something was stated that is a reason for a receipt."""
        self._durable: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._lost = ""
        self._hour_us: int | None = None
        self._others = 0
        self.segments = self.bytes = 0

    # --- the ledger -----------------------------------------------------------------------------------------------------------------------

    def attach(self, durable: Callable[[], tuple[int, int]]) -> None:
        """`durable` says which start runs, and how many bytes of its ledger file are durable."""
        self._durable = durable

    def take(self, line: Line) -> None:
        """One verified line more. A line that is there and not durable can vanish again: from then on nothing is offered in this start."""
        start, durable_bytes = self._durable()
        if line.entry.start == start and line.end > durable_bytes:
            self._lost = "the disk has not taken the ledger's last line: nothing is sent before the next start"
            return
        self._ends[line.entry.start] = line.end
        self._heads += bytes.fromhex(line.sha256)
        if not isinstance(line.detail, _SAYS_LITTLE):
            self._news = len(self._heads)
        match line.detail:
            case StartDetail(torn_ledgers=torn_ledgers):
                for torn in torn_ledgers:
                    if named := LEDGER_FILE.fullmatch(torn.file):
                        self._ends.setdefault(int(named[1]), torn.good_bytes)
                        self._rests[int(named[1])] = torn.torn_bytes
            case SegmentSealed(recording=recording, segment=number, file=file, size=size, sha256=sha256):
                self._add(recording, Segment(number, file, size, sha256))
            case SegmentRecovered() as cut:
                self._add(cut.recording, Segment(cut.segment, cut.file, cut.good_bytes, cut.sha256, cut.torn_bytes))
            case Marked(recording=recording):
                self._of(recording).marked = True
            case RecordingDeleting(recording=recording) if recording in self._recordings:
                self._stop(self._recordings[recording])
            case RecordingDeleted(recording=recording) if recording in self._recordings:
                self._stop(self._recordings.pop(recording))
            case LedgerShortened(first_kept=first_kept, sha256=sha256):
                self._checkpoint = first_kept, sha256
                self._ends = {start: end for start, end in self._ends.items() if start >= first_kept}
            case Uploaded() as stated:
                self._take_receipt(stated)

    def _of(self, recording: str) -> _Recording:
        return self._recordings.setdefault(recording, _Recording())

    def _add(self, recording: str, segment: Segment) -> None:
        self._of(recording).segments[segment.number] = segment
        self.segments += 1
        self.bytes += segment.size_bytes

    def _stop(self, recording: _Recording) -> None:
        """It is being deleted: nothing of it is sent any more."""
        if not recording.deleting:
            recording.deleting = True
            self.segments -= len(recording.segments)
            self.bytes -= sum(segment.size_bytes for segment in recording.segments.values())

    def _take_receipt(self, stated: Uploaded) -> None:
        try:
            signed = receipts.decode(signed_document.from_entry(stated.document, "a receipt"), "a receipt")
        except DataError as error:
            log.error("a stated receipt cannot be read: %s", error)
            return
        receipt = signed.receipt
        if receipt.station != self._station:
            return
        self._received, self._last = Received(receipt.n, signed.id), receipt
        at = self._place(receipt.head)
        if at is not None:
            del self._heads[:at]
            self._news -= at
        known = self._recordings.get(receipt.recording or "")
        if known is None:
            return
        if _keeps_longer(receipt, known):
            del known.kept_until_us[receipt.segment or 0]
        if receipt.segment in known.segments:
            segment = known.received[receipt.segment] = known.segments.pop(receipt.segment)
            known.kept_until_us[receipt.segment] = _until_us(receipt)
            if not known.deleting:
                self.segments -= 1
                self.bytes -= segment.size_bytes

    def _place(self, head: str) -> int | None:
        """Where a line's SHA-256 is in `_heads`."""
        wanted, at = bytes.fromhex(head), -1
        while (at := self._heads.find(wanted, at + 1)) >= 0:
            if at % _DIGEST == 0:
                return at
        return None

    # --- what is asked --------------------------------------------------------------------------------------------------------------------

    @property
    def stored_at(self) -> str:
        """When the station stored something last, by its newest receipt's word; empty without one."""
        return self._last.stored_at if self._last is not None else ""

    @property
    def receipts(self) -> int:
        """How many receipts of the station were stated."""
        return self._received.n

    def waiting(self, held: Collection[str], question: Question | None = None) -> Waiting:
        """All that may be sent; `held` are the recordings on hold. `question` is passed on. Raises `UnavailableError`."""
        self._check()
        return Waiting(
            receipts=self._received.n,
            receipt_due=self._news > _DIGEST or (self._news > 0 and self._last is None),
            starts=[WaitingStart(start, end, self._rests.get(start, 0)) for start, end in sorted(self._ends.items())],
            recordings=[
                WaitingRecording(
                    recording=name,
                    segments=len(known.segments),
                    bytes=sum(segment.size_bytes for segment in known.segments.values()),
                    held=name in held,
                    marked=known.marked,
                )
                for name, known in sorted(self._recordings.items())
                if known.segments and not known.deleting
            ],
            question=question,
            checkpoint=self._checkpoint[0] if self._checkpoint is not None else None,
        )

    def waiting_segments(self, recording: str) -> list[WaitingSegment]:
        """Of one recording. Raises `NotFoundError` for one that nothing of may be sent, `UnavailableError`."""
        segments = self._offered(recording).segments
        return [WaitingSegment(one.number, one.file, one.size_bytes) for _, one in sorted(segments.items())]

    def segment(self, recording: str, file: str) -> Segment:
        """A segment by the names that the ledger has, also where a receipt has come. Raises as `waiting_segments` does."""
        for segment in self._offered(recording).all():
            if segment.file == file:
                return segment
        raise NotFoundError("the ledger states no such segment that may be sent")

    def numbered(self, recording: str, number: int) -> Segment:
        """The same by its number."""
        for segment in self._offered(recording).all():
            if segment.number == number:
                return segment
        raise NotFoundError("the ledger states no such segment that may be sent")

    def ledger(self, start: int) -> WaitingStart:
        """A start's ledger file. Raises as `waiting_segments` does."""
        self._check()
        if start not in self._ends:
            raise NotFoundError(f"the ledger has no start {start}")
        return WaitingStart(start, self._ends[start], self._rests.get(start, 0))

    def checkpoint(self, start: int) -> str:
        """The SHA-256 of the checkpoint behind which the ledger begins with this start. Raises as `waiting_segments` does."""
        self._check()
        if self._checkpoint is None or self._checkpoint[0] != start:
            raise NotFoundError(f"no checkpoint leads to start {start}")
        return self._checkpoint[1]

    def _offered(self, recording: str) -> _Recording:
        self._check()
        known = self._recordings.get(recording)
        if known is None or known.deleting:
            raise NotFoundError("the ledger states no such recording that may be sent")
        return known

    def _check(self) -> None:
        if self._lost:
            raise UnavailableError(self._lost)

    # --- receipts -------------------------------------------------------------------------------------------------------------------------

    def of_receipt(self, receipt: Receipt) -> tuple[str, Segment] | None:
        """Recording and segment that a receipt is for; `None`: for the ledger, or for what is not here any more."""
        known = self._recordings.get(receipt.recording or "")
        if known is None or known.deleting or receipt.segment is None or receipt.recording is None:
            return None
        segment = known.segments.get(receipt.segment) or known.received.get(receipt.segment)
        return None if segment is None else (receipt.recording, segment)

    def refusal(self, signed: SignedReceipt, in_force: SignedRoster | None, now: KnownTime) -> Delivered | None:
        """What is told of a receipt that is not taken whatever a segment holds; `None` for one that may be. Nothing is read for it. Under a
        roster that has ended by `now` nobody's word says what a station has: the receipt is given again under the next one."""
        if in_force is None:
            return _told(signed, "no_roster", "no roster is in force on this camera")
        outcome: str = judge_receipt(signed, in_force, self._device, self._received)
        if outcome == "repeated":
            return _told(signed, outcome, "it is in the ledger already", done=True)
        if outcome != "accepted":
            return _told(signed, outcome, outcome.replace("_", " "))
        if has_ended(in_force.roster, now):
            return _told(signed, "roster_ended", f"the roster in force ended on {in_force.roster.not_after}; the next one makes it count")
        receipt = signed.receipt
        if receipt.station != self._station:
            return _told(signed, "other_station", f"this camera sends to {self._station}")
        if self._place(receipt.head) is None:
            return _told(signed, "other_ledger", "its head is no line of this ledger since the receipt before")
        found = self.of_receipt(receipt)
        if found is not None:
            _, segment = found
            if receipt.size != segment.size_bytes or not (segment.torn_bytes or receipt.sha256 == segment.sha256):
                return _told(signed, "other_bytes", _OTHER_BYTES)
        return None

    def deliver(self, signed: SignedReceipt, in_force: SignedRoster | None, now: KnownTime, whole_sha256: str, enter: Enter) -> Delivered:
        """Judge a receipt and state it. `now` as of `refusal`; `whole_sha256` is of the segment's whole file, where a cut left something
        behind the good bytes: of that the ledger states only the parts. Raises `StorageError`."""
        if (refused := self.refusal(signed, in_force, now)) is not None:
            return refused
        assert in_force is not None, "refused above"
        receipt = signed.receipt
        found = self.of_receipt(receipt)
        if found is not None and found[1].torn_bytes and receipt.sha256 != whole_sha256:
            return _told(signed, "other_bytes", _OTHER_BYTES)
        if not self._is_free(receipt, found) and not self._one_more():
            return _told(signed, "too_many", f"{MOST_OTHERS_AN_HOUR} receipts beside those of new segments came within an hour")
        stated = Uploaded(
            receipt=signed.id,
            document=signed_document.entry_text(signed.document),
            roster_sha256=in_force.document.sha256,
            recording=receipt.recording,
            segment=receipt.segment,
        )
        enter(stated)
        return _told(signed, "accepted", "", done=True)

    def _is_free(self, receipt: Receipt, found: tuple[str, Segment] | None) -> bool:
        """Whether it is none of the sixty: there are two of a segment at most."""
        if found is None:
            return False
        recording = self._recordings[found[0]]
        return found[1].number in recording.segments or _keeps_longer(receipt, recording)

    def _one_more(self) -> bool:
        now_us = self._clock.now_us()
        if self._hour_us is None or now_us - self._hour_us >= HOUR_US:
            self._hour_us, self._others = now_us, 0
        if self._others >= MOST_OTHERS_AN_HOUR:
            return False
        self._others += 1
        return True


def _until_us(receipt: Receipt) -> int:
    return wall_us(receipt.kept_until, "a receipt")


def _keeps_longer(receipt: Receipt, recording: _Recording) -> bool:
    """Whether it is the first one by which the station keeps a segment longer than it had said."""
    said_us = recording.kept_until_us.get(receipt.segment) if receipt.segment is not None else None
    return said_us is not None and _until_us(receipt) > said_us


def _told(signed: SignedReceipt, outcome: str, why: str, *, done: bool = False) -> Delivered:
    return Delivered(id=signed.id, outcome=outcome, done=done, why=why)
